/**
 * Undoing the escapes of a log: `\xHH` stands for one byte (nginx's escape=default; Apache writes the digits in lower
 * case).
 */

const BACKSLASH = 92, LETTER_X = 120;
const ESCAPED_NUL = new TextEncoder().encode("\\x00");

/** Value of a hexadecimal digit, or -1. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return byte < 128 ? digit : -1;
});

/**
 * Copies `bytes[start … end)` to `into[at …]` with escapes undone, at most `bytesMax` bytes of result; returns where it
 * ends in `into`. What is no whole escape stays as it is, and so does `\x00`, as which a NUL is written that was not
 * escaped: no entry holds one. Cost: linear.
 */
export function unescapeHex(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
  bytesMax: number,
): number {
  const limit = at + bytesMax;
  for (let p = start; p < end && at < limit;) {
    let byte = bytes[p++];
    if (byte === BACKSLASH && p + 3 <= end && bytes[p] === LETTER_X) {
      const high = HEX[bytes[p + 1]], low = HEX[bytes[p + 2]];
      if (high >= 0 && low >= 0 && (high | low) !== 0) {
        byte = high << 4 | low;
        p += 3;
      }
    }
    if (byte === 0) { for (let i = 0; i < ESCAPED_NUL.length && at < limit; i++) into[at++] = ESCAPED_NUL[i]; }
    else into[at++] = byte;
  }
  return at;
}
