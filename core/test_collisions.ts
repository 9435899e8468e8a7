/** Fixtures of tests: entries that somebody has made to collide. */

/** Bytes of each. */
export const COLLIDING_BYTES = 96;

/**
 * One of 1024 entries with the same hash (`hashWords`), whatever the seed: flipping the top bit of one word, and where it goes in
 * the next word of the same chain, leaves the hash as it is.
 */
export function collidingEntry(n: number): Uint8Array<ArrayBuffer> {
  const words = new Int32Array(COLLIDING_BYTES / 4).fill(0x61616161);
  for (let bit = 0; bit < 10; bit++) {
    if ((n >> bit & 1) === 0) continue;
    const first = (bit >> 2) * 8 + (bit & 3);
    words[first] ^= 1 << 31;
    words[first + 4] ^= 1 << 31 | 1 << 16;
  }
  return new Uint8Array(words.buffer);
}
