/**
 * The filter language, from text to tree:
 *
 *   filter      = [ or ]
 *   or          = and { OR and }
 *   and         = operand { AND operand }
 *   operand     = NOT operand | "(" or ")" | comparison
 *   comparison  = dimension operator value       status>=400   website~=^api\.   uri="/a b"
 *
 * Words are read in either case, blanks are free between parts. A bare value runs to a blank or to the `)` that closes
 * a parenthesis from outside it: parentheses that balance inside belong to it, so `(uri~=^/(a|b)$)` is what it looks
 * like, and a parenthesis after a backslash does not count. A value in double quotes may hold anything; `\"` and `\\`
 * stand for a quote and a backslash, any other backslash for itself.
 */
import { FILTER_CHARS_MAX, FILTER_DEPTH_MAX, FILTER_NODES_MAX } from "./bounds.ts";
import { comparisonMistake, quote, unknownDimension } from "./filter_check.ts";
import { type CompareOperator, type Filter, type FilterNode, isFilterDimension } from "./filter_tree.ts";

/** Where and what. */
export interface FilterMistake {
  /** 1 for the first; counts UTF-16 units, as editors' selections do. */
  readonly column: number;
  /** What was expected there and what was found. Holds text of the user's: escape it for its medium. */
  readonly message: string;
}

/** The text and how far it has been read. */
interface Reader {
  readonly text: string;
  at: number;
  nodes: number;
  depth: number;
}

/** Ends the descent at the first mistake. Never leaves this file. */
class Stop extends Error {
  constructor(readonly mistake: FilterMistake) {
    super(mistake.message);
  }
}

const BLANK = /\s/;
const WORD = /[A-Za-z_]+/y;
const OPERATOR = /!~=|~=|!=|>=|<=|=|>|</y;
/** What other languages write, by what is written here. */
const FOREIGN: ReadonlyMap<string, string> = new Map([["&&", "AND"], ["&", "AND"], [",", "AND"], ["||", "OR"], [
  "|",
  "OR",
]]);

/**
 * Reads a filter expression. Empty text is the filter that lets everything through: undefined.
 *
 * Bounds: FILTER_CHARS_MAX, FILTER_NODES_MAX, FILTER_DEPTH_MAX. Never throws. Regular expressions are not compiled
 * here (`filterMistakes` in `filter_match.ts` does that).
 */
export function parseFilter(text: string): { readonly filter: Filter } | { readonly mistake: FilterMistake } {
  const reader: Reader = { text, at: 0, nodes: 0, depth: 0 };
  try {
    if (text.length > FILTER_CHARS_MAX) stop(FILTER_CHARS_MAX, `expected at most ${FILTER_CHARS_MAX} characters`);
    skipBlanks(reader);
    if (reader.at === text.length) return { filter: undefined };
    const filter = readOr(reader);
    if (reader.at < text.length) expected(reader, "AND, OR or the end");
    return { filter };
  } catch (error) {
    if (error instanceof Stop) return { mistake: error.mistake };
    throw error;
  }
}

function readOr(reader: Reader): FilterNode {
  return readList(reader, "or", () => readList(reader, "and", () => readOperand(reader)));
}

/** One part, or several joined by the word; a list inside a list of its own kind becomes part of it. */
function readList(reader: Reader, kind: "and" | "or", readPart: () => FilterNode): FilterNode {
  const parts = [readPart()];
  while (takeWord(reader, kind)) parts.push(readPart());
  if (parts.length === 1) return parts[0];
  countNode(reader);
  return { kind, parts: parts.flatMap((part) => part.kind === kind ? part.parts : [part]) };
}

function readOperand(reader: Reader): FilterNode {
  skipBlanks(reader);
  if (reader.text[reader.at] === "(") return readGroup(reader);
  const start = reader.at;
  if (!takeWord(reader, "not")) return readComparison(reader);
  countNode(reader);
  return { kind: "not", part: deeper(reader, start, () => readOperand(reader)) };
}

function readGroup(reader: Reader): FilterNode {
  const start = reader.at++;
  const inner = deeper(reader, start, () => readOr(reader));
  if (reader.text[reader.at] !== ")") {
    expected(reader, `AND, OR or ) for the ( in column ${start + 1}`);
  }
  reader.at++;
  return inner;
}

function readComparison(reader: Reader): FilterNode {
  const start = reader.at;
  const name = match(reader, WORD);
  if (name === "" || /^(and|or|not)$/i.test(name)) {
    reader.at = start;
    expected(reader, "a dimension, NOT or (");
  }
  const dimension = name.toLowerCase();
  if (!isFilterDimension(dimension)) return stop(start, unknownDimension(name));
  countNode(reader);
  skipBlanks(reader);
  const operatorAt = reader.at;
  const operator = match(reader, OPERATOR) as CompareOperator | "";
  if (operator === "") return expected(reader, "one of = != ~= !~= > >= < <=");
  skipBlanks(reader);
  const valueAt = reader.at;
  const value = reader.text[valueAt] === '"' ? readQuoted(reader) : readBare(reader);
  const comparison = { kind: "compare", dimension, operator, value } as const;
  const mistake = comparisonMistake(comparison);
  if (mistake !== undefined) stop(mistake.at === "value" ? valueAt : operatorAt, mistake.message);
  return comparison;
}

function readQuoted(reader: Reader): string {
  const { text } = reader;
  const start = reader.at++;
  let value = "";
  for (; text[reader.at] !== '"'; reader.at++) {
    if (reader.at >= text.length) stop(start, 'expected a " that closes this one');
    const escaped = text[reader.at] === "\\" && /["\\]/.test(text[reader.at + 1] ?? "");
    if (escaped) reader.at++;
    value += text[reader.at];
  }
  reader.at++;
  const next = text[reader.at];
  if (next !== undefined && next !== ")" && !BLANK.test(next)) expected(reader, "a blank or ) after the closing quote");
  return value;
}

function readBare(reader: Reader): string {
  const { text } = reader;
  const start = reader.at;
  if (start < text.length && "=~<>!".includes(text[start])) {
    expected(reader, 'a value (one that begins like an operator goes into "quotes")');
  }
  const open: number[] = [];
  for (; reader.at < text.length && !BLANK.test(text[reader.at]); reader.at++) {
    const character = text[reader.at];
    if (character === "\\" && /[()\\]/.test(text[reader.at + 1] ?? "")) reader.at++;
    else if (character === "(") open.push(reader.at);
    else if (character === ")" && open.pop() === undefined) break;
  }
  if (open.length > 0) stop(open[0], 'expected a ) that closes this one; or put the value into "quotes"');
  if (reader.at === start) expected(reader, 'a value ("" or - for absent)');
  return text.slice(start, reader.at);
}

/** Reads something nested. */
function deeper(reader: Reader, start: number, read: () => FilterNode): FilterNode {
  if (++reader.depth > FILTER_DEPTH_MAX) stop(start, `expected at most ${FILTER_DEPTH_MAX} levels of ( and NOT`);
  const part = read();
  reader.depth--;
  return part;
}

function countNode(reader: Reader): void {
  if (++reader.nodes > FILTER_NODES_MAX) {
    stop(reader.at, `expected at most ${FILTER_NODES_MAX} comparisons, ANDs, ORs and NOTs`);
  }
}

/** Whether the next word is this one; if so it has been read. */
function takeWord(reader: Reader, word: string): boolean {
  skipBlanks(reader);
  const start = reader.at;
  if (match(reader, WORD).toLowerCase() === word) return true;
  reader.at = start;
  return false;
}

/** What a sticky pattern matches here, now read; empty when it does not. */
function match(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0] ?? "";
  reader.at += found.length;
  return found;
}

function skipBlanks(reader: Reader): void {
  while (reader.at < reader.text.length && BLANK.test(reader.text[reader.at])) reader.at++;
}

function expected(reader: Reader, what: string): never {
  const rest = /^\S*/.exec(reader.text.slice(reader.at))?.[0] ?? "";
  const foreign = FOREIGN.get(rest);
  const hint = foreign === undefined ? "" : `; did you mean ${foreign}?`;
  stop(reader.at, `expected ${what}, found ${rest === "" ? "the end" : quote(rest)}${hint}`);
}

function stop(at: number, message: string): never {
  throw new Stop({ column: at + 1, message });
}
