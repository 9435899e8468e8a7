/** The rows of a bucket added up by some of their dimensions, each of which is one digit of a number. */
import { type Bucket, widened, widenedIndex } from "@/core/bucket.ts";
import { free } from "@/core/free.ts";
import { REQUESTS } from "@/core/measures.ts";

/** One digit of what rows are added up by. */
export interface Digit {
  readonly dimension: number;
  readonly size: number;
  /** Where entries stand, if it is not where they are in their dictionary. */
  readonly places?: Int32Array;
}

export interface RowSum {
  readonly ids: readonly number[];
  readonly requests: number;
}

/** Cells up to which rows are added up in a column of their own, which is ten times faster than in a map. */
const CELLS_MAX = 2 ** 20;

/** Requests of all rows that have the same entries: 2.6 ms for 50 000 rows (measured, on a busy machine). */
export function sumOfRows({ rows, indexes, measures }: Bucket, digits: readonly Digit[]): readonly RowSum[] {
  if (rows === 0) return [];
  const keys = new Float64Array(rows), requests = widened(measures[REQUESTS]);
  for (const { dimension, size, places } of digits) {
    const index = widenedIndex(indexes[dimension]);
    if (places === undefined) { for (let row = 0; row < rows; row++) keys[row] = keys[row] * size + index[row]; }
    else for (let row = 0; row < rows; row++) keys[row] = keys[row] * size + places[index[row]];
    free(index);
  }
  const cells = digits.reduce((product, { size }) => product * size, 1);
  const sums = cells <= CELLS_MAX ? sumsInColumn(keys, requests, cells, digits) : sumsInMap(keys, requests, digits);
  free(keys);
  free(requests);
  return sums;
}

function sumsInColumn(
  keys: Float64Array,
  requests: Float64Array,
  cells: number,
  digits: readonly Digit[],
): readonly RowSum[] {
  const column = new Float64Array(cells), sums: RowSum[] = [];
  for (let row = 0; row < keys.length; row++) column[keys[row]] += requests[row];
  for (let key = 0; key < cells; key++) {
    if (column[key] > 0) sums.push({ ids: idsOf(key, digits), requests: column[key] });
  }
  free(column);
  return sums;
}

function sumsInMap(keys: Float64Array, requests: Float64Array, digits: readonly Digit[]): readonly RowSum[] {
  const map = new Map<number, number>();
  for (let row = 0; row < keys.length; row++) map.set(keys[row], (map.get(keys[row]) ?? 0) + requests[row]);
  return [...map].map(([key, sum]) => ({ ids: idsOf(key, digits), requests: sum }));
}

function idsOf(key: number, digits: readonly Digit[]): readonly number[] {
  const ids = new Array<number>(digits.length);
  for (let d = digits.length - 1; d >= 0; d--) {
    ids[d] = key % digits[d].size;
    key = (key - ids[d]) / digits[d].size;
  }
  return ids;
}
