/**
 * What rows and values weigh: the measure of what roll-up may take.
 *
 * A weight is the largest of the shares in the totals of the additive measures, so that one huge download is not light.
 */
import * as measures from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import { free } from "./free.ts";
import * as counterTable from "./counter_table.ts";
import type { CounterTable } from "./counter_table.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { IS_SUM, MEASURE_COUNT, REQUESTS } = measures;
const { DIMENSION_COUNT, OTHER } = dimensions;
const { ROW_DOUBLES, ROW_WORDS, VALUES_AT } = counterTable;

/**
 * How much a share in the total of bytes or time counts against one of requests: one huge download is not light. With 1, a
 * few slow or large URIs took so much room that the mean error under one filter was 3.4 % in an hour and 17 % in a day
 * instead of 0.3 % and 9 %; and whoever writes the log could buy weight with a single line.
 */
const OTHER_MEASURES_PART = 1 / 8;

/** What a row's measures are multiplied by to become its weight, the largest of them. */
export function weightParts({ totals }: CounterTable): Float64Array {
  return totals.map((total, m) => IS_SUM[m] && total > 0 ? (m === REQUESTS ? 1 : OTHER_MEASURES_PART) / total : 0);
}

/** Weight of each row. Valid until the next call. */
export function weightsOfRows({ rows, doubles }: CounterTable, parts: Float64Array): Float64Array {
  const weights = zeros(ROWS, rows);
  shares(doubles, VALUES_AT, ROW_DOUBLES, rows, parts, weights);
  return weights;
}

/** Weight of one row. */
export function weightOfRow({ doubles }: CounterTable, row: number, parts: Float64Array): number {
  let most = 0;
  for (let m = 0, o = row * ROW_DOUBLES + VALUES_AT; m < MEASURE_COUNT; m++) {
    most = Math.max(most, doubles[o + m] * parts[m]);
  }
  return most;
}

/** Weight of each entry of dimension `d`: that of its rows and of what they gave up before. Valid until the next call for it. */
export function weightsOfEntries(
  table: CounterTable,
  d: number,
  rowWeights: Float64Array,
  parts: Float64Array,
): Float64Array {
  const { rows, words, givenUp } = table, weights = zeros(WEIGHTS + d, table.dictionaries[d].size);
  const entries = Math.min(weights.length, givenUp[d].length / MEASURE_COUNT);
  shares(givenUp[d], 0, MEASURE_COUNT, entries, parts, weights);
  for (let row = 0, k = d; row < rows; row++, k += ROW_WORDS) weights[words[k]] += rowWeights[row];
  weights[OTHER] = 0;
  return weights;
}

/** The largest of the shares of `values[at …]`, `values[at + stride …]` …, `count` of them: `parts` is one by the total. */
function shares(
  values: Float64Array,
  at: number,
  stride: number,
  count: number,
  parts: Float64Array,
  into: Float64Array,
): void {
  for (let i = 0, o = at; i < count; i++, o += stride) {
    let most = 0;
    for (let m = 0; m < MEASURE_COUNT; m++) most = Math.max(most, values[o + m] * parts[m]);
    into[i] = most;
  }
}

/** Arrays that are used again, so that a roll-up does not wait for the system to hand out memory. */
const scratch: Float64Array<ArrayBuffer>[] = [];
const ROWS = 0, WEIGHTS = 1;
/** Scratch arrays from here on, one a dimension, are `roll_up.ts`'s. */
export const TAKEN = WEIGHTS + DIMENSION_COUNT;

/** The scratch array `place`: `length` zeros, valid until it is asked for again. */
export function zeros(place: number, length: number): Float64Array {
  if (scratch[place] === undefined || scratch[place].length < length) {
    if (scratch[place] !== undefined) free(scratch[place]);
    scratch[place] = new Float64Array(length);
  }
  return scratch[place].subarray(0, length).fill(0);
}
