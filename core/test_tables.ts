/**
 * What tests do with a table beside what the product does: counting one row at a time, and adding up what every value has.
 */
import { MEASURE_COUNT, mergeValues } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { type CounterTable, perDimension, ROW_DOUBLES, ROW_WORDS, VALUES_AT } from "./counter_table.ts";

/** Counts one line under these entries, totals included. */
export function countRow(table: CounterTable, ids: Int32Array, measures: ArrayLike<number>): void {
  table.addBatch(ids, Float64Array.from(measures), 0, 1);
  table.addTotals(measures, 0);
}

/**
 * What every entry has counted, whatever became of its rows: per dimension at `[entry * MEASURE_COUNT + m]`. What OTHER
 * has is what folded entries had; rows that gave a value up are in that value's marginal.
 */
export function tableMarginals(table: CounterTable): Float64Array[] {
  const { rows, words, doubles, dictionaries, givenUp } = table;
  return perDimension((d) => {
    const marginals = new Float64Array(dictionaries[d].size * MEASURE_COUNT);
    marginals.set(givenUp[d].subarray(0, marginals.length));
    for (let row = 0; row < rows; row++) {
      const entry = words[row * ROW_WORDS + d];
      if (entry !== OTHER) mergeValues(marginals, doubles, row * ROW_DOUBLES + VALUES_AT, entry * MEASURE_COUNT);
    }
    return marginals;
  });
}
