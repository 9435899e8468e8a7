/**
 * Visible pairs: what an operator sees who clicks. A ranking shows the top VISIBLE_VALUES of a dimension; a click on one of
 * them shows the top VISIBLE_PARTNERS of another dimension within it. When a table has to be cut far below what it holds,
 * rows are worth keeping for these pairs of values: single values are known from their marginals whatever becomes of rows.
 *
 * The cost of a pair is what giving up one unit of its weight adds to the mean relative error of the page it is on:
 * 1 / (values on the page × weight of the pair).
 */
import { free } from "./free.ts";
import * as dimensions from "./dimensions.ts";
import * as counterTable from "./counter_table.ts";
import type { CounterTable } from "./counter_table.ts";
import * as hashes from "./hash.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { DIMENSION_COUNT, DIMENSIONS, OTHER } = dimensions;
const { ROW_WORDS } = counterTable;
const { mix } = hashes;

/** Values of one dimension that can be clicked, and values seen within each of them: what fits on a page. */
const VISIBLE_VALUES = 25, VISIBLE_PARTNERS = 25;

/** What pages count for less that show or filter by a value that mostly goes with another one, such as the ASN. */
const FOLLOWER_IMPORTANCE = 0.01;

export class VisiblePairs {
  /** Per dimension and entry: bit e is set when the entry is in a visible pair with one of dimension e. */
  readonly partners: readonly Uint16Array<ArrayBuffer>[];
  /** Per dimension and entry: 0, or a number of its own for one of the values that can be clicked, from 1 on. */
  readonly ranks: readonly Uint8Array<ArrayBuffer>[];
  /** What the lightest value weighs that a page shows, see `pageAt`; 0 where all have room, Infinity where nobody looks. */
  readonly leasts = new Float64Array(pageAt(DIMENSION_COUNT, 0, 1)).fill(Infinity);
  /** Open addressing: two words of key and a cost each. */
  #mask = 0;
  #keys = new Int32Array(0);
  #costs = new Float64Array(0);
  #size = 0;

  /**
   * Finds the visible pairs of a table. Cost: a pass over the rows for each two of `dimensions`, about 3 ns a row each.
   *
   * @param rowWeights weight of each row
   * @param weights per dimension, weight of each entry
   * @param dimensions those with more than one value
   */
  constructor(
    table: CounterTable,
    rowWeights: Float64Array,
    weights: readonly Float64Array[],
    dimensions: readonly number[],
  ) {
    this.partners = weights.map(({ length }) => new Uint16Array(length));
    this.#resize(1 << 12);
    const ranks = this.ranks = weights.map((column, d) => dimensions.includes(d) ? ranksOf(column) : new Uint8Array(0));
    const columns = dimensions.map((d) => columnOf(table, d));
    const masses = new Float64Array(Math.max(0, ...dimensions.map((d) => weights[d].length)));
    const touched = new Int32Array(table.rows), order = new Int32Array(table.rows);
    dimensions.forEach((d, i) => {
      const ends = rowsByRank(columns[i], ranks[d], order), shown = clicked(ranks[d]);
      dimensions.forEach((e, j) => {
        const importance = (isFollower(d) ? FOLLOWER_IMPORTANCE : 1) * (isFollower(e) ? FOLLOWER_IMPORTANCE : 1);
        if (d === e || importance < FOLLOWER_IMPORTANCE) return;
        for (let rank = 1; rank < shown.length; rank++) {
          const count = addMasses(masses, touched, rowWeights, columns[j], order, ends[rank - 1], ends[rank]);
          const least = this.#addPage(d, shown[rank], e, masses, touched, count, importance);
          if (importance === 1) this.leasts[pageAt(d, e, rank)] = least;
          for (let t = 0; t < count; t++) masses[touched[t]] = 0;
        }
      });
    });
    for (const column of [...columns, masses, touched, order]) free(column);
  }

  /** What giving up a unit of weight of entries `a` of dimension `d` and `b` of `e` costs; 0 for a pair nobody sees. */
  cost(d: number, a: number, e: number, b: number): number {
    const at = d < e ? this.#find(d, a, e, b) : this.#find(e, b, d, a);
    return this.#costs[at];
  }

  /** Gives its memory back: nobody asks any more. */
  free(): void {
    for (const column of [this.#keys, this.#costs, this.leasts, ...this.partners, ...this.ranks]) free(column);
  }

  /** The page that shows dimension `e` within entry `a` of dimension `d`. Returns what the lightest on it weighs, if it is full. */
  #addPage(
    d: number,
    a: number,
    e: number,
    masses: Float64Array,
    touched: Int32Array,
    count: number,
    importance: number,
  ): number {
    const shown = largest(masses, touched, count, VISIBLE_PARTNERS);
    for (const b of shown) {
      const cost = importance / (shown.length * masses[b]);
      if (d < e) this.#add(d, a, e, b, cost);
      else this.#add(e, b, d, a, cost);
      this.partners[d][a] |= 1 << e;
      this.partners[e][b] |= 1 << d;
    }
    return shown.length < VISIBLE_PARTNERS ? 0 : Math.min(...shown.map((b) => masses[b]));
  }

  #add(d: number, a: number, e: number, b: number, cost: number): void {
    const at = this.#find(d, a, e, b);
    if (this.#keys[2 * at] === 0) {
      this.#keys[2 * at] = firstKey(d, a);
      this.#keys[2 * at + 1] = firstKey(e, b);
      if (2 * ++this.#size > this.#costs.length) {
        this.#costs[at] = cost;
        this.#resize(2 * this.#costs.length);
        return;
      }
    }
    this.#costs[at] += cost;
  }

  #find(d: number, a: number, e: number, b: number): number {
    const first = firstKey(d, a), second = firstKey(e, b), keys = this.#keys, mask = this.#mask;
    let at = mix(Math.imul(first, 0x9E3779B1) + second | 0) & mask;
    while (keys[2 * at] !== 0 && (keys[2 * at] !== first || keys[2 * at + 1] !== second)) at = at + 1 & mask;
    return at;
  }

  #resize(capacity: number): void {
    const keys = this.#keys, costs = this.#costs;
    this.#keys = new Int32Array(2 * capacity);
    this.#costs = new Float64Array(capacity);
    this.#mask = capacity - 1;
    for (let i = 0; i < costs.length; i++) {
      if (keys[2 * i] === 0) continue;
      let at = mix(Math.imul(keys[2 * i], 0x9E3779B1) + keys[2 * i + 1] | 0) & this.#mask;
      while (this.#keys[2 * at] !== 0) at = at + 1 & this.#mask;
      this.#keys[2 * at] = keys[2 * i];
      this.#keys[2 * at + 1] = keys[2 * i + 1];
      this.#costs[at] = costs[i];
    }
    free(keys);
    free(costs);
  }
}

/** Where `VisiblePairs.leasts` has the page that shows dimension `e` within the value of dimension `d` with this rank. */
export function pageAt(d: number, e: number, rank: number): number {
  return (d * DIMENSION_COUNT + e) * VISIBLE_VALUES + rank - 1;
}

/** A value that mostly goes with another one, or goes first: its pages matter less. */
function isFollower(d: number): boolean {
  return DIMENSIONS[d].goesWith !== undefined || DIMENSIONS[d].givenUpFirst;
}

/** Entry ids are below 2^27; never 0, since neither is `id`. */
function firstKey(d: number, id: number): number {
  return id * 16 + d | 0;
}

/** 1 for one of the heaviest entries, 2 for another …; 0 for all but VISIBLE_VALUES. */
function ranksOf(weights: Float64Array): Uint8Array<ArrayBuffer> {
  const ranks = new Uint8Array(weights.length), entries = new Int32Array(weights.length);
  for (let id = 0; id < entries.length; id++) entries[id] = id;
  largest(weights, entries, entries.length, VISIBLE_VALUES).forEach((id, i) => ranks[id] = i + 1);
  free(entries);
  return ranks;
}

/** The entries that have a rank, by it; nothing at 0. */
function clicked(ranks: Uint8Array): number[] {
  const entries = [OTHER];
  for (let id = 0; id < ranks.length; id++) if (ranks[id] > 0) entries[ranks[id]] = id;
  return entries;
}

/** The entries that rows have of dimension `d`, one behind the other: they are read some ten times. */
function columnOf({ rows, words }: CounterTable, d: number): Int32Array<ArrayBuffer> {
  const column = new Int32Array(rows);
  for (let row = 0, k = d; row < rows; row++, k += ROW_WORDS) column[row] = words[k];
  return column;
}

/** Orders rows by the rank of their entry. Returns where those of each rank end; those without one come first. */
function rowsByRank(column: Int32Array, ranks: Uint8Array, order: Int32Array): Int32Array {
  const ends = new Int32Array(VISIBLE_VALUES + 1), rows = column.length;
  for (let row = 0; row < rows; row++) ends[ranks[column[row]]]++;
  for (let rank = 0, end = 0; rank <= VISIBLE_VALUES; rank++) {
    const count = ends[rank];
    ends[rank] = end;
    end += count;
  }
  for (let row = 0; row < rows; row++) order[ends[ranks[column[row]]]++] = row;
  return ends;
}

/** Adds up rows `order[from … to)` by entry; notes in `touched` which entries these are. Returns how many, OTHER not among them. */
function addMasses(
  masses: Float64Array,
  touched: Int32Array,
  rowWeights: Float64Array,
  column: Int32Array,
  order: Int32Array,
  from: number,
  to: number,
): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    const row = order[i], id = column[row], mass = masses[id];
    if (mass === 0 && id !== OTHER) touched[count++] = id;
    masses[id] = mass + rowWeights[row];
  }
  masses[OTHER] = 0;
  return count;
}

/** Those `n` of `places[0 … count)` where `values` are largest and positive; OTHER is never one of them. */
function largest(values: Float64Array, places: Int32Array, count: number, n: number): number[] {
  const found: number[] = [];
  let least = 0, floor = 0;
  for (let i = 0; i < count; i++) {
    const place = places[i], value = values[place];
    if (value <= floor || place === OTHER) continue;
    if (found.length < n) found.push(place);
    else found[least] = place;
    if (found.length < n) continue;
    for (let f = 0, i = least = 0; f < n; f++) if (values[found[f]] < values[found[i]]) i = least = f;
    floor = values[found[least]];
  }
  return found;
}
