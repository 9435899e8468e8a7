/**
 * nginx's configuration as directives, read as nginx reads it (`ngx_conf_read_token`).
 *
 *   name parameter "quoted parameter" { … }     a block
 *   name parameter;                             a simple directive
 *
 * Blanks separate; `#` begins a comment where a parameter could begin; in quotes and outside, a backslash keeps the next
 * character, and `\t`, `\r`, `\n` are what they are in C. `${name}` is no block. Code in `…_by_lua_block` is skipped.
 */
import { NGINX_CONF_DEPTH_MAX } from "./bounds.ts";

export interface Directive {
  readonly name: string;
  /** Unquoted, escapes undone. */
  readonly parameters: readonly string[];
  /** What stands in its braces; undefined for a simple directive. */
  readonly block?: readonly Directive[];
  /** Where it begins. */
  readonly line: number;
}

export interface ConfMistake {
  readonly line: number;
  readonly message: string;
}

/** The directives of one file, in order; or what is wrong with it. Cost: linear. */
export function parseNginxConf(text: string): readonly Directive[] | ConfMistake {
  return new Reader(text).file();
}

class Reader {
  #at = 0;
  #line = 1;
  #mistake: ConfMistake | undefined;

  constructor(readonly text: string) {}

  file(): readonly Directive[] | ConfMistake {
    const directives = this.#directives(0);
    if (this.#mistake === undefined && this.#at < this.text.length) this.#refuse('a "}" that closes nothing');
    return this.#mistake ?? directives;
  }

  /** Directives up to the `}` of their block, or the end of the file. */
  #directives(depth: number): Directive[] {
    const directives: Directive[] = [];
    while (this.#mistake === undefined) {
      this.#skipBlanks();
      const character = this.text[this.#at];
      if (character === undefined || character === "}") return directives;
      const directive = this.#directive(depth);
      if (directive !== undefined) directives.push(directive);
    }
    return directives;
  }

  #directive(depth: number): Directive | undefined {
    const line = this.#line, words: string[] = [];
    for (;;) {
      this.#skipBlanks();
      switch (this.text[this.#at]) {
        case undefined:
          return this.#refuse(`the file ends within the directive of line ${line}; "{" or ";" is missing`);
        case ";":
          this.#at++;
          if (words.length === 0) return this.#refuse('a ";" that ends nothing');
          return { name: words[0], parameters: words.slice(1), line };
        case "{":
          this.#at++;
          if (words.length === 0) return this.#refuse('a "{" without a directive');
          return { name: words[0], parameters: words.slice(1), block: this.#block(words[0], depth, line), line };
        case "}":
          return this.#refuse(`a "}" within the directive of line ${line}; ";" is missing`);
        default:
          words.push(this.#word());
      }
      if (this.#mistake !== undefined) return undefined;
    }
  }

  #block(name: string, depth: number, line: number): Directive[] {
    if (name.endsWith("_by_lua_block")) {
      this.#skipLua(line);
      return [];
    }
    if (depth === NGINX_CONF_DEPTH_MAX) {
      this.#refuse(`blocks stand more than ${NGINX_CONF_DEPTH_MAX} deep in each other`);
      return [];
    }
    const directives = this.#directives(depth + 1);
    if (this.#mistake !== undefined) return directives;
    if (this.text[this.#at] !== "}") this.#refuse(`the block of line ${line} is not closed; "}" is missing`);
    this.#at++;
    return directives;
  }

  #word(): string {
    const first = this.text[this.#at];
    if (first === '"' || first === "'") return this.#quoted(first);
    let word = "";
    for (;;) {
      const character = this.text[this.#at];
      if (character === undefined || ENDS.includes(character)) return word;
      // A brace belongs to the word only behind a dollar.
      if (character === "{" && (word === "" || this.text[this.#at - 1] !== "$")) return word;
      word += this.#take();
    }
  }

  #quoted(quote: string): string {
    const line = this.#line;
    let word = "";
    this.#at++;
    for (;;) {
      const character = this.text[this.#at];
      if (character === undefined) {
        this.#refuse(`the quote of line ${line} is not closed`);
        return word;
      }
      if (character === quote) break;
      word += this.#take();
    }
    this.#at++;
    return word;
  }

  /** One character, its escape undone. */
  #take(): string {
    const character = this.text[this.#at++], next = this.text[this.#at];
    if (character === "\n") this.#line++;
    if (character !== "\\" || next === undefined) return character;
    if (next === "\n") this.#line++;
    this.#at++;
    return ESCAPES[next] ?? character + next;
  }

  #skipBlanks(): void {
    for (;;) {
      const character = this.text[this.#at];
      if (character === "#") {
        const end = this.text.indexOf("\n", this.#at);
        this.#at = end < 0 ? this.text.length : end;
      } else if (character === "\n") {
        this.#line++;
        this.#at++;
      } else if (character === " " || character === "\t" || character === "\r") this.#at++;
      else return;
    }
  }

  /** Lua up to the brace that closes the block: braces in strings and comments do not count. */
  #skipLua(line: number): void {
    for (let depth = 1; this.#at < this.text.length;) {
      LUA_PIECE.lastIndex = this.#at;
      const [piece] = LUA_PIECE.exec(this.text) ?? [this.text[this.#at]];
      this.#at += piece.length;
      for (const character of piece) if (character === "\n") this.#line++;
      if (piece === "{") depth++;
      else if (piece === "}" && --depth === 0) return;
    }
    this.#refuse(`the block of line ${line} is not closed; "}" is missing`);
  }

  #refuse(message: string): undefined {
    this.#mistake ??= { line: this.#line, message };
    return undefined;
  }
}

/** What ends a word. */
const ENDS = " \t\r\n;";

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "'": "'", "\\": "\\", t: "\t", r: "\r", n: "\n" };

/** A piece of Lua in which no brace counts: a comment, a long string, a string; or text without any of these; or one brace. */
const LUA_PIECE =
  /--\[\[[^]*?(?:\]\]|$)|--[^\n]*|\[\[[^]*?(?:\]\]|$)|"(?:[^"\\]|\\[^])*"?|'(?:[^'\\]|\\[^])*'?|[^{}"'[-]+|[^]/y;
