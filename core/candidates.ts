/**
 * Candidates: which of very many values can be among the first n, found without joining them all.
 *
 * What every value has is added to the cell that its hash falls on. A cell then holds at least what each of its values
 * has in all, so that those of a light cell cannot be among the first, and their entries need not be joined by bytes.
 * Few are left: in ordinary traffic the first hundred are far heavier than a cell of chance neighbours.
 *
 *   cells[2 * (hash >>> shift)]       the measure that is ranked by
 *   cells[2 * (hash >>> shift) + 1]   requests, with those that may be
 *
 * The choice depends on the seed; an answer does not, since whoever looks at the candidates checks that nothing that
 * was left out could matter (`missing`).
 */
import { free } from "./free.ts";
import { nthLargest } from "./nth_largest.ts";

/** 2^15 cells are 512 kB, which fits in cache; more would tell little more apart. */
const CELL_BITS = 15, CELLS = 1 << CELL_BITS;

/** Right shift of a hash that gives its cell. */
export const CELL_SHIFT = 32 - CELL_BITS;

/** First guess of what the n-th value has, as a share of what the n-th cell has. */
const GUESS = 0.5;

export class Candidates {
  readonly cells = new Float64Array(2 * CELLS);
  /** 1 for cells whose values are candidates. */
  readonly chosen = new Uint8Array(CELLS);

  /** Chooses the cells that may hold one of the first `n`. */
  choose(n: number): void {
    const column = new Float64Array(CELLS);
    for (let kind = 0; kind < 2; kind++) {
      for (let c = 0; c < CELLS; c++) column[c] = this.cells[2 * c + kind];
      this.#chooseFrom(kind, GUESS * nthLargest(column, n));
    }
    free(column);
  }

  /**
   * Chooses further cells when one that was not chosen could hold a value with `rankMin` or more of the measure, or more
   * than `requestsMin` requests.
   *
   * @returns whether there are any: then the candidates have to be looked at again
   */
  chooseMissing(rankMin: number, requestsMin: number): boolean {
    // Values with none of the measure are ranked too, by their bytes: any of them can be next.
    const rank = this.#chooseFrom(0, rankMin), requests = this.#chooseFrom(1, rankMin > 0 ? requestsMin : 0);
    return rank || requests;
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    free(this.cells);
    free(this.chosen);
  }

  #chooseFrom(kind: number, least: number): boolean {
    let added = false;
    for (let c = 0; c < CELLS; c++) {
      const value = this.cells[2 * c + kind];
      if (value <= 0 || value < least || this.chosen[c] !== 0) continue;
      this.chosen[c] = 1;
      added = true;
    }
    return added;
  }
}
