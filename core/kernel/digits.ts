/** Decimal digits, four or eight at a time, without a branch. A word is little-endian: its first byte is the lowest. */

export const ZERO_DIGITS: u64 = 0x3030303030303030, DIGITS: u64 = 0x0f0f0f0f0f0f0f0f;

/** The top bit of every byte that is no decimal digit, and perhaps of some behind one that is beyond ASCII. */
@inline
export function notDigits(word: u32): u32 {
  const digits = word ^ 0x30303030;
  return ((digits + 0x76767676) | digits) & 0x80808080;
}

@inline
export function notDigits8(word: u64): u64 {
  const digits = word ^ ZERO_DIGITS;
  return ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
}

/** The last `length` bytes of eight, 1 to 8, as digits with zeros in front; what is none stays more than 9. */
@inline
export function lastDigits(word: u64, length: i32): u64 {
  return (word ^ ZERO_DIGITS) & (<u64> -1 << u64(64 - (length << 3) & 63));
}

/** The number of eight digits, of which the first four count `unit` each. */
@inline
export function eightDigits(digits: u64, unit: u64): u32 {
  const pairs = (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ff;
  const quads = (pairs * 100 + (pairs >> 16)) & 0x0000ffff0000ffff;
  return u32(quads * unit + (quads >> 32));
}

/** Not 0 for a number that is not from `least` to `most`. */
@inline
export function isOutside(number: i32, least: i32, most: i32): u32 {
  return u32(u32(number - least) > u32(most - least));
}
