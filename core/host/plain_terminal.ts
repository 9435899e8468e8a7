/**
 * Terminals that do not take UTF-8: what is drawn is drawn in ASCII there, and any other character is written as its
 * escape, since one of its bytes could be a command to such a terminal.
 */

/** What stands for what we draw ourselves. */
const DRAWN: Readonly<Record<string, string>> = {
  "▁": "_",
  "▂": ".",
  "▃": "-",
  "▄": ":",
  "▅": "=",
  "▆": "+",
  "▇": "*",
  "█": "#",
  "▏": "-",
  "▎": "-",
  "▍": "-",
  "▌": "=",
  "▋": "=",
  "▊": "=",
  "▉": "#",
  "│": "|",
  "┤": "+",
  "└": "+",
  "─": "-",
  "┄": "~",
  "·": "?",
  "…": "~",
  "≤": "<=",
  "≥": ">=",
  "\u202f": " ",
};

/** Variables that name the character set of a terminal; the first that is not empty counts (POSIX, 8.2). */
export const LOCALE_VARIABLES = ["LC_ALL", "LC_CTYPE", "LANG"] as const;

/** The text in ASCII, a character for a character but for `≤` and `≥`; valid JSON stays valid JSON. */
export function asciiText(text: string): string {
  return text.replace(
    /\P{ASCII}/gu,
    (character) =>
      DRAWN[character] ??
        character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/**
 * Whether these variables name UTF-8. Nothing named is the "C" locale, which does not; variables that may not be read
 * say nothing, and UTF-8 is what nearly every terminal takes.
 */
export function localeIsUtf8(variable: (name: string) => string | undefined, readable: boolean): boolean {
  if (!readable) return true;
  const locale = LOCALE_VARIABLES.map(variable).find((value) => value !== undefined && value !== "") ?? "C";
  return /utf-?8/i.test(locale);
}

/** What is to be done to a text before it is written to a stream: nothing, unless it is a terminal without UTF-8. */
export function terminalEncoding(stream: { isTerminal(): boolean }): (text: string) => string {
  if (!stream.isTerminal()) return (text) => text;
  const readable = LOCALE_VARIABLES.every((name) =>
    Deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
  );
  return localeIsUtf8((name) => Deno.env.get(name), readable) ? (text) => text : asciiText;
}
