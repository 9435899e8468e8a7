/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells two buckets of the same identity apart, and a torn record from a
 * whole one.
 *
 * Eight bytes at a time ("slicing by 8", Kounavis and Berry 2005): a table says what each byte of two words contributes.
 * Each step waits for the one before, so two stretches are summed up side by side and then joined, as if the first had
 * been followed by as many zeros as the second is long. Measured, ns a byte: byte by byte 2.27, by 8 0.74, two stretches
 * 0.50, three 0.52; tables for 16 bits, which fall out of the cache, 1.8.
 */

const POLYNOMIAL = 0x82F63B78;

/** T0 … T7, each by byte: what a byte contributes when n more bytes follow it. */
const [T0, T1, T2, T3, T4, T5, T6, T7] = byteTables();

/** Words of one of two stretches. */
const STRETCH = 256;
/** Z0 … Z3, by byte of a sum: what becomes of it when a stretch of zeros follows. */
const [Z0, Z1, Z2, Z3] = zeroTables(4 * STRETCH);

/** The checksum of `bytes`, continued from that of what came before. An unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const end = bytes.length;
  let crc = ~before, at = 0;
  while (at < end && (bytes.byteOffset + at & 3) !== 0) crc = T0[(crc ^ bytes[at++]) & 0xFF] ^ crc >>> 8;
  const pairs = end - at >>> 3;
  crc = ofWords(new Int32Array(bytes.buffer, bytes.byteOffset + at & ~3, 2 * pairs), crc);
  for (at += 8 * pairs; at < end; at++) crc = T0[(crc ^ bytes[at]) & 0xFF] ^ crc >>> 8;
  return ~crc >>> 0;
}

/** The same for an even number of words, without turning the bits around. */
function ofWords(words: Int32Array, crc: number): number {
  let i = 0;
  for (; i + 2 * STRETCH <= words.length; i += STRETCH) {
    let second = 0;
    for (const end = i + STRETCH; i < end; i += 2) {
      const a = crc ^ words[i], b = words[i + 1], c = second ^ words[i + STRETCH], d = words[i + STRETCH + 1];
      crc = T7[a & 0xFF] ^ T6[a >>> 8 & 0xFF] ^ T5[a >>> 16 & 0xFF] ^ T4[a >>> 24] ^
        T3[b & 0xFF] ^ T2[b >>> 8 & 0xFF] ^ T1[b >>> 16 & 0xFF] ^ T0[b >>> 24];
      second = T7[c & 0xFF] ^ T6[c >>> 8 & 0xFF] ^ T5[c >>> 16 & 0xFF] ^ T4[c >>> 24] ^
        T3[d & 0xFF] ^ T2[d >>> 8 & 0xFF] ^ T1[d >>> 16 & 0xFF] ^ T0[d >>> 24];
    }
    crc = Z0[crc & 0xFF] ^ Z1[crc >>> 8 & 0xFF] ^ Z2[crc >>> 16 & 0xFF] ^ Z3[crc >>> 24] ^ second;
  }
  for (; i < words.length; i += 2) {
    const a = crc ^ words[i], b = words[i + 1];
    crc = T7[a & 0xFF] ^ T6[a >>> 8 & 0xFF] ^ T5[a >>> 16 & 0xFF] ^ T4[a >>> 24] ^
      T3[b & 0xFF] ^ T2[b >>> 8 & 0xFF] ^ T1[b >>> 16 & 0xFF] ^ T0[b >>> 24];
  }
  return crc;
}

function byteTables(): Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : crc >>> 1 ^ POLYNOMIAL;
    return crc;
  });
  const tables = [first];
  while (tables.length < 8) tables.push(tables[tables.length - 1].map((crc) => first[crc & 0xFF] ^ crc >>> 8));
  return tables;
}

/** A sum is linear in its bits: what becomes of each of the 32 tells what becomes of every byte of it. */
function zeroTables(zeros: number): Int32Array[] {
  const bits = Int32Array.from({ length: 32 }, (_, bit) => {
    let crc = 1 << bit;
    for (let i = 0; i < zeros; i++) crc = T0[crc & 0xFF] ^ crc >>> 8;
    return crc;
  });
  return [0, 8, 16, 24].map((from) =>
    Int32Array.from({ length: 256 }, (_, byte) => {
      let crc = 0;
      for (let bit = 0; bit < 8; bit++) if ((byte >>> bit & 1) !== 0) crc ^= bits[from + bit];
      return crc;
    })
  );
}
