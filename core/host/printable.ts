/**
 * Text from outside (labels, names, arguments) made safe for a terminal: nothing in it can move the cursor, change
 * colours, reverse the reading direction, hide, or begin a new line.
 */

/** Controls, formats (bidi, zero width), line separators, lone surrogates, private use, and what no terminal draws. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * The text with every such character written as its escape: `\x1b`, `\u202e`, `\u{e0001}`. A backslash stays one: the
 * result is to be read, not to be decoded.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeOf);
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\u{${code.toString(16)}}`;
}
