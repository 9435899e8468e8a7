/**
 * Candidates: which of very many values can be among the first n, found without looking at each of them.
 *
 * What every value has is added to the cell of its id (`value_ids.ts`). A cell then holds what its value has in all, or
 * where values share one, at least what each of them has: so those of a light cell cannot be among the first.
 *
 *   cells[2 * id]       the measure that is ranked by
 *   cells[2 * id + 1]   requests, with those that may be
 *
 * Which values share a cell depends on the seed; an answer does not, since whoever looks at the candidates checks that
 * nothing that was left out could matter (`chooseMissing`).
 */
import { MEASURE_COUNT, REQUESTS } from "./measures.ts";
import { free } from "./free.ts";
import { SHARED_IDS } from "./value_ids.ts";
import { roomFor } from "./wide_column.ts";
import { nthLargest } from "./nth_largest.ts";
import type { Groups } from "./groups.ts";

export class Candidates {
  #cells = new Float64Array(0);
  #end = 0;
  /** 1 for ids whose values are candidates. */
  chosen = new Uint8Array(0);
  /** Whether all chosen cells hold one value each, so that a cell says all of its value. */
  isExact = true;

  /** The cells, with room for ids below `end`. Valid until the next call. */
  cellsFor(end: number): Float64Array {
    this.#end = Math.max(this.#end, end);
    if (this.#cells.length < 2 * this.#end) {
      const more = new Float64Array(2 * roomFor(this.#end));
      more.set(this.#cells);
      free(this.#cells);
      this.#cells = more;
    }
    return this.#cells;
  }

  /** Chooses the cells that may hold one of the first `n`, once all have been added. */
  choose(n: number): void {
    const column = new Float64Array(this.#end);
    this.chosen = new Uint8Array(this.#end);
    for (let kind = 0; kind < 2; kind++) {
      for (let c = 0; c < this.#end; c++) column[c] = this.#cells[2 * c + kind];
      this.#chooseFrom(kind, nthLargest(column, n));
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
    const rank = this.#chooseFrom(0, rankMin), requests = this.#chooseFrom(1, requestsMin);
    return rank || requests;
  }

  /** Tells the groups of chosen values what may match beyond what they have; only where cells hold one value each. */
  tellUnknown(groups: Groups): void {
    for (let c = SHARED_IDS; c < this.#end; c++) {
      if (this.chosen[c] === 0) continue;
      const group = groups.ofId(c);
      groups.unknown[group] = Math.max(0, this.#cells[2 * c + 1] - groups.values[group * MEASURE_COUNT + REQUESTS]);
    }
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    free(this.#cells);
    free(this.chosen);
  }

  /** Requests that a value which is no candidate has or may have, at most. */
  mostUnchosen(): number {
    let most = 0;
    for (let c = 0; c < this.#end; c++) {
      if (this.chosen[c] === 0 && this.#cells[2 * c + 1] > most) most = this.#cells[2 * c + 1];
    }
    return most;
  }

  #chooseFrom(kind: number, least: number): boolean {
    let added = false;
    for (let c = 0; c < this.#end; c++) {
      const value = this.#cells[2 * c + kind];
      if (value <= 0 || value < least || this.chosen[c] !== 0) continue;
      this.chosen[c] = 1;
      if (c < SHARED_IDS) this.isExact = false;
      added = true;
    }
    return added;
  }
}
