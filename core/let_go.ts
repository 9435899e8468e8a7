/**
 * Letting go at once: what a merge that has overflowed would give up with the next overflow is not entered in its table.
 *
 * With hundreds of sources nearly all rows that come are light and come once, and an overflow takes several times as long as
 * counting what it takes away. So once a table has overflowed, rows of which a value costs less than those that gave theirs
 * up (`roll_up.ts`) give it up as they come. It is the same rule and the same account: what an entry has counted stays, and
 * `lostMax` grows by the most that a single value has let go.
 *
 * Weights go on with what comes, so that a value which turns up everywhere, a little here and a little there, is soon kept.
 */
import { MEASURE_COUNT, mergeValues, REQUESTS, SUM_COUNT } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { type CounterTable, perDimension } from "./counter_table.ts";
import { weightParts, weightsOfEntries, weightsOfRows } from "./weights.ts";

/** Dimensions that give way before all others. */
const FIRST = perDimension((d) => d).filter((d) => DIMENSIONS[d].givenUpFirst === true);

/** How much heavier than the lightest value of its row another one may be to be let go with it, as in `roll_up.ts`. */
const AS_LIGHT = 1.25;

export class LetGo {
  /** Per dimension: below which cost a value is let go, see `makeRoomBelow`. */
  readonly #reached = new Float64Array(DIMENSION_COUNT);
  /** Dimensions beside the first of which values are let go. */
  #others: readonly number[] = [];
  /** Per dimension, weight of each entry; empty where nothing is let go. */
  readonly #weights: Float64Array<ArrayBuffer>[] = perDimension(() => new Float64Array(0));
  /** Per dimension, at `[entry * MEASURE_COUNT + m]`: what rows have let go since the last `begin`. */
  readonly #taken: Float64Array<ArrayBuffer>[] = perDimension(() => new Float64Array(0));
  /** Per dimension, at `[m]`: the most that one value has let go since then, as far as it is settled. */
  readonly #lost: readonly Float64Array[] = perDimension(() => new Float64Array(MEASURE_COUNT));
  #parts: Float64Array = new Float64Array(MEASURE_COUNT);

  constructor(readonly table: CounterTable) {}

  /**
   * The table has overflowed, and entries may have got other ids. Call `settle` before.
   *
   * @param reached see `makeRoomBelow`
   */
  begin(reached?: Float64Array): void {
    const { table } = this, parts = this.#parts = weightParts(table), rows = weightsOfRows(table, parts);
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      if (reached !== undefined && reached[d] > this.#reached[d]) this.#reached[d] = reached[d];
      if (this.#reached[d] === 0) continue;
      const weights = weightsOfEntries(table, d, rows, parts);
      this.#weights[d] = longer(this.#weights[d], weights.length);
      this.#weights[d].fill(0).set(weights);
      this.#taken[d] = longer(this.#taken[d], weights.length * MEASURE_COUNT);
      this.#taken[d].fill(0);
      this.#lost[d].fill(0);
    }
    this.#others = perDimension((d) => d).filter((d) => this.#reached[d] > 0 && !FIRST.includes(d));
  }

  /** Takes values from `count` rows of a batch, as `CounterTable.addBatch` is given them: they become OTHER there. */
  take(ids: Int32Array, values: Float64Array, count: number): void {
    this.#reserve();
    for (const d of FIRST) if (this.#reached[d] > 0) this.#takeFirst(d, ids, values, count);
    if (this.#others.length > 0) this.#takeLightest(ids, values, count);
  }

  /** Enters in the table what has been let go, and the most that one value has. */
  settle(): void {
    const { table } = this;
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      const taken = this.#taken[d], lost = this.#lost[d];
      if (this.#reached[d] === 0) continue;
      for (let m = 0; m < SUM_COUNT; m++) {
        let most = 0;
        for (let at = m; at < taken.length; at += MEASURE_COUNT) if (taken[at] > most) most = taken[at];
        table.lostMax[d][m] += most - lost[m];
        lost[m] = most;
      }
    }
  }

  /** Gives its memory back. */
  free(): void {
    for (const column of [...this.#weights, ...this.#taken]) free(column);
  }

  /** Entries that are new since. */
  #reserve(): void {
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      const { size } = this.table.dictionaries[d];
      if (this.#reached[d] === 0) continue;
      this.table.givenUpFor(d, size - 1);
      if (this.#weights[d].length >= size) continue;
      this.#weights[d] = longer(this.#weights[d], 2 * size);
      this.#taken[d] = longer(this.#taken[d], 2 * size * MEASURE_COUNT);
    }
  }

  #takeFirst(d: number, ids: Int32Array, values: Float64Array, count: number): void {
    const weights = this.#weights[d], limit = this.#reached[d];
    for (let i = 0, k = d; i < count; i++, k += DIMENSION_COUNT) {
      const id = ids[k];
      if (id === OTHER) continue;
      const weight = this.#weightOf(values, i * MEASURE_COUNT);
      weights[id] += weight;
      if (weight * weights[id] <= limit) this.#letGo(d, k, ids, values, i);
    }
  }

  #takeLightest(ids: Int32Array, values: Float64Array, count: number): void {
    const dimensions = this.#others, n = dimensions.length, first = FIRST.filter((d) => this.#reached[d] > 0);
    for (let i = 0, k = 0; i < count; i++, k += DIMENSION_COUNT) {
      const weight = this.#weightOf(values, i * MEASURE_COUNT);
      let least = Infinity;
      for (let j = 0; j < n; j++) {
        const d = dimensions[j], id = ids[k + d];
        if (id === OTHER) continue;
        const total = this.#weights[d][id] += weight;
        if (total < least) least = total;
      }
      if (least === Infinity || first.some((d) => ids[k + d] !== OTHER)) continue;
      const light = AS_LIGHT * least;
      for (let j = 0; j < n; j++) {
        const d = dimensions[j], id = ids[k + d], total = this.#weights[d][id];
        if (id !== OTHER && total <= light && weight * total <= this.#reached[d]) this.#letGo(d, k + d, ids, values, i);
      }
    }
  }

  #letGo(d: number, k: number, ids: Int32Array, values: Float64Array, i: number): void {
    const id = ids[k];
    mergeValues(this.#taken[d], values, i * MEASURE_COUNT, id * MEASURE_COUNT);
    mergeValues(this.table.givenUp[d], values, i * MEASURE_COUNT, id * MEASURE_COUNT);
    ids[k] = OTHER;
  }

  #weightOf(values: Float64Array, at: number): number {
    const parts = this.#parts;
    let most = values[at + REQUESTS] * parts[REQUESTS];
    for (let m = 0; m < SUM_COUNT; m++) most = Math.max(most, values[at + m] * parts[m]);
    return most;
  }
}

/** The column, or a longer one that begins with it. */
function longer(column: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  if (column.length >= length) return column;
  const more = new Float64Array(length);
  more.set(column);
  free(column);
  return more;
}
