/**
 * The rows of one bucket under a filter: which match certainly and which may, and what that makes for each entry of the
 * dimension that is grouped by. Memory is used again from bucket to bucket.
 */
import { IS_SUM, MEASURE_COUNT } from "./measures.ts";
import type { Bucket, NumberColumn } from "./bucket.ts";
import { roomFor, WideNumbers } from "./wide_column.ts";
import {
  gatherIndex,
  gatherNumbers,
  lookUp,
  merge,
  mergeAll,
  pickByEntry,
  pickByRow,
  splitUnknown,
} from "./column_loops.ts";
import type { CompiledFilter } from "./filter_match.ts";

/** Columns are widened as a whole when at least one row in this many is looked at; else only those rows are gathered. */
const WIDEN_SHARE = 3;

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

  /** Puts the place of each row's entry where the entry was. */
  place(placeOf: Int32Array): void {
    const { places, count } = this;
    for (let i = 0; i < count; i++) places[i] = placeOf[places[i]];
  }
}

/** The rows of one bucket after the other. */
export class RowScan {
  /** Those that match, and those that may. */
  readonly certain = new PickedRows();
  readonly unknown = new PickedRows();
  readonly #wide = Array.from({ length: MEASURE_COUNT }, () => new WideNumbers());
  readonly #gathered = Array.from({ length: MEASURE_COUNT }, () => new Float64Array(0));
  /** 0, 1, 2 … */
  #all = new Int32Array(0);
  /** Of the rows picked. */
  #truths = new Uint8Array(0);

  /** Finds the rows, and their entries in dimension `d`. Cost: one nanosecond a row, and as much for each that is found. */
  select(bucket: Bucket, filter: CompiledFilter, d: number): void {
    const { certain, unknown } = this;
    certain.makeRoom(bucket.rows);
    unknown.makeRoom(bucket.rows);
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

  /** Picks the rows that may match, and takes those whose truth is unknown out of them: mostly there are none. */
  #pick(bucket: Bucket, filter: CompiledFilter): void {
    const { certain, unknown } = this, { rows } = bucket, { single } = filter;
    const table = single === undefined ? filter.matchRows(bucket) : single.matchEntries(bucket.dictionaries[single.d]);
    certain.count = single === undefined
      ? pickByRow(table, rows, certain.rows)
      : pickByEntry(table, bucket.indexes[single.d], rows, certain.rows);
    unknown.count = 0;
    if (certain.count === 0 || !filter.canBeUnknown(bucket)) return;
    if (this.#truths.length < certain.count) this.#truths = new Uint8Array(roomFor(certain.count));
    let places = certain.rows;
    if (single !== undefined) {
      gatherIndex(bucket.indexes[single.d], certain.rows, certain.count, places = certain.places);
    }
    lookUp(table, places, certain.count, this.#truths);
    const picked = certain.count;
    certain.count = splitUnknown(this.#truths, certain.rows, picked, unknown.rows);
    unknown.count = picked - certain.count;
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
