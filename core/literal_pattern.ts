/**
 * Regular expressions that say how a text begins or ends and nothing else: `^/api/`, `\.php$`, `^/$|^/blog/`. They are
 * compared with the bytes of an entry, which costs a tenth of decoding it and running an engine. (Text anywhere is not
 * looked for in this way: two words took longer than in the engine.)
 *
 * An expression is about the text of an entry (`entry_text.ts`), in which a byte that is no UTF-8, and some backslashes, are
 * written as `\xhh`. So no pattern with a backslash in its text is one of these, and where such a byte could have been
 * written as what is looked for, the answer is that bytes do not tell.
 */

/** One alternative. */
interface Literal {
  /** ASCII without backslashes. */
  readonly bytes: Uint8Array;
  readonly isAtStart: boolean;
  readonly isAtEnd: boolean;
}

export type LiteralPattern = readonly Literal[];

const PLAIN = /^[ !"#%&',\-/0-9:;<=>@A-Z_`a-z~]$/, ESCAPED = /^[!-/:-@[\]^`{-~]$/;

/** The alternatives of such a pattern; undefined for any other, valid or not. */
export function literalPattern(pattern: string): LiteralPattern | undefined {
  const literals: Literal[] = [];
  let at = 0;
  do {
    const isAtStart = pattern[at] === "^", bytes: number[] = [];
    if (isAtStart) at++;
    for (; at < pattern.length; at++) {
      if (pattern[at] === "\\" && ESCAPED.test(pattern[at + 1] ?? "")) bytes.push(pattern.charCodeAt(++at));
      else if (PLAIN.test(pattern[at])) bytes.push(pattern.charCodeAt(at));
      else break;
    }
    const isAtEnd = pattern[at] === "$";
    if (isAtEnd) at++;
    if (bytes.length === 0 || !isAtStart && !isAtEnd || at < pattern.length && pattern[at] !== "|") return undefined;
    literals.push({ bytes: Uint8Array.from(bytes), isAtStart, isAtEnd });
  } while (at++ < pattern.length);
  return literals;
}

/** Whether the text of `bytes[from … to)` matches; undefined when bytes do not tell. */
export function matchesLiteral(
  literals: LiteralPattern,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean | undefined {
  let isSure = true;
  for (const literal of literals) {
    const found = literal.isAtStart ? isPrefix(literal, bytes, from, to) : isSuffix(literal.bytes, bytes, from, to);
    if (found === true) return true;
    if (found === undefined) isSure = false;
  }
  return isSure ? false : undefined;
}

/** At the first difference the text is different too: what is not plain is written with a backslash first, or not ASCII. */
function isPrefix({ bytes: wanted, isAtEnd }: Literal, bytes: Uint8Array, from: number, to: number): boolean {
  const { length } = wanted;
  if (isAtEnd ? to - from !== length : to - from < length) return false;
  for (let i = 0; i < length; i++) if (bytes[from + i] !== wanted[i]) return false;
  return true;
}

/** Behind the last difference both are the same, and the text is as the bytes are; where it is, an escape may have ended. */
function isSuffix(wanted: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean | undefined {
  const behind = to - wanted.length;
  for (let i = wanted.length - 1; i >= 0; i--) {
    if (behind + i < from) return false;
    const byte = bytes[behind + i];
    if (byte !== wanted[i]) return byte >= 0x80 || byte === BACKSLASH ? undefined : false;
  }
  return true;
}

const BACKSLASH = 0x5c;
