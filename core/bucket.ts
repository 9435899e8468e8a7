/**
 * A bucket: the counters of one slice of time. Immutable, columnar, and the same in memory, on the wire and on disk;
 * `block_layout.ts` says how its columns lie in memory.
 *
 *   dictionaries[d]   entries of dimension d; entry 0 is OTHER; in no order
 *   indexes[d][r]     entry of row r in dictionary d
 *   measures[m][r]    value of measure m of row r
 *
 * Rows are sorted by requests, heaviest first. Ids never leave their bucket.
 */
import { DIMENSION_COUNT } from "./dimensions.ts";
import { emptyLedger, type Ledger } from "./ledger.ts";
import { MEASURE_COUNT, saturated, type Values, zeroValues } from "./measures.ts";

/** A column of indexes, of the smallest width that fits the dictionary. */
export type IndexColumn = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** A column of measure values, of the smallest width that fits its largest. Doubles hold integers up to 2^53. */
export type NumberColumn = IndexColumn | Float64Array<ArrayBuffer>;

/** The values of one dimension in one bucket. */
export interface Dictionary {
  /** Entries, OTHER included; at least 1. */
  readonly size: number;
  /** Entry e is `bytes[offsets[e] … offsets[e + 1])`; `size + 1` numbers. Entry 0 is empty. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Per measure: what each entry has counted, whatever became of its rows. Entry 0: what folded entries had counted.
   * Where `lostMax` and `foldedMax` are zero, this is what each entry's rows add up to.
   */
  readonly marginals: readonly NumberColumn[];
  /** Per measure: no single value's rows can have given up more than this to OTHER. 0 for maxima. */
  readonly lostMax: Values;
  /** Per measure: no single value's marginal can be short by more than this. 0 for maxima. */
  readonly foldedMax: Values;
  /** Stands for its bucket, wherever the columns are just now; where it is absent, the memory of `bytes` does. */
  readonly home?: object;
}

export interface Bucket {
  /** Seconds since 1970; a multiple of `lengthS`. */
  readonly startS: number;
  /** Seconds; the length of a tier's slice. */
  readonly lengthS: number;
  readonly rows: number;
  readonly dictionaries: readonly Dictionary[];
  readonly indexes: readonly IndexColumn[];
  readonly measures: readonly NumberColumn[];
  /** Exact totals over all rows, per measure. */
  readonly totals: Values;
  /** What became of the lines read while this slice was now. */
  readonly ledger: Ledger;
}

/** What makes a bucket itself wherever it travels. */
export interface Identity {
  /** Name of the collector. */
  readonly source: string;
  /** Changes when a source starts without its state. 16 hexadecimal digits. */
  readonly instance: string;
  /** 1, 2, 3 … within an instance. */
  readonly sequence: number;
  /** CRC-32C of the block (`bucket_block.ts`). */
  readonly checksum: number;
}

/** A bucket on its way: one of possibly several for its slice. */
export interface Delta {
  readonly identity: Identity;
  readonly bucket: Bucket;
}

/** The smallest index column for values below `limit`. */
export function indexColumn(length: number, limit: number): IndexColumn {
  if (limit <= 0x100) return new Uint8Array(length);
  if (limit <= 0x10000) return new Uint16Array(length);
  return new Uint32Array(length);
}

/** The smallest column that holds all of `values`. */
export function numberColumn(values: ArrayLike<number>): NumberColumn {
  let most = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > most) most = values[i];
  const column = most >= 2 ** 32 ? new Float64Array(values.length) : indexColumn(values.length, most + 1);
  column.set(values);
  return column;
}

/**
 * Merges one measure of the rows into what each entry has, saturated. The columns are wide ones (`widened`), since a loop
 * that meets columns of all widths is several times slower.
 */
export function mergeByEntry(into: Float64Array, index: Int32Array, column: Float64Array, isSum: boolean): void {
  if (isSum) { for (let row = 0; row < index.length; row++) into[index[row]] += column[row]; }
  else for (let row = 0; row < index.length; row++) into[index[row]] = Math.max(into[index[row]], column[row]);
  for (let entry = 0; entry < into.length; entry++) into[entry] = saturated(into[entry]);
}

/** The column as doubles: a copy, which is the caller's to free. */
export function widened(column: NumberColumn): Float64Array<ArrayBuffer> {
  return new Float64Array(column);
}

/** The column as words: a copy as well. */
export function widenedIndex(column: IndexColumn): Int32Array<ArrayBuffer> {
  return new Int32Array(column);
}

/** A bucket without rows: the slice is known and nothing was counted in it. */
export function emptyBucket(startS: number, lengthS: number, ledger: Ledger = emptyLedger()): Bucket {
  const columns = Array.from({ length: DIMENSION_COUNT }, () => new Uint8Array(0));
  return {
    startS,
    lengthS,
    rows: 0,
    dictionaries: columns.map(() => emptyDictionary()),
    indexes: columns,
    measures: Array.from({ length: MEASURE_COUNT }, () => new Uint8Array(0)),
    totals: zeroValues(),
    ledger,
  };
}

/** Only OTHER, with nothing in it. */
export function emptyDictionary(): Dictionary {
  return {
    size: 1,
    offsets: new Uint32Array(2),
    bytes: new Uint8Array(0),
    marginals: Array.from({ length: MEASURE_COUNT }, () => new Uint8Array(1)),
    lostMax: zeroValues(),
    foldedMax: zeroValues(),
  };
}
