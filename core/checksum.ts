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

/** Eight tables behind one another, T0 first: what a byte contributes when n more bytes follow it. In one array, of which V8 looks
 * up place and length once and not for each byte. */
const TABLES = byteTables();
/** Where they begin. */
const T1 = 0x100, T2 = 0x200, T3 = 0x300, T4 = 0x400, T5 = 0x500, T6 = 0x600, T7 = 0x700;

/** Words of one of two stretches. */
const STRETCH = 256;
/** Four tables, by byte of a sum: what becomes of it when a stretch of zeros follows. */
const ZEROS = zeroTables(4 * STRETCH);
const Z1 = 0x100, Z2 = 0x200, Z3 = 0x300;

/** The checksum of `bytes`, continued from that of what came before. An unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const end = bytes.length;
  let crc = ~before, at = 0;
  while (at < end && (bytes.byteOffset + at & 3) !== 0) crc = ofByte(crc, bytes[at++]);
  const pairs = end - at >>> 3;
  crc = ofWords(new Int32Array(bytes.buffer, bytes.byteOffset + at & ~3, 2 * pairs), crc);
  for (at += 8 * pairs; at < end; at++) crc = ofByte(crc, bytes[at]);
  return ~crc >>> 0;
}

function ofByte(crc: number, byte: number): number {
  return TABLES[(crc ^ byte) & 0xFF] ^ crc >>> 8;
}

/** The same for an even number of words, without turning the bits around. */
function ofWords(words: Int32Array, crc: number): number {
  const t = TABLES, z = ZEROS, length = words.length | 0;
  let i = 0;
  for (; i + 2 * STRETCH <= length; i = i + STRETCH | 0) {
    let second = 0;
    for (const end = i + STRETCH | 0; i < end; i = i + 2 | 0) {
      const a = crc ^ words[i], b = words[i + 1], c = second ^ words[i + STRETCH], d = words[i + STRETCH + 1];
      crc = t[T7 | a & 0xFF] ^ t[T6 | a >>> 8 & 0xFF] ^ t[T5 | a >>> 16 & 0xFF] ^ t[T4 | a >>> 24] ^
        t[T3 | b & 0xFF] ^ t[T2 | b >>> 8 & 0xFF] ^ t[T1 | b >>> 16 & 0xFF] ^ t[b >>> 24];
      second = t[T7 | c & 0xFF] ^ t[T6 | c >>> 8 & 0xFF] ^ t[T5 | c >>> 16 & 0xFF] ^ t[T4 | c >>> 24] ^
        t[T3 | d & 0xFF] ^ t[T2 | d >>> 8 & 0xFF] ^ t[T1 | d >>> 16 & 0xFF] ^ t[d >>> 24];
    }
    crc = z[crc & 0xFF] ^ z[Z1 | crc >>> 8 & 0xFF] ^ z[Z2 | crc >>> 16 & 0xFF] ^ z[Z3 | crc >>> 24] ^ second;
  }
  for (; i < length; i = i + 2 | 0) {
    const a = crc ^ words[i], b = words[i + 1];
    crc = t[T7 | a & 0xFF] ^ t[T6 | a >>> 8 & 0xFF] ^ t[T5 | a >>> 16 & 0xFF] ^ t[T4 | a >>> 24] ^
      t[T3 | b & 0xFF] ^ t[T2 | b >>> 8 & 0xFF] ^ t[T1 | b >>> 16 & 0xFF] ^ t[b >>> 24];
  }
  return crc;
}

function byteTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : crc >>> 1 ^ POLYNOMIAL;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) tables[i] = tables[tables[i - 256] & 0xFF] ^ tables[i - 256] >>> 8;
  return tables;
}

/** A sum is linear in its bits: what becomes of each of the 32 tells what becomes of every byte of it. */
function zeroTables(zeros: number): Int32Array {
  const bits = Int32Array.from({ length: 32 }, (_, bit) => {
    let crc = 1 << bit;
    for (let i = 0; i < zeros; i++) crc = ofByte(crc, 0);
    return crc;
  });
  return Int32Array.from({ length: 4 * 256 }, (_, i) => {
    const from = i >>> 8 << 3;
    let crc = 0;
    for (let bit = 0; bit < 8; bit++) if ((i >>> bit & 1) !== 0) crc ^= bits[from + bit];
    return crc;
  });
}
