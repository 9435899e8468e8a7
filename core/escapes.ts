/**
 * Undoing the escapes of a log, by how its writer escapes:
 *
 * - `default`, nginx: `\xHH` stands for one byte;
 * - `json`, nginx with escape=json, and JSON itself: `\"` `\\` `\/` `\b` `\f` `\n` `\r` `\t` `\uXXXX`, with surrogate pairs; and
 *   `\xHH`, which is no JSON, but what nginx writes into it when it was not told;
 * - `apache`: both of `\xhh` (in lower case) and `\"` `\\` `\b` `\n` `\r` `\t` `\v`;
 * - `none`: nothing is escaped.
 *
 * What is no whole escape stays as it is. A NUL, escaped or not, is written `\x00`: no entry holds one.
 */

export type Escape = "default" | "json" | "apache" | "none";

const BACKSLASH = 92, LETTER_X = 120, LETTER_U = 117;
const ESCAPED_NUL = new TextEncoder().encode("\\x00");

/** Value of a hexadecimal digit, or -1. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return byte < 128 ? digit : -1;
});

/** What a backslash and this letter stand for, or -1. */
const JSON_LETTERS = letters({ '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" });
const APACHE_LETTERS = letters({ '"': '"', "\\": "\\", b: "\b", n: "\n", r: "\r", t: "\t", v: "\v" });

/** Whether a field holds anything that `unescape` would change. */
export function hasEscapes(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (bytes[p] === BACKSLASH || bytes[p] === 0) return true;
  return false;
}

/**
 * Copies `bytes[start … end)` to `into[at …]` with escapes undone, at most `bytesMax` bytes of result; returns where it
 * ends in `into`. Cost: linear.
 */
export function unescape(
  escape: Escape,
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
  bytesMax: number,
): number {
  if (escape === "default") return unescapeHex(bytes, start, end, into, at, bytesMax);
  const limit = at + bytesMax, none = escape === "none", json = escape === "json";
  const letters = json ? JSON_LETTERS : APACHE_LETTERS;
  for (let p = start; p < end && at < limit;) {
    let byte = bytes[p++];
    if (byte === BACKSLASH && p < end && !none) {
      const letter = letters[bytes[p]];
      if (letter >= 0) {
        byte = letter;
        p++;
      } else if (bytes[p] === LETTER_X) {
        const value = hexValue(bytes, p + 1, p + 3, end);
        if (value > 0) {
          byte = value;
          p += 3;
        }
      } else if (json && bytes[p] === LETTER_U) {
        const unit = hexValue(bytes, p + 1, p + 5, end);
        if (unit >= 0) {
          const code = codePoint(bytes, p + 5, end, unit);
          at = putCode(code, into, at, limit);
          p += code > 0xffff ? 11 : 5;
          continue;
        }
      }
    }
    at = putByte(byte, into, at, limit);
  }
  return at;
}

/** `unescape` of nginx's default. */
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
    if (byte === BACKSLASH && p < end && bytes[p] === LETTER_X) {
      const value = hexValue(bytes, p + 1, p + 3, end);
      if (value > 0) {
        byte = value;
        p += 3;
      }
    }
    at = putByte(byte, into, at, limit);
  }
  return at;
}

/** The hexadecimal digits from `start` to `to` as a number, or -1. */
function hexValue(bytes: Uint8Array, start: number, to: number, end: number): number {
  if (to > end) return -1;
  let value = 0;
  for (let p = start; p < to; p++) {
    const digit = HEX[bytes[p]];
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

/** The character that begins with this UTF-16 unit: two make one above 0xffff; half of one is U+FFFD. */
function codePoint(bytes: Uint8Array, p: number, end: number, unit: number): number {
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit > 0xdbff || bytes[p] !== BACKSLASH || bytes[p + 1] !== LETTER_U) return 0xfffd;
  const low = hexValue(bytes, p + 2, p + 6, end);
  return low < 0xdc00 || low > 0xdfff ? 0xfffd : 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/** A character as UTF-8, cut where the room ends, as any text is. */
function putCode(code: number, into: Uint8Array, at: number, limit: number): number {
  if (code < 0x80) return putByte(code, into, at, limit);
  const bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  into[at++] = (0xf00 >> bytes & 0xff) | code >> 6 * (bytes - 1);
  for (let rest = bytes - 2; rest >= 0 && at < limit; rest--) into[at++] = 0x80 | code >> 6 * rest & 0x3f;
  return at;
}

function putByte(byte: number, into: Uint8Array, at: number, limit: number): number {
  if (byte !== 0) {
    into[at++] = byte;
    return at;
  }
  for (let i = 0; i < ESCAPED_NUL.length && at < limit; i++) into[at++] = ESCAPED_NUL[i];
  return at;
}

function letters(of: Readonly<Record<string, string>>): Int16Array {
  const table = new Int16Array(256).fill(-1);
  for (const [letter, meaning] of Object.entries(of)) table[letter.charCodeAt(0)] = meaning.charCodeAt(0);
  return table;
}
