/**
 * A filter against the dictionaries and rows of a bucket, in three-valued logic: a row whose value was given up to
 * OTHER may or may not satisfy a comparison, so it is unknown, and an answer's upper bound knows of it.
 *
 * Each comparison is decided once per dictionary entry; per row only bytes are looked up and combined: AND is the
 * least, OR the greatest, NOT is 2 - x (Kleene's logic).
 */
import { FILTER_NODES_MAX } from "./bounds.ts";
import type { Bucket, Dictionary, IndexColumn } from "./bucket.ts";
import { prefixContains } from "./client_prefix.ts";
import { type Dimension, dimensionIndex, DIMENSIONS, OTHER } from "./dimensions.ts";
import { bytesText } from "./entry_text.ts";
import { comparisonMistake, quote, statusClass } from "./filter_check.ts";
import type { CompareOperator, Comparison, FilterNode } from "./filter_tree.ts";
import { entryOf } from "./label.ts";

/** Truth values, ordered so that AND is the least and OR the greatest. */
export const FALSE = 0, UNKNOWN = 1, TRUE = 2;

/** Compiles a pattern; `test` searches it anywhere in a text. Throws Error on a bad pattern. Must run in linear time. */
export type RegexEngine = (pattern: string) => { test(text: string): boolean };

/** A filter ready to run on any number of buckets; holds no bucket. */
export interface CompiledFilter {
  /** Truth of every row. The array is the caller's. Cost: dictionary entries + rows, times comparisons. */
  matchRows(bucket: Bucket): Uint8Array;
  /** The comparisons of a filter that is one or an `and` of them; undefined for any other. */
  readonly comparisons: readonly CompiledComparison[] | undefined;
}

/** One comparison, ready to be decided for any number of dictionaries. */
export interface CompiledComparison {
  /** Index of its dimension. */
  readonly d: number;
  /** Truth of every entry, OTHER being unknown. Made once a dictionary and kept with it: do not change it. */
  matchEntries(dictionary: Dictionary): Uint8Array;
  /** Whether at most one value can satisfy it: then that value's losses bound what is unknown about it. */
  isSingle(dictionary: Dictionary): boolean;
}

/** Whether a present or absent entry satisfies a comparison. */
type EntryTest = (entry: Uint8Array) => boolean;

/** A filter's tree with its comparisons compiled. */
type Step =
  | { readonly kind: "and" | "or"; readonly parts: readonly Step[] }
  | { readonly kind: "not"; readonly part: Step }
  | CompareStep;

interface CompareStep extends CompiledComparison {
  readonly kind: "compare";
}

/**
 * Compiles every comparison and regular expression once.
 *
 * @throws Error for a filter in which `filterMistakes` finds something
 */
export function compileFilter(filter: FilterNode, regex: RegexEngine): CompiledFilter {
  const step = compileStep(filter, regex);
  const parts = step.kind === "and" ? step.parts : [step];
  const comparisons = parts.filter((part) => part.kind === "compare");
  return {
    matchRows: (bucket) => truthOfRows(step, bucket),
    comparisons: comparisons.length === parts.length ? comparisons : undefined,
  };
}

/**
 * Truth of one comparison per entry of its dimension's dictionary; OTHER is unknown.
 *
 * Absent values: `=-` and `!=-` ask for them; they satisfy `!=` and `!~=` of anything else, never an order or `~=`,
 * but a regular expression that matches empty text matches them. Prefixes compare by containment; a
 * filter's prefix longer than an entry, such as a whole address, also equals the entry that contains it: clients are
 * counted by masked prefix, and who pastes an address looks for the row it is in.
 *
 * @throws Error for a comparison in which `filterMistakes` finds something
 */
export function matchEntries(comparison: Comparison, dictionary: Dictionary, regex: RegexEngine): Uint8Array {
  return compileComparison(comparison, regex).matchEntries(dictionary);
}

/**
 * Everything that is wrong with a filter, one sentence each; empty when it can be compiled. For trees from anywhere: a
 * tree that came as text has only its regular expressions left to fail.
 *
 * Bounds: FILTER_NODES_MAX, which bounds the depth as well, so that nothing after this runs out of stack.
 */
export function filterMistakes(filter: FilterNode, regex: RegexEngine): readonly string[] {
  const mistakes: string[] = [];
  const pending: FilterNode[] = [filter];
  for (let nodes = 1; pending.length > 0; nodes++) {
    const node = pending.pop()!;
    const parts = node.kind === "compare" ? [] : node.kind === "not" ? [node.part] : node.parts;
    if (nodes + pending.length + parts.length > FILTER_NODES_MAX) {
      return [`expected at most ${FILTER_NODES_MAX} comparisons, ANDs, ORs and NOTs`];
    }
    if (node.kind === "compare") mistakes.push(...comparisonMistakes(node, regex));
    pending.push(...parts.toReversed());
  }
  return mistakes;
}

function comparisonMistakes(comparison: Comparison, regex: RegexEngine): string[] {
  const mistake = comparisonMistake(comparison);
  if (mistake !== undefined) return [mistake.message];
  if (!isRegex(comparison.operator)) return [];
  try {
    regex(comparison.value);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function compileStep(filter: FilterNode, regex: RegexEngine): Step {
  switch (filter.kind) {
    case "compare":
      return compileComparison(filter, regex);
    case "not":
      return { kind: "not", part: compileStep(filter.part, regex) };
    default:
      return { kind: filter.kind, parts: filter.parts.map((part) => compileStep(part, regex)) };
  }
}

function compileComparison(comparison: Comparison, regex: RegexEngine): CompareStep {
  const test = entryTest(comparison, regex);
  const truths = new WeakMap<Dictionary, Uint8Array>();
  return {
    kind: "compare",
    d: dimensionIndex(comparison.dimension),
    matchEntries: (dictionary) => {
      let truth = truths.get(dictionary);
      if (truth === undefined) truths.set(dictionary, truth = truthOfEntries(test, dictionary));
      return truth;
    },
    isSingle: (dictionary) => isSingle(comparison, dictionary),
  };
}

/** A class of statuses, a range and a network wider than those that are counted can be satisfied by many values. */
function isSingle({ dimension: name, operator, value }: Comparison, dictionary: Dictionary): boolean {
  const dimension = DIMENSIONS[dimensionIndex(name)];
  if (operator !== "=" || statusClass(dimension, value) !== undefined) return false;
  const wanted = entryOf(dimension, value);
  if (dimension.kind !== "prefix" || wanted === undefined || wanted.length === 0) return true;
  const [family, bits] = wanted;
  let counted = -1;
  for (let e = OTHER + 1; e < dictionary.size; e++) {
    const at = dictionary.offsets[e];
    if (dictionary.bytes[at] === family) counted = Math.max(counted, dictionary.bytes[at + 1]);
  }
  return counted >= 0 && bits >= counted;
}

function truthOfRows(step: Step, bucket: Bucket): Uint8Array {
  if (step.kind === "not") {
    const truth = truthOfRows(step.part, bucket);
    for (let r = 0; r < truth.length; r++) truth[r] = 2 - truth[r];
    return truth;
  }
  // A comparison is an AND of one: the neutral element, and one table combined into it.
  const parts = step.kind === "compare" ? [step] : step.parts;
  const least = step.kind !== "or";
  const truth = new Uint8Array(bucket.rows).fill(least ? TRUE : FALSE);
  for (const part of parts) {
    if (part.kind === "compare") {
      combineTable(truth, part.matchEntries(bucket.dictionaries[part.d]), bucket.indexes[part.d], least);
    } else combineRows(truth, truthOfRows(part, bucket), least);
  }
  return truth;
}

/** The hot loop: one look-up and one comparison a row. */
function combineTable(truth: Uint8Array, table: Uint8Array, column: IndexColumn, least: boolean): void {
  for (let r = 0; r < truth.length; r++) {
    const value = table[column[r]];
    if (least ? value < truth[r] : value > truth[r]) truth[r] = value;
  }
}

function combineRows(truth: Uint8Array, other: Uint8Array, least: boolean): void {
  for (let r = 0; r < truth.length; r++) {
    if (least ? other[r] < truth[r] : other[r] > truth[r]) truth[r] = other[r];
  }
}

function truthOfEntries(test: EntryTest, dictionary: Dictionary): Uint8Array {
  const { size, offsets, bytes } = dictionary;
  const table = new Uint8Array(size);
  table[OTHER] = UNKNOWN;
  for (let e = OTHER + 1; e < size; e++) table[e] = test(bytes.subarray(offsets[e], offsets[e + 1])) ? TRUE : FALSE;
  return table;
}

function entryTest(comparison: Comparison, regex: RegexEngine): EntryTest {
  const mistake = comparisonMistake(comparison);
  if (mistake !== undefined) throw new Error(`Cannot filter by ${quote(comparison.dimension)}: ${mistake.message}`);
  const dimension = DIMENSIONS[dimensionIndex(comparison.dimension)];
  const { operator, value } = comparison;
  switch (operator) {
    case "=":
      return equalTest(dimension, value);
    case "!=":
      return not(equalTest(dimension, value));
    case "~=":
      return regexTest(value, regex);
    case "!~=":
      return not(regexTest(value, regex));
    default:
      return orderTest(operator, Number(value));
  }
}

function not(test: EntryTest): EntryTest {
  return (entry) => !test(entry);
}

function equalTest(dimension: Dimension, value: string): EntryTest {
  const hundreds = statusClass(dimension, value);
  if (hundreds !== undefined) return (entry) => Math.floor(numberOf(entry) / 100) === hundreds;
  const wanted = entryOf(dimension, value);
  if (wanted === undefined || wanted.length === 0) return (entry) => entry.length === 0;
  switch (dimension.kind) {
    case "number": {
      const number = Number(value);
      return (entry) => numberOf(entry) === number;
    }
    case "prefix":
      return (entry) => prefixContains(wanted, entry) || prefixContains(entry, wanted);
    default:
      return (entry) => sameBytes(wanted, entry);
  }
}

/** On the text of an entry, which is its label but for an absent value: that is empty text here, not a `-`. */
function regexTest(pattern: string, regex: RegexEngine): EntryTest {
  const compiled = regex(pattern);
  return (entry) => compiled.test(bytesText(entry));
}

function orderTest(operator: CompareOperator, limit: number): EntryTest {
  switch (operator) {
    case ">":
      return (entry) => numberOf(entry) > limit;
    case ">=":
      return (entry) => numberOf(entry) >= limit;
    case "<":
      return (entry) => numberOf(entry) < limit;
    default:
      return (entry) => numberOf(entry) <= limit;
  }
}

function isRegex(operator: CompareOperator): boolean {
  return operator === "~=" || operator === "!~=";
}

/** The value of decimal digits; NaN, which satisfies nothing, for an absent value and for other bytes. */
function numberOf(entry: Uint8Array): number {
  if (entry.length === 0) return NaN;
  let value = 0;
  for (let i = 0; i < entry.length; i++) {
    const digit = entry[i] - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
