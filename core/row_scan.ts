/**
 * The rows of one bucket under a filter: which match certainly and which may, and what that makes for each entry of a
 * dimension. Memory is used again from bucket to bucket.
 */
import { IS_SUM, MEASURE_COUNT, type Values } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import type { Bucket, NumberColumn } from "./bucket.ts";
import { roomFor, WideIndex, WideNumbers } from "./wide_column.ts";
import type { Projection } from "./projections.ts";
import { rowsByEntry } from "./rows_by_entry.ts";
import {
  combineLookUp,
  gatherIndex,
  gatherNumbers,
  keepMarked,
  keepPossible,
  merge,
  mergeAll,
  mergeGathered,
  mergeNarrow,
  pickByEntry,
  pickByRow,
  pickRange,
  splitUnknown,
  sumOf,
} from "./column_loops.ts";
import { type CompiledComparison, type CompiledFilter, type Entries, TRUE, UNKNOWN } from "./filter_match.ts";

/** Columns are widened as a whole when at least one row in this many is looked at; else only those rows are gathered. */
const WIDEN_SHARE = 3;

/** Share of a bucket's rows up to which they are found by an index. */
const INDEXED_SHARE_MAX = 0.3;

/** The bits of truth that what may match has, and what does. */
const POSSIBLE_BIT = 0, CERTAIN_BIT = 1;

/** Some rows of a bucket. */
export class PickedRows {
  count = 0;
  rows = new Int32Array(0);

  makeRoom(rows: number): void {
    if (rows < this.rows.length) return;
    free(this.rows);
    this.rows = new Int32Array(roomFor(rows));
  }

  free(): void {
    free(this.rows);
  }
}

/** The rows of one bucket after the other. */
export class RowScan {
  /** Those that match, and those that may; under a single comparison only those that match. */
  readonly certain = new PickedRows();
  readonly unknown = new PickedRows();
  readonly #wideIndex = new WideIndex();
  readonly #wide = Array.from({ length: MEASURE_COUNT }, () => new WideNumbers());
  readonly #gathered = Array.from({ length: MEASURE_COUNT }, () => new Float64Array(0));
  /** 0, 1, 2 … */
  #all = new Int32Array(0);
  #truths = new Uint8Array(0);
  /** Of some rows: their entries, or places made of them. */
  #places = new Int32Array(0);

  /** @param usesIndexes of buckets, and makes them when there are none */
  constructor(readonly usesIndexes: boolean) {}

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    for (const part of [this.certain, this.unknown, this.#wideIndex, ...this.#wide]) part.free();
    for (const column of [...this.#gathered, this.#all, this.#truths, this.#places]) free(column);
  }

  /** All rows of a projection whose class matches, and whose class may. */
  selectRanges({ bucket, starts }: Projection, truths: Uint8Array): void {
    this.#makeRoom(bucket);
    const { certain, unknown } = this;
    certain.count = 0;
    for (let c = 0; c < starts.length - 1; c++) {
      const into = truths[c] === TRUE ? certain : truths[c] === UNKNOWN ? unknown : undefined;
      if (into === undefined) continue;
      const { rows } = into;
      let { count } = into;
      for (let row = starts[c]; row < starts[c + 1]; row++) rows[count++] = row;
      into.count = count;
    }
  }

  /** Rows of a projection whose class certainly matches and whose entry in dimension `d` is marked. */
  selectMarkedRanges(
    { bucket, starts }: Projection,
    truths: Uint8Array,
    truthsAt: number,
    d: number,
    marks: Uint8Array,
  ): void {
    this.#makeRoom(bucket);
    const { certain: { rows } } = this, index = bucket.indexes[d];
    let count = 0;
    for (let c = 0; c < starts.length - 1; c++) {
      if (truths[truthsAt + c] === TRUE) count = pickRange(marks, index, starts[c], starts[c + 1], rows, count);
    }
    this.certain.count = count;
  }

  /** Finds the rows. Cost: next to none where an index tells, else a nanosecond or two a row. */
  select(bucket: Bucket, filter: CompiledFilter): void {
    this.#makeRoom(bucket);
    const { comparisons } = filter;
    const best = this.usesIndexes && comparisons !== undefined ? fewestRows(comparisons, bucket) : undefined;
    if (best !== undefined) this.#pickIndexed(bucket, filter, best, comparisons!);
    else this.#pickAll(bucket, filter);
  }

  /** The same by looking at every row: of a projection, which has no index. */
  selectPlainly(bucket: Bucket, filter: CompiledFilter): void {
    this.#makeRoom(bucket);
    this.#pickAll(bucket, filter);
  }

  /** The same for the rows whose entry in dimension `d` is marked, alone. `marks[OTHER]` is 0. */
  selectMarked(bucket: Bucket, filter: CompiledFilter, d: number, marks: Uint8Array): void {
    const { comparisons } = filter;
    if (this.usesIndexes && comparisons !== undefined && fewestRows(comparisons, bucket) !== undefined) {
      this.select(bucket, filter);
      for (const picked of [this.certain, this.unknown]) {
        picked.count = keepMarked(marks, bucket.indexes[d], picked.rows, 0, picked.count, picked.rows);
      }
      return;
    }
    this.#makeRoom(bucket);
    this.certain.count = pickByEntry(marks, POSSIBLE_BIT, bucket.indexes[d], bucket.rows, this.certain.rows);
    this.#decide(bucket, filter);
  }

  /** All rows whose entry in dimension `d` is marked. `marks[OTHER]` is 0. */
  selectEntries(bucket: Bucket, d: number, marks: Uint8Array): void {
    this.#makeRoom(bucket);
    this.certain.count = pickByEntry(marks, POSSIBLE_BIT, bucket.indexes[d], bucket.rows, this.certain.rows);
  }

  /** The same among rows that are known to match: `rows[from … to)`. */
  selectMarkedOf(
    { rows: rowCount, indexes }: Bucket,
    rows: Int32Array,
    from: number,
    to: number,
    d: number,
    marks: Uint8Array,
  ): void {
    const { certain, unknown } = this;
    certain.makeRoom(rowCount);
    certain.count = keepMarked(marks, indexes[d], rows, from, to, certain.rows);
    unknown.count = 0;
  }

  /** The same for rows with more of a maximum than `least`. */
  selectAbove(bucket: Bucket, filter: CompiledFilter, m: number, least: number): void {
    this.#makeRoom(bucket);
    const { certain } = this, numbers = this.#wide[m].of(bucket.measures[m]);
    let count = 0;
    for (let row = 0; row < bucket.rows; row++) if (numbers[row] > least) certain.rows[count++] = row;
    certain.count = count;
    if (count > 0) this.#decide(bucket, filter);
    else this.unknown.count = 0;
  }

  /** Their entries in dimension `d`, in their order. Valid until the next call. */
  entries(bucket: Bucket, picked: PickedRows, d: number): Int32Array {
    return this.#entries(bucket, d, picked);
  }

  /** Their values of measure `m`, in their order. Valid until the next call for this measure. */
  numbers(bucket: Bucket, picked: PickedRows, m: number): Float64Array {
    return this.#gather(bucket.measures[m], m, picked);
  }

  /** Merges measure `m` of rows into what their entries in dimension `d` have. */
  merge(bucket: Bucket, picked: PickedRows, d: number, m: number, into: Float64Array): void {
    const { rows, count } = picked;
    if (IS_SUM[m] && mergeNarrow(bucket.measures[m], bucket.indexes[d], rows, count, into)) return;
    if (count * WIDEN_SHARE >= bucket.rows) {
      const numbers = this.#wide[m].of(bucket.measures[m]), index = this.#wideIndex.of(bucket.indexes[d]);
      merge(numbers, index, rows, count, into, IS_SUM[m]);
    } else {mergeGathered(
        this.#gather(bucket.measures[m], m, picked),
        this.#entries(bucket, d, picked),
        count,
        into,
        IS_SUM[m],
      );}
  }

  /** Merges all measures of rows into `into[MEASURE_COUNT * place + m]`, the place of an entry being `placeOf[entry]`. */
  mergeAll(bucket: Bucket, picked: PickedRows, d: number, placeOf: Int32Array, into: Float64Array): void {
    const { rows, count } = picked, places = this.#entries(bucket, d, picked);
    for (let i = 0; i < count; i++) places[i] = placeOf[places[i]];
    const isWide = count * WIDEN_SHARE >= bucket.rows;
    const numbers = bucket.measures.map((column, m) =>
      isWide ? this.#wide[m].of(column) : this.#gather(column, m, picked)
    );
    mergeAll(numbers, isWide ? rows : this.#allOf(count), places, count, into);
  }

  /** Merges measure `m` of rows into a total. */
  addTotal(bucket: Bucket, picked: PickedRows, m: number, total: Values): void {
    const numbers = this.#gather(bucket.measures[m], m, picked), { count } = picked;
    if (IS_SUM[m]) total[m] += sumOf(numbers, count);
    else for (let i = 0; i < count; i++) if (numbers[i] > total[m]) total[m] = numbers[i];
  }

  #makeRoom({ rows }: Bucket): void {
    this.certain.makeRoom(rows);
    this.unknown.makeRoom(rows);
    this.unknown.count = 0;
  }

  /** Rows of the entries that satisfy one comparison, and those that gave the value up; the others are decided for these. */
  #pickIndexed(
    bucket: Bucket,
    filter: CompiledFilter,
    best: CompiledComparison,
    comparisons: readonly CompiledComparison[],
  ): void {
    const { certain } = this, index = rowsByEntry(bucket, best.d), { starts, rows } = index;
    const isOnly = comparisons.length === 1, given = isOnly ? 0 : starts[OTHER + 1];
    const { count: matching, entries } = best.matches(bucket.dictionaries[best.d]), into = certain.rows;
    for (let i = 0; i < given; i++) into[i] = rows[i];
    let count = given;
    for (let i = 0; i < matching; i++) {
      const e = entries[i];
      for (let at = starts[e]; at < starts[e + 1]; at++) into[count++] = rows[at];
    }
    certain.count = count;
    if (isOnly) return;
    const truths = this.#truthsOf(count), places = this.#placesOf(count);
    truths.fill(TRUE, 0, count);
    truths.fill(UNKNOWN, 0, given);
    for (const comparison of comparisons) {
      if (comparison === best) continue;
      gatherIndex(bucket.indexes[comparison.d], into, count, places);
      combineLookUp(comparison.matchEntries(bucket.dictionaries[comparison.d]), places, count, truths, true);
    }
    certain.count = keepPossible(truths, into, count);
    this.#split(bucket, filter, truths);
  }

  #pickAll(bucket: Bucket, filter: CompiledFilter): void {
    const { certain, unknown } = this, { comparisons } = filter;
    if (comparisons?.length === 1) {
      const [{ d }] = comparisons, table = comparisons[0].matchEntries(bucket.dictionaries[d]);
      certain.count = pickByEntry(table, CERTAIN_BIT, bucket.indexes[d], bucket.rows, certain.rows);
      return;
    }
    if (filter.canBeUnknown(bucket)) certain.count = filter.splitRows(bucket, certain.rows, unknown);
    else certain.count = pickByRow(filter.matchRows(bucket), bucket.rows, certain.rows);
  }

  /** Takes those of `certain` that do not match out, and moves those that only may. */
  #decide(bucket: Bucket, filter: CompiledFilter): void {
    const { certain } = this, truths = filter.matchSome(bucket, certain.rows, certain.count);
    certain.count = keepPossible(truths, certain.rows, certain.count);
    this.#split(bucket, filter, truths);
  }

  #split(bucket: Bucket, filter: CompiledFilter, truths: Uint8Array): void {
    const { certain, unknown } = this, picked = certain.count;
    unknown.count = 0;
    if (!filter.canBeUnknown(bucket)) return;
    certain.count = splitUnknown(truths, certain.rows, picked, unknown.rows);
    unknown.count = picked - certain.count;
  }

  /** Entries of rows, in their order. Valid until the next call. */
  #entries(bucket: Bucket, d: number, { rows, count }: PickedRows): Int32Array {
    const entries = this.#placesOf(count);
    gatherIndex(bucket.indexes[d], rows, count, entries);
    return entries;
  }

  /** A column as doubles: only of the rows picked and in their order. */
  #gather(column: NumberColumn, m: number, { rows, count }: PickedRows): Float64Array {
    if (this.#gathered[m].length < count) this.#gathered[m] = new Float64Array(roomFor(count));
    gatherNumbers(column, rows, count, this.#gathered[m]);
    return this.#gathered[m];
  }

  #truthsOf(count: number): Uint8Array {
    if (this.#truths.length < count) this.#truths = new Uint8Array(roomFor(count));
    return this.#truths;
  }

  #placesOf(count: number): Int32Array {
    if (this.#places.length < count) this.#places = new Int32Array(roomFor(count));
    return this.#places;
  }

  #allOf(count: number): Int32Array {
    if (this.#all.length < count) this.#all = Int32Array.from({ length: roomFor(count) }, (_, i) => i);
    return this.#all;
  }
}

/** The comparison that fewest rows may satisfy, if they are few enough for an index to gain. */
function fewestRows(comparisons: readonly CompiledComparison[], bucket: Bucket): CompiledComparison | undefined {
  let best: CompiledComparison | undefined, least = INDEXED_SHARE_MAX * bucket.rows;
  for (const comparison of comparisons) {
    const { starts } = rowsByEntry(bucket, comparison.d), given = comparisons.length === 1 ? 0 : starts[OTHER + 1];
    const rows = given + rowsOf(starts, comparison.matches(bucket.dictionaries[comparison.d]));
    if (rows < least) [best, least] = [comparison, rows];
  }
  return best;
}

function rowsOf(starts: ArrayLike<number>, { count, entries }: Entries): number {
  let rows = 0;
  for (let i = 0; i < count; i++) rows += starts[entries[i] + 1] - starts[entries[i]];
  return rows;
}
