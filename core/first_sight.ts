/**
 * Values that a crowded merge does not know yet. With hundreds of sources most values come once, from one of them, and
 * entering them in a dictionary only to fold them soon takes most of the time of a merge. So a value is entered when what
 * has come of it weighs enough; before that it is OTHER's, and `lostMax` and `foldedMax` say how much that can be.
 *
 * What has come is added up by the hash of the value, in eighths of what is enough. Sums are forgotten as a whole, a
 * *generation*, before many are there: so within a generation a value can have lost less than enough, and few values are
 * entered because others have the same hash.
 */
import * as measures from "./measures.ts";
import { type Values, zeroValues } from "./measures.ts";
import { free } from "./free.ts";
import type { NumberColumn } from "./bucket.ts";
import type { CounterTable } from "./counter_table.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { IS_SUM, MEASURE_COUNT } = measures;

/** Sums of a generation, a byte each; and how many of them may be there. */
const SUMS = 1 << 19, SUMMED_MAX = SUMS >> 2;

/** What is enough; a value that is not entered has at most one less, and has come at most as many times. */
const ENOUGH = 16;

export class FirstSight {
  readonly #sums = new Uint8Array(SUMS);
  #summed = 0;
  /** The most that one value had that has been taken, in this generation; and what is in the table of the bound. */
  readonly #most: Values = zeroValues();
  readonly #told: Values = zeroValues();

  /**
   * @param enough what a value weighs that is entered
   * @param parts what weights are reckoned by, see `weights.ts`
   */
  constructor(
    readonly table: CounterTable,
    readonly d: number,
    readonly enough: number,
    readonly parts: Float64Array,
  ) {}

  /** As many values may come next; what has come before has been taken. */
  reserve(values: number): void {
    if (this.#summed + values > SUMMED_MAX) this.#begin();
  }

  /** Whether a value of this hash, of which so much comes, is to be entered. */
  isEnough(hash: number, weight: number): boolean {
    // Other bits than those that choose a slot of the dictionary, where what collides is together anyway.
    const at = Math.imul(hash, 0x9E3779B1) >>> 13, before = this.#sums[at];
    const sum = before + Math.max(1, Math.ceil(ENOUGH * weight / this.enough));
    if (!(sum < ENOUGH)) return true;
    if (before === 0) this.#summed++;
    this.#sums[at] = sum;
    return false;
  }

  /**
   * A value is OTHER's: what its rows have, `values[at …]`. What it had given up before has been entered, but belongs to what it
   * can have lost.
   *
   * @param givenUp the columns of its dictionary, where it is entry `entry`; none when nothing was lost there
   */
  take(values: Float64Array, at: number, givenUp: readonly NumberColumn[], entry: number): void {
    const into = this.table.givenUp[this.d], most = this.#most;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      const came = values[at + m];
      if (!IS_SUM[m]) {
        if (came > into[m]) into[m] = came;
        continue;
      }
      into[m] += came;
      const whole = givenUp.length === 0 ? came : came + givenUp[m][entry];
      if (whole > most[m]) most[m] = whole;
    }
  }

  /** Enters the bounds of what has been taken. */
  settle(): void {
    const { lostMax, foldedMax } = this.table;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      // Many times the most that came at once, but less than enough.
      const lost = Math.min((ENOUGH - 1) * this.#most[m], Math.ceil(this.enough / this.parts[m]));
      if (!(lost > this.#told[m])) continue;
      lostMax[this.d][m] += lost - this.#told[m];
      foldedMax[this.d][m] += lost - this.#told[m];
      this.#told[m] = lost;
    }
  }

  /** Gives its memory back. */
  free(): void {
    free(this.#sums);
  }

  #begin(): void {
    this.settle();
    this.#sums.fill(0);
    this.#summed = 0;
    for (const values of [this.#most, this.#told]) values.fill(0);
  }
}
