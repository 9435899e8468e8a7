/**
 * The measures: what is counted for every row. One entry in this table is one measure; columns, marginals, wire, answers
 * and sort orders follow from it.
 *
 * Values are integers held as doubles: exact up to 2^53 (nine petabytes, 285 000 years of milliseconds). A sum that would
 * pass that stays at `VALUE_MAX`, which says "at least this": beyond it doubles would lose units silently.
 */

/** How two values of a measure become one. */
export type MeasureMerge = "sum" | "max";

export interface Measure {
  /** Name on the wire. */
  readonly name: string;
  readonly merge: MeasureMerge;
  /** Unit of one. */
  readonly unit: string;
  /** Value of `--sort` and `sort=` that ranks by it. */
  readonly sort: string;
}

export const MEASURES: readonly Measure[] = [
  { name: "requests", merge: "sum", unit: "requests", sort: "count" },
  { name: "bytes", merge: "sum", unit: "bytes", sort: "bytes" },
  { name: "time_sum", merge: "sum", unit: "ms", sort: "time" },
  { name: "time_max", merge: "max", unit: "ms", sort: "time_max" },
];

export const MEASURE_COUNT = MEASURES.length;

/** Sums stop here, the largest integer that a double holds exactly: one that has reached it is at least that. */
export const VALUE_MAX = Number.MAX_SAFE_INTEGER;

/** Indexes into `MEASURES` and into every per-measure array. */
export const REQUESTS = 0, BYTES = 1, TIME_SUM = 2, TIME_MAX = 3;

/** One value per measure, in the order of `MEASURES`. */
export type Values = Float64Array<ArrayBuffer>;

/** All zero, the neutral element of both ways to merge. */
export function zeroValues(): Values {
  return new Float64Array(MEASURE_COUNT);
}

/** Which measures add up (the others take the larger), by index: read in the innermost loops. */
export const IS_SUM: readonly boolean[] = MEASURES.map((measure) => measure.merge === "sum");

/** The sums come first: measures below this index add up, the others take the larger. */
export const SUM_COUNT = IS_SUM.filter((isSum) => isSum).length;

/** Merges `from[at…]` into `into[intoAt…]`: the one place that says how two values become one. */
export function mergeValues(into: Float64Array, from: ArrayLike<number>, at = 0, intoAt = 0): void {
  for (let m = 0; m < MEASURE_COUNT; m++) {
    const value = from[at + m], there = into[intoAt + m], sum = there + value;
    // Written out: a call here makes this half as slow again.
    if (IS_SUM[m]) into[intoAt + m] = sum > VALUE_MAX ? VALUE_MAX : sum;
    else if (value > there) into[intoAt + m] = value;
  }
}

/** The same for values that stand in columns: merges `columns[m][at]` into `into[intoAt + m]`. */
export function mergeColumns(
  into: Float64Array,
  columns: readonly ArrayLike<number>[],
  at: number,
  intoAt = 0,
): void {
  for (let m = 0; m < MEASURE_COUNT; m++) {
    const value = columns[m][at], there = into[intoAt + m], sum = there + value;
    if (IS_SUM[m]) into[intoAt + m] = sum > VALUE_MAX ? VALUE_MAX : sum;
    else if (value > there) into[intoAt + m] = value;
  }
}

/**
 * A sum of integers that are not negative, at most VALUE_MAX. It may be applied to every step or only to the last: doubles
 * add integers exactly until they pass VALUE_MAX, and never come back below it.
 */
export function saturated(sum: number): number {
  return sum < VALUE_MAX ? sum : VALUE_MAX;
}

/** Index of the measure that `--sort name` ranks by, or -1. */
export function sortMeasure(name: string): number {
  return MEASURES.findIndex((measure) => measure.sort === name);
}
