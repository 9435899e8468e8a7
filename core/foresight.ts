/**
 * What a merge expects of the rest of what comes: the values that are heavy, what they weigh, and which of them somebody can
 * see. It has this from its own table when that has overflowed, or from the merge of the slice before, since what is heavy in
 * ten seconds mostly is in the next ones too. `sift.ts` decides by it what of a bucket is entered at all.
 */
import { OPEN_ENTRY_BYTES_MAX } from "./bounds.ts";
import { DIMENSION_COUNT, DIMENSIONS } from "./dimensions.ts";
import { free } from "./free.ts";
import { InternTable } from "./intern.ts";
import { type CounterTable, perDimension } from "./counter_table.ts";
import { pageAt, VisiblePairs } from "./visible_pairs.ts";
import { weightParts, weightsOfEntries, weightsOfRows } from "./weights.ts";
import { keptEntries } from "./weight_levels.ts";

/** Values that a dimension must have more of for rows to give it up as they come. */
const CROWDED_MIN = 64;

/** Bytes of the values of a dimension that are known, about: room for long ones is the table's. */
const KEPT_BYTES_MAX = 3 / 16 * OPEN_ENTRY_BYTES_MAX;

export class Foresight {
  /** Of the values that are known; ids are its own. Closed. */
  readonly known: readonly InternTable[];
  /** Per dimension and known value. */
  readonly weights: readonly Float64Array<ArrayBuffer>[];
  /** As `VisiblePairs.ranks`, by known value. */
  readonly ranks: readonly Uint8Array<ArrayBuffer>[];
  /** As `VisiblePairs.leasts`: what a value must weigh to be kept in rows with the value that the page is within. */
  readonly leasts: Float64Array<ArrayBuffer>;
  /** Dimensions with so many values that rows give them up; dimensions that have pages; those that go first and are gone. */
  readonly crowded: readonly number[];
  readonly shown: readonly number[];
  readonly gone: readonly number[];

  /**
   * @param parts what weights are reckoned by: one by the totals, see `weights.ts`
   * @param limit cost of a value in a row below which the row gives it up, see `roll_up.ts`
   */
  constructor(
    table: CounterTable,
    weights: readonly Float64Array[],
    pairs: VisiblePairs,
    entriesMax: number,
    readonly parts: Float64Array,
    readonly limit: number,
  ) {
    const names = table.dictionaries.map((dictionary, d) =>
      weights[d].length === 0
        ? new Int32Array(dictionary.size)
        : keptEntries(dictionary, weights[d], entriesMax, KEPT_BYTES_MAX, true)
    );
    this.known = table.dictionaries.map((dictionary, d) => copyOf(dictionary, names[d]));
    this.weights = perDimension((d) => moved(weights[d], names[d], new Float64Array(this.known[d].size)));
    this.ranks = perDimension((d) => moved(pairs.ranks[d], names[d], new Uint8Array(this.known[d].size)));
    this.leasts = pairs.leasts.slice();
    const all = perDimension((d) => d), isFirst = (d: number): boolean => DIMENSIONS[d].givenUpFirst;
    this.crowded = all.filter((d) => this.known[d].size > CROWDED_MIN && !isFirst(d));
    this.shown = all.filter((d) => !isFirst(d) && this.ranks[d].some((rank) => rank > 0) && this.#hasPages(d));
    this.gone = all.filter(isFirst);
    names.forEach(free);
  }

  /** Gives its memory back. */
  free(): void {
    for (const dictionary of this.known) dictionary.free();
    for (const column of [...this.weights, ...this.ranks, this.leasts]) free(column);
  }

  #hasPages(d: number): boolean {
    for (let at = pageAt(d, 0, 1); at < pageAt(d, DIMENSION_COUNT, 1); at++) {
      if (this.leasts[at] < Infinity) return true;
    }
    return false;
  }
}

/** What the table itself says. */
export function foresee(table: CounterTable, entriesMax: number, limit: number): Foresight {
  const parts = weightParts(table), rows = weightsOfRows(table, parts);
  const active = perDimension((d) => d).filter((d) => table.dictionaries[d].size > 2);
  const weights = perDimension((d) =>
    active.includes(d) ? weightsOfEntries(table, d, rows, parts) : new Float64Array(0)
  );
  const pairs = new VisiblePairs(table, rows, weights, active.filter((d) => !DIMENSIONS[d].givenUpFirst));
  const foresight = new Foresight(table, weights, pairs, entriesMax, parts, limit);
  pairs.free();
  return foresight;
}

/** A dictionary of the entries that have a name, under that name: they count up from 1. */
function copyOf(dictionary: InternTable, names: Int32Array): InternTable {
  const copy = new InternTable(dictionary.seed);
  for (let id = 1; id < names.length; id++) {
    if (names[id] === 0) continue;
    const entry = dictionary.entry(id);
    copy.intern(entry, 0, entry.length);
  }
  return copy;
}

function moved<Column extends Float64Array | Uint8Array>(
  from: Float64Array | Uint8Array,
  names: Int32Array,
  into: Column,
): Column {
  for (let id = 1; id < from.length; id++) if (names[id] !== 0) into[names[id]] = from[id];
  return into;
}
