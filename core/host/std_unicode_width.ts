/**
 * `@std/cli/unicode-width`, which the standard library's npm package lacks a data file for: the same name and signature
 * over the runtime's own Unicode properties.
 */

const ZERO = /^[\p{Mn}\p{Me}\p{Cc}\p{Cf}\u1160-\u11ff]$/u;
const HALF = /^[\uff61-\uffdc\uffe8-\uffee]$/u;
const WIDE =
  /^[\p{Emoji_Presentation}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Bopomofo}\p{sc=Yi}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u;

/** Columns that `text` takes on a terminal: 0, 1 or 2 for each code point. */
export function unicodeWidth(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (character >= " " && character <= "~") columns++;
    else if (!ZERO.test(character)) columns += WIDE.test(character) && !HALF.test(character) ? 2 : 1;
  }
  return columns;
}
