/**
 * Values that a crowded merge sees for the first time. With hundreds of sources most values come once, from one of them, and
 * entering them in a dictionary only to fold them soon takes most of the time of a merge. So a light value is entered when it
 * comes from a second source, or again; the first time it is OTHER's, and `lostMax` and `foldedMax` say how much that can be.
 *
 * What has been seen is a bit by the hash of the value. Bits are forgotten as a whole, a *generation*, before many are set: so
 * within a generation each value can have lost what it had once, and few are taken for one that has been seen.
 */
import { IS_SUM, MEASURE_COUNT, type Values, zeroValues } from "./measures.ts";
import type { CounterTable } from "./counter_table.ts";

/** Bits of a generation: 128 KiB a dimension; and how many of them may be set. */
const BITS = 1 << 20, SET_MAX = BITS >> 2;

export class FirstSight {
  readonly #bits = new Int32Array(BITS >> 5);
  #set = 0;
  /** The most that one value of this generation has lost, of its rows and in all; and what of that is in the table. */
  readonly #lost: Values = zeroValues();
  readonly #folded: Values = zeroValues();
  readonly #lostTold: Values = zeroValues();
  readonly #foldedTold: Values = zeroValues();

  constructor(readonly table: CounterTable, readonly d: number) {}

  /** Whether a value of this hash has been seen in this generation. It has from now on. */
  isAgain(hash: number): boolean {
    // Other bits than those that choose a slot of the dictionary, where what collides is together anyway.
    const bit = Math.imul(hash, 0x9E3779B1) >>> 12, word = bit >>> 5, mask = 1 << (bit & 31);
    if ((this.#bits[word] & mask) !== 0) return true;
    if (this.#set === SET_MAX) this.#begin();
    this.#bits[word] |= mask;
    this.#set++;
    return false;
  }

  /** A value is OTHER's: what its rows have, `rows[at …]`, and what they had given up before, `given[at …]`. */
  take(rows: Float64Array, given: Float64Array, at: number): void {
    const into = this.table.givenUp[this.d];
    for (let m = 0; m < MEASURE_COUNT; m++) {
      const had = rows[at + m];
      if (!IS_SUM[m]) {
        into[m] = Math.max(into[m], had);
        continue;
      }
      into[m] += had;
      this.#lost[m] = Math.max(this.#lost[m], had);
      this.#folded[m] = Math.max(this.#folded[m], had + given[at + m]);
    }
  }

  /** Enters the bounds of what has been taken. */
  settle(): void {
    const { lostMax, foldedMax } = this.table;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      lostMax[this.d][m] += this.#lost[m] - this.#lostTold[m];
      foldedMax[this.d][m] += this.#folded[m] - this.#foldedTold[m];
    }
    this.#lostTold.set(this.#lost);
    this.#foldedTold.set(this.#folded);
  }

  #begin(): void {
    this.settle();
    this.#bits.fill(0);
    this.#set = 0;
    for (const values of [this.#lost, this.#folded, this.#lostTold, this.#foldedTold]) values.fill(0);
  }
}
