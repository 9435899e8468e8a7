/**
 * A filter against the dictionaries and rows of a bucket, in three-valued logic: a row whose value was given up to
 * OTHER may or may not satisfy a comparison, so it is unknown, and an answer's upper bound knows of it.
 *
 * Each comparison is decided once per dictionary entry; per row only bytes are looked up and combined. NOT is pushed down
 * to the comparisons, where it turns a table around.
 */
import { FILTER_NODES_MAX, TRUTH_TABLES_MAX } from "./bounds.ts";
import { REQUESTS } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import type { Bucket, Dictionary } from "./bucket.ts";
import { KeptOfEach } from "./derived.ts";
import { marginalOfEach } from "./bucket_block.ts";
import { WideIndex } from "./wide_column.ts";
import { combineLookUp, lookUp } from "./column_loops.ts";
import { givenUp, hasLost } from "./given_up.ts";
import { comparisonMistake } from "./filter_check.ts";
import {
  type Compared,
  compareEntries,
  FALSE,
  FoundEntries,
  type RegexEngine,
  TRUE,
  UNKNOWN,
  ValueMemo,
} from "./filter_compare.ts";
import type { Comparison, FilterNode } from "./filter_tree.ts";

export { FALSE, type RegexEngine, TRUE, UNKNOWN } from "./filter_compare.ts";

/** A filter ready to run on any number of buckets; holds no bucket. */
export interface CompiledFilter {
  /** The one dimension that all its comparisons are of; undefined when there are several, or no comparison. */
  readonly dimension: number | undefined;
  /** Truth of the whole filter for every entry of that dimension, OTHER being unknown. Not to be changed. */
  matchEntries(dictionary: Dictionary): Uint8Array;
  /** The entries that satisfy it. Not to be changed. */
  matches(dictionary: Dictionary): Int32Array;
  /** When the filter is a single comparison or an AND of them: these. */
  readonly comparisons: readonly CompiledComparison[] | undefined;
  /** When the filter is an OR of comparisons: these. */
  readonly alternatives: readonly CompiledComparison[] | undefined;
  /** Truth of every row; longer than the rows, and valid until the next call. Cost: rows times comparisons. */
  matchRows(bucket: Bucket): Uint8Array;
  /** Whether any row of the bucket can be unknown: values that are filtered by were given up. */
  canBeUnknown(bucket: Bucket): boolean;
  /** Requests that match, at most, and whose rows are unknown because they gave up a value that is filtered by. */
  unknownMax(bucket: Bucket): number;
  /** Decides regular expressions for many buckets at once: a value that several have is searched once. */
  prepare(buckets: readonly Bucket[], seed: number): void;
}

/** One comparison, ready to be decided for any number of dictionaries. */
export interface CompiledComparison {
  /** Index of its dimension. */
  readonly d: number;
  /** Truth of every entry, OTHER being unknown. Made once a dictionary and kept with it: do not change it. */
  matchEntries(dictionary: Dictionary): Uint8Array;
  /** Share of a bucket's requests whose entries satisfy it. */
  share(bucket: Bucket): number;
  /** The entries that satisfy it. */
  matches(dictionary: Dictionary): Int32Array;
}

/** Truth of the entries of dictionaries. 1 B an entry. */
type TruthTables = KeptOfEach<Uint8Array<ArrayBuffer>>;
type Lists = KeptOfEach<Int32Array<ArrayBuffer>>;

/**
 * What regular expressions have said of whole dictionaries, for the next question with the same one. Bounded by
 * TRUTH_TABLES_MAX expressions, each 1 B an entry held; the one asked for longest ago goes first.
 */
export class TruthCache {
  readonly #tables = new Map<string, TruthTables>();

  /** The tables of a comparison, made when there are none. */
  tablesOf({ dimension, value }: Comparison): TruthTables {
    const key = `${dimension} ${value}`, tables = this.#tables.get(key) ?? new KeptOfEach(true);
    this.#tables.delete(key);
    this.#tables.set(key, tables);
    if (this.#tables.size > TRUTH_TABLES_MAX) this.#tables.delete(this.#tables.keys().next().value!);
    return tables;
  }
}

/** A filter's tree with its comparisons compiled and its NOTs at the comparisons. */
type Step = { readonly kind: "and" | "or"; readonly parts: readonly Step[] } | Leaf;

/**
 * Compiles every comparison and regular expression once.
 *
 * @param cache remembers regular expressions across questions
 * @throws Error for a filter in which `filterMistakes` finds something
 */
export function compileFilter(filter: FilterNode, regex: RegexEngine, cache?: TruthCache): CompiledFilter {
  const step = compileStep(filter, regex, false, cache), leaves = leavesOf(step), rows = new RowTruth();
  const dimension = leaves.length > 0 && leaves.every(({ d }) => d === leaves[0].d) ? leaves[0].d : undefined;
  const isFlat = step.kind === "compare" || step.parts.length > 0 && step.parts.length === leaves.length;
  const tables: TruthTables = new KeptOfEach(false), lists: Lists = new KeptOfEach(false);
  const filterEntries = (dictionary: Dictionary): Uint8Array => {
    if (step.kind === "compare") return step.matchEntries(dictionary);
    return tables.get(dictionary) ?? keptColumn(tables, dictionary, truthOfEntries(step, dictionary));
  };
  return {
    dimension,
    comparisons: isFlat && step.kind !== "or" ? leaves : undefined,
    alternatives: isFlat && step.kind === "or" ? leaves : undefined,
    matchEntries: filterEntries,
    matches: (dictionary) => {
      if (step.kind === "compare") return step.matches(dictionary);
      return lists.get(dictionary) ?? keptColumn(lists, dictionary, trueEntries(filterEntries(dictionary)));
    },
    matchRows: (bucket) => rows.of(step, bucket),
    canBeUnknown: ({ dictionaries }) => leaves.some(({ d }) => hasLost(dictionaries[d])),
    unknownMax: (bucket) => leaves.reduce((sum, leaf) => sum + leaf.unknownMax(bucket), 0),
    prepare: (buckets, seed) => {
      for (const leaf of leaves) leaf.prepare(buckets, seed);
    },
  };
}

/**
 * Truth of one comparison per entry of its dimension's dictionary; OTHER is unknown. `filter_compare.ts` says what it is.
 *
 * @throws Error for a comparison in which `filterMistakes` finds something
 */
export function matchEntries(comparison: Comparison, dictionary: Dictionary, regex: RegexEngine): Uint8Array {
  return compileFilter(comparison, regex).matchEntries(dictionary);
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
  if (comparison.operator !== "~=" && comparison.operator !== "!~=") return [];
  try {
    regex(comparison.value);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** A comparison or its negation. */
class Leaf implements CompiledComparison {
  readonly kind = "compare";
  readonly d: number;
  readonly #compared: Compared;
  readonly #negated: boolean;
  /** Before and after negation. */
  readonly #plain: TruthTables;
  readonly #turned: TruthTables = new KeptOfEach(false);
  readonly #matches: Lists = new KeptOfEach(false);
  readonly #unknownMax = new WeakMap<Bucket, number>();

  constructor(comparison: Comparison, regex: RegexEngine, not: boolean, cache: TruthCache | undefined) {
    this.#compared = compareEntries(comparison, regex);
    this.d = this.#compared.d;
    this.#negated = this.#compared.negated !== not;
    this.#plain = (this.#compared.isRegex ? cache?.tablesOf(comparison) : undefined) ?? new KeptOfEach(false);
  }

  matchEntries(dictionary: Dictionary): Uint8Array<ArrayBuffer> {
    if (!this.#negated) return this.#plainTruth(dictionary);
    return this.#turned.get(dictionary) ??
      keptColumn(this.#turned, dictionary, this.#plainTruth(dictionary).map((value) => TURNED[value]));
  }

  matches(dictionary: Dictionary): Int32Array {
    return this.#matches.get(dictionary) ??
      keptColumn(this.#matches, dictionary, trueEntries(this.matchEntries(dictionary)));
  }

  share({ dictionaries, totals }: Bucket): number {
    const dictionary = dictionaries[this.d], requests = marginalOfEach(dictionary, REQUESTS);
    let sum = 0;
    for (const e of this.matches(dictionary)) sum += requests[e];
    return sum / totals[REQUESTS];
  }

  prepare(buckets: readonly Bucket[], seed: number): void {
    if (!this.#compared.isRegex) return;
    const memo = new ValueMemo(seed);
    for (const { dictionaries } of buckets) this.#plainTruth(dictionaries[this.d], memo);
  }

  /**
   * Requests that satisfy the comparison, at most, and whose rows have given up this dimension. Entries that satisfy it
   * know what they gave up; what was folded, nobody knows the value of. A single value lost at most `lostMax`, and at most
   * what its entry gave up and may have had before it was last folded.
   */
  unknownMax(bucket: Bucket): number {
    let most = this.#unknownMax.get(bucket);
    if (most === undefined) this.#unknownMax.set(bucket, most = this.#mostUnknown(bucket));
    return most;
  }

  #mostUnknown(bucket: Bucket): number {
    const dictionary = bucket.dictionaries[this.d], { lostMax, foldedMax } = dictionary;
    const given = givenUp(bucket, this.d);
    if (given === undefined) return 0;
    const matches = this.matches(dictionary);
    let lost = 0;
    for (const e of matches) lost += given[e];
    // Numbers are single as well, but for those that somebody writes in two ways.
    return !this.#negated && matches.length <= 1 && this.#compared.isSingle(dictionary)
      ? Math.min(lostMax[REQUESTS], lost + foldedMax[REQUESTS])
      : lost + marginalOfEach(dictionary, REQUESTS)[OTHER];
  }

  #plainTruth(dictionary: Dictionary, memo?: ValueMemo): Uint8Array<ArrayBuffer> {
    let truth = this.#plain.get(dictionary);
    if (truth === undefined) {
      found.open(dictionary);
      this.#compared.mark(dictionary, found, memo);
      truth = new Uint8Array(dictionary.size);
      truth[OTHER] = UNKNOWN;
      for (let i = 0; i < found.count; i++) truth[found.entries[i]] = TRUE;
      keptColumn(this.#plain, dictionary, truth);
      if (!this.#negated) keptColumn(this.#matches, dictionary, found.entries.slice(0, found.count));
    }
    return truth;
  }
}

function keptColumn<Column extends Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  kept: KeptOfEach<Column>,
  dictionary: Dictionary,
  column: Column,
): Column {
  return kept.set(dictionary, column, [column.buffer]);
}

/** Four entries at a time, since mostly none is. */
function trueEntries(truth: Uint8Array): Int32Array<ArrayBuffer> {
  const picked = new Int32Array(truth.length);
  let count = 0, e = OTHER + 1;
  for (; e + 4 <= truth.length; e += 4) {
    if ((truth[e] | truth[e + 1] | truth[e + 2] | truth[e + 3]) === FALSE) continue;
    for (let i = e; i < e + 4; i++) if (truth[i] === TRUE) picked[count++] = i;
  }
  for (; e < truth.length; e++) if (truth[e] === TRUE) picked[count++] = e;
  const exact = picked.slice(0, count);
  free(picked);
  return exact;
}

const found = new FoundEntries();

/** What NOT makes of FALSE, UNKNOWN and TRUE. */
const TURNED = Uint8Array.of(TRUE, UNKNOWN, FALSE, FALSE);

/** NOT of an AND is the OR of the NOTs (De Morgan), with unknowns as well. */
function compileStep(filter: FilterNode, regex: RegexEngine, not: boolean, cache: TruthCache | undefined): Step {
  if (filter.kind === "compare") return new Leaf(filter, regex, not, cache);
  if (filter.kind === "not") return compileStep(filter.part, regex, !not, cache);
  const kind = (filter.kind === "and") !== not ? "and" : "or";
  const parts = filter.parts.map((part) => compileStep(part, regex, not, cache));
  return parts.length === 1 ? parts[0] : { kind, parts };
}

function leavesOf(step: Step): readonly Leaf[] {
  return step.kind === "compare" ? [step] : step.parts.flatMap(leavesOf);
}

function truthOfEntries(step: Step, dictionary: Dictionary): Uint8Array<ArrayBuffer> {
  if (step.kind === "compare") return step.matchEntries(dictionary);
  const truth = new Uint8Array(dictionary.size).fill(step.kind === "and" ? TRUE : FALSE);
  for (const part of step.parts) combine(truth, truthOfEntries(part, dictionary), truth.length, step.kind === "and");
  return truth;
}

/** Truth of the rows of one bucket after the other, in memory that is used again. */
class RowTruth {
  /** One array per level of nesting. */
  readonly #levels: Uint8Array[] = [];
  readonly #index = new WideIndex();

  of(step: Step, bucket: Bucket, level = 0): Uint8Array {
    let truth = this.#levels[level];
    if (truth === undefined || truth.length < bucket.rows) this.#levels[level] = truth = new Uint8Array(bucket.rows);
    const parts = step.kind === "compare" ? [step] : step.parts, isAnd = step.kind !== "or", { rows } = bucket;
    if (parts.length === 0) truth.fill(isAnd ? TRUE : FALSE, 0, rows);
    parts.forEach((part, i) => {
      if (part.kind === "compare") {
        const table = part.matchEntries(bucket.dictionaries[part.d]), index = this.#index.of(bucket.indexes[part.d]);
        if (i === 0) lookUp(table, index, rows, truth);
        else combineLookUp(table, index, rows, truth, isAnd);
      } else if (i === 0) truth.set(this.of(part, bucket, level + 1).subarray(0, rows));
      else combine(truth, this.of(part, bucket, level + 1), rows, isAnd);
    });
    return truth;
  }
}

function combine(truth: Uint8Array, other: Uint8Array, rows: number, all: boolean): void {
  if (all) { for (let r = 0; r < rows; r++) truth[r] &= other[r]; }
  else for (let r = 0; r < rows; r++) truth[r] |= other[r];
}
