/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells two buckets of the same identity apart, and a torn record from a
 * whole one.
 *
 * Eight bytes at a time ("slicing by 8", Kounavis and Berry 2005): a table says what each byte of two words contributes.
 * Three times as fast as byte by byte (0.75 against 2.3 ns a byte). Tables for 16 bits, which fall out of the cache, and
 * one array for all eight tables were slower.
 */

const POLYNOMIAL = 0x82F63B78;

/** TABLES[n][byte]: what a byte contributes when n more bytes follow it. */
const TABLES = tables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES;

/** The checksum of `bytes`, continued from that of what came before. An unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before, at = 0;
  const end = bytes.length;
  while (at < end && (bytes.byteOffset + at & 3) !== 0) crc = T0[(crc ^ bytes[at++]) & 0xFF] ^ crc >>> 8;
  const pairs = end - at >>> 3, words = new Int32Array(bytes.buffer, bytes.byteOffset + at & ~3, 2 * pairs);
  for (let i = 0; i < words.length; i += 2) {
    const a = crc ^ words[i], b = words[i + 1];
    crc = T7[a & 0xFF] ^ T6[a >>> 8 & 0xFF] ^ T5[a >>> 16 & 0xFF] ^ T4[a >>> 24] ^
      T3[b & 0xFF] ^ T2[b >>> 8 & 0xFF] ^ T1[b >>> 16 & 0xFF] ^ T0[b >>> 24];
  }
  for (at += 8 * pairs; at < end; at++) crc = T0[(crc ^ bytes[at]) & 0xFF] ^ crc >>> 8;
  return ~crc >>> 0;
}

function tables(): Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : crc >>> 1 ^ POLYNOMIAL;
    return crc;
  });
  const made = [first];
  while (made.length < 8) made.push(made[made.length - 1].map((crc) => first[crc & 0xFF] ^ crc >>> 8));
  return made;
}
