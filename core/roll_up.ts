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
 * is cut to what is kept for an hour or a day (`rollUp`) looks at the pairs that somebody can see as well
 * (`visible_pairs.ts`): under a filter nothing else is left to answer from.
 *
 * Dictionaries are bounded too: the lightest entries fold into OTHER, what they had counted with them.
 *
 * Both say how much a single value can have lost: `lostMax` for its rows, `foldedMax` for its marginal.
 */
import { BATCH_LINES, ENTRY_BYTES_MAX } from "./bounds.ts";
import { IS_SUM, MEASURE_COUNT, REQUESTS, SUM_COUNT } from "./measures.ts";
import { DIMENSION_COUNT, dimensionIndex, DIMENSIONS, OTHER } from "./dimensions.ts";
import type { Caps } from "./slices.ts";
import { free } from "./free.ts";
import { type CounterTable, perDimension, ROW_DOUBLES, ROW_WORDS, VALUES_AT } from "./counter_table.ts";
import { VisiblePairs } from "./visible_pairs.ts";
import { keptEntries, LEVEL_SHIFT, levelHolding, LEVELS } from "./weight_levels.ts";

/** Share of a bound that stays in use after an overflow: the rest is room for what comes. With less, heavy rows go as well;
 * with more, overflows come more often. */
const KEPT_AFTER_OVERFLOW = 0.5;

/** What is fuller than this is rolled up along with what overflows, so that overflows do not come one by one. */
const NEARLY_FULL = 0.75;

/**
 * How much a share in the total of bytes or time counts against one of requests: one huge download is not light. With 1, a
 * few slow or large URIs took so much room that the mean error under one filter was 3.4 % in an hour and 17 % in a day
 * instead of 0.3 % and 9 %; and whoever writes the log could buy weight with a single line.
 */
const OTHER_MEASURES_PART = 1 / 8;

/**
 * Makes sure that a whole batch of new keys fits below the caps. Returns whether that took something: entry ids have changed
 * then, so call it first.
 */
export function makeRoom(table: CounterTable, caps: Caps): boolean {
  if (!isFull(table, caps)) return false;
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
  return true;
}

/**
 * Brings the table to at most `target` rows (at least 1), keeping what is visible. Ends for every input: each pass takes a
 * value from at least one row, and rows without values are one row.
 */
export function rollUp(table: CounterTable, target: number): void {
  if (table.rows <= target) return;
  const rollUp = new RollUp(table, false);
  const pairs = new VisiblePairs(table, rollUp.rowWeights, rollUp.weights, rollUp.active);
  rollUp.giveUp(target, pairs);
  pairs.free();
}

/**
 * Keeps the heaviest entries of dimension `d`, at most `entriesMax` with OTHER and `bytesMax` bytes, and folds the others
 * into OTHER. Entry ids of this dimension change.
 */
export function fold(table: CounterTable, d: number, entriesMax: number, bytesMax: number): void {
  const { size, bytes } = table.dictionaries[d];
  if (size <= entriesMax && bytes <= bytesMax) return;
  new RollUp(table, false).fold(d, entriesMax, bytesMax);
  table.rebuild();
}

/** What may stay in use of `most` so that a batch still fits, as far as that can be. */
function kept(most: number, batch: number, share: number): number {
  return Math.max(0, Math.min(most * share, most - batch));
}

/** Bytes of the entries of one dimension that a batch can bring. */
const BATCH_BYTES = BATCH_LINES * ENTRY_BYTES_MAX;

function isFull({ rows, dictionaries }: CounterTable, { rowsMax, entriesMax, entryBytesMax }: Caps): boolean {
  return rows + BATCH_LINES > rowsMax ||
    dictionaries.some(({ size, bytes }) => size + BATCH_LINES > entriesMax || bytes + BATCH_BYTES > entryBytesMax);
}

/** One roll-up of one table: what everything weighs at its start, and what it takes. */
class RollUp {
  /** Weight of each row: the largest of its shares in the totals of the additive measures, see OTHER_MEASURES_PART. */
  readonly rowWeights: Float64Array;
  /** Per dimension, weight of each entry: that of its rows and of what they gave up before. */
  readonly weights: Float64Array[];
  /** Dimensions with more than one value. The only value of a dimension is the last thing to go: it makes no rows equal. */
  readonly active: readonly number[];
  /** Those with so many values that a table can be full of them. */
  readonly #crowded: readonly number[];
  readonly #taken: Float64Array[] = perDimension(() => NOTHING);
  /** Rows may have become equal since the last rebuild. */
  #changed = false;

  /** @param fast looks at nothing but the dimensions that are crowded, while that is enough. */
  constructor(readonly table: CounterTable, readonly fast: boolean) {
    const parts = weightParts(table);
    this.rowWeights = zeros(ROWS, table.rows);
    shares(table.doubles, VALUES_AT, ROW_DOUBLES, table.rows, parts, this.rowWeights);
    this.active = perDimension((d) => d).filter((d) => table.dictionaries[d].size > 2);
    this.#crowded = this.active.filter((d) => table.dictionaries[d].size > CROWDED_MIN);
    const weighed = fast ? this.#crowded : this.active;
    this.weights = perDimension((d) => weighed.includes(d) ? entryWeights(table, d, this.rowWeights, parts) : NOTHING);
  }

  /** Keeps the heaviest entries of a dimension. Row weights stay; rows that have become equal are not merged yet. */
  fold(d: number, entriesMax: number, bytesMax: number): void {
    const { table } = this, dictionary = table.dictionaries[d];
    if (dictionary.size <= entriesMax && dictionary.bytes <= bytesMax) return;
    this.#weigh([d]);
    const renamed = keptEntries(dictionary, this.weights[d], entriesMax, bytesMax, !this.fast);
    this.#foldRows(d, renamed);
    this.#settle(d, renamed);
    keepFor(this.weights[d], renamed);
    dictionary.keepOnly(renamed);
    free(renamed);
  }

  /** Lets about `wanted` rows give up what is lightest, without a look at what that makes equal. */
  giveUpOnce(wanted: number): void {
    if (wanted > 0) this.#pass(Math.ceil(wanted), undefined);
  }

  /** Lets rows give up values until at most `target` are left. Entry ids stay what they are. */
  giveUp(target: number, pairs: VisiblePairs | undefined): void {
    const { table } = this;
    if (this.#changed) this.#rebuild();
    while (table.rows > Math.max(1, target)) {
      // A row that gives up a value removes at most one row, so this many never go too far. Looking at pairs, it pays to
      // look again at the heavier half; the share keeps passes few.
      const excess = Math.max(1, Math.ceil(table.rows - target));
      const wanted = pairs === undefined ? excess : Math.min(excess, table.rows >> 1);
      this.#pass(Math.max(wanted, table.rows >> 6), pairs);
      this.#rebuild();
    }
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

  #rebuild(): void {
    const { table } = this;
    table.rebuild();
    this.#changed = false;
    shares(table.doubles, VALUES_AT, ROW_DOUBLES, table.rows, weightParts(table), this.rowWeights);
  }

  /** The `wanted` rows for which it costs least give up a value. */
  #pass(wanted: number, pairs: VisiblePairs | undefined): void {
    const { rows, words, doubles } = this.table;
    const costs = new Float32Array(rows), levels = new Int32Array(costs.buffer), moves = new Uint16Array(rows);
    const dimensions = this.#next(), visibly = pairs !== undefined && dimensions === this.active;
    const candidates = visibly ? this.#leastVisible(costs, moves, pairs) : this.#lightest(costs, moves, dimensions);
    const counts = new Uint32Array(LEVELS);
    for (let row = 0; row < rows; row++) counts[levels[row] >>> LEVEL_SHIFT]++;
    const limit = levelHolding(counts, Math.min(wanted, candidates));
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
    }
    for (const column of [costs, moves, counts]) free(column);
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
      }
    }
    return this.#weigh(perDimension((d) => d));
  }

  /** Finds weights that nobody has asked for so far. */
  #weigh(dimensions: readonly number[]): readonly number[] {
    const { table } = this;
    for (const d of dimensions) {
      if (this.weights[d].length === 0) this.weights[d] = entryWeights(table, d, this.rowWeights, weightParts(table));
    }
    return dimensions;
  }

  /**
   * Per row what it costs to give up its cheapest value, and the bit of its dimension. Returns how many rows have one. By
   * weights alone.
   */
  #lightest(costs: Float32Array, moves: Uint16Array, dimensions: readonly number[]): number {
    const { rows, words } = this.table, rowWeights = this.rowWeights;
    costs.fill(Infinity);
    for (const d of dimensions) {
      const weights = this.weights[d], move = 1 << d;
      for (let row = 0, k = d; row < rows; row++, k += ROW_WORDS) {
        const id = words[k];
        if (id === OTHER || weights[id] >= costs[row]) continue;
        costs[row] = weights[id];
        moves[row] = move;
      }
    }
    let candidates = 0;
    for (let row = 0; row < rows; row++) {
      if (moves[row] === 0) continue;
      costs[row] = Math.min(costs[row] * rowWeights[row], COST_MAX);
      candidates++;
    }
    return candidates;
  }

  /** The same by weights and by visible pairs; a value takes along those that go with it, and they do not go alone before. */
  #leastVisible(costs: Float32Array, moves: Uint16Array, pairs: VisiblePairs): number {
    const { rows, words } = this.table, { active, rowWeights } = this, n = active.length;
    const weights = active.map((d) => this.weights[d]), partners = active.map((d) => pairs.partners[d]);
    const leaders = active.map((d) => active.indexOf(LEADERS[d]));
    const ids = new Int32Array(n), weight = new Float64Array(n), own = new Float64Array(n);
    let candidates = 0;
    for (let row = 0, k = 0; row < rows; row++, k += ROW_WORDS) {
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
      costs[row] = Infinity;
      if (best < 0) continue;
      costs[row] = Math.min(least * rowWeights[row], COST_MAX);
      moves[row] = MOVES[active[best]];
      candidates++;
    }
    return candidates;
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

/** Per dimension the one that its value follows from, -1 for most; and what goes with it, itself included, as bits. */
const LEADERS = DIMENSIONS.map(({ goesWith }) => goesWith === undefined ? -1 : dimensionIndex(goesWith));
const MOVES = LEADERS.map((_, d) => LEADERS.reduce((move, leader, e) => leader === d ? move | 1 << e : move, 1 << d));

/** Values that a dimension must have more of to fill a table. */
const CROWDED_MIN = 64;

/** Below what rows have that cannot give up anything. */
const COST_MAX = 1e30;

/** How much heavier than the lightest value of its row another one may be to be given up with it. */
const AS_LIGHT = 1.25;

const NOTHING = new Float64Array(0);

/** Arrays that are used again, so that a roll-up does not wait for the system to hand out memory. */
const scratch: Float64Array<ArrayBuffer>[] = [];
const ROWS = 0, TAKEN = 1, WEIGHTS = TAKEN + DIMENSION_COUNT;

/** The scratch array `place`: `length` zeros, valid until it is asked for again. */
function zeros(place: number, length: number): Float64Array {
  if (scratch[place] === undefined || scratch[place].length < length) {
    if (scratch[place] !== undefined) free(scratch[place]);
    scratch[place] = new Float64Array(length);
  }
  return scratch[place].subarray(0, length).fill(0);
}

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

/** What a row's measures are multiplied by to become its weight, the largest of them. */
function weightParts({ totals }: CounterTable): Float64Array {
  return totals.map((total, m) => IS_SUM[m] && total > 0 ? (m === REQUESTS ? 1 : OTHER_MEASURES_PART) / total : 0);
}

function entryWeights(table: CounterTable, d: number, rowWeights: Float64Array, parts: Float64Array): Float64Array {
  const { rows, words, givenUp } = table, weights = zeros(WEIGHTS + d, table.dictionaries[d].size);
  const entries = Math.min(weights.length, givenUp[d].length / MEASURE_COUNT);
  shares(givenUp[d], 0, MEASURE_COUNT, entries, parts, weights);
  for (let row = 0, k = d; row < rows; row++, k += ROW_WORDS) weights[words[k]] += rowWeights[row];
  weights[OTHER] = 0;
  return weights;
}

/** The largest of the shares of `values[at …]`, `values[at + stride …]` …, `count` of them: `parts` is one by the total. */
function shares(
  values: Float64Array,
  at: number,
  stride: number,
  count: number,
  parts: Float64Array,
  into: Float64Array,
): void {
  for (let i = 0, o = at; i < count; i++, o += stride) {
    let most = 0;
    for (let m = 0; m < MEASURE_COUNT; m++) most = Math.max(most, values[o + m] * parts[m]);
    into[i] = most;
  }
}
