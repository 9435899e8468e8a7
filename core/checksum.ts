/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells two buckets of the same identity apart, and a torn record from a whole one.
 */

const POLYNOMIAL = 0x82F63B78;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : crc >>> 1 ^ POLYNOMIAL;
  return crc;
});

/** The checksum of `bytes`, continued from that of what came before. An unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xFF] ^ crc >>> 8;
  return ~crc >>> 0;
}
