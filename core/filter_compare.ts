/**
 * One comparison against the entries of dictionaries: whether each entry, present or absent, satisfies it.
 *
 * Absent values: `=-` and `!=-` ask for them; they satisfy `!=` and `!~=` of anything else, never an order or `~=`,
 * but a regular expression that matches empty text matches them. Prefixes compare by containment; a
 * filter's prefix longer than an entry, such as a whole address, also equals the entry that contains it: clients are
 * counted by masked prefix, and who pastes an address looks for the row it is in.
 */
import type { Dictionary } from "./bucket.ts";
import { prefixContains } from "./client_prefix.ts";
import { type Dimension, dimensionIndex, DIMENSIONS, OTHER } from "./dimensions.ts";
import { bytesText, bytesTexts } from "./entry_text.ts";
import { comparisonMistake, quote, statusClass } from "./filter_check.ts";
import type { CompareOperator, Comparison } from "./filter_tree.ts";
import { entryOf } from "./label.ts";
import { type LiteralPattern, literalPattern, matchesLiteral } from "./literal_pattern.ts";

/** Truth values: bit 0 is set when it may be so, bit 1 when it is. So AND is `&`, OR is `|` (Kleene's logic). */
export const FALSE = 0, UNKNOWN = 1, TRUE = 3;

/** Compiles a pattern; `test` searches it anywhere in a text. Throws Error on a bad pattern. Must run in linear time. */
export type RegexEngine = (pattern: string) => { test(text: string): boolean };

/** A comparison ready to be decided for any number of dictionaries. `!=` and `!~=` are decided as what they negate. */
export interface Compared {
  /** Index of its dimension. */
  readonly d: number;
  readonly negated: boolean;
  /** Says of the entries of one dictionary whether they satisfy it (before negation). */
  readonly test: Test;
  /** A regular expression: worth more to remember than it costs. */
  readonly isRegex: boolean;
  /** Decided in nanoseconds: not by an engine. */
  readonly isCheap: boolean;
  /** Whether at most one value of a dictionary's traffic satisfies it (before negation). */
  readonly isSingle: (dictionary: Texts) => boolean;
}

/**
 * Of one value, whatever dictionary it is in, it always says the same. It looks at nothing before the first entry is asked
 * about: mostly none is.
 */
type Test = (dictionary: Texts) => (entry: number) => boolean;

/** Entries as a comparison sees them. */
type Texts = Pick<Dictionary, "size" | "offsets" | "bytes">;

/** @throws Error for a comparison in which `filterMistakes` finds something */
export function compareEntries(comparison: Comparison, regex: RegexEngine): Compared {
  const mistake = comparisonMistake(comparison);
  if (mistake !== undefined) throw new Error(`Cannot filter by ${quote(comparison.dimension)}: ${mistake.message}`);
  const { operator, value } = comparison;
  const d = dimensionIndex(comparison.dimension), dimension = DIMENSIONS[d];
  const isEqual = operator === "=" || operator === "!=", isRegex = operator === "~=" || operator === "!~=";
  const literals = isRegex && dimension.kind === "text" ? literalPattern(value) : undefined;
  return {
    d,
    isRegex,
    isCheap: !isRegex || literals !== undefined,
    negated: operator.startsWith("!"),
    test: isEqual
      ? equal(dimension, value)
      : isRegex
      ? matching(value, regex, literals)
      : ordered(operator, Number(value)),
    isSingle: isEqual ? single(dimension, value) : () => false,
  };
}

/**
 * A class of statuses and a network wider than those that are counted can be satisfied by many values; so can an address
 * where sources mask differently: by each network that holds it.
 */
function single(dimension: Dimension, value: string): (dictionary: Texts) => boolean {
  if (statusClass(dimension, value) !== undefined) return () => false;
  const wanted = entryOf(dimension, value);
  if (dimension.kind !== "prefix" || wanted === undefined || wanted.length === 0) return () => true;
  const [family, bits] = wanted;
  return ({ size, offsets, bytes }) => {
    let counted = -1;
    for (let e = OTHER + 1; e < size; e++) {
      if (bytes[offsets[e]] !== family) continue;
      const length = bytes[offsets[e] + 1];
      if (length > bits || counted >= 0 && length !== counted) return false;
      counted = length;
    }
    return counted >= 0;
  };
}

function equal(dimension: Dimension, value: string): Test {
  const hundreds = statusClass(dimension, value);
  if (hundreds !== undefined) return numbers((number) => Math.floor(number / 100) === hundreds);
  const wanted = entryOf(dimension, value);
  if (wanted === undefined || wanted.length === 0) return sameBytes(new Uint8Array(0));
  if (dimension.kind === "number") {
    const wantedNumber = Number(value);
    return numbers((number) => number === wantedNumber);
  }
  return dimension.kind === "prefix" ? related(wanted) : sameBytes(wanted);
}

function sameBytes(wanted: Uint8Array): Test {
  const { length } = wanted;
  return lazily(({ offsets, bytes }) => (e) => {
    const from = offsets[e];
    if (offsets[e + 1] - from !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[from + i] !== wanted[i]) return false;
    return true;
  });
}

/** A test that looks at a dictionary when the first entry is asked about. */
function lazily(test: Test): Test {
  return (dictionary) => {
    let tested: ((entry: number) => boolean) | undefined;
    return (e) => (tested ??= test(dictionary))(e);
  };
}

/** Prefixes that contain the wanted one or lie in it. */
function related(wanted: Uint8Array): Test {
  const [, bits, first] = wanted, firstTells = bits >= 8;
  return lazily(({ offsets, bytes }) => (e) => {
    const from = offsets[e], to = offsets[e + 1];
    // Most differ in their first byte. What does not is looked at properly: entries from other hosts may be anything.
    if (firstTells && bytes[from + 2] !== first && bytes[from + 1] >= 8) return false;
    if (to - from < 3 || !sharesBits(wanted, bytes, from, to)) return false;
    const entry = bytes.subarray(from, to);
    return prefixContains(wanted, entry) || prefixContains(entry, wanted);
  });
}

/** Whether the bytes that both prefixes cover whole are the same. */
function sharesBits(wanted: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  const whole = Math.min(wanted[1] >> 3, bytes[from + 1] >> 3, to - from - 2, wanted.length - 2);
  for (let i = 2; i < whole + 2; i++) if (bytes[from + i] !== wanted[i]) return false;
  return true;
}

function ordered(operator: CompareOperator, limit: number): Test {
  switch (operator) {
    case ">":
      return numbers((number) => number > limit);
    case ">=":
      return numbers((number) => number >= limit);
    case "<":
      return numbers((number) => number < limit);
    default:
      return numbers((number) => number <= limit);
  }
}

function numbers(test: (number: number) => boolean): Test {
  return lazily(({ offsets, bytes }) => (e) => test(numberOf(bytes, offsets[e], offsets[e + 1])));
}

/** The value of decimal digits; NaN, which satisfies nothing, for an absent value and for other bytes. */
function numberOf(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) return NaN;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** On the text of an entry, which is its label but for an absent value: that is empty text here, not a `-`. */
function matching(pattern: string, regex: RegexEngine, literals: LiteralPattern | undefined): Test {
  const compiled = regex(pattern);
  return lazily(({ bytes, offsets, size }) => {
    // Decoding all of them costs what decoding a few one by one does.
    let alone = size >> ALONE_SHIFT, text: ((entry: number) => string) | undefined;
    const search = (e: number): boolean => {
      if (alone-- > 0) return compiled.test(bytesText(bytes.subarray(offsets[e], offsets[e + 1])));
      text ??= bytesTexts(bytes, offsets);
      return compiled.test(text(e));
    };
    if (literals === undefined) return search;
    return (e) => matchesLiteral(literals, bytes, offsets[e], offsets[e + 1]) ?? search(e);
  });
}

/** One entry in sixteen. */
const ALONE_SHIFT = 4;
