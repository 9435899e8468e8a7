/**
 * The counter table: the rows of one slice while it is being counted, or of several buckets while they are merged.
 *
 *   keys[row * DIMENSION_COUNT + d]   entry of row in dictionaries[d]
 *   values[row * MEASURE_COUNT + m]   measures
 *   index[hash & mask]                row + 1, 0 when free
 *   marginals[d][entry * MEASURE_COUNT + m]
 *
 * Bounded in rows and in entries by its callers, and never refuses a key: `makeRoom` (`roll_up.ts`) lets light rows and
 * light entries give way before a batch is counted, and totals stay exact.
 */
import { IS_SUM, MEASURE_COUNT, mergeValues, type Values, zeroValues } from "./measures.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import { InternTable, mix } from "./intern.ts";

const ROWS_MIN = 1024;

export class CounterTable {
  rows = 0;
  keys = new Uint32Array(ROWS_MIN * DIMENSION_COUNT);
  values = new Float64Array(ROWS_MIN * MEASURE_COUNT);
  readonly dictionaries: readonly InternTable[];
  readonly marginals: Float64Array<ArrayBuffer>[];
  readonly totals: Values = zeroValues();
  /** Per dimension: see `Dictionary.lostMax` and `Dictionary.foldedMax` in `bucket.ts`. */
  readonly lostMax: readonly Values[] = perDimension(zeroValues);
  readonly foldedMax: readonly Values[] = perDimension(zeroValues);
  #index = new Int32Array(2 * ROWS_MIN);

  /** @param seed for all hashes of this table; a fresh random one per process. */
  constructor(readonly seed: number) {
    this.dictionaries = perDimension((d) => new InternTable(seed + Math.imul(d, 0x9E3779B1)));
    this.marginals = perDimension(() => new Float64Array(64 * MEASURE_COUNT));
  }

  /**
   * Counts `values[at …]` under the entries `ids[idsAt …]`, one per dimension. The caller has made room for it.
   * Marginals and totals are the caller's too (`addMarginal`, `addTotals`), since a merge adds them by dictionary.
   */
  addRow(ids: Uint32Array, idsAt: number, values: ArrayLike<number>, at: number): void {
    const row = this.#findOrInsert(ids, idsAt);
    mergeValues(this.values, values, at, row * MEASURE_COUNT);
  }

  /** Adds `values[at …]` to what entry `id` of dimension `d` has counted. */
  addMarginal(d: number, id: number, values: ArrayLike<number>, at: number): void {
    let marginals = this.marginals[d];
    const o = id * MEASURE_COUNT;
    if (o >= marginals.length) {
      const more = new Float64Array(Math.max(2 * marginals.length, o + MEASURE_COUNT));
      more.set(marginals);
      this.marginals[d] = marginals = more;
    }
    mergeValues(marginals, values, at, o);
  }

  addTotals(values: ArrayLike<number>, at: number): void {
    mergeValues(this.totals, values, at);
  }

  /**
   * Merges rows that have become equal, moves the others together and makes the index anew. Cost: linear in the rows.
   */
  rebuild(): void {
    const rows = this.rows, keys = this.keys, values = this.values;
    this.#index.fill(0);
    let kept = 0;
    for (let row = 0; row < rows; row++) {
      const slot = this.#slotOf(keys, row * DIMENSION_COUNT);
      const there = this.#index[slot];
      if (there !== 0) {
        mergeValues(values, values, row * MEASURE_COUNT, (there - 1) * MEASURE_COUNT);
        continue;
      }
      if (kept !== row) {
        keys.copyWithin(kept * DIMENSION_COUNT, row * DIMENSION_COUNT, (row + 1) * DIMENSION_COUNT);
        values.copyWithin(kept * MEASURE_COUNT, row * MEASURE_COUNT, (row + 1) * MEASURE_COUNT);
      }
      this.#index[slot] = ++kept;
    }
    this.rows = kept;
  }

  /** Weight of a row or an entry: its largest share in the total of any additive measure, so that one huge download is not light. */
  share(values: ArrayLike<number>, at: number): number {
    let most = 0;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      if (!IS_SUM[m] || this.totals[m] === 0) continue;
      const share = values[at + m] / this.totals[m];
      if (share > most) most = share;
    }
    return most;
  }

  #findOrInsert(ids: Uint32Array, at: number): number {
    const slot = this.#slotOf(ids, at);
    const there = this.#index[slot];
    if (there !== 0) return there - 1;
    const row = this.rows++;
    this.#index[slot] = row + 1;
    if (this.rows * DIMENSION_COUNT > this.keys.length) this.#growRows();
    this.keys.set(ids.subarray(at, at + DIMENSION_COUNT), row * DIMENSION_COUNT);
    this.values.fill(0, row * MEASURE_COUNT, (row + 1) * MEASURE_COUNT);
    if (this.rows * 2 > this.#index.length) this.#growIndex();
    return row;
  }

  /** The slot that holds the row with this key, or the free one where it belongs. */
  #slotOf(ids: Uint32Array, at: number): number {
    const index = this.#index, keys = this.keys, mask = index.length - 1;
    let slot = hashKey(ids, at, this.seed) & mask;
    probe: for (let there = index[slot]; there !== 0; there = index[slot]) {
      const o = (there - 1) * DIMENSION_COUNT;
      for (let d = 0; d < DIMENSION_COUNT; d++) {
        if (keys[o + d] !== ids[at + d]) {
          slot = (slot + 1) & mask;
          continue probe;
        }
      }
      break;
    }
    return slot;
  }

  #growRows(): void {
    const keys = new Uint32Array(this.keys.length * 2), values = new Float64Array(this.values.length * 2);
    keys.set(this.keys);
    values.set(this.values);
    this.keys = keys;
    this.values = values;
  }

  #growIndex(): void {
    const index = new Int32Array(this.#index.length * 2), mask = index.length - 1;
    for (let row = 0; row < this.rows; row++) {
      let slot = hashKey(this.keys, row * DIMENSION_COUNT, this.seed) & mask;
      while (index[slot] !== 0) slot = (slot + 1) & mask;
      index[slot] = row + 1;
    }
    this.#index = index;
  }
}

/** One of something per dimension. */
export function perDimension<Item>(make: (d: number) => Item): Item[] {
  return Array.from({ length: DIMENSION_COUNT }, (_, d) => make(d));
}

function hashKey(ids: Uint32Array, at: number, seed: number): number {
  let hash = seed;
  for (let d = 0; d < DIMENSION_COUNT; d++) hash = Math.imul((hash << 5 | hash >>> 27) ^ ids[at + d], 0x9E3779B1);
  return mix(hash);
}
