/**
 * Top-n: which values of a dimension have most of a measure, over a list of buckets and under a filter.
 *
 * Unfiltered, the answer is read from the marginals, so that it does not depend on what roll-up did to rows. Under a
 * filter it is read from rows: those that certainly match make `values`, those that may match can only raise
 * `countMax`. The total of a filter that is one comparison is read from the marginals of the entries that match it:
 * clicking a row shows the number that was clicked.
 */
import { TOP_N_GROUPS_MAX } from "./bounds.ts";
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
  const builder = new TopNBuilder(query, seed, Infinity);
  for (const bucket of buckets) builder.add(bucket);
  return builder.ranking();
}

/** What a `TopNBuilder` has counted, as plain numbers: it can be posted to another thread. */
export interface TopNState {
  /** Group g is `bytes[offsets[g] … offsets[g + 1])`. */
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Measure m of group g is `values[g * MEASURE_COUNT + m]`. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Requests that group g can have beyond its values and `unlistedMax`; may be negative. */
  readonly extra: Float64Array<ArrayBuffer>;
  /** What certainly matches, and what of it belongs to no group. */
  readonly total: Values;
  readonly other: Values;
  /** Requests that a value which is no group can have at most. */
  readonly unlistedMax: number;
}

/**
 * The same one bucket at a time, for more of them than can be held at once. Bounded: beyond `groupsMax` values the
 * lightest fold into `other`, and what they had is added to what any value can have beyond its count.
 */
export class TopNBuilder {
  readonly #d: number;
  readonly #total = zeroValues();
  #groups: Groups;
  #unlistedMax = 0;

  /**
   * @param seed for hashes; random per process
   * @param groupsMax values held; at least 1
   */
  constructor(readonly query: Query, readonly seed: number, readonly groupsMax: number = TOP_N_GROUPS_MAX) {
    this.#d = dimensionIndex(query.groupBy);
    this.#groups = new Groups(seed);
  }

  /** Counts one bucket. Keeps nothing of it. */
  add(bucket: Bucket): void {
    const { filter } = this.query;
    mergeValues(this.#total, matchingTotals(bucket, filter));
    this.#unlistedMax += filter === undefined
      ? addMarginals(this.#groups, bucket.dictionaries[this.#d])
      : addRows(this.#groups, bucket, this.#d, filter);
    this.#keepBound();
  }

  /** Everything counted so far. The arrays are the caller's. */
  state(): TopNState {
    return { ...this.#groups.state(), total: this.#total.slice(), unlistedMax: this.#unlistedMax };
  }

  /** Adds what another builder has counted for the same question. */
  addState(state: TopNState): void {
    mergeValues(this.#total, state.total);
    this.#groups.addState(state);
    this.#unlistedMax += state.unlistedMax;
    this.#keepBound();
  }

  /** The answer for everything counted so far. */
  ranking(): Ranking {
    const groups = this.#groups, order = groups.ranked(this.query.sort);
    const listed = order.slice(0, this.query.n);
    let unlistedMax = this.#unlistedMax;
    for (const group of order.slice(listed.length)) {
      unlistedMax = Math.max(unlistedMax, groups.countMax(group, this.#unlistedMax));
    }
    const entries = listed.map((group): TopNEntry => ({
      label: entryLabel(DIMENSIONS[this.#d], groups.entry(group)),
      values: groups.values(group),
      countMax: groups.countMax(group, this.#unlistedMax),
    }));
    return { total: this.#total.slice(), entries, other: rest(this.#total, groups, listed), unlistedMax };
  }

  /** Folds the lightest groups when there are too many: well below the bound, so that it does not happen every bucket. */
  #keepBound(): void {
    if (this.#groups.size <= this.groupsMax) return;
    const order = this.#groups.ranked(this.query.sort, true);
    const { kept, lost } = this.#groups.keep(order, Math.max(1, Math.floor(this.groupsMax * KEPT_AFTER_OVERFLOW)));
    this.#groups = kept;
    this.#unlistedMax += lost;
  }
}

/** Share of the bound that stays in use after an overflow. */
const KEPT_AFTER_OVERFLOW = 0.75;

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

  /** Groups in use. */
  get size(): number {
    return this.#table.size - 1;
  }

  of(dictionary: Dictionary, entry: number): number {
    return this.#of(dictionary.bytes, dictionary.offsets[entry], dictionary.offsets[entry + 1]);
  }

  #of(bytes: Uint8Array, from: number, to: number): number {
    const group = this.#table.intern(bytes, from, to);
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

  /** All groups by measure; equal ones by their bytes, so that an answer does not depend on seeds. */
  ranked(sort: number, uncertain = false): number[] {
    const groups: number[] = [];
    for (let group = 1; group < this.#table.size; group++) {
      if (uncertain || this.value(group, REQUESTS) > 0) groups.push(group);
    }
    return groups.sort((a, b) =>
      this.value(b, sort) - this.value(a, sort) || compareBytes(this.entry(a), this.entry(b))
    );
  }

  /** The first `count` of `order` as groups of their own; the others folded into other, and the most one of them had. */
  keep(order: readonly number[], count: number): { readonly kept: Groups; readonly lost: number } {
    const kept = new Groups(this.#table.seed);
    mergeValues(kept.#other, this.#other);
    let lost = 0;
    order.forEach((group, place) => {
      if (place >= count) {
        mergeValues(kept.#other, this.#values, group * MEASURE_COUNT);
        lost = Math.max(lost, this.value(group, REQUESTS) + this.#extra[group]);
        return;
      }
      const entry = this.entry(group);
      kept.#addGroup(entry, 0, entry.length, this.#values, group * MEASURE_COUNT, this.#extra[group]);
    });
    return { kept, lost };
  }

  /** The groups as plain numbers. */
  state(): Omit<TopNState, "total" | "unlistedMax"> {
    const size = this.#table.size - 1;
    const offsets = new Float64Array(size + 1), bytes = new Uint8Array(this.#table.bytes);
    for (let group = 1; group <= size; group++) {
      const entry = this.entry(group);
      bytes.set(entry, offsets[group - 1]);
      offsets[group] = offsets[group - 1] + entry.length;
    }
    return {
      offsets,
      bytes: bytes.slice(0, offsets[size]),
      values: this.#values.slice(MEASURE_COUNT, (size + 1) * MEASURE_COUNT),
      extra: this.#extra.slice(1, size + 1),
      other: this.#other.slice(),
    };
  }

  addState({ offsets, bytes, values, extra, other }: TopNState): void {
    mergeValues(this.#other, other);
    for (let g = 0; g < extra.length; g++) {
      this.#addGroup(bytes, offsets[g], offsets[g + 1], values, g * MEASURE_COUNT, extra[g]);
    }
  }

  #addGroup(bytes: Uint8Array, from: number, to: number, values: Float64Array, at: number, extra: number): void {
    const group = this.#of(bytes, from, to);
    mergeValues(this.#values, values, at, group * MEASURE_COUNT);
    this.#extra[group] += extra;
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
