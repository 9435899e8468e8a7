/**
 * Counting as the pipeline does, batch by batch, from values instead of log lines: for models and benches of what a table
 * does when it is full.
 */
import { BATCH_LINES } from "./bounds.ts";
import { MEASURE_COUNT, zeroValues } from "./measures.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import type { Caps } from "./slices.ts";
import { LineBatch } from "./line_batch.ts";
import type { CounterTable } from "./counter_table.ts";
import { prepareBatch, withholdNew } from "./withhold.ts";

/** Lines on their way into one table. Call `flush` after the last. */
export class Batches {
  readonly #batch: LineBatch;
  readonly #ids: Int32Array;

  constructor(readonly table: CounterTable, readonly caps: Caps) {
    this.#batch = new LineBatch(table.seed, { v4Bits: 24, v6Bits: 48 }, table.kernel);
    this.#ids = table.kernel?.ids ?? new Int32Array(BATCH_LINES * DIMENSION_COUNT);
  }

  /** Counts one line. @param write writes the entry of a dimension to `into` and returns its length. */
  add(write: (d: number, into: Uint8Array) => number, measures: ArrayLike<number>): void {
    const batch = this.#batch;
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      batch.stageScratch(d, write(d, batch.scratch.subarray(batch.scratchLength)));
    }
    batch.values.set(measures, batch.count++ * MEASURE_COUNT);
    this.table.addTotals(measures, 0);
    if (batch.isFull) this.flush();
  }

  flush(): void {
    const { table } = this, batch = this.#batch, { count, scratchView } = batch, ids = this.#ids;
    batch.hashRest(scratchView);
    prepareBatch(table, this.caps);
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      table.dictionaries[d].internLines(batch, scratchView, d, 0, count, ids);
    }
    withholdNew(table, batch, scratchView, ids, 0, count);
    if (table.slim?.fits(count, table.dictionaries, table.totals, zeroValues()) === false) table.beWide();
    if (table.slim === undefined) table.addBatch(ids, batch.values, 0, count);
    else table.slim.addBatch(0, count);
    batch.clear();
  }
}
