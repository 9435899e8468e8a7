/**
 * The rows of one bucket under a filter: which match certainly and which may, and what that makes for each entry of the
 * dimension that is grouped by.
 *
 * Works in short loops over columns, each of which does one thing to all rows: picks, gathers, adds. Columns come in four
 * widths, and a loop that meets all of them is slower; so they meet only where they are gathered. Memory is used again
 * from bucket to bucket.
 */
import { IS_SUM } from "./measures.ts";
import type { Bucket, IndexColumn, NumberColumn } from "./bucket.ts";
import { roomFor, WideIndex } from "./wide_column.ts";
import type { CompiledFilter } from "./filter_match.ts";

/** Some rows of a bucket. */
export class PickedRows {
  count = 0;
  rows = new Int32Array(0);
  /** Of each: its entry in the dimension that was gathered last. */
  entries = new Int32Array(0);
  #numbers = new Float64Array(0);

  makeRoom(rows: number): void {
    if (rows < this.rows.length) return;
    this.rows = new Int32Array(roomFor(rows));
    this.entries = new Int32Array(this.rows.length);
    this.#numbers = new Float64Array(this.rows.length);
  }

  /** Looks up the entries of dimension `d`. */
  gather(bucket: Bucket, d: number): void {
    gatherEntries(bucket.indexes[d], this.rows, this.count, this.entries);
  }

  /**
   * Merges measure `m` of each row into `into[place * stride + at]`, the places being those of its entry, or its entry
   * itself.
   */
  merge(bucket: Bucket, m: number, into: Float64Array, stride = 1, at = 0): void {
    gatherNumbers(bucket.measures[m], this.rows, this.count, this.#numbers);
    if (IS_SUM[m]) addUp(this.#numbers, this.entries, this.count, into, stride, at);
    else raise(this.#numbers, this.entries, this.count, into, stride, at);
  }

  /** Puts the place of each row's entry where the entry was. */
  place(placeOf: Int32Array): void {
    const { entries, count } = this;
    for (let i = 0; i < count; i++) entries[i] = placeOf[entries[i]];
  }
}

/** The rows of one bucket after the other. */
export class RowScan {
  /** Those that match, and those that may. */
  readonly certain = new PickedRows();
  readonly unknown = new PickedRows();
  readonly #index = new WideIndex();

  /** Finds the rows. Cost: one or two nanoseconds a row. */
  select(bucket: Bucket, filter: CompiledFilter): void {
    this.certain.makeRoom(bucket.rows);
    this.unknown.makeRoom(bucket.rows);
    if (filter.single === undefined) {
      pickByRow(filter.matchRows(bucket), bucket.rows, this.certain, this.unknown);
      return;
    }
    const { d } = filter.single, table = filter.single.matchEntries(bucket.dictionaries[d]);
    pickByEntry(table, this.#index.of(bucket.indexes[d]), bucket.rows, this.certain, this.unknown);
  }
}

/** Without a branch: every row is written down, and stays where the count moves on. */
function pickByEntry(
  table: Uint8Array,
  index: Int32Array,
  rows: number,
  certain: PickedRows,
  unknown: PickedRows,
): void {
  const certainRows = certain.rows, unknownRows = unknown.rows;
  let c = 0, u = 0;
  for (let row = 0; row < rows; row++) {
    const truth = table[index[row]];
    certainRows[c] = row;
    unknownRows[u] = row;
    c += truth >> 1;
    u += (truth ^ truth >> 1) & 1;
  }
  certain.count = c;
  unknown.count = u;
}

function pickByRow(truths: Uint8Array, rows: number, certain: PickedRows, unknown: PickedRows): void {
  const certainRows = certain.rows, unknownRows = unknown.rows;
  let c = 0, u = 0;
  for (let row = 0; row < rows; row++) {
    const truth = truths[row];
    certainRows[c] = row;
    unknownRows[u] = row;
    c += truth >> 1;
    u += (truth ^ truth >> 1) & 1;
  }
  certain.count = c;
  unknown.count = u;
}

function gatherEntries(column: IndexColumn, rows: Int32Array, count: number, into: Int32Array): void {
  for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

function gatherNumbers(column: NumberColumn, rows: Int32Array, count: number, into: Float64Array): void {
  for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

function addUp(
  numbers: Float64Array,
  places: Int32Array,
  count: number,
  into: Float64Array,
  stride: number,
  at: number,
): void {
  for (let i = 0; i < count; i++) into[places[i] * stride + at] += numbers[i];
}

function raise(
  numbers: Float64Array,
  places: Int32Array,
  count: number,
  into: Float64Array,
  stride: number,
  at: number,
): void {
  for (let i = 0; i < count; i++) {
    const place = places[i] * stride + at;
    if (numbers[i] > into[place]) into[place] = numbers[i];
  }
}
