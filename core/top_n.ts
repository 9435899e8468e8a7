/**
 * Top-n: which values of a dimension have most of a measure, over a list of buckets and under a filter.
 *
 * Unfiltered, the answer is read from the marginals, so that it does not depend on what roll-up did to rows. Under a
 * filter it is read from rows: those that certainly match make `values`, those that may match can only raise
 * `countMax`. The total of a filter that is one comparison is read from the marginals of the entries that match it:
 * clicking a row shows the number that was clicked.
 */
import { MEASURE_COUNT, MEASURES, mergeValues, REQUESTS, type Values, zeroValues } from "./measures.ts";
import { dimensionIndex, DIMENSIONS, OTHER } from "./dimensions.ts";
import { InternTable } from "./intern.ts";
import { entryLabel } from "./label.ts";
import { IS_SUM } from "./counter_table.ts";
import type { Bucket, Dictionary } from "./bucket.ts";
import { comparisonsOf } from "./filter_tree.ts";
import { type CompiledFilter, matchEntries, type RegexEngine, TRUE, UNKNOWN } from "./filter_match.ts";
import type { TopNAnswer, TopNEntry, TopNQuestion } from "./answer.ts";

/** The part of an answer that buckets decide. */
export type Ranking = Pick<TopNAnswer, "total" | "other" | "entries">;

/** A question with its filter ready to be matched. */
export interface Query extends TopNQuestion {
  readonly compiled: CompiledFilter | undefined;
  readonly regex: RegexEngine;
}

/** Ranks over all of `buckets`. Cost: linear in dictionary entries, and under a filter in rows. */
export function topN(buckets: readonly Bucket[], query: Query, seed: number): Ranking {
  const d = dimensionIndex(query.groupBy);
  const groups = new Groups(seed);
  const total = zeroValues();
  let unlistedMax = 0;
  for (const bucket of buckets) {
    mergeValues(total, matchingTotals(bucket, query));
    unlistedMax += query.compiled === undefined
      ? addMarginals(groups, bucket.dictionaries[d])
      : addRows(groups, bucket, d, query, query.compiled);
  }
  const order = groups.ranked(query.sort, query.n);
  const entries = order.map((group): TopNEntry => ({
    label: entryLabel(DIMENSIONS[d], groups.entry(group)),
    values: groups.values(group),
    countMax: groups.countMax(group, unlistedMax),
  }));
  return { total, entries, other: rest(total, groups, order) };
}

/**
 * What certainly matches in one bucket, per measure. Everything without a filter; the marginals of the matching entries
 * when the filter is one comparison; else the matching rows.
 */
export function matchingTotals(bucket: Bucket, query: Pick<Query, "filter" | "compiled" | "regex">): Values {
  if (query.filter === undefined || query.compiled === undefined) return bucket.totals;
  const totals = zeroValues();
  const comparisons = comparisonsOf(query.filter);
  if (comparisons?.length === 1) {
    const dictionary = bucket.dictionaries[dimensionIndex(comparisons[0].dimension)];
    const truth = matchEntries(comparisons[0], dictionary, query.regex);
    for (let e = 0; e < dictionary.size; e++) if (truth[e] === TRUE) addAt(totals, dictionary.marginals, e);
    return totals;
  }
  const truth = query.compiled.matchRows(bucket);
  for (let row = 0; row < bucket.rows; row++) if (truth[row] === TRUE) addAt(totals, bucket.measures, row);
  return totals;
}

/** The unfiltered case. Returns what a value that is not in the dictionary can have at most. */
function addMarginals(groups: Groups, dictionary: Dictionary): number {
  const lost = dictionary.foldedMax[REQUESTS];
  for (let entry = OTHER + 1; entry < dictionary.size; entry++) {
    const group = groups.of(dictionary, entry);
    groups.add(group, dictionary.marginals, entry);
    groups.addExtra(group, 0, lost);
  }
  groups.addToOther(dictionary.marginals, OTHER);
  return lost;
}

/** The filtered case. Returns what a value that is not in the dictionary can have at most. */
function addRows(groups: Groups, bucket: Bucket, d: number, query: Query, compiled: CompiledFilter): number {
  const truth = compiled.matchRows(bucket), index = bucket.indexes[d], dictionary = bucket.dictionaries[d];
  const requests = bucket.measures[REQUESTS];
  const groupOf = new Int32Array(dictionary.size).fill(-1);
  const unknown = new Float64Array(dictionary.size), certain = new Float64Array(dictionary.size);
  let hidden = 0;
  for (let row = 0; row < bucket.rows; row++) {
    if (truth[row] < UNKNOWN) continue;
    const entry = index[row];
    if (entry === OTHER) {
      hidden += requests[row];
      if (truth[row] === TRUE) groups.addToOther(bucket.measures, row);
      continue;
    }
    if (truth[row] === UNKNOWN) {
      unknown[entry] += requests[row];
      continue;
    }
    if (groupOf[entry] < 0) groupOf[entry] = groups.of(dictionary, entry);
    groups.add(groupOf[entry], bucket.measures, row);
    certain[entry] += requests[row];
  }
  const hiddenMax = Math.min(hidden, dictionary.lostMax[REQUESTS]);
  const unknownMax = lostByFilter(bucket, query);
  for (let entry = OTHER + 1; entry < dictionary.size; entry++) {
    if (groupOf[entry] < 0 && unknown[entry] === 0) continue;
    const group = groupOf[entry] < 0 ? groups.of(dictionary, entry) : groupOf[entry];
    const room = dictionary.marginals[REQUESTS][entry] + dictionary.foldedMax[REQUESTS] - certain[entry];
    groups.addExtra(group, Math.max(0, Math.min(room, hiddenMax + Math.min(unknown[entry], unknownMax))), hiddenMax);
  }
  return hiddenMax;
}

/** For equality filters: what the filtered values' rows can have given up together. */
function lostByFilter(bucket: Bucket, query: Query): number {
  const comparisons = comparisonsOf(query.filter);
  if (comparisons === undefined || comparisons.some(({ operator }) => operator !== "=")) return Infinity;
  let lost = 0;
  for (const comparison of comparisons) {
    const dictionary = bucket.dictionaries[dimensionIndex(comparison.dimension)];
    // A value written as a range (a CIDR, 4xx) can be many entries, and each of them can have lost as much.
    const matching = matchEntries(comparison, dictionary, query.regex).filter((truth) => truth === TRUE).length;
    lost += matching > 1 ? Infinity : dictionary.lostMax[REQUESTS];
  }
  return lost;
}

function rest(total: Values, groups: Groups, listed: readonly number[]): Values {
  const other = groups.largestUnlisted(new Set(listed));
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (!IS_SUM[m]) continue;
    other[m] = total[m];
    for (const group of listed) other[m] -= groups.value(group, m);
  }
  return other;
}

function addAt(into: Values, columns: Dictionary["marginals"], at: number): void {
  for (let m = 0; m < MEASURE_COUNT; m++) {
    const value = columns[m][at];
    if (IS_SUM[m]) into[m] += value;
    else if (value > into[m]) into[m] = value;
  }
}

/** Accumulates per value over buckets: entries are joined by their bytes. */
class Groups {
  readonly #table: InternTable;
  #values = new Float64Array(64 * MEASURE_COUNT);
  /** Requests a group can have beyond its values, less what every value can have (`base`). */
  #extra = new Float64Array(64);
  readonly #other = zeroValues();

  constructor(seed: number) {
    this.#table = new InternTable(seed);
  }

  of(dictionary: Dictionary, entry: number): number {
    const group = this.#table.intern(dictionary.bytes, dictionary.offsets[entry], dictionary.offsets[entry + 1]);
    if (group >= this.#extra.length) {
      this.#values = doubled(this.#values);
      this.#extra = doubled(this.#extra);
    }
    return group;
  }

  add(group: number, columns: Dictionary["marginals"], at: number): void {
    addAt(this.#values.subarray(group * MEASURE_COUNT, (group + 1) * MEASURE_COUNT), columns, at);
  }

  addToOther(columns: Dictionary["marginals"], at: number): void {
    addAt(this.#other, columns, at);
  }

  /** Adds to a group's `extra` for one bucket, where a value that is not in the dictionary could have `base`. */
  addExtra(group: number, extra: number, base: number): void {
    this.#extra[group] += extra - base;
  }

  /** @param unlistedMax sum over all buckets of `base` */
  countMax(group: number, unlistedMax: number): number {
    return this.value(group, REQUESTS) + this.#extra[group] + unlistedMax;
  }

  entry(group: number): Uint8Array {
    return this.#table.entry(group);
  }

  value(group: number, m: number): number {
    return this.#values[group * MEASURE_COUNT + m];
  }

  values(group: number): Values {
    return this.#values.slice(group * MEASURE_COUNT, (group + 1) * MEASURE_COUNT);
  }

  /** The `n` first by measure; equal ones by their bytes, so that an answer does not depend on seeds. */
  ranked(sort: number, n: number): number[] {
    const groups: number[] = [];
    for (let group = 1; group < this.#table.size; group++) if (this.value(group, REQUESTS) > 0) groups.push(group);
    groups.sort((a, b) => this.value(b, sort) - this.value(a, sort) || compareBytes(this.entry(a), this.entry(b)));
    return groups.slice(0, n);
  }

  /** The largest of the maxima among OTHER and the groups that are not listed; 0 for sums. */
  largestUnlisted(listed: ReadonlySet<number>): Values {
    const largest = this.#other.map((value, m) => IS_SUM[m] ? 0 : value);
    for (let m = 0; m < MEASURE_COUNT; m++) {
      if (MEASURES[m].merge === "sum") continue;
      for (let group = 1; group < this.#table.size; group++) {
        if (!listed.has(group)) largest[m] = Math.max(largest[m], this.value(group, m));
      }
    }
    return largest;
  }
}

function doubled(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(column.length * 2);
  more.set(column);
  return more;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
