/**
 * Interning for batches of lines: `InternTable` of `intern.ts`, whose columns lie in this memory; read there what they hold
 * and why. A look-up takes half to nine tenths of the time that it takes in JavaScript (docs/performance.md): bytes are
 * compared and copied sixteen at a time, with a mask in place of a loop's last step, so that the processor guesses wrong
 * less often.
 */
import { CHUNK, DIMENSION_COUNT, ENTRY_BYTES, FOLDS, IDS, LINE_BYTES, SCRATCH, STAGED, STEPS, ZEROS } from "./layout";
import { hashText, seed } from "./hash";

/** Slots looked at for one entry, as in `intern.ts`. */
const PROBES_MAX: i32 = 64;
/** Slots from which they are touched before they are looked at. */
const TOUCHED_SLOTS_MIN: i32 = 8192;
const ID_BYTES: usize = 4;
const LINE_IDS_BYTES: usize = usize(DIMENSION_COUNT) * ID_BYTES;

/** Entries of up to so many bytes that were looked up last, in as many places by the low bits of their hash: see `intern.ts`. */
const SHORT_BYTES: i32 = 4;
const SHORT_PLACES: i32 = 64;

/** What a closed dictionary says of an entry that it does not have. */
const MISSING: i32 = -1;

/** Results of `lookUp`, besides what it returns. */
export let size: i32 = 0;
export let bytes: i32 = 0;

/** So that touching is not left out. */
let touched: i32 = 0;

@inline
function address(start: i32): usize {
  return start >= 0 ? CHUNK + usize(start) : SCRATCH + usize(~start);
}

/** Hashes the entries of lines `from … to`: of those dimensions that `dimensions` has a bit for. */
export function hashEntries(dimensions: i32, from: i32, to: i32): void {
  const seeds = i32x4.splat(seed), steps = v128.load(STEPS), folds = v128.load(FOLDS);
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    if ((dimensions >> d & 1) == 0) continue;
    let s = STAGED + usize(from) * LINE_BYTES + usize(d) * ENTRY_BYTES;
    for (let i = from; i < to; i++, s += LINE_BYTES) {
      store<i32>(s, hashText(address(load<i32>(s, 4)), load<i32>(s, 8), seeds, steps, folds));
    }
  }
}

/**
 * Looks up the entry of dimension `d` of `count` lines from line `from` on, whose hashes are there; the ids go to IDS. Returns
 * how many it has done: it stops before an entry for which there is no slot, or no room in `textBytes`. The caller has seen
 * to it that the slots suffice. Sets `size` and `bytes`.
 */
export function lookUp(
  slots: usize,
  mask: i32,
  ends: usize,
  hashes: usize,
  text: usize,
  textBytes: i32,
  short: usize,
  isClosed: i32,
  entries: i32,
  entryBytes: i32,
  d: i32,
  from: i32,
  count: i32,
  isShort: i32,
): i32 {
  return isShort != 0
    ? lookUpAll(slots, mask, ends, hashes, text, textBytes, short, isClosed, entries, entryBytes, d, from, count, true)
    : lookUpAll(slots, mask, ends, hashes, text, textBytes, short, isClosed, entries, entryBytes, d, from, count, false);
}

/** The same; compiled twice, so that what is not short is never asked whether it is. */
@inline
function lookUpAll(
  slots: usize,
  mask: i32,
  ends: usize,
  hashes: usize,
  text: usize,
  textBytes: i32,
  short: usize,
  isClosed: i32,
  entries: i32,
  entryBytes: i32,
  d: i32,
  from: i32,
  count: i32,
  isShort: bool,
): i32 {
  let s = STAGED + usize(from) * LINE_BYTES + usize(d) * ENTRY_BYTES;
  let out = IDS + usize(from) * LINE_IDS_BYTES + usize(d) * ID_BYTES;
  // The cache misses of a batch overlap then, instead of waiting for one another. Fewer slots stay in the first cache.
  if (mask + 1 >= TOUCHED_SLOTS_MIN) {
    let touch = 0;
    for (let i = 0, t = s; i < count; i++, t += LINE_BYTES) touch ^= load<i32>(slots + (usize(load<i32>(t) & mask) << 2));
    touched ^= touch;
  }
  let i = 0;
  for (; i < count; i++, s += LINE_BYTES, out += LINE_IDS_BYTES) {
    const hash = load<i32>(s), length = load<i32>(s, 8), known = short + (usize(hash & SHORT_PLACES - 1) << 3);
    if (isShort && length <= SHORT_BYTES && load<i32>(known) == hash && load<u16>(known, 6) == u16(length + 1)) {
      store<i32>(out, i32(load<u16>(known, 4)));
      continue;
    }
    const start = address(load<i32>(s, 4));
    let slot = hash & mask, id = 0, there = load<i32>(slots + (usize(slot) << 2));
    const last = (slot + PROBES_MAX) & mask;
    while (there != 0) {
      id = there & mask;
      if (((there ^ hash) & ~mask) == 0) {
        const both = load<u64>(ends + (usize(id) << 2) - 4), at = u32(both);
        if (u32(both >> 32) - at == u32(length) && isSame(text + at, start, length)) break;
      }
      id = 0;
      slot = (slot + 1) & mask;
      if (slot == last) break;
      there = load<i32>(slots + (usize(slot) << 2));
    }
    if (id == 0) {
      if (there != 0) break;
      if (isClosed != 0) id = MISSING;
      else {
        if (entryBytes + length + 16 > textBytes) break;
        id = entries++;
        copy(text + usize(entryBytes), start, length);
        entryBytes += length;
        store<i32>(ends + (usize(id) << 2), entryBytes);
        store<i32>(hashes + (usize(id) << 2), hash);
        store<i32>(slots + (usize(slot) << 2), (hash & ~mask) | id);
      }
    }
    store<i32>(out, id);
    if (isShort && length <= SHORT_BYTES && id > 0 && id <= 0xffff) {
      store<i32>(known, hash);
      store<i32>(known, (length + 1) << 16 | id, 4);
    }
  }
  size = entries;
  bytes = entryBytes;
  return i;
}

/** Whether two texts of one length are the same. Reads up to fifteen bytes behind them. */
@inline
function isSame(a: usize, b: usize, length: i32): bool {
  if (length <= 8) return ((load<u64>(a) ^ load<u64>(b)) & load<u64>(ZEROS - usize(length))) == 0;
  for (; length > 16; length -= 16, a += 16, b += 16) {
    if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return false;
  }
  const differs = v128.xor(v128.load(a), v128.load(b));
  return !v128.any_true(v128.and(differs, v128.load(ZEROS - usize(length))));
}

/** Copies whole blocks: what follows the text is overwritten. */
@inline
function copy(to: usize, from: usize, length: i32): void {
  for (; length > 0; length -= 16, to += 16, from += 16) v128.store(to, v128.load(from));
}
