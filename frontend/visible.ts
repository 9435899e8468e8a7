/**
 * Labels come from log lines: any byte that a stranger sent. HTML escaping is Preact's; this makes visible what would
 * otherwise be invisible or change how its neighbours are read: control, bidi and zero-width characters.
 */
import { printable } from "@/core/host/printable.ts";

/** A run of a label: as it is, or the escape that stands for one character. */
export interface Piece {
  readonly text: string;
  readonly escaped: boolean;
}

/** Characters of a label that a page shows; JSON and CSV carry all of them. */
export const LABEL_CHARS_MAX = 240;

/** The label as runs, escapes apart, so that a page can tell a real escape from a text that looks like one. */
export function visiblePieces(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let run = "";
  for (const character of text) {
    const shown = printable(character);
    if (shown === character) {
      run += character;
      continue;
    }
    if (run !== "") pieces.push({ text: run, escaped: false });
    pieces.push({ text: shown, escaped: true });
    run = "";
  }
  return run === "" ? pieces : [...pieces, { text: run, escaped: false }];
}

/** The label as one string of so many characters at most, with escapes such as `\x1b` and `\u202e`. */
export function visibleText(text: string, charsMax = LABEL_CHARS_MAX): string {
  const { text: shown, cut } = cutText(text, charsMax);
  return printable(shown) + (cut > 0 ? "…" : "");
}

/** Cuts a text to so many characters, never through a surrogate pair, and says how many are missing. */
export function cutText(text: string, charsMax: number): { readonly text: string; readonly cut: number } {
  if (text.length <= charsMax) return { text, cut: 0 };
  const before = text.charCodeAt(charsMax - 1);
  const end = before >= 0xd800 && before <= 0xdbff ? charsMax - 1 : charsMax;
  return { text: text.slice(0, end), cut: text.length - end };
}
