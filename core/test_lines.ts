/**
 * Fixtures of the core's tests and benches: traffic as log lines and as numbers, from one seed.
 */
import { DIMENSION_COUNT } from "./dimensions.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { CounterTable } from "./counter_table.ts";

/** A small, fast pseudo-random generator: numbers in [0, 1). Xorshift32 (Marsaglia 2003). */
export function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** One request: the value of each dimension as text ("" is absent), and its measures. */
export interface Request {
  readonly values: readonly string[];
  readonly measures: readonly number[];
}

/** Counts a request in a table as the pipeline does, but from text. */
export function countRequest(table: CounterTable, { values, measures }: Request): void {
  const ids = new Uint32Array(DIMENSION_COUNT);
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const bytes = ENCODER.encode(values[d]);
    ids[d] = table.dictionaries[d].intern(bytes, 0, bytes.length);
    table.addMarginal(d, ids[d], measures, 0);
  }
  table.addRow(ids, 0, measures, 0);
  table.addTotals(measures, 0);
}

/**
 * A random request over `spread` prefixes and URIs and, as in real traffic, far fewer values of the other dimensions;
 * few values are frequent, many are rare.
 */
export function randomRequest(random: () => number, spread: number): Request {
  const pick = (values: number): number => Math.floor(values * random() ** 3);
  const prefix = pick(spread);
  const values = [
    `w${pick(Math.ceil(spread / 20))}`,
    `p${prefix}`,
    `u${pick(spread)}`,
    `${200 + 100 * pick(4)}`,
    ["GET", "POST", "HEAD"][pick(3)],
    `${64_496 + prefix % 100}`,
    "",
    `${prefix % 50 === 49 ? 1 : 0}`,
    "c",
  ];
  return {
    values,
    measures: Array.from({ length: MEASURE_COUNT }, (_, m) => m === 0 ? 1 : Math.floor(1000 * random())),
  };
}

const ENCODER = new TextEncoder();
