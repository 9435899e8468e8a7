/**
 * The fast path of the `logtail` format: lines without anything unusual, four bytes at a time.
 *
 * Unusual, and left to `parseLogtail`, is what few lines hold: escapes, absent values where there is nearly always one,
 * control characters, a carriage return, numbers beyond eight digits, addresses other than plain IPv4 and full IPv6.
 * So this file may be as narrow as it likes: it has to be right about what it accepts, and nothing else.
 *
 * The tricks (`deno task bench` measures all of them together, `format_logtail_test.ts` holds them to `parseLogtail`):
 *
 * - Text is scanned by words. Subtracting 0x20 from every byte of a word at once borrows into the top bit of a byte that
 *   is a control character; the same works for "is this byte x" after xor with x. The lowest such bit is always right,
 *   those above it may be borrowed: only the lowest is used.
 * - The hash of a text is made on the way, from the words at hand.
 * - Where the four dots and ends of an IPv4 address are is one look-up: the pattern of digits and others in 16 bytes.
 * - Numbers up to eight digits are two words, masked to their digits and multiplied together by pairs.
 * - A second that is the one of the line before is not read again.
 * - Where a scanner stopped is a local variable as far as it goes: one of the module is read with a check each time.
 */
import * as bounds from "./bounds.ts";
import * as measures from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import * as prefixes from "./client_prefix.ts";
import * as intern from "./intern.ts";
import * as batches from "./line_batch.ts";
import type { LineBatch } from "./line_batch.ts";
import { isFlag, isNumber } from "./log_fields.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BATCH_LINES, ENTRY_BYTES_MAX } = bounds;
const { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } = measures;
const { ASN, METHOD, PREFIX, STATUS, TOR, URI, WEBSITE } = dimensions;
const { FAMILY_4, FAMILY_6 } = prefixes;
const { hashEnd, hashWord, hashWords } = intern;
const { ENTRY_WORDS, LINE_WORDS } = batches;

const TAB = 9, NEWLINE = 10, DASH = 45, DOT = 46, COLON = 58, QUESTION_MARK = 63, BACKSLASH = 92;
/** `GET` and a tab as a little-endian word: nine requests in ten. */
const GET_TAB = 0x09544547;
const QUESTION_MARKS = 0x3f3f3f3f, BACKSLASHES = 0x5c5c5c5c;

/** Where the last of the smaller scanners stopped: their second result, kept here so that a line allocates nothing. */
let stop = 0;

/**
 * `LineFormat.scan` of the logtail format. One function from the first byte of a line to its last, over as many lines as
 * are usual: every call and every property that is read again costs some per cent here.
 */
export function scanLogtail(bytes: Uint8Array, view: DataView, from: number, end: number, batch: LineBatch): number {
  const { staged, values, times, starts, scratchView } = batch;
  const v4Head = FAMILY_4 | batch.masks.v4Bits << 8;
  // With `| 0` V8 knows that a number is a 32-bit integer and stays one: no tags, no checks for overflow.
  const seed = batch.seed | 0, v4Length = batch.v4Length | 0, v4Mask = batch.v4Mask | 0, last = end | 0;
  const hashOfGet = hashEnd(seed, GET_TAB & 0xffffff, 3);
  let count = batch.count | 0, start = from | 0, scratch = batch.scratchLength | 0, hasOptional = batch.hasOptional;
  // The second read last: its ten digits as words, and what they say. Lines of one second follow one another.
  let secondA = 0, secondB = 0, secondC = 0, timeS = -1;
  while (start < last && count < BATCH_LINES) {
    const line = count * LINE_WORDS | 0;

    // The host, hashed four bytes at a time up to the first control character or backslash.
    let p = start, hash = seed, word = view.getInt32(p, true), ends = 0;
    for (;;) {
      if (!isPlain(word) && (ends = endsHost(word)) !== 0) break;
      hash = hashWord(hash, word);
      p = p + 4 | 0;
      word = view.getInt32(p, true);
    }
    let bits = bitsBefore(ends);
    p = p + (bits >>> 3) | 0;
    let at = line + WEBSITE * ENTRY_WORDS | 0;
    staged[at] = hashEnd(hash, word & (1 << bits) - 1, p - start);
    staged[at + 1] = start;
    staged[at + 2] = p - start;
    if (bytes[p] !== TAB || !isUsual(bytes, start, p)) break;

    // The client. IPv4: four numbers whose ends are one look-up away. Anything else is looked at byte by byte.
    p = p + 1 | 0;
    at = line + PREFIX * ENTRY_WORDS | 0;
    const octets = p < 4 ? 0 : OCTET_ENDS[
      nibble(view.getInt32(p, true)) | nibble(view.getInt32(p + 4, true)) << 4 |
      nibble(view.getInt32(p + 8, true)) << 8 | nibble(view.getInt32(p + 12, true)) << 12
    ];
    if (octets === 0) {
      batch.scratchLength = scratch;
      if (!scanV6(bytes, p, batch, at)) break;
      p = stop + 1 | 0;
    } else {
      const end0 = p + (octets & 15) | 0, end1 = p + (octets >>> 4 & 15) | 0, end2 = p + (octets >>> 8 & 15) | 0;
      const end3 = p + (octets >>> 12) | 0;
      const o0 = octet(view, end0, end0 - p), o1 = octet(view, end1, end1 - end0 - 1);
      const o2 = octet(view, end2, end2 - end1 - 1), o3 = octet(view, end3, end3 - end2 - 1);
      if ((o0 | o1 | o2 | o3) > 255) break;
      if ((bytes[end0] ^ DOT | bytes[end1] ^ DOT | bytes[end2] ^ DOT | bytes[end3] ^ TAB) !== 0) break;
      const address = (o0 | o1 << 8 | o2 << 16 | o3 << 24) & v4Mask;
      const first = v4Head | address << 16, second = address >>> 16;
      scratchView.setInt32(scratch, first, true);
      scratchView.setInt32(scratch + 4, second, true);
      staged[at] = v4Length < 4 ? hashEnd(seed, first, v4Length) : hashEnd(hashWord(seed, first), second, v4Length);
      staged[at + 1] = ~scratch;
      staged[at + 2] = v4Length;
      p = end3 + 1 | 0;
    }

    // The time: ten digits, a point, three digits and a tab.
    word = view.getInt32(p + 10, true);
    if ((word & 0xff) !== DOT || (notDigits(word) & ~0xff) !== 0 || bytes[p + 14] !== TAB) break;
    const a = view.getInt32(p, true), b = view.getInt32(p + 4, true), c = view.getInt32(p + 6, true);
    if (a !== secondA || b !== secondB || c !== secondC || timeS < 0) {
      if ((notDigits(a) | notDigits(b) | notDigits(c)) !== 0) break;
      secondA = a;
      secondB = b;
      secondC = c;
      timeS = fourDigits(a) * 1_000_000 + fourDigits(b) * 100 + fourDigits(c) % 100;
    }
    p = p + 15 | 0;

    at = line + METHOD * ENTRY_WORDS | 0;
    staged[at + 1] = p;
    if (view.getInt32(p, true) === GET_TAB) {
      staged[at] = hashOfGet;
      staged[at + 2] = 3;
      p = p + 4 | 0;
    } else {
      if (!scanWord(bytes, view, p)) break;
      staged[at] = hashWords(view, p, stop - p, seed);
      staged[at + 2] = stop - p;
      p = stop + 1 | 0;
    }

    // The path, up to a question mark, and the query string, which is not looked at.
    const path = p;
    hash = seed;
    word = view.getInt32(p, true);
    for (;;) {
      if (!isPlain(word) && (ends = endsPath(word)) !== 0) break;
      hash = hashWord(hash, word);
      p = p + 4 | 0;
      word = view.getInt32(p, true);
    }
    bits = bitsBefore(ends);
    p = p + (bits >>> 3) | 0;
    at = line + URI * ENTRY_WORDS | 0;
    staged[at] = hashEnd(hash, word & (1 << bits) - 1, p - path);
    staged[at + 1] = path;
    staged[at + 2] = p - path;
    if (!isUsual(bytes, path, p)) break;
    if (bytes[p] === QUESTION_MARK) p = textEnd(view, p);
    if (bytes[p++] !== TAB) break;

    word = view.getInt32(p, true);
    if (notDigits(word) << 8 !== 0 || word >>> 24 !== TAB) break;
    at = line + STATUS * ENTRY_WORDS | 0;
    staged[at] = hashEnd(seed, word & 0xffffff, 3);
    staged[at + 1] = p;
    staged[at + 2] = 3;

    // Bytes: one to seven digits, as one or two words that end where the digits do.
    p = p + 4 | 0;
    let sent = 0;
    ends = notDigits(view.getInt32(p, true));
    if (ends !== 0) {
      const digits = bitsBefore(ends) >>> 3;
      if (digits === 0) break;
      p = p + digits | 0;
      sent = fourDigits(view.getInt32(p - 4, true) & lastBytes(digits));
    } else {
      ends = notDigits(view.getInt32(p + 4, true));
      if (ends === 0) break;
      const digits = bitsBefore(ends) >>> 3;
      p = p + 4 + digits | 0;
      sent = fourDigits(view.getInt32(p - 8, true) & lastBytes(digits)) * 10_000 +
        fourDigits(view.getInt32(p - 4, true));
    }
    if (bytes[p++] !== TAB) break;

    // Request time: a digit, a point and three digits; or more digits before the point.
    word = view.getInt32(p + 2, true);
    const seconds = bytes[p] - 48;
    let requestMs = seconds * 1000 + fourDigits(word << 8);
    if (bytes[p + 1] === DOT && notDigits(word) << 8 === 0 && seconds >= 0 && seconds <= 9) p = p + 5 | 0;
    else {
      requestMs = scanMilliseconds(bytes, view, p);
      if (requestMs < 0) break;
      p = stop;
    }

    if (bytes[p] !== NEWLINE) {
      batch.count = count;
      batch.beginOptional(p);
      hasOptional = true;
      stop = p;
      if (!scanOptional(bytes, view, staged, line, seed)) break;
      p = stop;
    } else if (hasOptional) batch.stageAbsent(count, p);

    const v = count * MEASURE_COUNT | 0;
    values[v + REQUESTS] = 1;
    values[v + BYTES] = sent;
    values[v + TIME_SUM] = values[v + TIME_MAX] = requestMs;
    times[count] = timeS;
    scratch = scratch + CLIENT_SCRATCH | 0;
    starts[count] = start;
    count = count + 1 | 0;
    start = p + 1 | 0;
  }
  batch.count = count;
  batch.scratchLength = scratch;
  return start;
}

/** Whether a text is taken as it is: neither empty nor absent nor too long. */
function isUsual(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 1 ? end - start <= ENTRY_BYTES_MAX : end - start === 1 && bytes[start] !== DASH;
}

/** A method other than GET: sets `stop` to the tab behind it. */
function scanWord(bytes: Uint8Array, view: DataView, p: number): boolean {
  stop = textEnd(view, p);
  return bytes[stop] === TAB && isUsual(bytes, p, stop) && !isEscaped(bytes, p, stop);
}

/** Where the next control character is. */
function textEnd(view: DataView, p: number): number {
  let ends = controls(view.getInt32(p, true));
  while (ends === 0) ends = controls(view.getInt32(p += 4, true));
  return p + (bitsBefore(ends) >>> 3);
}

/** The Tor flag, and the ASN if it is there: sets `stop` to the newline. */
function scanOptional(bytes: Uint8Array, view: DataView, staged: Int32Array, line: number, seed: number): boolean {
  const flag = stop + 1;
  if (bytes[stop] !== TAB || !stageOptional(bytes, view, staged, line + TOR * ENTRY_WORDS, seed)) return false;
  if (!isFlag(bytes, flag, stop)) return false;
  const number = stop + 1;
  if (bytes[stop] === TAB) {
    if (!stageOptional(bytes, view, staged, line + ASN * ENTRY_WORDS, seed)) return false;
    if (!isNumber(bytes, number, stop)) return false;
  }
  return bytes[stop] === NEWLINE;
}

function stageOptional(bytes: Uint8Array, view: DataView, staged: Int32Array, at: number, seed: number): boolean {
  const start = stop + 1;
  stop = textEnd(view, start);
  const length = stop - start === 1 && bytes[start] === DASH ? 0 : stop - start;
  staged[at] = hashWords(view, start, length, seed);
  staged[at + 1] = start;
  staged[at + 2] = length;
  return length <= ENTRY_BYTES_MAX;
}

function isEscaped(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (bytes[p] === BACKSLASH) return true;
  return false;
}

const TOP_BITS = 0x80808080 | 0;

/** The top bit of every byte that is a control character, the lowest of them for certain. */
function controls(word: number): number {
  return (word - 0x20202020) & ~word & TOP_BITS;
}

/** The same for control characters and backslashes: what ends a host, or needs a closer look. */
function endsHost(word: number): number {
  const other = word ^ BACKSLASHES;
  return ((word - 0x20202020) & ~word | (other - 0x01010101) & ~other) & TOP_BITS;
}

/** The same for control characters, backslashes and question marks. */
function endsPath(word: number): number {
  const other = word ^ QUESTION_MARKS;
  return endsHost(word) | (other - 0x01010101) & ~other & TOP_BITS;
}

/**
 * Whether a word has nothing but lower-case letters, digits, and the usual signs: a quick look that most words of hosts and
 * paths pass. Of every byte that does, bit 5 is set, and is still when one is added; not of control characters, backslashes
 * and question marks, nor of capitals.
 */
function isPlain(word: number): boolean {
  return (word & word + 0x01010101 & 0x20202020) === 0x20202020;
}

/** The top bit of every byte that is no decimal digit, and perhaps of some that come after a byte beyond ASCII. */
function notDigits(word: number): number {
  const digits = word ^ 0x30303030;
  return (digits + 0x76767676 | digits) & TOP_BITS;
}

/** Bits of a word below the byte of the lowest bit in `marks`, which is not 0. */
function bitsBefore(marks: number): number {
  return 31 - Math.clz32(marks & -marks) & 24;
}

/** Four digits, the first in the lowest byte, as a number. Zero bytes in front count as zeros. */
function fourDigits(word: number): number {
  const pairs = Math.imul(word & 0x0f0f0f0f, 10 * 2 ** 8 + 1) >>> 8 & 0x00ff00ff;
  return Math.imul(pairs, 100 * 2 ** 16 + 1) >>> 16;
}

/** A mask for the last `count` bytes of a word, 0 to 3. */
function lastBytes(count: number): number {
  return -1 << 8 << 24 - (count << 3);
}

/** Seconds of one to three digits and a fraction of three, as milliseconds; -1 for anything else. */
function scanMilliseconds(bytes: Uint8Array, view: DataView, p: number): number {
  let seconds = 0, dot = p;
  for (; bytes[dot] !== DOT; dot++) {
    const digit = bytes[dot] - 48;
    if (digit < 0 || digit > 9 || dot - p === 3) return -1;
    seconds = seconds * 10 + digit;
  }
  const word = view.getInt32(dot + 1, true);
  if (dot === p || notDigits(word) << 8 !== 0) return -1;
  stop = dot + 4;
  return seconds * 1000 + fourDigits(word << 8);
}

/** Bytes of scratch that a client takes: entries of up to eight bytes, as two words. */
const CLIENT_SCRATCH = 8;

/** Stages an entry of `length` bytes, at most eight, that are these two words; those behind it are zero. */
function stageClient(batch: LineBatch, at: number, first: number, second: number, length: number): void {
  const scratch = batch.scratchView, start = batch.scratchLength, staged = batch.staged;
  scratch.setInt32(start, first, true);
  scratch.setInt32(start + 4, second, true);
  let hash = batch.seed;
  if (length >= 4) hash = hashWord(hash, first);
  if (length === 8) hash = hashWord(hash, second);
  staged[at] = hashEnd(hash, length < 4 ? first : length === 8 ? 0 : second, length);
  staged[at + 1] = ~start;
  staged[at + 2] = length;
}

/** One bit a byte that is no digit, the first byte's lowest. */
function nibble(word: number): number {
  return Math.imul(notDigits(word), 0x00204081) >>> 28;
}

/**
 * By the pattern of digits (0) and others (1) in sixteen bytes: the ends of four numbers of one to three digits, four
 * bits each; 0 when it is not four numbers. Whatever follows them stands in the pattern too: for a tab and the ten digits
 * of a time, as in the logtail format, nothing more.
 */
const OCTET_ENDS = octetEnds();

function octetEnds(): Uint16Array {
  const table = new Uint16Array(1 << 16);
  for (let lengths = 0; lengths < 81; lengths++) {
    const a = 1 + lengths % 3, b = 1 + Math.floor(lengths / 3) % 3, c = 1 + Math.floor(lengths / 9) % 3;
    const end0 = a, end1 = end0 + 1 + b, end2 = end1 + 1 + c, end3 = end2 + 2 + Math.floor(lengths / 27);
    table[1 << end0 | 1 << end1 | 1 << end2 | 1 << end3] = end0 | end1 << 4 | end2 << 8 | end3 << 12;
  }
  return table;
}

/** The least numbers of three, two and one digits, a byte each: anything below has a leading zero, which is no address. */
const LEAST = 0x00000a64;

/** The octet of `digits` digits, one to three, that ends before `end`; more than 255 when it is none. */
function octet(view: DataView, end: number, digits: number): number {
  const value = fourDigits(view.getInt32(end - 4, true) & lastBytes(digits));
  return value < (LEAST >>> 24 - (digits << 3) & 0xff) ? 256 : value;
}

const HEX = hexDigits();
const groups = new Int32Array(9);

/** IPv6 in groups of up to four hexadecimal digits, with `::` anywhere but in front. */
function scanV6(bytes: Uint8Array, p: number, batch: LineBatch, at: number): boolean {
  if (batch.masks.v6Bits > 48) return false; // the first three groups are all that is looked at here
  let count = 0, gap = -1, value = 0, digits = 0;
  for (;; p++) {
    const byte = bytes[p], digit = HEX[byte];
    if (digit >= 0) {
      if (++digits > 4) return false;
      value = value << 4 | digit;
      continue;
    }
    if (digits > 0) {
      if (count === 8) return false;
      groups[count++] = value;
      value = digits = 0;
    } else if (byte === COLON || gap !== count) return false;
    if (byte === TAB) break;
    if (byte !== COLON) return false;
    if (bytes[p + 1] !== COLON) continue;
    if (gap >= 0) return false;
    gap = count;
    p++;
  }
  if (gap < 0 ? count !== 8 : count === 8) return false;
  stop = p;
  // A gap takes the place of the groups that are missing; those behind it move up by as many.
  if (gap >= 0 && gap < 3) {
    for (let g = 2; g >= gap; g--) {
      groups[g] = g < gap + 8 - count ? 0 : groups[g - 8 + count];
    }
  }
  if ((groups[0] | groups[1] | groups[2]) === 0) return false; // it may be IPv4, mapped
  stageClient(
    batch,
    at,
    FAMILY_6 | batch.masks.v6Bits << 8 | swapped(groups[0] & batch.v6Masks[0]) << 16,
    swapped(groups[1] & batch.v6Masks[1]) | swapped(groups[2] & batch.v6Masks[2]) << 16,
    batch.v6Length,
  );
  return true;
}

/** The two bytes of a group in network order, as a little-endian number. */
function swapped(group: number): number {
  return group >>> 8 | (group & 0xff) << 8;
}

function hexDigits(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  for (let digit = 0; digit < 16; digit++) {
    const lower = digit.toString(16);
    table[lower.charCodeAt(0)] = table[lower.toUpperCase().charCodeAt(0)] = digit;
  }
  return table;
}
