/**
 * What it costs each row to give up its cheapest value, and which value that is.
 *
 * By weights alone, or by weights and visible pairs. The latter takes 70 ns a row, so what is known of a row stays known
 * while it keeps its values: a roll-up makes several passes, and all but the first are about few rows.
 */
import * as dimensions from "./dimensions.ts";
import { free } from "./free.ts";
import * as counterTable from "./counter_table.ts";
import type { CounterTable } from "./counter_table.ts";
import type { VisiblePairs } from "./visible_pairs.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { ROW_WORDS } = counterTable;
const { dimensionIndex, DIMENSIONS, OTHER } = dimensions;

/** Per dimension the one that its value follows from, -1 for most; and what goes with it, itself included, as bits. */
const LEADERS = DIMENSIONS.map(({ goesWith }) => goesWith === undefined ? -1 : dimensionIndex(goesWith));
const MOVES = LEADERS.map((_, d) => LEADERS.reduce((move, leader, e) => leader === d ? move | 1 << e : move, 1 << d));

/** Below what rows have that cannot give up anything. */
const COST_MAX = 1e30;

export class RowCosts {
  /** Per row; Infinity for one without a value to give up, NaN for one that has to be looked at. */
  readonly costs: Float32Array<ArrayBuffer>;
  /** Per row, the dimensions that go, as bits. */
  readonly moves: Uint16Array<ArrayBuffer>;
  #known = false;

  /**
   * @param rows as many as there can be
   * @param weights per dimension, weight of each entry
   * @param rowWeights weight of each row, kept up to date by the caller
   */
  constructor(
    readonly table: CounterTable,
    rows: number,
    readonly weights: readonly Float64Array[],
    readonly rowWeights: Float64Array,
  ) {
    this.costs = new Float32Array(rows);
    this.moves = new Uint16Array(rows);
  }

  /** Finds what is lightest in each row, of the values of these dimensions. Returns how many rows have one. */
  findLightest(dimensions: readonly number[]): number {
    const { costs, moves, rowWeights } = this, { rows, words } = this.table;
    this.#known = false;
    costs.fill(Infinity, 0, rows);
    moves.fill(0, 0, rows);
    for (const d of dimensions) takeLighter(costs, moves, words, rows, this.weights[d], d);
    let candidates = 0;
    for (let row = 0; row < rows; row++) {
      if (moves[row] === 0) continue;
      costs[row] = Math.min(costs[row] * rowWeights[row], COST_MAX);
      candidates++;
    }
    return candidates;
  }

  /**
   * The same by weights and by visible pairs; a value takes along those that go with it, which are not given up on
   * their own while it weighs no more than they do.
   * Looks at rows that have changed.
   *
   * @param active the same from call to call
   */
  findLeastVisible(active: readonly number[], pairs: VisiblePairs): number {
    const { costs, moves, rowWeights } = this, { rows, words } = this.table;
    const cheapest = new CheapestValue(active, this.weights, pairs);
    if (!this.#known) costs.fill(NaN, 0, rows);
    this.#known = true;
    let candidates = 0;
    for (let row = 0, k = 0; row < rows; row++, k += ROW_WORDS) {
      if (isNaN(costs[row])) {
        const best = cheapest.of(words, k);
        costs[row] = best < 0 ? Infinity : Math.min(cheapest.cost * rowWeights[row], COST_MAX);
        moves[row] = best < 0 ? 0 : MOVES[active[best]];
      }
      if (costs[row] < Infinity) candidates++;
    }
    return candidates;
  }

  /** Rows have moved: row r was row `from[r]`, or several when that is negative. */
  move(from: Int32Array): void {
    const { costs, moves } = this, { rows } = this.table;
    for (let row = 0; row < rows; row++) {
      costs[row] = from[row] < 0 ? NaN : costs[from[row]];
      moves[row] = from[row] < 0 ? 0 : moves[from[row]];
    }
  }

  /** Gives its memory back. */
  free(): void {
    free(this.costs);
    free(this.moves);
  }
}

/** Notes for each row the value of dimension `d` where it is lighter than what was found so far. */
function takeLighter(
  costs: Float32Array,
  moves: Uint16Array,
  words: Int32Array,
  rows: number,
  weights: Float64Array,
  d: number,
): void {
  const move = 1 << d;
  for (let row = 0, k = d; row < rows; row++, k += ROW_WORDS) {
    const id = words[k];
    if (id === OTHER || weights[id] >= costs[row]) continue;
    costs[row] = weights[id];
    moves[row] = move;
  }
}

/**
 * Which value of a row costs least, by weights and visible pairs. A function of its own for one row: in the loop over all rows, V8
 * makes code for the loops over its values alone and throws it away at the end of each, hundreds of times.
 */
class CheapestValue {
  /** Of the value found last, without the weight of the row. */
  cost = 0;
  readonly #weights: readonly Float64Array[];
  readonly #partners: readonly Uint16Array[];
  readonly #leaders: readonly number[];
  readonly #ids: Int32Array;
  readonly #weight: Float64Array;
  readonly #own: Float64Array;

  constructor(readonly active: readonly number[], weights: readonly Float64Array[], readonly pairs: VisiblePairs) {
    this.#weights = active.map((d) => weights[d]);
    this.#partners = active.map((d) => pairs.partners[d]);
    this.#leaders = active.map((d) => active.indexOf(LEADERS[d]));
    this.#ids = new Int32Array(active.length);
    this.#weight = new Float64Array(active.length);
    this.#own = new Float64Array(active.length);
  }

  /** Index into `active` of the dimension whose value costs least, of the row at `words[k]`; -1 when it has none to give up. */
  of(words: Int32Array, k: number): number {
    this.#weigh(words, k);
    const ids = this.#ids, weight = this.#weight, own = this.#own, leaders = this.#leaders, n = ids.length;
    let least = Infinity, best = -1;
    for (let i = 0; i < n; i++) {
      if (ids[i] === OTHER) continue;
      const leader = leaders[i];
      if (leader >= 0 && ids[leader] !== OTHER && weight[leader] <= weight[i]) continue;
      let cost = own[i];
      for (let j = i + 1; j < n; j++) if (leaders[j] === i && ids[j] !== OTHER) cost += own[j];
      if (best >= 0 && cost >= least) continue;
      least = cost;
      best = i;
    }
    this.cost = least;
    return best;
  }

  /** What each value weighs, and costs with the visible pairs that it is in. */
  #weigh(words: Int32Array, k: number): void {
    const { active, pairs } = this, weights = this.#weights, partners = this.#partners;
    const ids = this.#ids, weight = this.#weight, own = this.#own, n = ids.length;
    for (let i = 0; i < n; i++) {
      const id = ids[i] = words[k + active[i]];
      own[i] = weight[i] = weights[i][id];
      const visible = partners[i][id];
      if (visible === 0) continue;
      for (let j = 0; j < i; j++) {
        if ((visible >> active[j] & 1) === 0 || (partners[j][ids[j]] >> active[i] & 1) === 0) continue;
        const cost = pairs.cost(active[j], ids[j], active[i], id);
        own[i] += cost;
        own[j] += cost;
      }
    }
  }
}
