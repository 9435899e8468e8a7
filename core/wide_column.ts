/**
 * Columns widened into memory that is used again. A loop that meets columns of all widths is two to three times slower
 * than one that knows its arrays, and copying into a wider array costs a quarter of a nanosecond a row.
 */
import type { IndexColumn, NumberColumn } from "./bucket.ts";
import { free } from "./free.ts";

/** One index column at a time, as words. */
export class WideIndex {
  #words = new Int32Array(0);

  /** The column's values; longer than the column, and valid until the next call. */
  of(column: IndexColumn): Int32Array {
    if (column.length > this.#words.length) this.#words = new Int32Array(roomFor(column.length));
    this.#words.set(column);
    return this.#words;
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    free(this.#words);
  }
}

/** One column of measures at a time, as doubles. */
export class WideNumbers {
  #doubles = new Float64Array(0);

  /** The column's values; may be longer than the column, and is valid until the next call. Do not change them. */
  of(column: NumberColumn): Float64Array {
    if (column instanceof Float64Array) return column;
    if (column.length > this.#doubles.length) this.#doubles = new Float64Array(roomFor(column.length));
    this.#doubles.set(column);
    return this.#doubles;
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    free(this.#doubles);
  }
}

/** Room for `length` and a little more, so that columns of about one size need it once. */
export function roomFor(length: number): number {
  return length + (length >> 3) + 64;
}
