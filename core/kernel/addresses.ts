/**
 * The client of a line: its address is read, masked and staged as an entry of the prefix. Plain IPv4 and IPv6 only; what else
 * there is (mapped addresses, zones, `unix:`) is left to `client_prefix.ts`, which says what an entry holds.
 */
import {
  HUNDREDS,
  LOW_BYTES,
  NINES,
  OCTETS_MAX,
  QUAD_ENDS,
  QUAD_LEASTS,
  QUAD_PATTERNS,
  QUAD_SHUFFLES,
  SCRATCH,
  TENS,
  ZERO_CHARACTERS,
} from "./layout";
import { hashShort } from "./hash";
import { isOutside } from "./digits";

const DOT: u32 = 46, COLON: u32 = 58;

/** Where the prefix stands in a staged line. */
const PREFIX: usize = 12;

/** Bytes of scratch that a client takes: entries of up to eight bytes, as two words. */
export const CLIENT_SCRATCH: i32 = 8;

/** What `prepareAddresses` was told: the first two bytes of an IPv4 entry, its bytes, the bits of an address that it keeps. */
let v4Head: i32 = 0, v4Length: i32 = 0, v4Mask: i32 = 0;
/** The same for IPv6, by groups of the address; -1 where more than three are kept. */
let v6Head: i32 = 0, v6Length: i32 = 0, v6Mask0: u32 = 0, v6Mask1: u32 = 0, v6Mask2: u32 = 0;

/** Before anything else: see `prepare` in `scan.ts`. */
export function prepareAddresses(
  head4: i32,
  length4: i32,
  mask4: i32,
  head6: i32,
  length6: i32,
  mask60: i32,
  mask61: i32,
  mask62: i32,
): void {
  v4Head = head4;
  v4Length = length4;
  v4Mask = mask4;
  v6Head = head6;
  v6Length = length6;
  v6Mask0 = u32(mask60);
  v6Mask1 = u32(mask61);
  v6Mask2 = u32(mask62);
  v128.store(ZERO_CHARACTERS, i8x16.splat(0x30));
  v128.store(NINES, i8x16.splat(9));
  v128.store(LOW_BYTES, i16x8.splat(0xff));
  v128.store(TENS, i16x8.splat(10));
  v128.store(HUNDREDS, i32x4.splat(100 | 1 << 16));
  v128.store(OCTETS_MAX, i32x4.splat(255));
  prepareQuads();
}

/**
 * By the pattern of digits (0) and others (1) in sixteen bytes, QUAD_PATTERNS has a number for every way to write four numbers
 * of one to three digits, 0 for anything else. By this number there is: how to shuffle the digits into four words of four, the
 * last digit last (QUAD_SHUFFLES); the least that each may be, since a leading zero is no address (QUAD_LEASTS); and the four
 * ends, four bits each (QUAD_ENDS).
 */
function prepareQuads(): void {
  for (let lengths = 0; lengths < 81; lengths++) {
    const number = usize(lengths) + 1;
    let end = -1, pattern = 0, ends = 0;
    for (let o = 0, left = lengths; o < 4; o++, left /= 3) {
      const digits = 1 + left % 3, word = usize(o) << 2;
      end += 1 + digits;
      pattern |= 1 << end;
      ends |= end << (o << 2);
      for (let back = 1; back <= 4; back++) {
        store<u8>(QUAD_SHUFFLES + (number << 4) + word + 4 - usize(back), back <= digits ? end - back : 0x80);
      }
      store<i32>(QUAD_LEASTS + (number << 4) + word, digits == 3 ? 100 : digits == 2 ? 10 : 0);
    }
    store<u8>(QUAD_PATTERNS + usize(pattern), number);
    store<i32>(QUAD_ENDS + (number << 2), ends);
  }
}

/**
 * Stages the prefix of the client whose `length` bytes begin at `client`, in SCRATCH from `scratch` on. Not 0 for a client that is
 * unusual.
 */
@inline
export function stageClient(
  staged: usize,
  client: usize,
  length: i32,
  scratch: i32,
  seeds: v128,
  steps: v128,
  folds: v128,
): u32 {
  const digits = i8x16.sub(v128.load(client), v128.load(ZERO_CHARACTERS));
  const others = i8x16.bitmask(i8x16.gt_u(digits, v128.load(NINES))) & ((2 << length) - 1);
  const quad = length > 15 ? 0 : usize(load<u8>(QUAD_PATTERNS + usize(others & 0xffff)));
  let first = 0, second = 0, prefixLength = v4Length, wrong: u32 = 0;
  if (quad != 0) {
    // All four numbers at once: of each word the hundreds, and the last two digits together; then the whole number.
    const words = i8x16.swizzle(digits, v128.load(QUAD_SHUFFLES + (quad << 4)));
    const tens = i16x8.mul(v128.and(words, v128.load(LOW_BYTES)), v128.load(TENS));
    const numbers = i32x4.dot_i16x8_s(i16x8.add(tens, i16x8.shr_u(words, 8)), v128.load(HUNDREDS));
    const least = v128.load(QUAD_LEASTS + (quad << 4));
    wrong = u32(v128.any_true(v128.or(i32x4.gt_s(numbers, v128.load(OCTETS_MAX)), i32x4.lt_s(numbers, least))));
    const ends = load<u32>(QUAD_ENDS + (quad << 2));
    wrong |= (at(client + (ends & 15)) ^ DOT) | (at(client + (ends >> 4 & 15)) ^ DOT);
    wrong |= at(client + (ends >> 8 & 15)) ^ DOT;
    const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(numbers, numbers), i16x8.splat(0));
    const address = i32x4.extract_lane(bytes, 0) & v4Mask;
    first = v4Head | address << 16;
    second = address >>> 16;
  } else {
    prefixLength = v6Length;
    wrong = u32(v6Head < 0 || !readGroups(client, length));
    first = v6Head | inNetworkOrder(group0 & v6Mask0) << 16;
    second = inNetworkOrder(group1 & v6Mask1) | inNetworkOrder(group2 & v6Mask2) << 16;
  }
  const prefix = u64(u32(first)) | u64(u32(second)) << 32;
  store<i32>(staged + PREFIX, hashShort(prefix, prefixLength, seeds, steps, folds));
  store<i32>(staged + PREFIX, ~scratch, 4);
  store<i32>(staged + PREFIX, prefixLength, 8);
  store<u64>(SCRATCH + usize(scratch), prefix);
  return wrong;
}

@inline
function at(p: usize): u32 {
  return load<u8>(p);
}

// ---------------------------------------------------------------- IPv6

/** The first three groups of an address: results of `readGroups`. */
let group0: u32 = 0, group1: u32 = 0, group2: u32 = 0;

/** Reads an IPv6 address; false for anything else, and for what is left to `parseLogtail`. */
function readGroups(p: usize, length: i32): bool {
  if (isOutside(length, 2, 39) != 0) return false;
  const inside = (<u64> 1 << u64(length)) - 1;
  const colons = (colonsOf(p) | colonsOf(p + 16) << 16 | colonsOf(p + 32) << 32) & inside;
  const digits = (hexDigitsOf(p) | hexDigitsOf(p + 16) << 16 | hexDigitsOf(p + 32) << 32) & inside;
  if ((colons | digits) != inside) return false;
  // No group has more than four digits: nowhere are there five in a row.
  const two = digits & digits >> 1;
  if ((two & two >> 2 & digits >> 4) != 0) return false;
  const gaps = colons & colons >> 1;
  if (gaps != 0) return readShort(p, length, colons, gaps);
  if (popcnt(colons) != 7 || (colons & 1) != 0 || at(p + usize(length) - 1) == COLON) return false;
  const end0 = i32(ctz(colons)), after1 = colons & colons - 1, end1 = i32(ctz(after1));
  const end2 = i32(ctz(after1 & after1 - 1));
  group0 = hexNumber(p + usize(end0), end0);
  group1 = hexNumber(p + usize(end1), end1 - end0 - 1);
  group2 = hexNumber(p + usize(end2), end2 - end1 - 1);
  return (group0 | group1 | group2) != 0; // it may be IPv4, mapped
}

/** The same where `::` stands for groups of zeros. */
function readShort(p: usize, length: i32, colons: u64, gaps: u64): bool {
  if ((gaps & gaps - 1) != 0 || (colons & 1) != 0) return false;
  const gap = i32(ctz(gaps)), ends = colons | <u64> 1 << u64(length);
  const before = i32(popcnt(colons & ((<u64> 1 << u64(gap)) - 1))) + 1, all = i32(popcnt(colons));
  if (all > 7) return false;
  if (gap + 2 != length && at(p + usize(length) - 1) == COLON) return false;
  // What is written behind the gap are the last groups: with the first three they could only meet if there were more than five.
  if (before < 3 && all - before > 5) return false;
  const end0 = i32(ctz(ends));
  group0 = hexNumber(p + usize(end0), end0);
  group1 = group2 = 0;
  if (before > 1) {
    const after1 = ends & ends - 1, end1 = i32(ctz(after1));
    group1 = hexNumber(p + usize(end1), end1 - end0 - 1);
    if (before > 2) {
      const end2 = i32(ctz(after1 & after1 - 1));
      group2 = hexNumber(p + usize(end2), end2 - end1 - 1);
    }
  }
  return group0 != 0;
}

@inline
function colonsOf(p: usize): u64 {
  return u64(u32(i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(58)))));
}

/** A bit for every hexadecimal digit of sixteen bytes, capital or not. */
@inline
function hexDigitsOf(p: usize): u64 {
  const block = v128.load(p), letters = i8x16.sub(v128.or(block, i8x16.splat(0x20)), i8x16.splat(97));
  const isDigit = i8x16.le_u(i8x16.sub(block, i8x16.splat(48)), i8x16.splat(9));
  return u64(u32(i8x16.bitmask(v128.or(isDigit, i8x16.le_u(letters, i8x16.splat(5))))));
}

/** The hexadecimal digits, one to four, that end before `end`, as a number. */
@inline
function hexNumber(end: usize, digits: i32): u32 {
  const text = load<u32>(end - 4);
  const nibbles = ((text & 0x0f0f0f0f) + (text >> 6 & 0x01010101) * 9) & (<u32> -1 << u32(32 - (digits << 3)));
  const pairs = (nibbles << 4 | nibbles >> 8) & 0x00ff00ff;
  return (pairs << 8 | pairs >> 16) & 0xffff;
}

/** The two bytes of a group in network order, as a little-endian number. */
@inline
function inNetworkOrder(group: u32): i32 {
  return i32(group >>> 8 | (group & 0xff) << 8);
}
