/**
 * Looking at four bytes of a log at once, as a little-endian word: what the fast paths of all formats are made of.
 *
 * Subtracting 0x20 from every byte of a word at once borrows into the top bit of a byte that is a control character; the
 * same works for "is this byte x" after xor with x. The lowest such bit is always right, those above it may be borrowed:
 * only the lowest is used.
 */

/** The top bit of each byte. */
export const TOP_BITS = 0x80808080 | 0;
const ONES = 0x01010101;

/** A word of four times this byte. */
export function fourTimes(byte: number): number {
  return Math.imul(byte, ONES);
}

/** The top bit of every byte that is one of `bytes`, four times the same; the lowest of them for certain. */
export function areByte(word: number, bytes: number): number {
  const other = word ^ bytes;
  return (other - ONES) & ~other & TOP_BITS;
}

/** The top bit of every byte below `floor`, which is four times the same below 0x80; the lowest of them for certain. */
export function areBelow(word: number, floor: number): number {
  return (word - floor) & ~word & TOP_BITS;
}

/** The top bit of every byte that is no decimal digit. */
export function notDigits(word: number): number {
  const digits = word ^ 0x30303030;
  return ((digits & 0x7f7f7f7f) + 0x76767676 | digits) & TOP_BITS;
}

/** Bits of a word below the byte of the lowest bit in `marks`, which is not 0. */
export function bitsBefore(marks: number): number {
  return 31 - Math.clz32(marks & -marks) & 24;
}

/** Four digits, the first in the lowest byte, as a number. Zero bytes in front count as zeros. */
export function fourDigits(word: number): number {
  const pairs = Math.imul(word & 0x0f0f0f0f, 10 * 2 ** 8 + 1) >>> 8 & 0x00ff00ff;
  return Math.imul(pairs, 100 * 2 ** 16 + 1) >>> 16;
}

/** For the last n bytes of a word: KEEP_LAST[n], 0 to 4. */
export const KEEP_LAST = new Int32Array([0, -1 << 24, -1 << 16, -1 << 8, -1]);

/** One bit a byte that is no digit, the first byte's lowest. */
export function digitPattern(word: number): number {
  return Math.imul(notDigits(word) >>> 7, 0x10204080) >>> 28;
}

/**
 * By the pattern of digits (0) and others (1) in sixteen bytes: the ends of four numbers of one to three digits, four bits
 * each, the first lowest; 0 when it does not begin with four such numbers.
 */
export const QUAD_ENDS = quadEnds();

function quadEnds(): Uint16Array {
  const table = new Uint16Array(1 << 16);
  for (let pattern = 0; pattern < table.length; pattern++) {
    let rest = pattern, before = -1, ends = 0, valid = true;
    for (let number = 0; number < 4 && valid; number++) {
      const at = 31 - Math.clz32(rest & -rest);
      valid = at > before + 1 && at <= before + 4;
      ends |= at << 4 * number;
      rest &= rest - 1;
      before = at;
    }
    table[pattern] = valid ? ends : 0;
  }
  return table;
}
