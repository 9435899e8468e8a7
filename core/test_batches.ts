/**
 * Counting as the pipeline does, batch by batch, from values instead of log lines: for models and benches of what a table
 * does when it is full.
 */
import { BATCH_LINES } from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import type { Caps } from "./slices.ts";
import type { CounterTable } from "./counter_table.ts";
import { prepareBatch, withholdNew } from "./withhold.ts";

/** Lines on their way into one table. Call `flush` after the last. */
export class Batches {
  readonly #ids = new Int32Array(BATCH_LINES * DIMENSION_COUNT);
  readonly #values = new Float64Array(BATCH_LINES * MEASURE_COUNT);
  #count = 0;

  constructor(readonly table: CounterTable, readonly caps: Caps) {}

  /** Counts one line. @param write writes the entry of a dimension to `into` and returns its length. */
  add(write: (d: number, into: Uint8Array) => number, measures: ArrayLike<number>): void {
    if (this.#count === 0) prepareBatch(this.table, this.caps);
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      this.#ids[this.#count * DIMENSION_COUNT + d] = this.table.dictionaries[d].intern(entry, 0, write(d, entry));
    }
    this.#values.set(measures, this.#count * MEASURE_COUNT);
    this.table.addTotals(measures, 0);
    if (++this.#count === BATCH_LINES) this.flush();
  }

  flush(): void {
    withholdNew(this.table, this.#ids, this.#values, 0, this.#count);
    this.table.addBatch(this.#ids, this.#values, 0, this.#count);
    this.#count = 0;
  }
}

const entry = new Uint8Array(4096);
