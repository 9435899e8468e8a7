/**
 * The fast path of a format made of a field plan: lines without anything unusual, four bytes at a time. What `kernel/scan.ts` is to
 * one format, this is to all that are compiled.
 *
 * `scan_program.ts` says what to do with each field. Escapes, absent values, control characters, and anything that does not
 * look as it nearly always does are left to `parse`: this file has to be right about what it accepts, and nothing else
 * (`format_plan_test.ts` holds it to that). Nothing is hashed here (`LineBatch.hashRest`).
 *
 * - Text is scanned by words. Subtracting 0x20 from every byte of a word at once borrows into the top bit of a byte that
 *   is a control character; the same works for "is this byte x" after xor with x. The lowest such bit is always right,
 *   those above it may be borrowed: only the lowest is used.
 * - Where the four dots and ends of an IPv4 address are is one look-up: the pattern of digits and others in 16 bytes.
 * - Numbers up to eight digits are two words, masked to their digits and multiplied together by pairs.
 * - It is one function, since every call costs. Operations stand here by their numbers, and the helpers that look at words
 *   below: a switch over imported names is a row of comparisons (11 %), and imported helpers cost another 11 % (of
 *   scanning). That makes this file long.
 */
import { BATCH_LINES, ENTRY_BYTES_MAX } from "./bounds.ts";
import { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } from "./measures.ts";
import { METHOD, PREFIX, STATUS, TAG, TOR, URI, WEBSITE } from "./dimensions.ts";
import { FAMILY_4 } from "./client_prefix.ts";
import { ENTRY_WORDS, LINE_WORDS, type LineBatch } from "./line_batch.ts";
import { isFlag, isNumber, stageClient } from "./log_fields.ts";
import { parseLogTime } from "./log_time.ts";
import { fourTimes, type ScanProgram } from "./scan_program.ts";

const NEWLINE = 10, SPACE = 32, COMMA = 44, DASH = 45, DOT = 46, SLASH = 47, ZERO = 48, NINE = 57, COLON = 58;
const QUESTION_MARK = 63, UNDERSCORE = 95;
const OP_WORDS = 8;
/** Four backslashes, and the floor for blanks, as `scan_program.ts` has them. */
const BACKSLASHES = 0x5c5c5c5c, BLANK_FLOOR = 0x21212121;
/** `GET ` and ` HTTP/` as little-endian words. */
const GET_SPACE = 0x20544547, SPACE_HTT = 0x54544820, P_SLASH = 0x2f50;

/** Where the last of the smaller scanners stopped: their second result, kept here so that a line allocates nothing. */
let stop = 0;

/** `LineFormat.scan` of a format made of a plan. */
export function scanPlan(
  program: ScanProgram,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  batch: LineBatch,
): number {
  const { staged, values, times, starts, scratchView, v4Length, v4Mask, arrivalS } = batch;
  const { ops, absent, hasOptional, hasTag } = program, opsEnd = ops.length;
  const v4Head = FAMILY_4 | batch.masks.v4Bits << 8;
  if (hasTag) batch.beginTag();
  let count = batch.count, scratch = batch.scratchLength;
  lines: while (start < end && count < BATCH_LINES) {
    const line = count * LINE_WORDS;
    let p = start, timeS = arrivalS, sent = 0, requestMs = 0;
    if (hasOptional) {
      batch.count = count;
      batch.beginOptional(p);
    } else if (batch.hasOptional) batch.stageAbsent(count, p);
    if (!hasTag && batch.hasTag) batch.stageInputTag(count);
    for (let i = 0; i < absent.length; i++) {
      const at = line + absent[i] * ENTRY_WORDS;
      staged[at + 1] = p;
      staged[at + 2] = 0;
    }

    for (let op = 0; op < opsEnd; op += OP_WORDS) {
      switch (ops[op]) {
        case 0: { // SCAN_LITERAL
          if (((view.getInt32(p, true) ^ ops[op + 2]) & ops[op + 3]) !== 0) break lines;
          break;
        }
        case 4: { // SCAN_TEXT
          const from = p, floor = ops[op + 2], a = ops[op + 3], b = ops[op + 4];
          let word = view.getInt32(p, true);
          let ends = areBelow(word, floor) | areByte(word, BACKSLASHES) | areByte(word, a);
          if (b === BACKSLASHES) {
            while (ends === 0) {
              p += 4;
              word = view.getInt32(p, true);
              ends = areBelow(word, floor) | areByte(word, BACKSLASHES) | areByte(word, a);
            }
          } else {
            ends |= areByte(word, b);
            while (ends === 0) {
              p += 4;
              word = view.getInt32(p, true);
              ends = areBelow(word, floor) | areByte(word, BACKSLASHES) | areByte(word, a) | areByte(word, b);
            }
          }
          const bits = bitsBefore(ends);
          p += bits >>> 3;
          const at = line + ops[op + 1] * ENTRY_WORDS;
          staged[at + 1] = from;
          staged[at + 2] = p - from;
          if (!isUsual(bytes, from, p) || (ops[op + 1] === URI && bytes[from] !== SLASH)) break lines;
          if (bytes[p] === ops[op + 6]) break;
          if (bytes[p] === QUESTION_MARK && ops[op + 1] === URI) p = textEnd(view, p, floor, ops[op + 5], BACKSLASHES);
          else if (bytes[p] === COLON && ops[op + 1] === WEBSITE) p = portEnd(bytes, p);
          if (bytes[p] !== ops[op + 6]) break lines;
          break;
        }
        case 1: { // SCAN_SKIP
          p = textEnd(view, p, ops[op + 2], ops[op + 3], ops[op + 4]);
          if (bytes[p] !== ops[op + 6]) break lines;
          break;
        }
        case 5: { // SCAN_ADDRESS
          const at = line + PREFIX * ENTRY_WORDS;
          const octets = p < 4 ? 0 : QUAD_ENDS[
            digitPattern(view.getInt32(p, true)) | digitPattern(view.getInt32(p + 4, true)) << 4 |
            digitPattern(view.getInt32(p + 8, true)) << 8 | digitPattern(view.getInt32(p + 12, true)) << 12
          ];
          const end0 = p + (octets & 15), end1 = p + (octets >>> 4 & 15), end2 = p + (octets >>> 8 & 15);
          if (octets === 0 || bytes[end0] !== DOT) {
            batch.count = count;
            batch.scratchLength = scratch;
            p = stageOther(bytes, view, batch, p, ops[op + 2], ops[op + 6]);
            if (p < 0) break lines;
            break;
          }
          stop = p + (octets >>> 12);
          const o0 = octet(view, end0, end0 - p), o1 = octet(view, end1, end1 - end0 - 1);
          const o2 = octet(view, end2, end2 - end1 - 1), o3 = octet(view, stop, stop - end2 - 1);
          if ((o0 | o1 | o2 | o3) > 255) break lines;
          if ((bytes[end1] ^ DOT | bytes[end2] ^ DOT | bytes[stop] ^ ops[op + 6]) !== 0) break lines;
          const address = (o0 | o1 << 8 | o2 << 16 | o3 << 24) & v4Mask;
          const first = v4Head | address << 16, second = address >>> 16;
          scratchView.setInt32(scratch, first, true);
          scratchView.setInt32(scratch + 4, second, true);
          staged[at + 1] = ~scratch;
          staged[at + 2] = v4Length;
          batch.scratchLength = scratch + CLIENT_SCRATCH;
          p = stop;
          break;
        }
        case 7: { // SCAN_TIME_TEXT
          timeS = scanTime(bytes, view, p, ops[op + 6]);
          if (timeS < 0) break lines;
          p += ops[op + 6];
          break;
        }
        case 6: { // SCAN_SECONDS
          timeS = scanSeconds(view, p);
          if (timeS < 0) break lines;
          p = stop;
          break;
        }
        case 8: { // SCAN_REQUEST_LINE
          let at = line + METHOD * ENTRY_WORDS;
          const first = view.getInt32(p, true);
          stop = first === GET_SPACE ? p + 3 : methodEnd(bytes, p);
          if (bytes[stop] !== SPACE || bytes[stop + 1] !== SLASH || stop === p) break lines;
          staged[at + 1] = p;
          staged[at + 2] = stop - p;
          if (!isUsual(bytes, p, stop)) break lines;

          const from = p = stop + 1, a = ops[op + 3], b = ops[op + 4], quote = ops[op + 5];
          let word = view.getInt32(p, true);
          let ends = areBelow(word, BLANK_FLOOR) | areByte(word, BACKSLASHES) | areByte(word, a) | areByte(word, b);
          while (ends === 0) {
            p += 4;
            word = view.getInt32(p, true);
            ends = areBelow(word, BLANK_FLOOR) | areByte(word, BACKSLASHES) | areByte(word, a) | areByte(word, b);
          }
          const bits = bitsBefore(ends);
          p += bits >>> 3;
          at = line + URI * ENTRY_WORDS;
          staged[at + 1] = from;
          staged[at + 2] = p - from;
          if (!isUsual(bytes, from, p)) break lines;
          if (bytes[p] === QUESTION_MARK) p = textEnd(view, p, BLANK_FLOOR, quote, BACKSLASHES);
          // The protocol, without another blank in it: what ends the path is then its last one.
          if (view.getInt32(p, true) !== SPACE_HTT || (view.getInt32(p + 4, true) & 0xffff) !== P_SLASH) break lines;
          p = textEnd(view, p + 1, BLANK_FLOOR, quote, BACKSLASHES);
          if (bytes[p] !== ops[op + 6]) break lines;
          break;
        }
        case 9: { // SCAN_STATUS_DIGITS
          const word = view.getInt32(p, true), at = line + STATUS * ENTRY_WORDS;
          if (notDigits(word) << 8 !== 0 || word >>> 24 !== ops[op + 6]) break lines;
          staged[at + 1] = p;
          staged[at + 2] = 3;
          p += 3;
          break;
        }
        case 10: { // SCAN_INTEGER
          let ends = notDigits(view.getInt32(p, true)), digits = 4;
          if (p < 4) break lines;
          if (ends !== 0) {
            digits = bitsBefore(ends) >>> 3;
            if (digits === 0) break lines;
            p += digits;
            sent = fourDigits(view.getInt32(p - 4, true) & KEEP_LAST[digits]);
          } else {
            ends = notDigits(view.getInt32(p + 4, true));
            if (ends === 0) break lines;
            digits = bitsBefore(ends) >>> 3;
            p += 4 + digits;
            sent = fourDigits(view.getInt32(p - 8, true) & KEEP_LAST[digits]) * 10_000 +
              fourDigits(view.getInt32(p - 4, true));
          }
          if (bytes[p] !== ops[op + 6]) break lines;
          break;
        }
        case 11: { // SCAN_MILLISECONDS
          // A digit, a point and three digits; or more digits before the point.
          const word = view.getInt32(p + 2, true), seconds = bytes[p] - ZERO;
          requestMs = seconds * 1000 + fourDigits(word << 8);
          stop = p + 5;
          if (bytes[p + 1] !== DOT || notDigits(word) << 8 !== 0 || seconds < 0 || seconds > 9) {
            requestMs = scanMilliseconds(bytes, view, p);
            if (requestMs < 0) break lines;
          }
          if (bytes[stop] !== ops[op + 6]) break lines;
          p = stop;
          break;
        }
        case 12: { // SCAN_OPTIONAL
          const d = ops[op + 1], from = p;
          p = textEnd(view, p, ops[op + 2], ops[op + 3], ops[op + 4]);
          if (bytes[p] !== ops[op + 6] || p - from > ENTRY_BYTES_MAX) break lines;
          if (d === TOR ? !isFlag(bytes, from, p) : !isNumber(bytes, from, p)) break lines;
          stageText(staged, line + d * ENTRY_WORDS, from, bytes[from] === DASH ? 0 : p - from);
          break;
        }
        case 13: { // SCAN_TAG_TEXT
          const from = p;
          p = textEnd(view, p, ops[op + 2], ops[op + 3], ops[op + 4]);
          if (bytes[p] !== ops[op + 6]) break lines;
          if (isUsual(bytes, from, p)) stageText(staged, line + TAG * ENTRY_WORDS, from, p - from);
          else if (p - from > 1) break lines;
          else batch.stageInputTag(count);
          break;
        }
        case 2: { // SCAN_SKIP_LIST
          p = textEnd(view, p, ops[op + 2], ops[op + 3], ops[op + 4]);
          if (bytes[p] !== ops[op + 6]) break lines;
          if (bytes[p - 1] === COMMA || bytes[p - 1] === COLON || bytes[p + 1] === COLON) break lines;
          break;
        }
        case 3: { // SCAN_SKIP_BYTES
          if (textEnd(view, p, ops[op + 2], ops[op + 3], ops[op + 4]) < p + ops[op + 6]) break lines;
          p += ops[op + 6];
          break;
        }
      }
      p += ops[op + 7];
    }
    if (bytes[p] !== NEWLINE) break;

    const v = count * MEASURE_COUNT;
    values[v + REQUESTS] = 1;
    values[v + BYTES] = sent;
    values[v + TIME_SUM] = values[v + TIME_MAX] = requestMs;
    times[count] = timeS;
    starts[count++] = start;
    scratch = batch.scratchLength;
    start = p + 1;
  }
  batch.scratchLength = scratch;
  batch.count = count;
  return start;
}

/** Bytes of scratch that an IPv4 client takes: two words. */
const CLIENT_SCRATCH = 8;

/** Whether a text is taken as it is: neither empty nor absent nor too long. */
function isUsual(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 1 ? end - start <= ENTRY_BYTES_MAX : end - start === 1 && bytes[start] !== DASH;
}

/** Where the next byte is that is below `floor`, one of the two, or a backslash. */
function textEnd(view: DataView, p: number, floor: number, a: number, b: number): number {
  let word = view.getInt32(p, true);
  let ends = areBelow(word, floor) | areByte(word, BACKSLASHES) | areByte(word, a);
  if (b === BACKSLASHES) {
    while (ends === 0) {
      word = view.getInt32(p += 4, true);
      ends = areBelow(word, floor) | areByte(word, BACKSLASHES) | areByte(word, a);
    }
  } else {
    ends |= areByte(word, b);
    while (ends === 0) {
      word = view.getInt32(p += 4, true);
      ends = areBelow(word, floor) | areByte(word, BACKSLASHES) | areByte(word, a) | areByte(word, b);
    }
  }
  return p + (bitsBefore(ends) >>> 3);
}

function stageText(staged: Int32Array, at: number, start: number, length: number): void {
  staged[at + 1] = start;
  staged[at + 2] = length;
}

/** A client that is not plain IPv4: where it ends, staged; -1 when it is none. */
function stageOther(
  bytes: Uint8Array,
  view: DataView,
  batch: LineBatch,
  p: number,
  floor: number,
  byte: number,
): number {
  const end = textEnd(view, p, floor, byte < SPACE ? BACKSLASHES : fourTimes(byte), BACKSLASHES);
  return bytes[end] === byte && stageClient(bytes, batch, p, end) ? end : -1;
}

/** The least number of one, two or three digits: anything below has a leading zero, which is no address. */
const LEAST = new Int32Array([0, 0, 10, 100]);

/** The octet of `digits` digits that ends before `end`; more than 255 when it is none. */
function octet(view: DataView, end: number, digits: number): number {
  const value = fourDigits(view.getInt32(end - 4, true) & KEEP_LAST[digits]);
  return value < LEAST[digits] ? 256 : value;
}

function methodEnd(bytes: Uint8Array, p: number): number {
  for (;; p++) {
    const lower = bytes[p] | 32;
    if ((lower < 97 || lower > 122) && bytes[p] !== DASH && bytes[p] !== UNDERSCORE) return p;
  }
}

/** Behind a colon and digits, of which there is one at least; else the colon itself. */
function portEnd(bytes: Uint8Array, colon: number): number {
  let p = colon + 1;
  while (bytes[p] >= ZERO && bytes[p] <= NINE) p++;
  return p > colon + 1 ? p : colon;
}

/** The time read last, as seven words that cover it: lines of one second follow one another. */
const timeWords = new Int32Array(7);
let timeLength = 0, timeRead = -1;

/** A time of 25 or 26 bytes. */
function scanTime(bytes: Uint8Array, view: DataView, p: number, length: number): number {
  const w0 = view.getInt32(p, true), w1 = view.getInt32(p + 4, true), w2 = view.getInt32(p + 8, true);
  const w3 = view.getInt32(p + 12, true), w4 = view.getInt32(p + 16, true), w5 = view.getInt32(p + 20, true);
  const w6 = view.getInt32(p + length - 4, true), t = timeWords;
  // The seconds change most often.
  if (
    w4 === t[4] && w3 === t[3] && w0 === t[0] && w1 === t[1] && w2 === t[2] && w5 === t[5] && w6 === t[6] &&
    length === timeLength
  ) return timeRead;
  const timeS = parseLogTime(bytes, p, p + length);
  if (timeS < 0) return -1;
  t[0] = w0;
  t[1] = w1;
  t[2] = w2;
  t[3] = w3;
  t[4] = w4;
  t[5] = w5;
  t[6] = w6;
  timeLength = length;
  return timeRead = timeS;
}

/** The second read last: its ten digits as words. */
let secondA = 0, secondB = 0, secondC = 0, second = -1;

/** Seconds since 1970 of ten digits, a point and three digits; -1 for anything else. */
function scanSeconds(view: DataView, p: number): number {
  const fraction = view.getInt32(p + 10, true);
  if ((fraction & 0xff) !== DOT || (notDigits(fraction) & ~0xff) !== 0) return -1;
  stop = p + 14;
  const a = view.getInt32(p, true), b = view.getInt32(p + 4, true), c = view.getInt32(p + 6, true);
  if (a === secondA && b === secondB && c === secondC) return second;
  if ((notDigits(a) | notDigits(b) | notDigits(c)) !== 0) return -1;
  secondA = a;
  secondB = b;
  secondC = c;
  return second = fourDigits(a) * 1_000_000 + fourDigits(b) * 100 + fourDigits(c) % 100;
}

/** Seconds of one to four digits and a fraction of three, as milliseconds; -1 for anything else. */
function scanMilliseconds(bytes: Uint8Array, view: DataView, p: number): number {
  let seconds = 0, dot = p;
  for (; bytes[dot] !== DOT; dot++) {
    const digit = bytes[dot] - ZERO;
    if (digit < 0 || digit > 9 || dot - p === 4) return -1;
    seconds = seconds * 10 + digit;
  }
  const word = view.getInt32(dot + 1, true);
  if (dot === p || notDigits(word) << 8 !== 0) return -1;
  stop = dot + 4;
  return seconds * 1000 + fourDigits(word << 8);
}

/** The top bit of each byte. */
const TOP_BITS = 0x80808080 | 0;
const ONES = 0x01010101;

/** The top bit of every byte that is one of `bytes`, four times the same; the lowest of them for certain. */
function areByte(word: number, bytes: number): number {
  const other = word ^ bytes;
  return (other - ONES) & ~other & TOP_BITS;
}

/** The top bit of every byte below `floor`, which is four times the same below 0x80; the lowest of them for certain. */
function areBelow(word: number, floor: number): number {
  return (word - floor) & ~word & TOP_BITS;
}

/** The top bit of every byte that is no decimal digit. */
function notDigits(word: number): number {
  const digits = word ^ 0x30303030;
  return ((digits & 0x7f7f7f7f) + 0x76767676 | digits) & TOP_BITS;
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

/** For the last n bytes of a word: KEEP_LAST[n], 0 to 4. */
const KEEP_LAST = new Int32Array([0, -1 << 24, -1 << 16, -1 << 8, -1]);

/** One bit a byte that is no digit, the first byte's lowest. */
function digitPattern(word: number): number {
  return Math.imul(notDigits(word) >>> 7, 0x10204080) >>> 28;
}

/**
 * By the pattern of digits (0) and others (1) in sixteen bytes: the ends of four numbers of one to three digits, four bits
 * each, the first lowest; 0 when it does not begin with four such numbers.
 */
const QUAD_ENDS = quadEnds();

function quadEnds(): Uint16Array {
  const table = new Uint16Array(1 << 16);
  for (let lengths = 0; lengths < 81; lengths++) {
    let end = -1, pattern = 0, ends = 0;
    for (let number = 0, left = lengths; number < 4; number++, left = Math.floor(left / 3)) {
      end += 2 + left % 3;
      pattern |= 1 << end;
      ends |= end << 4 * number;
    }
    // Whatever stands behind the last end.
    for (let all = pattern; all < table.length; all += 2 << end) table[all] = ends;
  }
  return table;
}
