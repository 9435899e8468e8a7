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
 *
 * One file of more than 500 lines, since the first look at a bucket (`weigh`) and the second (`add`) share their columns
 * and must agree on every bound: whoever changes one has to see the other.
 */
import {
  IS_SUM,
  MEASURE_COUNT,
  mergeColumns,
  mergeValues,
  REQUESTS,
  SUM_COUNT,
  type Values,
  zeroValues,
} from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import type { Bucket, Dictionary, NumberColumn } from "./bucket.ts";
import { marginalOfEach } from "./bucket_block.ts";
import { valueIds } from "./value_ids.ts";
import { roomFor, WideIndex, WideNumbers } from "./wide_column.ts";
import { dictionaryInBlock, givenUp, hasLost } from "./given_up.ts";
import { classesOf, FEW_ENTRIES, type Projection, projectionOn, unclassed } from "./projections.ts";
import { type EntryRequests, givenUpBy } from "./rows_by_entry.ts";
import { type CompiledFilter, FALSE, TRUE, UNKNOWN } from "./filter_match.ts";
import { type Groups, HIDDEN, REST } from "./groups.ts";
import type { Candidates } from "./candidates.ts";
import {
  addBeyond,
  addFewRowsToCells,
  addMatchingToCells,
  addRangeToCells,
  addRangeToEntries,
  addRowsToCells,
  addToCells,
  addUnknownToCells,
  moveRangeToCells,
  pickAll,
  pickChosen,
  pickSome,
} from "./entry_loops.ts";
import { mergeRange, sumOf } from "./column_loops.ts";
import { EntrySums } from "./entry_sums.ts";
import { type PickedRows, RowScan } from "./row_scan.ts";
import { addGivenUp, addMarginalTotal, projectionFor, type Total } from "./matching_total.ts";

/** Which entries get a group: all, or those of rows that match or may. */
export type Which = "all" | "seen";

/** Requests that a value can have in one bucket: one that has no group there, and at most that were hidden. */
export interface Beyond {
  readonly any: number;
  readonly hidden: number;
}

/** Share of a bucket's rows up to which those that match are remembered while a question is answered: 0.5 B a row. */
const FEW_MATCH = 0.125;

/** Rows for each entry of a dictionary up to which they are added to cells one by one, and not added up by entry. */
const FEW_ROWS = 0.5;

/** Entries for each row above which marginals by every measure are not made for the few that are chosen. */
const MANY_ENTRIES = 0.25;

/** What is remembered of a bucket that was weighed, for when the question comes back to it. */
interface Weighed {
  /** Requests that were hidden. */
  readonly hidden: number;
  /** What matches: of its maxima, those of what is not listed are no larger. */
  readonly most: Values;
  /** Where the truths of its classes are; -1 where it was weighed by rows. */
  readonly truthsAt: number;
  /** Where the rows that match are, where these are few: else -1. */
  readonly rowsFrom: number;
  readonly rowsTo: number;
}

export class Contribution {
  /** Whether marginals answer: there is no filter, or it is on the grouped dimension alone. */
  readonly #fromMarginals: boolean;
  readonly #scan: RowScan;
  readonly #numbers = [new WideNumbers(), new WideNumbers()];
  readonly #entries = new WideIndex();
  readonly #sums = new EntrySums();
  /** By entry: requests of rows that match, the same of the measure ranked by, requests of rows that may; zero between buckets. */
  #certain = new Float64Array(0);
  #ranked = new Float64Array(0);
  #unknown = new Float64Array(0);
  /** By entry: its group, or REST; whether it has one. */
  #groupOf = new Int32Array(0);
  #marks = new Uint8Array(0);
  /** Entries that have a group. */
  #grouped = new Int32Array(0);
  readonly #weighed = new Map<Bucket, Weighed>();
  /** Truths of classes, and rows that match, of the buckets that were weighed: one behind the other. */
  #truths = new Uint8Array(4096);
  #truthCount = 0;
  #matching = new Int32Array(0);
  #matchingCount = 0;
  /** Of the bucket at hand, as in `Weighed`. */
  #truthsAt = -1;
  #rowsFrom = -1;
  /** Whether no chosen value shares its number. */
  #cellsTell = true;

  /** @param isAskedAgain whether the buckets will be: then what is made of them is kept */
  constructor(
    readonly d: number,
    readonly sort: number,
    readonly filter: CompiledFilter | undefined,
    readonly isAskedAgain: boolean,
  ) {
    this.#scan = new RowScan(isAskedAgain);
    this.#fromMarginals = filter === undefined || filter.dimension === d;
  }

  /** Adds every value to its cell, and what matches to the total. */
  weigh(bucket: Bucket, candidates: Candidates, total: Total): Beyond {
    const { d, sort, filter } = this, dictionary = bucket.dictionaries[d], { size, lostMax, foldedMax } = dictionary;
    const ids = valueIds.of(dictionary, d), cells = candidates.cellsFor(valueIds.end(d)), folded = foldedMax[REQUESTS];
    const own: Total = { values: zeroValues(), beyond: 0 };
    this.#truthsAt = this.#rowsFrom = -1;
    if (this.#fromMarginals) {
      addMarginalTotal(bucket, filter, own);
      const truth = filter?.matchEntries(dictionary);
      const ranked = this.#numbers[0].of(marginalOfEach(dictionary, sort));
      const requests = this.#numbers[1].of(marginalOfEach(dictionary, REQUESTS));
      if (truth === undefined) addToCells(cells, ids, size, ranked, requests, IS_SUM[sort]);
      else addMatchingToCells(cells, ids, size, ranked, requests, IS_SUM[sort], truth);
      this.#tell(bucket, own, folded, total);
      return { any: folded, hidden: folded };
    }
    this.#makeRoom(size);
    const mass = unclassed(bucket, filter!.dimensions) === 0 && sort === REQUESTS
      ? this.#weighClasses(bucket, cells, ids, own)
      : this.#weighRows(bucket, cells, ids, own) + this.#weighGivenUp(bucket, cells, ids);
    const hidden = Math.min(lostMax[REQUESTS], mass);
    this.#tell(bucket, own, hidden, total);
    return { any: Math.min(hidden, folded), hidden };
  }

  #tell(bucket: Bucket, own: Total, hidden: number, total: Total): void {
    mergeValues(total.values, own.values);
    total.beyond += own.beyond;
    this.#weighed.set(bucket, {
      hidden,
      most: own.values,
      truthsAt: this.#truthsAt,
      rowsFrom: this.#rowsFrom,
      rowsTo: this.#matchingCount,
    });
  }

  /** Weighs by whole classes of rows. Returns requests that match or may, of rows that gave up the grouped dimension. */
  #weighClasses(bucket: Bucket, cells: Float64Array, ids: Int32Array, own: Total): number {
    const { d } = this, filter = this.filter!, scan = this.#scan, classes = classesOf(bucket);
    const { bucket: rows, starts } = projectionOn(bucket, d), truths = this.#decideClasses(classes);
    scan.selectRanges(classes, truths);
    this.#addTotal(bucket, classes.bucket, own);
    const index = rows.indexes[d], requests = rows.measures[REQUESTS], unknown = this.#unknown;
    const isFew = rowsIn(starts, truths) <= ids.length * FEW_ROWS;
    let mass = 0;
    for (let c = 0; c < starts.length - 1; c++) {
      const truth = truths[c], from = starts[c], to = starts[c + 1];
      if (truth === TRUE && isFew) mass += addRangeToCells(cells, ids, index, requests, from, to);
      else if (truth === TRUE) mass += addRangeToEntries(this.#certain, index, requests, from, to);
      else if (truth === UNKNOWN) mass += addRangeToEntries(unknown, index, requests, from, to);
    }
    if (!isFew) {
      this.#weighEntries(bucket, cells, ids, this.#certain);
      return mass;
    }
    const { count } = scan.unknown, unknownMax = count > 0 ? filter.unknownMax(bucket) : 0;
    for (let i = 0; i < count; i++) {
      const c = scan.unknown.rows[i];
      moveRangeToCells(cells, ids, unknown, unknownMax, index, starts[c], starts[c + 1]);
    }
    return mass;
  }

  /** Decides the classes of a bucket. The truths are remembered. */
  #decideClasses({ bucket, starts }: Projection): Uint8Array {
    const count = starts.length - 1, at = this.#truthsAt = this.#truthCount, truths = this.filter!.matchRows(bucket);
    this.#truthCount = at + count;
    if (this.#truthCount > this.#truths.length) {
      const more = new Uint8Array(2 * this.#truthCount);
      more.set(this.#truths);
      free(this.#truths);
      this.#truths = more;
    }
    for (let c = 0; c < count; c++) this.#truths[at + c] = truths[c];
    return truths;
  }

  #rememberMatching({ rows, count }: PickedRows): void {
    const from = this.#rowsFrom = this.#matchingCount, to = this.#matchingCount = from + count;
    if (to > this.#matching.length) {
      const more = new Int32Array(2 * to);
      more.set(this.#matching);
      free(this.#matching);
      this.#matching = more;
    }
    for (let i = 0; i < count; i++) this.#matching[from + i] = rows[i];
  }

  /** The same by rows. */
  #weighRows(bucket: Bucket, cells: Float64Array, ids: Int32Array, own: Total): number {
    const { d, sort } = this, scan = this.#scan, { certain, unknown } = scan;
    scan.select(bucket, this.filter!);
    if (certain.count <= bucket.rows * FEW_MATCH) this.#rememberMatching(certain);
    this.#addMatching(bucket, bucket, own);
    if (unknown.count === 0 && certain.count < ids.length * FEW_ROWS) {
      const requests = scan.numbers(bucket, certain, REQUESTS), entries = scan.entries(bucket, certain, d);
      const ranked = sort === REQUESTS ? requests : scan.numbers(bucket, certain, sort);
      return addFewRowsToCells(cells, ids, entries, certain.count, ranked, requests, IS_SUM[sort]);
    }
    const ranked = sort === REQUESTS ? this.#certain : this.#ranked;
    scan.merge(bucket, certain, d, REQUESTS, this.#certain);
    if (sort !== REQUESTS) scan.merge(bucket, certain, d, sort, ranked);
    if (unknown.count > 0) scan.merge(bucket, unknown, d, REQUESTS, this.#unknown);
    const most = this.filter!.unknownMax(bucket), mass = this.#certain[OTHER] + this.#unknown[OTHER];
    const beyond = this.#weighEntries(bucket, cells, ids, ranked);
    // Under a filter on one dimension what gave it up is known more closely (`addGivenUp`).
    if (this.filter!.dimension === undefined) own.beyond += Math.min(beyond, most);
    return mass;
  }

  /** Moves what entries have to their cells. Returns requests that may match, of all entries. */
  #weighEntries(bucket: Bucket, cells: Float64Array, ids: Int32Array, ranked: Float64Array): number {
    const certain = this.#certain, unknown = this.#unknown, size = ids.length, most = this.filter!.unknownMax(bucket);
    const beyond = addRowsToCells(cells, ids, size, ranked, certain, unknown, most, IS_SUM[this.sort]);
    certain.fill(0, 0, size);
    if (ranked !== certain) ranked.fill(0, 0, size);
    unknown.fill(0, 0, size);
    return beyond;
  }

  /** Under a single comparison, what may match is what gave its dimension up. */
  #weighGivenUp(bucket: Bucket, cells: Float64Array, ids: Int32Array): number {
    const given = this.#givenUpIn(bucket);
    if (given === undefined) return 0;
    const entries = this.#entries.of(given.entries), requests = this.#numbers[0].of(given.requests);
    const from = given.count > 0 && entries[0] === OTHER ? 1 : 0;
    addUnknownToCells(cells, ids, entries, requests, from, given.count, this.filter!.unknownMax(bucket));
    return from > 0 ? requests[0] : 0;
  }

  #givenUpIn(bucket: Bucket): EntryRequests | undefined {
    const { comparisons } = this.filter!, f = comparisons?.length === 1 ? comparisons[0].d : undefined;
    return f === undefined || !hasLost(bucket.dictionaries[f]) ? undefined : givenUpBy(bucket, f, this.d);
  }

  /** Whether what certainly matches is what all groups and REST have, and `add` tells only what rows do not. */
  get isTotalOfGroups(): boolean {
    return !this.#fromMarginals;
  }

  /** Merges the bucket into groups, what belongs to none into REST, and what matches into the total. */
  add(bucket: Bucket, groups: Groups, which: Which, total: Total): Beyond {
    if (!this.#fromMarginals) return this.#addRows(bucket, groups, which, total);
    addMarginalTotal(bucket, this.filter, total);
    if (which === "seen" && this.filter === undefined) return this.#addSeen(bucket, groups);
    const dictionary = bucket.dictionaries[this.d], { size, foldedMax } = dictionary;
    this.#makeRoom(size);
    const ids = which === "seen" ? undefined : valueIds.of(dictionary, this.d);
    this.#addMarginals(dictionary, groups, pickAll(size, this.#grouped), ids);
    if (this.filter === undefined) mergeColumns(groups.values, dictionary.marginals, OTHER, REST * MEASURE_COUNT);
    return { any: foldedMax[REQUESTS], hidden: foldedMax[REQUESTS] };
  }

  /** A bucket seen once, without a filter: what its entries have, added up without marginals by measure in between. */
  #addSeen(bucket: Bucket, groups: Groups): Beyond {
    const dictionary = dictionaryInBlock(bucket, this.d), folded = dictionary.foldedMax[REQUESTS];
    const sums = this.#sums.of(bucket, this.d, dictionary);
    groups.addEntries(dictionary, sums);
    groups.add(REST, sums, OTHER * MEASURE_COUNT);
    return { any: folded, hidden: folded };
  }

  /**
   * Merges the values of chosen cells into groups, all other left out, once the bucket was weighed. What may match beyond
   * their rows is left out where cells tell.
   */
  addChosen(bucket: Bucket, groups: Groups, candidates: Candidates): void {
    const { d } = this, dictionary = bucket.dictionaries[d], ids = valueIds.of(dictionary, d);
    this.#makeRoom(dictionary.size);
    const grouped = this.#grouped, count = pickChosen(ids, candidates.chosen, grouped);
    if (this.#fromMarginals) {
      const isOfMany = this.filter === undefined && dictionary.size > bucket.rows * MANY_ENTRIES;
      if (isOfMany) return this.#addChosenOfMany(bucket, groups, count, ids);
      this.#addMarginals(dictionary, groups, count, ids);
      if (this.filter === undefined) mergeColumns(groups.values, dictionary.marginals, OTHER, REST * MEASURE_COUNT);
      return;
    }
    if (count === 0) return;
    for (let i = 0; i < count; i++) {
      const e = grouped[i];
      this.#groupOf[e] = groups.of(dictionary, e, ids[e]);
      this.#marks[e] = 1;
    }
    this.#cellsTell = candidates.isExact;
    this.#mergeChosen(bucket, groups);
    const { hidden } = this.#weighed.get(bucket)!, folded = dictionary.foldedMax[REQUESTS];
    const beyond = { any: Math.min(hidden, folded), hidden }, given = hidden > 0 ? givenUp(bucket, d) : undefined;
    const unknownMax = candidates.isExact ? 0 : this.filter!.unknownMax(bucket);
    this.#addBeyond(groups, count, given, beyond, folded, this.#unknown, unknownMax);
    if (!candidates.isExact) this.#unknown.fill(0, 0, dictionary.size);
  }

  /** Merges the rows of marked entries into their groups. */
  #mergeChosen(bucket: Bucket, groups: Groups): void {
    const { d } = this, filter = this.filter!, scan = this.#scan, groupOf = this.#groupOf;
    const { truthsAt, rowsFrom, rowsTo } = this.#weighed.get(bucket)!;
    const projection = truthsAt >= 0 && this.#cellsTell ? projectionOn(bucket, d) : undefined;
    if (projection?.isWhole === true) {
      scan.selectMarkedRanges(projection, this.#truths, truthsAt, d, this.#marks);
      return scan.mergeAll(projection.bucket, scan.certain, d, groupOf, groups.values);
    }
    if (rowsFrom >= 0 && this.#cellsTell) scan.selectMarkedOf(bucket, this.#matching, rowsFrom, rowsTo, d, this.#marks);
    else scan.selectMarked(bucket, filter, d, this.#marks);
    if (!this.#cellsTell) this.#unknownOf(bucket, bucket);
    scan.mergeAll(bucket, scan.certain, d, groupOf, groups.values);
  }

  /** The largest of the maxima of what is not listed. */
  largestUnlisted(buckets: readonly Bucket[], groups: Groups, listed: ReadonlySet<number>, total: Values): Values {
    const largest = groups.largestUnlisted(listed);
    for (let m = SUM_COUNT; m < MEASURE_COUNT; m++) {
      // Nobody who is listed had the largest, so somebody else did.
      if ([...listed].every((group) => groups.value(group, m) < total[m])) {
        largest[m] = total[m];
        continue;
      }
      const mostOf = (bucket: Bucket): number => this.#weighed.get(bucket)!.most[m];
      for (const bucket of buckets.toSorted((a, b) => mostOf(b) - mostOf(a))) {
        if (mostOf(bucket) <= largest[m]) break;
        this.#raiseUnlisted(bucket, m, groups, listed, largest);
      }
    }
    return largest;
  }

  /** Merges the marginals of the first `count` of `grouped` that satisfy the filter. */
  #addMarginals(dictionary: Dictionary, groups: Groups, count: number, ids: Int32Array | undefined): void {
    const truth = this.filter?.matchEntries(dictionary), { marginals } = dictionary;
    for (let i = 0; i < count; i++) {
      const e = this.#grouped[i];
      if (truth !== undefined && truth[e] !== TRUE) continue;
      const group = groups.of(dictionary, e, ids?.[e]);
      mergeColumns(groups.values, marginals, e, group * MEASURE_COUNT);
    }
  }

  /**
   * The same without a filter, where there are many entries for the rows: what the chosen gave up, and their rows. So nobody
   * needs marginals of all entries by every measure, which take long to make and much memory.
   */
  #addChosenOfMany(bucket: Bucket, groups: Groups, count: number, ids: Int32Array): void {
    const { d } = this, scan = this.#scan, grouped = this.#grouped, groupOf = this.#groupOf, marks = this.#marks;
    const { givenUp, folded } = dictionaryInBlock(bucket, d);
    mergeValues(groups.values, folded, 0, REST * MEASURE_COUNT);
    for (let i = 0; i < count; i++) {
      const e = grouped[i], group = groups.of(bucket.dictionaries[d], e, ids[e]);
      groupOf[e] = group;
      marks[e] = 1;
      if (givenUp.length > 0) mergeColumns(groups.values, givenUp, e, group * MEASURE_COUNT);
    }
    scan.selectEntries(bucket, d, marks);
    scan.mergeAll(bucket, scan.certain, d, groupOf, groups.values);
    for (let i = 0; i < count; i++) {
      groupOf[grouped[i]] = REST;
      marks[grouped[i]] = 0;
    }
  }

  #addRows(bucket: Bucket, groups: Groups, which: Which, total: Total): Beyond {
    const { d } = this, dictionary = bucket.dictionaries[d], { size, lostMax, foldedMax } = dictionary;
    this.#makeRoom(size);
    const unknown = this.#unknown, groupOf = this.#groupOf, unknownMax = this.filter!.unknownMax(bucket);
    const isByClass = which === "all" && size <= FEW_ENTRIES && unclassed(bucket, this.filter!.dimensions) === 0;
    const count = isByClass ? this.#mergeClasses(bucket, groups, total) : this.#mergeRows(bucket, groups, which, total);
    const mass = groups.values[HIDDEN * MEASURE_COUNT + REQUESTS] + unknown[OTHER];
    groups.releaseHidden();
    const hidden = Math.min(lostMax[REQUESTS], mass), folded = foldedMax[REQUESTS];
    const any = which === "seen" ? hidden : Math.min(hidden, folded),
      given = hidden > 0 ? givenUp(bucket, d) : undefined;
    const beyond: Beyond = { any, hidden };
    if (which === "all") {
      const wide = given && this.#numbers[1].of(given);
      addBeyond(groups.hidden, groups.unknown, groupOf, size, wide, beyond, folded, unknown, unknownMax);
      groupOf.fill(REST, 0, size);
    } else this.#addBeyond(groups, count, given, beyond, folded, unknown, unknownMax);
    unknown.fill(0, 0, size);
    return beyond;
  }

  /** Merges whole classes of rows into the groups of all entries; returns how many have one. */
  #mergeClasses(bucket: Bucket, groups: Groups, total: Total): number {
    const { d } = this, filter = this.filter!, classes = classesOf(bucket), truths = filter.matchRows(classes.bucket);
    const { bucket: rows, starts } = unclassed(bucket, 1 << d) === 0 ? classes : projectionOn(bucket, d);
    const unknown = this.#unknown, index = rows.indexes[d], count = this.#findAll(bucket.dictionaries[d], groups);
    for (let c = 0; c < starts.length - 1; c++) {
      const from = starts[c], to = starts[c + 1];
      if (truths[c] === TRUE) mergeRange(rows.measures, index, from, to, this.#groupOf, groups.values);
      else if (truths[c] === UNKNOWN) {
        unknown[OTHER] += addRangeToEntries(unknown, index, rows.measures[REQUESTS], from, to);
      }
    }
    if (filter.dimension !== undefined) addGivenUp(bucket, filter, filter.dimension, total);
    else total.beyond += Math.min(sumOf(unknown, bucket.dictionaries[d].size), filter.unknownMax(bucket));
    return count;
  }

  /** The same by rows, for all entries or those of rows that match or may. */
  #mergeRows(bucket: Bucket, groups: Groups, which: Which, total: Total): number {
    const { d } = this, scan = this.#scan, rows = this.#select(bucket), dictionary = bucket.dictionaries[d];
    this.#addBeyondGroups(bucket, rows, total);
    const unknown = this.#unknownOf(bucket, rows);
    const count = which === "all"
      ? this.#findAll(dictionary, groups)
      : this.#findSeen(rows, dictionary, groups, unknown);
    scan.mergeAll(rows, scan.certain, d, this.#groupOf, groups.values);
    return count;
  }

  /** The same for the entries that have groups, which they lose. */
  #addBeyond(
    groups: Groups,
    count: number,
    given: NumberColumn | undefined,
    { any, hidden }: Beyond,
    folded: number,
    unknown: Float64Array,
    unknownMax: number,
  ): void {
    const grouped = this.#grouped, marks = this.#marks, groupOf = this.#groupOf;
    for (let i = 0; i < count; i++) {
      const e = grouped[i], group = groupOf[e];
      if (given !== undefined) groups.hidden[group] += Math.min(hidden, given[e] + folded) - any;
      groups.unknown[group] += Math.min(unknownMax, unknown[e]);
      groupOf[e] = REST;
      marks[e] = 0;
    }
  }

  /** Finds the rows that match and that may; returns what they are rows of: a projection, where that tells enough. */
  #select(bucket: Bucket): Bucket {
    const { d } = this, filter = this.filter!, scan = this.#scan;
    const projection = this.isAskedAgain ? projectionFor(bucket, filter, d) : undefined;
    if (projection === undefined) scan.select(bucket, filter);
    else scan.selectPlainly(projection, filter);
    return projection ?? bucket;
  }

  /** Adds what matches in all, once the rows are selected. */
  #addTotal(bucket: Bucket, rows: Bucket, total: Total): void {
    this.#addMatching(bucket, rows, total);
    if (this.filter!.dimension === undefined) this.#addBeyondGroups(bucket, rows, total);
  }

  /** The same but for rows that only may match, under a filter on several dimensions. */
  #addMatching(bucket: Bucket, rows: Bucket, total: Total): void {
    const { filter } = this, f = filter!.dimension;
    // Of a projection few rows are looked at, and marginals would have to be made of all.
    const hasFew = rows === bucket && f !== undefined && bucket.dictionaries[f].size <= FEW_ENTRIES;
    if (hasFew) return addMarginalTotal(bucket, filter, total);
    for (let m = 0; m < MEASURE_COUNT; m++) this.#scan.addTotal(rows, this.#scan.certain, m, total.values);
    if (f !== undefined) addGivenUp(bucket, filter!, f, total);
  }

  /** Adds what matches beyond the rows that do, and what may. */
  #addBeyondGroups(bucket: Bucket, rows: Bucket, total: Total): void {
    const { unknown } = this.#scan, filter = this.filter!, f = filter.dimension;
    if (f !== undefined) addGivenUp(bucket, filter, f, total);
    else if (unknown.count > 0) {
      const sums = zeroValues();
      this.#scan.addTotal(rows, unknown, REQUESTS, sums);
      total.beyond += Math.min(sums[REQUESTS], filter.unknownMax(bucket));
    }
  }

  /** Requests that may match beyond those that do, by entry: to be cleared. */
  #unknownOf(bucket: Bucket, rows: Bucket): Float64Array {
    const given = this.#givenUpIn(bucket), { unknown } = this.#scan, into = this.#unknown;
    if (given !== undefined) {
      const entries = this.#entries.of(given.entries), requests = this.#numbers[0].of(given.requests);
      for (let i = 0; i < given.count; i++) into[entries[i]] = requests[i];
    } else if (unknown.count > 0 && this.filter!.comparisons?.length !== 1) {
      this.#scan.merge(rows, unknown, this.d, REQUESTS, into);
    }
    return into;
  }

  /** Gives all entries their groups. Returns how many they are. */
  #findAll(dictionary: Dictionary, groups: Groups): number {
    this.#groupOf[OTHER] = HIDDEN;
    groups.ofAll(dictionary, valueIds.of(dictionary, this.d), this.#groupOf);
    return dictionary.size - 1;
  }

  /** The same for the entries of rows that match or may. */
  #findSeen(rows: Bucket, dictionary: Dictionary, groups: Groups, unknown: Float64Array): number {
    const groupOf = this.#groupOf, grouped = this.#grouped, { size } = dictionary;
    groupOf[OTHER] = HIDDEN;
    this.#scan.merge(rows, this.#scan.certain, this.d, REQUESTS, this.#certain);
    const count = pickSome(this.#certain, unknown, size, grouped);
    this.#certain.fill(0, 0, size);
    for (let i = 0; i < count; i++) groupOf[grouped[i]] = groups.of(dictionary, grouped[i]);
    return count;
  }

  #raiseUnlisted(bucket: Bucket, m: number, groups: Groups, listed: ReadonlySet<number>, largest: Values): void {
    const dictionary = bucket.dictionaries[this.d], { size } = dictionary, ids = valueIds.of(dictionary, this.d);
    this.#makeRoom(size);
    const isListed = (e: number): boolean => listed.has(groups.of(dictionary, e, ids[e]));
    if (this.#fromMarginals) {
      const truth = this.filter?.matchEntries(dictionary), column = marginalOfEach(dictionary, m);
      for (let e = OTHER + 1; e < size; e++) {
        if (column[e] <= largest[m] || truth !== undefined && truth[e] !== TRUE) continue;
        if (!isListed(e)) largest[m] = column[e];
      }
      return;
    }
    const column = bucket.measures[m],
      index = bucket.indexes[this.d],
      { rowsFrom, rowsTo } = this.#weighed.get(bucket)!;
    const scan = this.#scan, isKnown = rowsFrom >= 0;
    if (!isKnown) scan.selectAbove(bucket, this.filter!, m, largest[m]);
    const rows = isKnown ? this.#matching : scan.certain.rows, from = isKnown ? rowsFrom : 0;
    for (let i = from, to = isKnown ? rowsTo : scan.certain.count; i < to; i++) {
      const row = rows[i], e = index[row];
      if (column[row] > largest[m] && (e === OTHER || !isListed(e))) largest[m] = column[row];
    }
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    this.#freeRoom();
    this.#scan.free();
    free(this.#matching);
    free(this.#truths);
    for (const wide of [this.#entries, ...this.#numbers, this.#sums]) wide.free();
  }

  #freeRoom(): void {
    for (const column of [this.#certain, this.#ranked, this.#unknown]) free(column);
    for (const column of [this.#groupOf, this.#marks, this.#grouped]) free(column);
  }

  #makeRoom(size: number): void {
    if (size <= this.#groupOf.length) return;
    this.#freeRoom();
    const room = roomFor(size);
    this.#certain = new Float64Array(room);
    this.#ranked = new Float64Array(room);
    this.#unknown = new Float64Array(room);
    this.#groupOf = new Int32Array(room).fill(REST);
    this.#marks = new Uint8Array(room);
    this.#grouped = new Int32Array(room);
  }
}

/** Rows of the classes that match or may. */
function rowsIn(starts: Uint32Array, truths: Uint8Array): number {
  let rows = 0;
  for (let c = 0; c < starts.length - 1; c++) if (truths[c] !== FALSE) rows += starts[c + 1] - starts[c];
  return rows;
}
