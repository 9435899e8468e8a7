/**
 * What one bucket contributes to a ranking: from its marginals, or from its rows when a filter is on other dimensions.
 *
 * Bounds, for value v in a bucket whose rows of v certainly matching hold `certain` requests. What may match beyond them:
 *
 *   hidden    rows that gave up the grouped dimension may be v's: at most all of them that match or may (`hidden`), at
 *             most what any value gave up (`lostMax`), and at most what v itself gave up: its marginal, and what it may
 *             have had before it was last folded (`foldedMax`), less what its rows still hold (`given_up.ts`)
 *   unknown   rows of v whose truth is unknown: at most what they hold, and at most what all values that satisfy the
 *             filter gave up together (`CompiledFilter.unknownMax`)
 *
 * A value that is not in the dictionary can have the least of `hidden`, `lostMax` and `foldedMax`.
 */
import {
  IS_SUM,
  MEASURE_COUNT,
  mergeColumns,
  mergeValues,
  REQUESTS,
  saturated,
  type Values,
  zeroValues,
} from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { type Bucket, type Dictionary, type NumberColumn, numberColumn } from "./bucket.ts";
import { marginalOfEach } from "./bucket_block.ts";
import { entryHashes } from "./entry_hashes.ts";
import { roomFor, WideNumbers } from "./wide_column.ts";
import { givenUp, hasLost } from "./given_up.ts";
import { givenUpBy } from "./rows_by_entry.ts";
import { type CompiledFilter, TRUE } from "./filter_match.ts";
import { type Groups, HIDDEN, REST } from "./groups.ts";
import type { Candidates } from "./candidates.ts";
import {
  addMatchingToCells,
  addSumsToCells,
  addToCells,
  addUnknownToCells,
  type EntrySums,
  mergeSums,
  pickAll,
  pickChosen,
  pickNonzero,
} from "./entry_loops.ts";
import { RowScan } from "./row_scan.ts";

/** Which entries get a group: those in chosen cells, all, or those of rows that match or may. */
export type Which = Uint8Array | "all" | "seen";

/** Requests that a value can have in one bucket: one that has no group there, and at most that were hidden. */
export interface Beyond {
  readonly any: number;
  readonly hidden: number;
}

/** Entries kept in `EntrySums` of all buckets of a question: 11 MB. Rows of further buckets are looked at twice. */
const KEPT_ENTRIES_MAX = 300_000;

export class Contribution {
  /** Whether marginals answer: there is no filter, or it is on the grouped dimension alone. */
  readonly #fromMarginals: boolean;
  readonly #scan: RowScan;
  readonly #numbers = [new WideNumbers(), new WideNumbers()];
  /** By entry: measure ranked by, requests, requests of unknown rows, all measures; all zero between buckets. */
  #ranked = new Float64Array(0);
  #requests = new Float64Array(0);
  #unknown = new Float64Array(0);
  #sums = new Float64Array(0);
  /** What rows made for entries, from a first look for a second one. */
  readonly #kept = new Map<Bucket, EntrySums>();
  readonly #keptUnknown = new Map<Bucket, NumberColumn>();
  #keptLeft = KEPT_ENTRIES_MAX;
  /** By entry: its group, or REST. */
  #groupOf = new Int32Array(0);
  /** Entries that have a group. */
  #grouped = new Int32Array(0);

  /** @param isAskedAgain whether the buckets will be: then their rows are indexed */
  constructor(
    readonly d: number,
    readonly sort: number,
    readonly filter: CompiledFilter | undefined,
    readonly seed: number,
    isAskedAgain: boolean,
  ) {
    this.#scan = new RowScan(isAskedAgain);
    this.#fromMarginals = filter === undefined || filter.dimension === d;
  }

  /** Whether the total of what matches is what all groups and REST have, and not told by the buckets (`addTotal`). */
  get totalFromRows(): boolean {
    return this.filter !== undefined && this.filter.dimension === undefined;
  }

  /** Adds what certainly matches, per measure, unless `totalFromRows`. */
  addTotal(bucket: Bucket, total: Values): void {
    if (!this.totalFromRows) mergeValues(total, marginalTotals(bucket, this.filter));
  }

  /** Adds every value to its cell. */
  weigh(bucket: Bucket, { cells }: Candidates): void {
    const { d, sort } = this, dictionary = bucket.dictionaries[d], { size } = dictionary;
    const { hashes } = entryHashes(dictionary, this.seed);
    if (this.#fromMarginals) {
      const truth = this.filter?.matchEntries(dictionary);
      const ranked = this.#numbers[0].of(marginalOfEach(dictionary, sort));
      const requests = this.#numbers[1].of(marginalOfEach(dictionary, REQUESTS));
      if (truth === undefined) addToCells(cells, hashes, size, ranked, requests, IS_SUM[sort]);
      else addMatchingToCells(cells, hashes, size, ranked, requests, IS_SUM[sort], truth);
      return;
    }
    this.#makeRoom(size);
    this.#scan.select(bucket, this.filter!, d);
    this.#keepUnknown(bucket);
    const unknown = this.#unknownOf(bucket), unknownMax = unknown === undefined ? 0 : this.filter!.unknownMax(bucket);
    if (unknown !== undefined) addUnknownToCells(cells, hashes, size, unknown, unknownMax);
    if (Math.min(size, this.#scan.certain.count) <= this.#keptLeft) {
      this.#keepSums(bucket);
      addSumsToCells(cells, hashes, this.#kept.get(bucket)!, sort);
    } else this.#weighRows(bucket, cells, hashes);
  }

  /** Adds what the certain rows make for each entry to its cell. */
  #weighRows(bucket: Bucket, cells: Float64Array, hashes: Int32Array): void {
    const { d, sort } = this, { size } = bucket.dictionaries[d], scan = this.#scan;
    const requests = this.#requests, ranked = sort === REQUESTS ? requests : this.#ranked;
    scan.merge(bucket, scan.certain, REQUESTS, requests);
    if (ranked !== requests) scan.merge(bucket, scan.certain, sort, ranked);
    addToCells(cells, hashes, size, ranked, requests, IS_SUM[sort]);
    ranked.fill(0, 0, size);
    requests.fill(0, 0, size);
  }

  /** Keeps what the certain rows make for each entry that has any. */
  #keepSums(bucket: Bucket): void {
    const { size } = bucket.dictionaries[this.d], sums = this.#sums, entries = this.#grouped;
    this.#scan.mergeAll(bucket, this.#scan.certain, sums);
    const count = pickNonzero(sums, size, entries), values = new Float64Array(count * MEASURE_COUNT);
    for (let i = 0, to = 0; i < count; i++) {
      const from = entries[i] * MEASURE_COUNT;
      for (let m = 0; m < MEASURE_COUNT; m++) values[to++] = sums[from + m];
    }
    sums.fill(0, 0, size * MEASURE_COUNT);
    this.#kept.set(bucket, { entries: entries.slice(0, count), values });
    this.#keptLeft -= count;
  }

  /** Keeps the requests of the rows that may match, by entry; under a single comparison they are known anyway. */
  #keepUnknown(bucket: Bucket): void {
    const { unknown } = this.#scan, { size } = bucket.dictionaries[this.d];
    if (unknown.count === 0) return;
    this.#scan.merge(bucket, unknown, REQUESTS, this.#unknown);
    this.#keptUnknown.set(bucket, numberColumn(this.#unknown.subarray(0, size)));
    this.#unknown.fill(0, 0, size);
  }

  /** Requests that may match beyond those that do, by entry; undefined when there are none. Valid until the next call. */
  #unknownOf(bucket: Bucket): Float64Array | undefined {
    const { comparisons } = this.filter!, single = comparisons?.length === 1 ? comparisons[0] : undefined;
    if (single !== undefined && !hasLost(bucket.dictionaries[single.d])) return undefined;
    const column = single === undefined ? this.#keptUnknown.get(bucket) : givenUpBy(bucket, single.d, this.d);
    return column && this.#numbers[0].of(column);
  }

  /** Merges the bucket into groups; what belongs to none goes to REST (with marginals and chosen cells: is left out). */
  add(bucket: Bucket, groups: Groups, which: Which): Beyond {
    return this.#fromMarginals ? this.#addMarginals(bucket, groups, which) : this.#addRows(bucket, groups, which);
  }

  /** The largest of the maxima of what is not listed, when REST does not know: of marginals that got no group. */
  largestUnlisted(buckets: readonly Bucket[], groups: Groups, listed: ReadonlySet<number>, total: Values): Values {
    const largest = groups.largestUnlisted(listed);
    if (!this.#fromMarginals) return largest;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      // Nobody who is listed had the largest, so somebody else did.
      if (!IS_SUM[m] && [...listed].every((group) => groups.value(group, m) < total[m])) largest[m] = total[m];
      else if (!IS_SUM[m]) {
        for (const { dictionaries } of buckets) this.#raiseUnlisted(dictionaries[this.d], m, groups, listed, largest);
      }
    }
    return largest;
  }

  #addMarginals(bucket: Bucket, groups: Groups, which: Which): Beyond {
    const dictionary = bucket.dictionaries[this.d], { size, marginals, foldedMax } = dictionary;
    const truth = this.filter?.matchEntries(dictionary), chosen = typeof which === "string" ? undefined : which;
    this.#makeRoom(size);
    const hashed = chosen === undefined ? undefined : entryHashes(dictionary, this.seed), grouped = this.#grouped;
    const count = chosen === undefined ? pickAll(size, grouped) : pickChosen(hashed!.hashes, chosen, grouped);
    for (let i = 0; i < count; i++) {
      const e = grouped[i];
      if (truth !== undefined && truth[e] !== TRUE) continue;
      const group = groups.of(dictionary, e, hashed);
      mergeColumns(groups.values, marginals, e, group * MEASURE_COUNT);
    }
    if (truth === undefined) mergeColumns(groups.values, marginals, OTHER, REST * MEASURE_COUNT);
    return { any: foldedMax[REQUESTS], hidden: foldedMax[REQUESTS] };
  }

  #addRows(bucket: Bucket, groups: Groups, which: Which): Beyond {
    const { d } = this, dictionary = bucket.dictionaries[d], { size, lostMax, foldedMax } = dictionary;
    this.#makeRoom(size);
    const scan = this.#scan, kept = this.#kept.get(bucket);
    if (kept === undefined) {
      scan.select(bucket, this.filter!, d);
      if (!this.#keptUnknown.has(bucket)) this.#keepUnknown(bucket);
    }
    const unknown = this.#unknownOf(bucket), unknownMax = unknown === undefined ? 0 : this.filter!.unknownMax(bucket);
    const count = this.#findGroups(dictionary, groups, which, unknown);
    const groupOf = this.#groupOf, grouped = this.#grouped, { values } = groups;
    if (kept === undefined) {
      scan.certain.place(groupOf);
      scan.mergeAll(bucket, scan.certain, values);
    } else mergeSums(kept, groupOf, values);
    const mass = values[HIDDEN * MEASURE_COUNT + REQUESTS] + (unknown?.[OTHER] ?? 0);
    const hidden = Math.min(lostMax[REQUESTS], mass), folded = foldedMax[REQUESTS];
    groups.releaseHidden();
    const any = which === "seen" ? hidden : Math.min(hidden, folded);
    const given = hidden > 0 ? givenUp(bucket, d) : undefined;
    for (let i = 0; i < count; i++) {
      const e = grouped[i], group = groupOf[e];
      if (given !== undefined) groups.hidden[group] += Math.min(hidden, given[e] + folded) - any;
      if (unknown !== undefined) groups.unknown[group] += Math.min(unknownMax, unknown[e]);
      groupOf[e] = REST;
    }
    if (which === "seen") this.#keptUnknown.clear();
    return { any, hidden };
  }

  /** Gives entries their groups. Returns how many have one. */
  #findGroups(dictionary: Dictionary, groups: Groups, which: Which, unknown: Float64Array | undefined): number {
    const groupOf = this.#groupOf, grouped = this.#grouped;
    let count = 0;
    groupOf[OTHER] = HIDDEN;
    if (which === "seen") {
      const { places, count: rows } = this.#scan.certain;
      for (let i = 0; i < rows; i++) {
        const e = places[i];
        if (groupOf[e] !== REST) continue;
        groupOf[e] = groups.of(dictionary, e);
        grouped[count++] = e;
      }
      for (let e = OTHER + 1; unknown !== undefined && e < dictionary.size; e++) {
        if (unknown[e] === 0 || groupOf[e] !== REST) continue;
        groupOf[e] = groups.of(dictionary, e);
        grouped[count++] = e;
      }
      return count;
    }
    const hashed = entryHashes(dictionary, this.seed);
    count = which === "all" ? pickAll(dictionary.size, grouped) : pickChosen(hashed.hashes, which, grouped);
    for (let i = 0; i < count; i++) groupOf[grouped[i]] = groups.of(dictionary, grouped[i], hashed);
    return count;
  }

  #raiseUnlisted(
    dictionary: Dictionary,
    m: number,
    groups: Groups,
    listed: ReadonlySet<number>,
    largest: Values,
  ): void {
    const truth = this.filter?.matchEntries(dictionary), column = marginalOfEach(dictionary, m);
    for (let e = OTHER + 1; e < dictionary.size; e++) {
      if (column[e] <= largest[m] || truth !== undefined && truth[e] !== TRUE) continue;
      if (!listed.has(groups.of(dictionary, e))) largest[m] = column[e];
    }
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    this.#freeRoom();
    this.#scan.free();
    for (const numbers of this.#numbers) numbers.free();
    for (const { entries, values } of this.#kept.values()) [entries, values].forEach(free);
    this.#keptUnknown.forEach(free);
  }

  #freeRoom(): void {
    for (const column of [this.#ranked, this.#requests, this.#unknown, this.#sums]) free(column);
    for (const column of [this.#groupOf, this.#grouped]) free(column);
  }

  #makeRoom(size: number): void {
    if (size <= this.#groupOf.length) return;
    this.#freeRoom();
    const room = roomFor(size);
    this.#ranked = new Float64Array(room);
    this.#requests = new Float64Array(room);
    this.#unknown = new Float64Array(room);
    this.#sums = new Float64Array(room * MEASURE_COUNT);
    this.#groupOf = new Int32Array(room).fill(REST);
    this.#grouped = new Int32Array(room);
  }
}

const wholeScan = new RowScan(true);

/** Requests that certainly match in one bucket: the same as the total of a ranking says. */
export function matchingRequests(bucket: Bucket, filter: CompiledFilter | undefined): number {
  if (filter === undefined) return bucket.totals[REQUESTS];
  let requests = 0;
  if (filter.dimension !== undefined) {
    const dictionary = bucket.dictionaries[filter.dimension], column = marginalOfEach(dictionary, REQUESTS);
    for (const e of filter.matches(dictionary)) requests += column[e];
  } else {
    wholeScan.select(bucket, filter, 0);
    const { rows, count } = wholeScan.certain, column = bucket.measures[REQUESTS];
    for (let i = 0; i < count; i++) requests += column[rows[i]];
  }
  return saturated(requests);
}

/**
 * What certainly matches in one bucket, per measure, for no filter or one on a single dimension: the marginals of the
 * entries that satisfy it.
 */
function marginalTotals(bucket: Bucket, filter: CompiledFilter | undefined): Values {
  if (filter?.dimension === undefined) return bucket.totals;
  const totals = zeroValues(), dictionary = bucket.dictionaries[filter.dimension];
  const matches = filter.matches(dictionary), marginals = matches.length === 0 ? [] : dictionary.marginals;
  for (const e of matches) mergeColumns(totals, marginals, e);
  return totals;
}
