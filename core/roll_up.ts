/**
 * Roll-up: how a full table makes room without refusing a key and without losing a count.
 *
 * Rows give up *one* dimension value each (with it what follows from it, or weighs no more), which becomes OTHER; rows that
 * have become equal add up; this repeats until there is room. A row gives up the value that costs least, and those rows go
 * first for which that is cheapest:
 *
 *   cost of a value in a row  =  weight of the row × (weight of the value + cost of the visible pairs it is in)
 *
 * So light rows go first, and of these the values that are light everywhere: an attacker's prefix with a million distinct
 * URIs ends as one heavy row (prefix, URI = OTHER), and a million prefixes on one URI as one heavy row. A table that
 * overflows while lines are counted (`makeRoom`) looks at weights alone, which is fast and all that a flood needs; one that
 * is cut to what a bucket may hold (`cutTable`) looks at the pairs that somebody can see as well
 * (`visible_pairs.ts`): under a filter nothing else is left to answer from.
 *
 * Dictionaries are bounded too: the lightest entries fold into OTHER, what they had counted with them.
 *
 * Both say how much a single value can have lost: `lostMax` for its rows, `foldedMax` for its marginal.
 */
import { BATCH_LINES, ENTRY_BYTES_MAX } from "./bounds.ts";
import * as measures from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import type { Caps } from "./slices.ts";
import { free } from "./free.ts";
import * as counterTable from "./counter_table.ts";
import { type CounterTable, perDimension } from "./counter_table.ts";
import { VisiblePairs } from "./visible_pairs.ts";
import { TAKEN, weightOfRow, weightParts, weightsOfEntries, weightsOfRows, zeros } from "./weights.ts";
import { RowCosts } from "./row_costs.ts";
import { keptEntries, LEVEL_SHIFT, levelEnd, levelHolding, LEVELS } from "./weight_levels.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { IS_SUM, MEASURE_COUNT, SUM_COUNT } = measures;
const { DIMENSION_COUNT, DIMENSIONS, OTHER } = dimensions;
const { ROW_DOUBLES, ROW_WORDS, VALUES_AT } = counterTable;

/** Share of a bound that stays in use after an overflow: the rest is room for what comes. With less, heavy rows go as well;
 * with more, overflows come more often. */
const KEPT_AFTER_OVERFLOW = 0.5;

/**
 * How many times its weight an entry counts whose value was there in the slice before, when a table that has overflowed chooses which
 * to keep. What floods rarely comes again: eighteen thousand values of eight lines each, new in every slice, pushed out one
 * of the true top hundred where that had four lines, and none with this. A power of two.
 */
const KNOWN_WEIGHT = 8;

/** What is fuller than this is rolled up along with what overflows, so that overflows do not come one by one. */
const NEARLY_FULL = 0.75;

/**
 * Makes sure that a whole batch of new keys fits below the caps. Returns whether that took something: entry ids have changed
 * then, so call it first.
 */
export function makeRoom(table: CounterTable, caps: Caps): boolean {
  return makeRoomBelow(table, caps) !== undefined;
}

/**
 * The same. Returns, if that took something, per dimension the cost below which rows have given up its value: 0 where none has,
 * Infinity where no row has one any more.
 */
export function makeRoomBelow(table: CounterTable, caps: Caps): Float64Array | undefined {
  if (!isFull(table, caps)) return undefined;
  const { rowsMax, entriesMax, entryBytesMax } = caps, rollUp = new RollUp(table, true);
  // Rows first: those with the lightest values give them up, and these then fold without touching other rows.
  rollUp.giveUpOnce(table.rows - kept(rowsMax, BATCH_LINES, KEPT_AFTER_OVERFLOW));
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const { size, bytes } = table.dictionaries[d];
    if (size <= kept(entriesMax, BATCH_LINES, NEARLY_FULL) && bytes <= kept(entryBytesMax, BATCH_BYTES, NEARLY_FULL)) {
      continue;
    }
    rollUp.fold(
      d,
      kept(entriesMax, BATCH_LINES, KEPT_AFTER_OVERFLOW),
      kept(entryBytesMax, BATCH_BYTES, KEPT_AFTER_OVERFLOW),
    );
  }
  rollUp.giveUp(kept(rowsMax, BATCH_LINES, NEARLY_FULL), undefined);
  return rollUp.reached;
}

/**
 * Brings the table to at most `target` rows (at least 1), keeping what is visible. Ends for every input: each pass takes a
 * value from at least one row, and rows without values are one row.
 */
export function rollUp(table: CounterTable, target: number): void {
  cutTable(table, { rowsMax: target, entriesMax: Infinity, entryBytesMax: Infinity });
}

/**
 * Keeps the heaviest entries of dimension `d`, at most `entriesMax` with OTHER and `bytesMax` bytes, and folds the others
 * into OTHER. Entry ids of this dimension change.
 */
export function fold(table: CounterTable, d: number, entriesMax: number, bytesMax: number): void {
  const { size, bytes } = table.dictionaries[d];
  if (size <= entriesMax && bytes <= bytesMax) return;
  new RollUp(table, false, [d]).fold(d, entriesMax, bytesMax);
  table.rebuild();
}

/**
 * Brings the table to what a bucket may hold: folds dictionaries, then rolls up rows. Entry ids change.
 *
 * @param see is shown, where rows are rolled up, what entries weighed before, per dimension, and the visible pairs
 */
export function cutTable(
  table: CounterTable,
  { rowsMax, entriesMax, entryBytesMax }: Caps,
  see?: (weights: readonly Float64Array[], pairs: VisiblePairs) => void,
): void {
  const full = perDimension((d) => d).filter((d) =>
    table.dictionaries[d].size > entriesMax || table.dictionaries[d].bytes > entryBytesMax
  );
  if (full.length === 0 && table.rows <= rowsMax) return;
  const rollUp = new RollUp(table, false, table.rows > rowsMax ? undefined : full);
  for (const d of full) rollUp.fold(d, entriesMax, entryBytesMax);
  if (full.length > 0) rollUp.mergeRows();
  if (table.rows <= rowsMax) return;
  const pairs = new VisiblePairs(table, rollUp.rowWeights, rollUp.weights, rollUp.active);
  see?.(rollUp.weights, pairs);
  rollUp.giveUp(rowsMax, pairs);
  pairs.free();
}

/** What may stay in use of `most` so that a batch still fits, as far as that can be. */
function kept(most: number, batch: number, share: number): number {
  return Math.max(0, Math.min(most * share, most - batch));
}

/** Bytes of the entries of one dimension that a batch can bring. */
const BATCH_BYTES = BATCH_LINES * ENTRY_BYTES_MAX;

/** Whether a whole batch of new keys might pass a cap. */
export function isFull({ slim, rows, dictionaries }: CounterTable, caps: Caps): boolean {
  const { rowsMax, entriesMax, entryBytesMax } = caps;
  return (slim?.rows ?? rows) + BATCH_LINES > rowsMax ||
    dictionaries.some(({ size, bytes }) => size + BATCH_LINES > entriesMax || bytes + BATCH_BYTES > entryBytesMax);
}

/** One roll-up of one table: what everything weighs at its start, and what it takes. */
class RollUp {
  /** Weight of each row: the largest of its shares in the totals of the additive measures, see `weights.ts`. */
  readonly rowWeights: Float64Array;
  /** Per dimension, weight of each entry: that of its rows and of what they gave up before. */
  readonly weights: Float64Array[];
  /** Dimensions with more than one value. The only value of a dimension is the last thing to go: it makes no rows equal. */
  readonly active: readonly number[];
  /** Those with so many values that a table can be full of them. */
  readonly #crowded: readonly number[];
  readonly #taken: Float64Array[] = perDimension(() => NOTHING);
  /** Per dimension: below which cost values have been given up, see `makeRoomBelow`. */
  readonly reached = new Float64Array(DIMENSION_COUNT);
  readonly #parts: Float64Array;
  #costs: RowCosts | undefined;
  /** Rows may have become equal since the last rebuild. */
  #changed = false;

  /**
   * @param fast looks at nothing but the dimensions that are crowded, while that is enough
   * @param weighed dimensions that are weighed before anything is taken: those that roll up, unless given
   */
  constructor(readonly table: CounterTable, readonly fast: boolean, weighed?: readonly number[]) {
    this.#parts = weightParts(table);
    this.rowWeights = weightsOfRows(table, this.#parts);
    this.active = perDimension((d) => d).filter((d) => table.dictionaries[d].size > 2);
    this.#crowded = this.active.filter((d) => table.dictionaries[d].size > CROWDED_MIN);
    this.weights = perDimension(() => NOTHING);
    this.#weigh(weighed ?? (fast ? this.#crowded : this.active));
  }

  /** Keeps the heaviest entries of a dimension. Row weights stay; rows that have become equal are not merged yet. */
  fold(d: number, entriesMax: number, bytesMax: number): void {
    const { table } = this, dictionary = table.dictionaries[d];
    if (dictionary.size <= entriesMax && dictionary.bytes <= bytesMax) return;
    this.#weigh([d]);
    this.#weighKnown(d, KNOWN_WEIGHT);
    const renamed = keptEntries(dictionary, this.weights[d], entriesMax, bytesMax, !this.fast);
    this.#weighKnown(d, 1 / KNOWN_WEIGHT);
    this.#foldRows(d, renamed);
    this.#settle(d, renamed);
    keepFor(this.weights[d], renamed);
    dictionary.keepOnly(renamed);
    this.weights[d] = this.weights[d].subarray(0, dictionary.size);
    free(renamed);
  }

  /** Multiplies the weights of entries that were there in the slice before: a power of two, so that it can be undone. */
  #weighKnown(d: number, factor: number): void {
    const { dictionaries, newcomers } = this.table, weights = this.weights[d], hashes = dictionaries[d].hashes;
    for (let id = 1; newcomers[d] !== undefined && id < weights.length; id++) {
      if (newcomers[d].isKnown(hashes[id - 1])) weights[id] *= factor;
    }
  }

  /** Lets about `wanted` rows give up what is lightest, without a look at what that makes equal. */
  giveUpOnce(wanted: number): void {
    if (wanted > 0) this.#pass(Math.ceil(wanted), undefined);
  }

  /** Lets rows give up values until at most `target` are left. Entry ids stay what they are. */
  giveUp(target: number, pairs: VisiblePairs | undefined): void {
    const { table } = this;
    if (this.#changed) this.mergeRows();
    let perRow = 1; // values that the last pass took for each row it removed
    while (table.rows > Math.max(1, target)) {
      // Looking at pairs, it pays to look again at the heavier half; the share keeps passes few.
      const { rows } = table, excess = Math.max(1, Math.ceil((rows - target) * perRow));
      const wanted = Math.max(pairs === undefined ? excess : Math.min(excess, rows >> 1), rows >> 6);
      this.#pass(wanted, pairs);
      this.mergeRows();
      perRow = Math.min(PER_ROW_MAX, wanted / Math.max(1, rows - table.rows));
    }
    this.#costs?.free();
    this.#costs = undefined;
    for (let d = 0; d < DIMENSION_COUNT; d++) this.#settle(d, undefined);
  }

  /** Renames a column of the table; what rows have of entries that are not kept is taken from these. */
  #foldRows(d: number, renamed: Int32Array): void {
    const { rows, words, doubles } = this.table, taken = this.#takenFrom(d);
    for (let row = 0, k = d, v = VALUES_AT; row < rows; row++, k += ROW_WORDS, v += ROW_DOUBLES) {
      const id = words[k], to = renamed[id];
      if (to === OTHER && id !== OTHER) addValues(taken, id * MEASURE_COUNT, doubles, v);
      words[k] = to;
    }
    this.#changed = true;
  }

  /** What this roll-up has taken from rows since the last `#settle`, per entry and measure. */
  #takenFrom(d: number): Float64Array {
    if (this.#taken[d].length === 0) {
      this.#taken[d] = zeros(TAKEN + d, this.table.dictionaries[d].size * MEASURE_COUNT);
    }
    return this.#taken[d];
  }

  /** Merges rows that have become equal, and finds what they weigh together. */
  mergeRows(): void {
    const { table, rowWeights } = this, from = new Int32Array(table.rows);
    table.rebuild(from);
    this.#changed = false;
    for (let row = 0; row < table.rows; row++) {
      rowWeights[row] = from[row] < 0 ? weightOfRow(table, row, this.#parts) : rowWeights[from[row]];
    }
    this.#costs?.move(from);
    free(from);
  }

  /** The `wanted` rows for which it costs least give up a value. */
  #pass(wanted: number, pairs: VisiblePairs | undefined): void {
    const { rows, words, doubles } = this.table;
    const dimensions = this.#next(),
      found = this.#costs ??= new RowCosts(this.table, rows, this.weights, this.rowWeights);
    const visibly = pairs !== undefined && dimensions === this.active;
    const candidates = visibly ? found.findLeastVisible(dimensions, pairs) : found.findLightest(dimensions);
    const { costs, moves } = found, levels = new Int32Array(costs.buffer);
    const counts = new Uint32Array(LEVELS);
    for (let row = 0; row < rows; row++) counts[levels[row] >>> LEVEL_SHIFT]++;
    const limit = levelHolding(counts, Math.min(wanted, candidates));
    for (const d of dimensions) this.reached[d] = Math.max(this.reached[d], levelEnd(limit));
    let atLimit = Math.min(wanted, candidates);
    for (let level = 0; level < limit; level++) atLimit -= counts[level];
    this.#changed = true;
    for (let row = 0; row < rows; row++) {
      const level = levels[row] >>> LEVEL_SHIFT;
      if (level > limit || level === limit && atLimit-- <= 0) continue;
      let move = moves[row];
      if (!visibly) move |= this.#asLight(row, costs[row], dimensions);
      for (; move !== 0; move &= move - 1) {
        const d = 31 - Math.clz32(move & -move), k = row * ROW_WORDS + d, id = words[k];
        if (id === OTHER) continue;
        addValues(this.#takenFrom(d), id * MEASURE_COUNT, doubles, row * ROW_DOUBLES + VALUES_AT);
        words[k] = OTHER;
      }
      costs[row] = NaN;
    }
    free(counts);
  }

  /** Values as light as the lightest of their row go with it, such as a prefix and a URI seen once: that saves passes. */
  #asLight(row: number, cost: number, dimensions: readonly number[]): number {
    const { words } = this.table, light = AS_LIGHT * cost, rowWeight = this.rowWeights[row];
    let move = 0;
    for (let i = 0; i < dimensions.length; i++) {
      const d = dimensions[i];
      if (this.weights[d][words[row * ROW_WORDS + d]] * rowWeight <= light) move |= 1 << d;
    }
    return move;
  }

  /**
   * The dimensions that give up values next: those that go first; for a fast overflow, those that are crowded; then those
   * with several values; then all.
   */
  #next(): readonly number[] {
    const { rows, words } = this.table;
    const first = this.active.filter((d) => DIMENSIONS[d].givenUpFirst);
    for (const dimensions of [first, this.fast ? this.#crowded : first, this.active]) {
      for (const d of dimensions) {
        for (let row = 0, k = d; row < rows; row++, k += ROW_WORDS) {
          if (words[k] !== OTHER) return this.#weigh(dimensions);
        }
        this.reached[d] = Infinity;
      }
    }
    return this.#weigh(perDimension((d) => d));
  }

  /** Finds weights that nobody has asked for so far. */
  #weigh(dimensions: readonly number[]): readonly number[] {
    const { table } = this;
    for (const d of dimensions) {
      if (this.weights[d].length === 0) this.weights[d] = weightsOfEntries(table, d, this.rowWeights, this.#parts);
    }
    return dimensions;
  }

  /**
   * Enters what was taken from the entries of a dimension, and the largest of it as what any value can have lost. Where
   * entries fold (`renamed` to 0), OTHER takes all they had, and the largest of that is what a marginal can be short of.
   */
  #settle(d: number, renamed: Int32Array | undefined): void {
    const taken = this.#taken[d];
    if (taken.length === 0) return;
    this.#taken[d] = NOTHING;
    const { table } = this, givenUp = givenUpOf(table, d, taken.length);
    const lost = new Float64Array(MEASURE_COUNT), short = new Float64Array(MEASURE_COUNT);
    let kept = 0;
    for (let id = 1, at = MEASURE_COUNT; at < taken.length; id++, at += MEASURE_COUNT) {
      for (let m = 0; m < MEASURE_COUNT; m++) if (taken[at + m] > lost[m]) lost[m] = taken[at + m];
      if (renamed !== undefined && renamed[id] === OTHER) {
        addValues(taken, at, givenUp, at);
        for (let m = 0; m < MEASURE_COUNT; m++) if (taken[at + m] > short[m]) short[m] = taken[at + m];
        addValues(givenUp, OTHER, taken, at);
        continue;
      }
      const to = ++kept * MEASURE_COUNT;
      if (to !== at) { for (let m = 0; m < MEASURE_COUNT; m++) givenUp[to + m] = givenUp[at + m]; }
      addValues(givenUp, to, taken, at);
    }
    givenUp.fill(0, (kept + 1) * MEASURE_COUNT);
    for (let m = 0; m < MEASURE_COUNT; m++) {
      if (!IS_SUM[m]) continue;
      table.lostMax[d][m] += lost[m];
      table.foldedMax[d][m] += short[m];
    }
  }
}

/** Values that a dimension must have more of to fill a table. */
const CROWDED_MIN = 64;

/** Values taken to remove a row, as the pass before has shown: more than this would go too far where that was unlucky. */
const PER_ROW_MAX = 1.25;

/** How much heavier than the lightest value of its row another one may be to be given up with it. */
const AS_LIGHT = 1.25;

const NOTHING = new Float64Array(0);

/** The table's record of what entries have given up, made as long as it has to be. */
function givenUpOf({ givenUp }: CounterTable, d: number, length: number): Float64Array {
  if (givenUp[d].length < length) {
    const more = new Float64Array(length);
    more.set(givenUp[d]);
    free(givenUp[d]);
    givenUp[d] = more;
  }
  return givenUp[d];
}

/** Adds one row's measures to what an entry has. */
function addValues(into: Float64Array, to: number, values: Float64Array, at: number): void {
  for (let m = 0; m < SUM_COUNT; m++) into[to + m] += values[at + m];
  for (let m = SUM_COUNT; m < MEASURE_COUNT; m++) if (values[at + m] > into[to + m]) into[to + m] = values[at + m];
}

/** Moves what belongs to the entries that are kept to their new ids. */
function keepFor(weights: Float64Array, renamed: Int32Array): void {
  for (let id = 1; id < renamed.length; id++) if (renamed[id] !== OTHER) weights[renamed[id]] = weights[id];
}
