/** The hashes of values, of keys, and of what they are made of. */

// Functions of this file's own: what is exported, V8 reads and checks at every use (docs/performance.md).
const hashStep = hashWord, spread = mix;

/**
 * A seeded 32-bit hash of `length` bytes of `view` at `at`: blocks of four words, filled up with zeros, in four chains that
 * come together at the end. `kernel/hash.ts` makes the same of a block at a time. Spreads; does not withstand an attacker, see
 * `intern.ts`. Reads up to three bytes beyond the end.
 */
export function hashWords(view: DataView, at: number, length: number, seed: number): number {
  let a = seed, b = seed, c = seed, d = seed, rest = length;
  for (; rest > 16; rest -= 16, at += 16) {
    a = hashStep(a, view.getInt32(at, true));
    b = hashStep(b, view.getInt32(at + 4, true));
    c = hashStep(c, view.getInt32(at + 8, true));
    d = hashStep(d, view.getInt32(at + 12, true));
  }
  a = hashStep(a, wordOf(view, at, rest));
  b = hashStep(b, wordOf(view, at + 4, rest - 4));
  c = hashStep(c, wordOf(view, at + 8, rest - 8));
  d = hashStep(d, wordOf(view, at + 12, rest - 12));
  const ac = Math.imul(a ^ a >>> 15, 0x85EBCA6B) + Math.imul(c ^ c >>> 15, 0x27D4EB2F);
  const bd = Math.imul(b ^ b >>> 15, 0xC2B2AE35) + Math.imul(d ^ d >>> 15, 0x165667B1);
  return spread(ac + bd ^ length);
}

/** The first `length` bytes at `at`, at most four, as a word of which the others are zero. */
function wordOf(view: DataView, at: number, length: number): number {
  return length >= 4 ? view.getInt32(at, true) : length <= 0 ? 0 : view.getInt32(at, true) & lowBytes(length);
}

/**
 * One step of a chain. The high bits of the product are spread before the next word comes: a byte at the end of one word
 * and one at the start of the next must not meet in the same few bits. With a rotation by five in its place, the last two
 * bytes of an IPv4 network did, and 60 000 networks shared 2048 hashes.
 */
export function hashWord(hash: number, word: number): number {
  return Math.imul(hash ^ hash >>> 15 ^ word, 0x9E3779B1);
}

/** The last step of a chain of its own: the rest of the bytes as a word of which the others are zero, and the length in bytes. */
export function hashEnd(hash: number, word: number, length: number): number {
  return spread(hashStep(hash, word) ^ length);
}

/** Spreads the high bits of a product into the low ones, which choose the slot. */
export function mix(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 15, 0x85EBCA6B);
  return hash ^ hash >>> 13;
}

/** A mask for the first `count` bytes of a little-endian word, 0 to 3. */
export function lowBytes(count: number): number {
  return (1 << (count << 3)) - 1;
}
