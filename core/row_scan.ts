/**
 * The rows of one bucket under a filter: which match certainly and which may, and what that makes for each entry of the
 * dimension that is grouped by. Memory is used again from bucket to bucket.
 */
import { IS_SUM, MEASURE_COUNT } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import type { Bucket, NumberColumn } from "./bucket.ts";
import { roomFor, WideNumbers } from "./wide_column.ts";
import { rowsByEntry } from "./rows_by_entry.ts";
import {
  combineLookUp,
  gatherIndex,
  gatherNumbers,
  keepPossible,
  lookUp,
  merge,
  mergeAll,
  pickByEntry,
  pickByRow,
  splitUnknown,
} from "./column_loops.ts";
import { type CompiledComparison, type CompiledFilter, TRUE, UNKNOWN } from "./filter_match.ts";

/** Columns are widened as a whole when at least one row in this many is looked at; else only those rows are gathered. */
const WIDEN_SHARE = 3;

/** Share of a bucket's requests up to which rows are found by an index. */
const INDEXED_SHARE_MAX = 0.3;

/** The bit of truth that only what certainly matches has. */
const CERTAIN_BIT = 1;

/** Some rows of a bucket. */
export class PickedRows {
  count = 0;
  rows = new Int32Array(0);
  /** Of each: its entry in a dimension, or what `place` made of it. */
  places = new Int32Array(0);

  makeRoom(rows: number): void {
    if (rows < this.rows.length) return;
    this.rows = new Int32Array(roomFor(rows));
    this.places = new Int32Array(this.rows.length);
  }

  free(): void {
    free(this.rows);
    free(this.places);
  }

  /** Puts the place of each row's entry where the entry was. */
  place(placeOf: Int32Array): void {
    const { places, count } = this;
    for (let i = 0; i < count; i++) places[i] = placeOf[places[i]];
  }
}

/** The rows of one bucket after the other. */
export class RowScan {
  /** Those that match, and those that may; under a single comparison only those that match. */
  readonly certain = new PickedRows();
  readonly unknown = new PickedRows();
  readonly #wide = Array.from({ length: MEASURE_COUNT }, () => new WideNumbers());
  readonly #gathered = Array.from({ length: MEASURE_COUNT }, () => new Float64Array(0));
  /** 0, 1, 2 … */
  #all = new Int32Array(0);
  /** Of the rows picked. */
  #truths = new Uint8Array(0);
  /** By row: the truth found so far; all zero between buckets. */
  #marks = new Uint8Array(0);

  /** @param usesIndexes makes them when there are none */
  constructor(readonly usesIndexes: boolean) {}

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    for (const part of [this.certain, this.unknown, ...this.#wide]) part.free();
    for (const column of [...this.#gathered, this.#all, this.#truths, this.#marks]) free(column);
  }

  /** Finds the rows, and their entries in dimension `d`. Cost: one nanosecond a row, and as much for each that is found. */
  select(bucket: Bucket, filter: CompiledFilter, d: number): void {
    const { certain, unknown } = this;
    certain.makeRoom(bucket.rows);
    unknown.makeRoom(bucket.rows);
    unknown.count = 0;
    this.#pick(bucket, filter);
    gatherIndex(bucket.indexes[d], certain.rows, certain.count, certain.places);
    gatherIndex(bucket.indexes[d], unknown.rows, unknown.count, unknown.places);
  }

  /** Merges measure `m` of each row into `into[place]`. */
  merge(bucket: Bucket, picked: PickedRows, m: number, into: Float64Array): void {
    const isWide = picked.count * WIDEN_SHARE >= bucket.rows, { count, places } = picked;
    const rows = isWide ? picked.rows : this.#allOf(count);
    merge(this.#numbers(bucket.measures[m], m, picked, isWide), rows, places, count, into, IS_SUM[m]);
  }

  /** Merges all measures of each row into `into[place * MEASURE_COUNT + m]`. */
  mergeAll(bucket: Bucket, picked: PickedRows, into: Float64Array): void {
    const isWide = picked.count * WIDEN_SHARE >= bucket.rows, { count, places } = picked;
    const numbers = bucket.measures.map((column, m) => this.#numbers(column, m, picked, isWide));
    mergeAll(numbers, isWide ? picked.rows : this.#allOf(count), places, count, into);
  }

  /**
   * Picks the rows that may match, then takes those whose truth is unknown out of them. From an index where a comparison
   * that all rows must satisfy leaves few of them, else from all rows.
   */
  #pick(bucket: Bucket, filter: CompiledFilter): void {
    const comparisons = filter.comparisons ?? [], alternatives = this.usesIndexes && filter.alternatives || [];
    const best = this.usesIndexes ? leastShare(comparisons, bucket) : undefined;
    if (best !== undefined) this.#pickIndexed(bucket, best, comparisons);
    else if (comparisons.length === 1) this.#pickByEntry(bucket, comparisons[0]);
    else if (alternatives.length > 0 && shareOf(alternatives, bucket) < INDEXED_SHARE_MAX) {
      this.#pickUnion(bucket, alternatives);
    } else this.#pickByRow(bucket, filter.matchRows(bucket));
    if (comparisons.length === 1 || !filter.canBeUnknown(bucket)) return;
    const { certain, unknown } = this, picked = certain.count;
    certain.count = splitUnknown(this.#truths, certain.rows, picked, unknown.rows);
    unknown.count = picked - certain.count;
  }

  /** Rows of the entries that satisfy one comparison, and those that gave the value up; the others are decided for these. */
  #pickIndexed(bucket: Bucket, best: CompiledComparison, comparisons: readonly CompiledComparison[]): void {
    const { certain } = this, { starts, rows } = rowsByEntry(bucket, best.d);
    const isOnly = comparisons.length === 1, given = isOnly ? 0 : starts[OTHER + 1];
    certain.rows.set(rows.subarray(0, given));
    let count = given;
    for (const e of best.matches(bucket.dictionaries[best.d])) {
      for (let at = starts[e]; at < starts[e + 1]; at++) certain.rows[count++] = rows[at];
    }
    certain.count = count;
    if (isOnly) return;
    const truths = this.#truthsOf(count);
    truths.fill(TRUE, 0, count);
    truths.fill(UNKNOWN, 0, given);
    for (const comparison of comparisons) {
      if (comparison === best) continue;
      gatherIndex(bucket.indexes[comparison.d], certain.rows, count, certain.places);
      combineLookUp(comparison.matchEntries(bucket.dictionaries[comparison.d]), certain.places, count, truths, true);
    }
    certain.count = keepPossible(truths, certain.rows, count);
  }

  /** Rows of the entries that satisfy any of the comparisons, and those that gave up one of their values, each once. */
  #pickUnion(bucket: Bucket, comparisons: readonly CompiledComparison[]): void {
    const { certain } = this;
    if (this.#marks.length < bucket.rows) this.#marks = new Uint8Array(roomFor(bucket.rows));
    const marks = this.#marks;
    let count = 0;
    for (const comparison of comparisons) {
      const { starts, rows } = rowsByEntry(bucket, comparison.d);
      const matches = comparison.matches(bucket.dictionaries[comparison.d]);
      for (let i = -1; i < matches.length; i++) {
        const e = i < 0 ? OTHER : matches[i], truth = i < 0 ? UNKNOWN : TRUE;
        for (let at = starts[e]; at < starts[e + 1]; at++) {
          const row = rows[at];
          if (marks[row] === 0) certain.rows[count++] = row;
          marks[row] |= truth;
        }
      }
    }
    certain.count = count;
    lookUp(marks, certain.rows, count, this.#truthsOf(count));
    for (let i = 0; i < count; i++) marks[certain.rows[i]] = 0;
  }

  #pickByEntry({ dictionaries, indexes, rows }: Bucket, comparison: CompiledComparison): void {
    const table = comparison.matchEntries(dictionaries[comparison.d]);
    this.certain.count = pickByEntry(table, CERTAIN_BIT, indexes[comparison.d], rows, this.certain.rows);
  }

  #pickByRow(bucket: Bucket, truths: Uint8Array): void {
    const { certain } = this;
    certain.count = pickByRow(truths, bucket.rows, certain.rows);
    lookUp(truths, certain.rows, certain.count, this.#truthsOf(certain.count));
  }

  #truthsOf(count: number): Uint8Array {
    if (this.#truths.length < count) this.#truths = new Uint8Array(roomFor(count));
    return this.#truths;
  }

  /** A column as doubles: whole, or only of the rows picked and in their order. */
  #numbers(column: NumberColumn, m: number, { rows, count }: PickedRows, isWide: boolean): Float64Array {
    if (isWide) return this.#wide[m].of(column);
    if (this.#gathered[m].length < count) this.#gathered[m] = new Float64Array(roomFor(count));
    gatherNumbers(column, rows, count, this.#gathered[m]);
    return this.#gathered[m];
  }

  #allOf(count: number): Int32Array {
    if (this.#all.length < count) this.#all = Int32Array.from({ length: roomFor(count) }, (_, i) => i);
    return this.#all;
  }
}

/** Share of a bucket's requests that satisfy any of the comparisons, at most. */
function shareOf(comparisons: readonly CompiledComparison[], bucket: Bucket): number {
  return comparisons.reduce((sum, comparison) => sum + comparison.share(bucket), 0);
}

/** The comparison that fewest requests satisfy, if they are few enough for an index to gain. */
function leastShare(comparisons: readonly CompiledComparison[], bucket: Bucket): CompiledComparison | undefined {
  let best: CompiledComparison | undefined, least = INDEXED_SHARE_MAX;
  for (const comparison of comparisons) {
    const share = comparison.share(bucket);
    if (share < least) [best, least] = [comparison, share];
  }
  return best;
}
