/**
 * The many patterns that are no more than some texts to look for (`^/api/`, `\.(jpg|html)$`, `wp-login|xmlrpc`): searching
 * them as texts takes a tenth of the time that running an engine takes.
 */

/** A text to look for. */
interface Literal {
  readonly text: string;
  /** Only at the start, only at the end. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

/** Texts that one pattern may stand for; with more of them an engine is faster. */
const LITERALS_MAX = 16;

/** Characters of one of them: searching costs up to this much a character, and an engine does not. */
const LITERAL_CHARS_MAX = 40;

/** What stands for itself: ASCII without anything that RE2 or we could read as more. */
const PLAIN = /^[A-Za-z0-9/_\-%=&,:;~@!<>#"' ]$/;
/** What stands for itself behind a backslash. */
const ESCAPED = /^[.\-/?+*()[\]{}|^$\\]$/;

/** A search that finds what the pattern finds; undefined when the pattern is more than texts. */
export function literalSearch(pattern: string): ((text: string) => boolean) | undefined {
  const reader = new Reader(pattern), literals = reader.alternatives();
  if (literals === undefined || !reader.isDone || literals.length > LITERALS_MAX) return undefined;
  if (literals.some(({ text }) => text.length > LITERAL_CHARS_MAX)) return undefined;
  const searches = literals.map(searchOf);
  return searches.length === 1 ? searches[0] : (text) => searches.some((search) => search(text));
}

function searchOf({ text: wanted, atStart, atEnd }: Literal): (text: string) => boolean {
  if (atStart && atEnd) return (text) => text === wanted;
  if (atStart) return (text) => text.startsWith(wanted);
  return atEnd ? (text) => text.endsWith(wanted) : (text) => text.includes(wanted);
}

/** Reads `alternatives = sequence ("|" sequence)*`, `sequence = "^"? (character | "(" alternatives ")")* "$"?`. */
class Reader {
  #at = 0;

  constructor(readonly pattern: string) {}

  get isDone(): boolean {
    return this.#at === this.pattern.length;
  }

  alternatives(depth = 0): Literal[] | undefined {
    const all: Literal[] = [];
    for (;;) {
      const some = this.#sequence(depth);
      if (some === undefined || all.push(...some) > LITERALS_MAX) return undefined;
      if (this.pattern[this.#at] !== "|") return all;
      this.#at++;
    }
  }

  /** Anchors are read only outside of parentheses. */
  #sequence(depth: number): Literal[] | undefined {
    const atStart = depth === 0 && this.#took("^");
    let texts = [""];
    for (;;) {
      const next = this.#piece(depth);
      if (next === undefined) return undefined;
      if (next.length === 0) break;
      texts = texts.flatMap((text) => next.map((more) => text + more));
      if (texts.length > LITERALS_MAX) return undefined;
    }
    const atEnd = depth === 0 && this.#took("$");
    return texts.map((text) => ({ text, atStart, atEnd }));
  }

  /** The texts that the next piece stands for; none at the end of a sequence, undefined for what is no text. */
  #piece(depth: number): string[] | undefined {
    const character = this.pattern[this.#at];
    if (character === undefined || character === "|" || character === "$" || character === ")") return [];
    this.#at++;
    if (PLAIN.test(character)) return [character];
    if (character === "\\") {
      const escaped = this.pattern[this.#at++] ?? "";
      return ESCAPED.test(escaped) ? [escaped] : undefined;
    }
    if (character !== "(" || depth > 2) return undefined;
    const inner = this.alternatives(depth + 1);
    return inner !== undefined && this.#took(")") ? inner.map(({ text }) => text) : undefined;
  }

  #took(character: string): boolean {
    if (this.pattern[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
