/**
 * The text of nginx's `log_format`, as literals and variables.
 *
 *   $remote_addr - ${remote_user} [$time_local]
 *
 * A variable is `$name` or `${name}`. Written in a flag, `\t`, `\n`, `\r`, `\\`, `\"` and `\'` mean what they mean in
 * nginx's configuration; what was read from there has been through that already. A line feed separates formats that stand
 * in one stream (see `formats.ts`): no line holds one.
 */
import { LOG_FORMAT_CHARS_MAX } from "./bounds.ts";

export interface LiteralToken {
  readonly kind: "literal";
  /** Not empty. */
  readonly bytes: Uint8Array;
  /** Where it stands in the text, from 1. */
  readonly column: number;
}

export interface VariableToken {
  readonly kind: "variable";
  /** Without `$` and braces. */
  readonly name: string;
  readonly column: number;
}

export type FormatToken = LiteralToken | VariableToken;

/** What is wrong with a format, and what would work. */
export interface FormatMistake {
  /** In the text, from 1. */
  readonly column: number;
  readonly message: string;
}

/** What is written in a flag instead of the character that is meant, as in nginx's configuration. */
const WRITTEN: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", "\\": "\\", '"': '"', "'": "'" };

/**
 * Reads a text: the tokens of each format in it, at least one.
 *
 * @param written whether backslashes are still to be read, as in a flag.
 */
export function parseLogFormat(text: string, written: boolean): readonly FormatToken[][] | FormatMistake {
  if (text.length > LOG_FORMAT_CHARS_MAX) {
    return { column: LOG_FORMAT_CHARS_MAX, message: `the format is longer than ${LOG_FORMAT_CHARS_MAX} characters` };
  }
  const formats: FormatToken[][] = [[]];
  let literal = "", literalAt = 0;
  const endLiteral = (): void => {
    if (literal !== "") {
      formats.at(-1)?.push({ kind: "literal", bytes: ENCODER.encode(literal), column: literalAt + 1 });
    }
    literal = "";
  };
  for (let p = 0; p < text.length;) {
    if (text[p] === "$") {
      const name = /^\$(?:\{(\w+)\}|(\w+))/.exec(text.slice(p, p + NAME_CHARS_MAX));
      if (name === null) return { column: p + 1, message: "a variable's name follows a $: letters, digits and _" };
      endLiteral();
      formats.at(-1)?.push({ kind: "variable", name: name[1] ?? name[2], column: p + 1 });
      p += name[0].length;
      continue;
    }
    const meant = written && text[p] === "\\" ? WRITTEN[text[p + 1]] : undefined, character = meant ?? text[p];
    if (character === "\n") {
      endLiteral();
      formats.push([]);
    } else {
      if (literal === "") literalAt = p;
      literal += character;
    }
    p += meant === undefined ? 1 : 2;
  }
  endLiteral();
  const given = formats.filter((tokens) => tokens.length > 0);
  return given.length > 0 ? given : { column: 1, message: "the format is empty" };
}

/** Bytes as they would be written in a format, for messages. */
export function literalText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replaceAll("\t", "\\t");
}

const NAME_CHARS_MAX = 256;
const ENCODER = new TextEncoder();
