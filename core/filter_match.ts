/**
 * A filter against the dictionaries and rows of a bucket, in three-valued logic: a row whose value was given up to
 * OTHER may or may not satisfy a comparison, so it is unknown, and an answer's upper bound knows of it.
 *
 * Each comparison is decided once per dictionary entry; per row only bytes are looked up and combined. NOT is pushed down
 * to the comparisons, where it turns a table around.
 */
import { FILTER_NODES_MAX } from "./bounds.ts";
import { REQUESTS } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import type { Bucket, Dictionary, IndexColumn } from "./bucket.ts";
import { SHARED_IDS, valueIds } from "./value_ids.ts";
import { roomFor } from "./wide_column.ts";
import {
  combineLookUp,
  gatherIndex,
  type LookedUp,
  lookUp,
  splitByBoth,
  splitByRow,
  splitByTwo,
} from "./column_loops.ts";
import { foldedRequests, givenUp, hasLost } from "./given_up.ts";
import { comparisonMistake } from "./filter_check.ts";
import { type Compared, compareEntries, FALSE, type RegexEngine, TRUE, UNKNOWN } from "./filter_compare.ts";
import { KnownValues, learn, lookUpKnown, NOT_KNOWN, pickKnown, type TruthCache } from "./known_values.ts";
import type { Comparison, FilterNode } from "./filter_tree.ts";

export { FALSE, type RegexEngine, TRUE, UNKNOWN } from "./filter_compare.ts";
export { TruthCache } from "./known_values.ts";

/** Entries of a dictionary, in ascending order. */
export interface Entries {
  readonly count: number;
  /** May be longer. */
  readonly entries: Int32Array;
}

/**
 * A filter ready to run on any number of buckets, one after the other: what it says of one is valid until it is asked of
 * another, and not to be changed.
 */
export interface CompiledFilter {
  /** The one dimension that all its comparisons are of; undefined when there are several, or no comparison. */
  readonly dimension: number | undefined;
  /** All that they are of, as bits. */
  readonly dimensions: number;
  /** Truth of the whole filter for every entry of that dimension, OTHER being unknown. */
  matchEntries(dictionary: Dictionary): Uint8Array;
  /** The entries that satisfy it. */
  matches(dictionary: Dictionary): Entries;
  /** When the filter is a single comparison or an AND of them: these. */
  readonly comparisons: readonly CompiledComparison[] | undefined;
  /** Truth of every row; longer than the rows. Cost: rows times comparisons. */
  matchRows(bucket: Bucket): Uint8Array;
  /** Writes down the rows that satisfy it, and those that may: `unknown.count` says how many these are. */
  splitRows(bucket: Bucket, certain: Int32Array, unknown: { readonly rows: Int32Array; count: number }): number;
  /** Truth of each of the first `count` of some rows of the bucket; longer than these. */
  matchSome(bucket: Bucket, rows: Int32Array, count: number): Uint8Array;
  /** Whether any row of the bucket can be unknown: values that are filtered by were given up. */
  canBeUnknown(bucket: Bucket): boolean;
  /** Requests that match, at most, and whose rows are unknown because they gave up a value that is filtered by. */
  unknownMax(bucket: Bucket): number;
  /** Requests of values of `dimension` that match, at most, and that have no entry to know them by. */
  foldedMax(bucket: Bucket): number;
  /** A question begins: from now on values are decided once, and not once a dictionary. */
  prepare(buckets: readonly Bucket[], seed: number): void;
}

/** One comparison, ready to be decided for any number of dictionaries, as a filter is. */
export interface CompiledComparison {
  /** Index of its dimension. */
  readonly d: number;
  /** Truth of every entry, OTHER being unknown. */
  matchEntries(dictionary: Dictionary): Uint8Array;
  /** The entries that satisfy it. */
  matches(dictionary: Dictionary): Entries;
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
  const dimensions = [...new Set(leaves.map(({ d }) => d))];
  const isFlat = step.kind === "compare" || step.kind === "and" && step.parts.length === leaves.length;
  const whole = step.kind === "compare" ? step : combined(step);
  return {
    dimension: dimensions.length === 1 ? dimensions[0] : undefined,
    dimensions: dimensions.reduce((bits, d) => bits | 1 << d, 0),
    comparisons: isFlat && leaves.length > 0 ? leaves : undefined,
    matchEntries: (dictionary) => whole.matchEntries(dictionary),
    matches: (dictionary) => whole.matches(dictionary),
    matchRows: (bucket) => rows.of(step, bucket),
    splitRows: (bucket, certain, unknown) => rows.split(step, bucket, certain, unknown),
    matchSome: (bucket, some, count) => rows.of(step, bucket, { rows: some, count }),
    canBeUnknown: ({ dictionaries }) => leaves.some(({ d }) => hasLost(dictionaries[d])),
    unknownMax: (bucket) => leaves.reduce((sum, leaf) => sum + leaf.unknownMax(bucket), 0),
    foldedMax: (bucket) => foldedMax(bucket, dimensions[0], step),
    prepare: (buckets, seed) => {
      valueIds.begin(buckets, seed);
      for (const leaf of leaves) leaf.prepare(buckets);
    },
  };
}

/**
 * Truth of one comparison per entry of its dimension's dictionary; OTHER is unknown. `filter_compare.ts` says what it is.
 *
 * @throws Error for a comparison in which `filterMistakes` finds something
 */
export function matchEntries(comparison: Comparison, dictionary: Dictionary, regex: RegexEngine): Uint8Array {
  return compileFilter(comparison, regex).matchEntries(dictionary).slice(0, dictionary.size);
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

/** What an `EntryTruth` asks of a filter. */
interface Decider {
  /** Writes the truth of every entry but OTHER. */
  decide(dictionary: Dictionary, truth: Uint8Array): void;
  /** Writes down the entries that satisfy it, where that is quicker when they are few; else returns -1. */
  pick(dictionary: Dictionary, picked: Int32Array): number;
}

/**
 * Truth of the entries of one dictionary after the other, in memory that is used again. Where few are true, these are
 * found without a table, and remembered, so that a question that comes back to a bucket need not decide anything again.
 */
class EntryTruth {
  #truthOf: Dictionary | undefined;
  #truth = new Uint8Array(0);
  #matchesOf: Dictionary | undefined;
  #matches: Entries = { count: 0, entries: new Int32Array(0) };
  readonly #remembered = new Map<Dictionary, Entries>();
  #entriesLeft = REMEMBERED_ENTRIES_MAX;
  /** Whether few entries of the dictionary before were true. */
  #wereFew = true;

  constructor(readonly decider: Decider) {}

  matchEntries(dictionary: Dictionary): Uint8Array {
    if (dictionary === this.#truthOf) return this.#truth;
    const { size } = dictionary;
    if (this.#truth.length < size) this.#truth = new Uint8Array(roomFor(size));
    const truth = this.#truth,
      known = dictionary === this.#matchesOf ? this.#matches : this.#remembered.get(dictionary);
    this.#truthOf = undefined;
    if (known === undefined) this.decider.decide(dictionary, truth);
    else {
      truth.fill(FALSE, 0, size);
      for (let i = 0; i < known.count; i++) truth[known.entries[i]] = TRUE;
    }
    truth[OTHER] = UNKNOWN;
    this.#truthOf = dictionary;
    return truth;
  }

  matches(dictionary: Dictionary): Entries {
    if (dictionary === this.#matchesOf) return this.#matches;
    const { size } = dictionary, remembered = this.#remembered.get(dictionary);
    if (remembered !== undefined) return remembered;
    if (picked.length <= size) picked = new Int32Array(roomFor(size));
    let count = this.#wereFew && dictionary !== this.#truthOf ? this.decider.pick(dictionary, picked) : -1;
    if (count < 0) count = pickTrue(this.matchEntries(dictionary), size, picked);
    this.#wereFew = count <= size >> FEW_SHIFT;
    this.#matches = { count, entries: picked.slice(0, count) };
    this.#matchesOf = dictionary;
    if (this.#wereFew && count <= this.#entriesLeft) {
      this.#remembered.set(dictionary, this.#matches);
      this.#entriesLeft -= count;
    }
    return this.#matches;
  }
}

let picked = new Int32Array(0);

/** Entries that one comparison remembers: 1 MB. */
const REMEMBERED_ENTRIES_MAX = 262_144;

/** At most one entry in four is few. */
const FEW_SHIFT = 2;

/** A comparison or its negation. */
class Leaf implements CompiledComparison {
  readonly kind = "compare";
  readonly d: number;
  #usesIds = false;
  readonly #truth = new EntryTruth(this);
  readonly #compared: Compared;
  readonly #negated: boolean;
  readonly #known: KnownValues;
  #unknownOf: Bucket | undefined;
  #unknownMax = 0;

  constructor(comparison: Comparison, regex: RegexEngine, not: boolean, cache: TruthCache | undefined) {
    this.#compared = compareEntries(comparison, regex);
    this.d = this.#compared.d;
    this.#negated = this.#compared.negated !== not;
    this.#known = (this.#compared.isRegex ? cache?.knownOf(comparison) : undefined) ?? new KnownValues();
  }

  matchEntries(dictionary: Dictionary): Uint8Array {
    return this.#truth.matchEntries(dictionary);
  }

  matches(dictionary: Dictionary): Entries {
    return this.#truth.matches(dictionary);
  }

  /**
   * Decides all values that have a number, one behind the other: a tenth of what it costs as they come up in dictionaries.
   * Not for expressions that need an engine, nor for few entries.
   */
  prepare(buckets: readonly Bucket[]): void {
    this.#usesIds = true;
    const values = valueIds.valuesOf(this.d), known = this.#known.below(SHARED_IDS + values.size);
    let entries = 0;
    for (const { dictionaries } of buckets) entries += dictionaries[this.d].size;
    if (!this.#compared.isCheap || entries < values.size - this.#known.learned) return;
    const isIn = this.#compared.test(values);
    for (let id = this.#known.learned; id < values.size; id++) {
      known[SHARED_IDS + id] = (isIn(id) ? TRUE : FALSE) + 1;
    }
    this.#known.learned = values.size;
  }

  /** Whether at most one value of a dictionary's traffic satisfies it. */
  isSingle(dictionary: Dictionary): boolean {
    return !this.#negated && this.#compared.isSingle(dictionary);
  }

  /**
   * Requests that satisfy the comparison, at most, and whose rows have given up this dimension. Entries that satisfy it
   * know what they gave up; what was folded, nobody knows the value of. A single value lost at most `lostMax`, and at most
   * what its entry gave up and may have had before it was last folded.
   */
  unknownMax(bucket: Bucket): number {
    if (this.#unknownOf === bucket) return this.#unknownMax;
    this.#unknownMax = this.#mostUnknown(bucket);
    this.#unknownOf = bucket;
    return this.#unknownMax;
  }

  #mostUnknown(bucket: Bucket): number {
    const dictionary = bucket.dictionaries[this.d], { lostMax, foldedMax } = dictionary;
    const given = givenUp(bucket, this.d);
    if (given === undefined) return 0;
    const { count, entries } = this.matches(dictionary);
    let lost = 0;
    for (let i = 0; i < count; i++) lost += given[entries[i]];
    // Numbers are single as well, but for those that somebody writes in two ways.
    return count <= 1 && this.isSingle(dictionary)
      ? Math.min(lostMax[REQUESTS], lost + foldedMax[REQUESTS])
      : lost + foldedRequests(bucket, this.d);
  }

  decide(dictionary: Dictionary, truth: Uint8Array): void {
    const { size } = dictionary, isIn = this.#compared.test(dictionary), turned = this.#negated ? TRUE : FALSE;
    if (!this.#usesIds) { for (let e = OTHER + 1; e < size; e++) truth[e] = (isIn(e) ? TRUE : FALSE) ^ turned; }
    else {
      const ids = valueIds.of(dictionary, this.d), known = this.#known.below(valueIds.end(this.d));
      if (lookUpKnown(known, ids, size, turned, truth) > 0) this.#learn(isIn, ids, known, turned, truth);
    }
  }

  pick(dictionary: Dictionary, picked: Int32Array): number {
    if (!this.#usesIds) return -1;
    const ids = valueIds.of(dictionary, this.d), known = this.#known.below(valueIds.end(this.d));
    const count = pickKnown(known, ids, this.#negated ? TRUE : FALSE, picked);
    return count >= 0 ? count : this.#pickLearning(dictionary, ids, known, picked);
  }

  #pickLearning(dictionary: Dictionary, ids: Int32Array, known: Uint8Array, picked: Int32Array): number {
    const isIn = this.#compared.test(dictionary), unwanted = (this.#negated ? TRUE : FALSE) + 1;
    let count = 0;
    for (let e = OTHER + 1; e < ids.length; e++) {
      let value = known[ids[e]];
      if (value === unwanted) continue;
      if (value === 0) value = learn(known, ids[e], isIn(e));
      picked[count] = e;
      if (value !== unwanted) count = count + 1 | 0;
    }
    return count;
  }

  /** Decides the values of which nothing is known. */
  #learn(
    isIn: (entry: number) => boolean,
    ids: Int32Array,
    known: Uint8Array,
    turned: number,
    truth: Uint8Array,
  ): void {
    for (let e = OTHER + 1; e < ids.length; e++) {
      if (truth[e] !== NOT_KNOWN) continue;
      truth[e] = learn(known, ids[e], isIn(e)) - 1 ^ turned;
    }
  }
}

/** Without a branch: every entry is written, and stays where the count moves on. */
function pickTrue(truth: Uint8Array, size: number, picked: Int32Array): number {
  let count = 0;
  for (let e = OTHER + 1; e < size; e++) {
    picked[count] = e;
    count = count + (truth[e] >> 1) | 0;
  }
  return count;
}

/** What was folded can have been anything but, where one value is asked for, only what one value can have lost so. */
function foldedMax(bucket: Bucket, d: number, step: Step): number {
  const dictionary = bucket.dictionaries[d], folded = foldedRequests(bucket, d);
  const isSingle = step.kind === "compare" && step.matches(dictionary).count <= 1 && step.isSingle(dictionary);
  return isSingle ? Math.min(folded, dictionary.foldedMax[REQUESTS]) : folded;
}

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

/** A filter of several comparisons of one dimension. */
function combined(step: Step): EntryTruth {
  return new EntryTruth({
    decide: (dictionary, truth) => truth.set(truthOfEntries(step, dictionary)),
    pick: () => -1,
  });
}

function truthOfEntries(step: Step, dictionary: Dictionary): Uint8Array {
  if (step.kind === "compare") return step.matchEntries(dictionary).subarray(0, dictionary.size);
  const truth = new Uint8Array(dictionary.size).fill(step.kind === "and" ? TRUE : FALSE);
  for (const part of step.parts) combine(truth, truthOfEntries(part, dictionary), truth.length, step.kind === "and");
  return truth;
}

/** Truth of the rows of one bucket after the other, in memory that is used again. */
class RowTruth {
  /** One array per level of nesting. */
  readonly #levels: Uint8Array[] = [];
  #gathered = new Int32Array(0);

  /** Writes down the rows that match, and those that may. The last of several comparisons is decided on the way. */
  split(
    step: Step,
    bucket: Bucket,
    certain: Int32Array,
    unknown: { readonly rows: Int32Array; count: number },
  ): number {
    const last = step.kind === "compare" ? undefined : step.parts.at(-1);
    if (step.kind === "compare" || last?.kind !== "compare" || step.parts.length < 2) {
      return splitByRow(this.of(step, bucket), bucket.rows, certain, unknown);
    }
    const [first] = step.parts, isAnd = step.kind === "and";
    const byTwo = step.parts.length === 2 && first.kind === "compare"
      ? byBytesAndWords(first, last, bucket)
      : undefined;
    if (byTwo !== undefined) return splitByTwo(...byTwo, isAnd, bucket.rows, certain, unknown);
    const truth = this.of({ kind: step.kind, parts: step.parts.slice(0, -1) }, bucket), { d } = last;
    const table = last.matchEntries(bucket.dictionaries[d]);
    return splitByBoth(truth, table, bucket.indexes[d], isAnd, bucket.rows, certain, unknown);
  }

  /** Of all rows, or of some. */
  of(step: Step, bucket: Bucket, some?: SomeRows, level = 0): Uint8Array {
    const count = some?.count ?? bucket.rows;
    let truth = this.#levels[level];
    if (truth === undefined || truth.length < count) this.#levels[level] = truth = new Uint8Array(roomFor(count));
    const parts = step.kind === "compare" ? [step] : step.parts, isAnd = step.kind !== "or";
    if (parts.length === 0) truth.fill(isAnd ? TRUE : FALSE, 0, count);
    parts.forEach((part, i) => {
      if (part.kind === "compare") {
        const table = part.matchEntries(bucket.dictionaries[part.d]), index = this.#index(bucket, part.d, some);
        if (i === 0) lookUp(table, index, count, truth);
        else combineLookUp(table, index, count, truth, isAnd);
      } else if (i === 0) truth.set(this.of(part, bucket, some, level + 1).subarray(0, count));
      else combine(truth, this.of(part, bucket, some, level + 1), count, isAnd);
    });
    return truth;
  }

  #index({ indexes }: Bucket, d: number, some: SomeRows | undefined): IndexColumn | Int32Array {
    if (some === undefined) return indexes[d];
    if (this.#gathered.length < some.count) this.#gathered = new Int32Array(roomFor(some.count));
    gatherIndex(indexes[d], some.rows, some.count, this.#gathered);
    return this.#gathered;
  }
}

/** Two comparisons in the order of their columns, where one is of bytes and one of two bytes: what is slow otherwise. */
function byBytesAndWords(
  a: Leaf,
  b: Leaf,
  { indexes, dictionaries }: Bucket,
): [LookedUp<Uint8Array>, LookedUp<Uint16Array>] | undefined {
  const [bytes, words] = indexes[a.d] instanceof Uint8Array ? [a, b] : [b, a];
  const byByte = indexes[bytes.d], byWord = indexes[words.d];
  if (!(byByte instanceof Uint8Array && byWord instanceof Uint16Array)) return undefined;
  return [
    { table: bytes.matchEntries(dictionaries[bytes.d]), index: byByte },
    { table: words.matchEntries(dictionaries[words.d]), index: byWord },
  ];
}

interface SomeRows {
  readonly rows: Int32Array;
  readonly count: number;
}

function combine(truth: Uint8Array, other: Uint8Array, count: number, all: boolean): void {
  if (all) { for (let i = 0; i < count; i++) truth[i] &= other[i]; }
  else for (let i = 0; i < count; i++) truth[i] |= other[i];
}
