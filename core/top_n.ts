/**
 * Top-n: which values of a dimension have most of a measure, over a list of buckets and under a filter.
 *
 * Unfiltered, the answer is read from the marginals, so that it does not depend on what roll-up did to rows. Under a
 * filter it is read from rows: those that certainly match make `values`, those that may match can only raise
 * `countMax`. The total of a filter that is one comparison is read from the marginals of the entries that match it:
 * clicking a row shows the number that was clicked.
 */
import { IS_SUM, MEASURE_COUNT, mergeColumns, mergeValues, REQUESTS, type Values, zeroValues } from "./measures.ts";
import { dimensionIndex, DIMENSIONS, OTHER } from "./dimensions.ts";
import { InternTable } from "./intern.ts";
import { entryLabel } from "./label.ts";
import type { Bucket, Dictionary } from "./bucket.ts";
import { type CompiledFilter, TRUE, UNKNOWN } from "./filter_match.ts";
import type { TopNAnswer, TopNEntry, TopNQuestion } from "./answer.ts";

/** The part of an answer that buckets decide. */
export type Ranking = Pick<TopNAnswer, "total" | "other" | "entries" | "unlistedMax">;

/** A question with its filter ready to be matched. */
export interface Query extends Omit<TopNQuestion, "filter"> {
  readonly filter: CompiledFilter | undefined;
}

/** Ranks over all of `buckets`. Cost: linear in dictionary entries, and under a filter in rows. */
export function topN(buckets: readonly Bucket[], query: Query, seed: number): Ranking {
  const d = dimensionIndex(query.groupBy);
  const groups = new Groups(seed);
  const total = zeroValues();
  let unlistedMax = 0;
  for (const bucket of buckets) {
    mergeValues(total, matchingTotals(bucket, query.filter));
    unlistedMax += query.filter === undefined
      ? addMarginals(groups, bucket.dictionaries[d])
      : addRows(groups, bucket, d, query.filter);
  }
  const order = groups.ranked(query.sort, query.n);
  const entries = order.map((group): TopNEntry => ({
    label: entryLabel(DIMENSIONS[d], groups.entry(group)),
    values: groups.values(group),
    countMax: groups.countMax(group, unlistedMax),
  }));
  return { total, entries, other: rest(total, groups, order), unlistedMax };
}

/**
 * What certainly matches in one bucket, per measure. Everything without a filter; the marginals of the matching entries
 * when the filter is one comparison; else the matching rows.
 */
export function matchingTotals(bucket: Bucket, filter: CompiledFilter | undefined): Values {
  if (filter === undefined) return bucket.totals;
  const totals = zeroValues();
  if (filter.comparisons?.length === 1) {
    const [comparison] = filter.comparisons;
    const dictionary = bucket.dictionaries[comparison.d], truth = comparison.matchEntries(dictionary);
    for (let e = 0; e < dictionary.size; e++) if (truth[e] === TRUE) mergeColumns(totals, dictionary.marginals, e);
    return totals;
  }
  const truth = filter.matchRows(bucket);
  for (let row = 0; row < bucket.rows; row++) if (truth[row] === TRUE) mergeColumns(totals, bucket.measures, row);
  return totals;
}

/**
 * The unfiltered case. Returns what any value can have beyond its marginal, whether it is in the dictionary or not: one
 * that is may have been folded before it came back.
 */
function addMarginals(groups: Groups, dictionary: Dictionary): number {
  for (let entry = OTHER + 1; entry < dictionary.size; entry++) {
    groups.add(groups.of(dictionary, entry), dictionary.marginals, entry);
  }
  groups.addToOther(dictionary.marginals, OTHER);
  return dictionary.foldedMax[REQUESTS];
}

/** The filtered case. Returns what a value that is not in the dictionary can have at most. */
function addRows(groups: Groups, bucket: Bucket, d: number, filter: CompiledFilter): number {
  const truth = filter.matchRows(bucket), index = bucket.indexes[d], dictionary = bucket.dictionaries[d];
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
  const unknownMax = lostByFilter(bucket, filter);
  for (let entry = OTHER + 1; entry < dictionary.size; entry++) {
    if (groupOf[entry] < 0 && unknown[entry] === 0) continue;
    const group = groupOf[entry] < 0 ? groups.of(dictionary, entry) : groupOf[entry];
    const room = dictionary.marginals[REQUESTS][entry] + dictionary.foldedMax[REQUESTS] - certain[entry];
    groups.addExtra(group, Math.max(0, Math.min(room, hiddenMax + Math.min(unknown[entry], unknownMax))), hiddenMax);
  }
  return hiddenMax;
}

/** For equality filters: what the filtered values' rows can have given up together. */
function lostByFilter(bucket: Bucket, { comparisons }: CompiledFilter): number {
  if (comparisons === undefined) return Infinity;
  let lost = 0;
  for (const comparison of comparisons) {
    const dictionary = bucket.dictionaries[comparison.d];
    lost += comparison.isSingle(dictionary) ? dictionary.lostMax[REQUESTS] : Infinity;
  }
  return lost;
}

/** What is left of the total: for sums the difference, for maxima the largest that is not listed. */
function rest(total: Values, groups: Groups, listed: readonly number[]): Values {
  const other = groups.largestUnlisted(new Set(listed));
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (IS_SUM[m]) {
      other[m] = total[m];
      for (const group of listed) other[m] -= groups.value(group, m);
    } else if (listed.every((group) => groups.value(group, m) < total[m])) {
      // Whoever had the maximum may have given up the value that is grouped by.
      other[m] = total[m];
    }
  }
  return other;
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
    mergeColumns(this.#values, columns, at, group * MEASURE_COUNT);
  }

  addToOther(columns: Dictionary["marginals"], at: number): void {
    mergeColumns(this.#other, columns, at);
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
      if (IS_SUM[m]) continue;
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
