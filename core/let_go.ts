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
import { MEASURE_COUNT, REQUESTS, SUM_COUNT } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { type CounterTable, perDimension } from "./counter_table.ts";
import { weightParts, weightsOfEntries, weightsOfRows } from "./weights.ts";

/** Dimensions that give way before all others. */
const FIRST = perDimension((d) => d).filter((d) => DIMENSIONS[d].givenUpFirst === true);

/** How much heavier than the lightest value of its row another one may be to be let go with it, as in `roll_up.ts`. */
const AS_LIGHT = 1.25;

/** Part of the cost that rows gave up values below at an overflow: what comes later is new, and nobody knows what it will weigh. */
const COST_PART = 1 / 4;

export class LetGo {
  /** Per dimension: below which cost a value is let go, see `makeRoomBelow`. */
  readonly #reached = new Float64Array(DIMENSION_COUNT);
  /** Dimensions beside the first of which values are let go. */
  #others: readonly number[] = [];
  /** Per dimension, weight of each entry; empty where nothing is let go. */
  readonly #weights: Float64Array<ArrayBuffer>[] = perDimension(() => new Float64Array(0));
  /** Per dimension: `givenUp` as it was at the last `begin`. What it has more, rows have let go since, or had before they came. */
  readonly #before: Float64Array<ArrayBuffer>[] = perDimension(() => new Float64Array(0));
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
      const givenUp = table.givenUpFor(d, table.dictionaries[d].size - 1);
      free(this.#before[d]);
      this.#before[d] = givenUp.slice();
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
      if (this.#reached[d] === 0) continue;
      const now = table.givenUp[d], before = this.#before[d], lost = this.#lost[d], there = before.length;
      const most = new Float64Array(SUM_COUNT);
      for (let at = MEASURE_COUNT; at < now.length; at += MEASURE_COUNT) {
        for (let m = 0; m < SUM_COUNT; m++) {
          const taken = at < there ? now[at + m] - before[at + m] : now[at + m];
          if (taken > most[m]) most[m] = taken;
        }
      }
      for (let m = 0; m < SUM_COUNT; m++) {
        table.lostMax[d][m] += most[m] - lost[m];
        lost[m] = most[m];
      }
    }
  }

  /** Gives its memory back. */
  free(): void {
    for (const column of [...this.#weights, ...this.#before]) free(column);
  }

  /** Entries that are new since. */
  #reserve(): void {
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      const { size } = this.table.dictionaries[d];
      if (this.#reached[d] === 0) continue;
      this.table.givenUpFor(d, size - 1);
      if (this.#weights[d].length < size) this.#weights[d] = longer(this.#weights[d], 2 * size);
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
        if (id !== OTHER && total <= light && weight * total <= COST_PART * this.#reached[d]) {
          this.#letGo(d, k + d, ids, values, i);
        }
      }
    }
  }

  #letGo(d: number, k: number, ids: Int32Array, values: Float64Array, i: number): void {
    const into = this.table.givenUp[d], to = ids[k] * MEASURE_COUNT, at = i * MEASURE_COUNT;
    for (let m = 0; m < SUM_COUNT; m++) into[to + m] += values[at + m];
    for (let m = SUM_COUNT; m < MEASURE_COUNT; m++) if (values[at + m] > into[to + m]) into[to + m] = values[at + m];
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
