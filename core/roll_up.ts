/**
 * Roll-up: how a full table makes room without refusing a key and without losing a count.
 *
 * Rows give up *one* dimension value each, which becomes OTHER; rows that have become equal add up; this repeats until
 * there is room. A row gives up the value that costs least, and those rows go first for which that is cheapest:
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
import { IS_SUM, MEASURE_COUNT, mergeValues, REQUESTS, type Values } from "./measures.ts";
import { DIMENSION_COUNT, dimensionIndex, DIMENSIONS, OTHER } from "./dimensions.ts";
import type { Caps } from "./slices.ts";
import { type CounterTable, perDimension, ROW_DOUBLES, ROW_WORDS, VALUES_AT } from "./counter_table.ts";
import { VisiblePairs } from "./visible_pairs.ts";

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

/** Makes sure that a whole batch of new keys fits below the caps. Entry ids change when it folds: call it first. */
export function makeRoom(table: CounterTable, caps: Caps): void {
  if (!isFull(table, caps)) return;
  const rollUp = new RollUp(table);
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const { size, bytes } = table.dictionaries[d];
    if (size > caps.entriesMax * NEARLY_FULL || bytes > caps.entryBytesMax * NEARLY_FULL) {
      rollUp.fold(d, caps.entriesMax * KEPT_AFTER_OVERFLOW, caps.entryBytesMax * KEPT_AFTER_OVERFLOW);
    }
  }
  const target = caps.rowsMax * (table.rows > caps.rowsMax * NEARLY_FULL ? KEPT_AFTER_OVERFLOW : NEARLY_FULL);
  rollUp.giveUp(target, undefined);
}

/**
 * Brings the table to at most `target` rows (at least 1), keeping what is visible. Ends for every input: each pass takes a
 * value from at least one row, and rows without values are one row.
 */
export function rollUp(table: CounterTable, target: number): void {
  if (table.rows <= target) return;
  const rollUp = new RollUp(table);
  rollUp.giveUp(target, new VisiblePairs(table, rollUp.rowWeights, rollUp.weights, rollUp.active));
}

/**
 * Keeps the heaviest entries of dimension `d`, at most `entriesMax` with OTHER and `bytesMax` bytes, and folds the others
 * into OTHER. Entry ids of this dimension change.
 */
export function fold(table: CounterTable, d: number, entriesMax: number, bytesMax: number): void {
  const { size, bytes } = table.dictionaries[d];
  if (size <= entriesMax && bytes <= bytesMax) return;
  new RollUp(table).fold(d, entriesMax, bytesMax);
  table.rebuild();
}

function isFull({ rows, dictionaries }: CounterTable, { rowsMax, entriesMax, entryBytesMax }: Caps): boolean {
  return rows + BATCH_LINES > rowsMax ||
    dictionaries.some(({ size, bytes }) =>
      size + BATCH_LINES > entriesMax || bytes + BATCH_LINES * ENTRY_BYTES_MAX > entryBytesMax
    );
}

/** One roll-up of one table: what everything weighs at its start, and what it takes. */
class RollUp {
  /** Weight of each row: the largest of its shares in the totals of the additive measures, see OTHER_MEASURES_PART. */
  readonly rowWeights: Float64Array;
  /** Per dimension, weight of each entry: that of its rows and of what they gave up before. */
  readonly weights: Float64Array[];
  /** Dimensions with more than one value. The only value of a dimension is the last thing to go: it makes no rows equal. */
  readonly active: readonly number[];
  /** Rows that lost a value by folding since the last rebuild, those that lost two counted twice. */
  #folded = 0;

  constructor(readonly table: CounterTable) {
    const parts = weightParts(table);
    this.rowWeights = shares(table.doubles, VALUES_AT, ROW_DOUBLES, table.rows, parts);
    this.active = perDimension((d) => d).filter((d) => table.dictionaries[d].size > 2);
    this.weights = perDimension((d) => {
      if (!this.active.includes(d)) return new Float64Array(table.dictionaries[d].size);
      return entryWeights(table, d, this.rowWeights, parts);
    });
  }

  /** Keeps the heaviest entries of a dimension. To be done before rows give up values. */
  fold(d: number, entriesMax: number, bytesMax: number): void {
    const { table } = this, dictionary = table.dictionaries[d], size = dictionary.size;
    if (size <= entriesMax && dictionary.bytes <= bytesMax) return;
    const renamed = keptEntries(dictionary, this.weights[d], entriesMax, bytesMax);
    const masses = this.#foldRows(d, renamed);
    addLargest(table.lostMax[d], masses);
    const givenUp = table.givenUp[d], entries = Math.min(size, givenUp.length / MEASURE_COUNT);
    for (let id = 1; id < entries; id++) {
      const to = renamed[id] * MEASURE_COUNT, from = id * MEASURE_COUNT;
      if (to === from) continue;
      if (to === OTHER) mergeValues(masses, givenUp, from, from);
      else givenUp.copyWithin(to, from, from + MEASURE_COUNT);
      givenUp.fill(0, from, from + MEASURE_COUNT);
    }
    addLargest(table.foldedMax[d], masses);
    for (let id = 1; id < size; id++) {
      if (renamed[id] === OTHER) table.addGivenUp(d, OTHER, masses, id * MEASURE_COUNT);
    }
    this.weights[d] = this.weights[d].filter((_, id) => id === OTHER || renamed[id] !== OTHER);
    dictionary.keepOnly(renamed);
  }

  /** Lets rows give up values until at most `target` are left. Entry ids stay what they are. */
  giveUp(target: number, pairs: VisiblePairs | undefined): void {
    const { table } = this, given = perDimension(() => new Float64Array(0));
    if (this.#folded > 0 && table.rows - this.#folded <= target) this.#rebuild();
    while (table.rows > Math.max(1, target)) {
      // A row that gives up a value removes at most one row, so this many never go too far. Looking at pairs, it pays to
      // look again at the heavier half; the share keeps passes few.
      const excess = Math.max(1, Math.ceil(table.rows - this.#folded - target));
      const wanted = pairs === undefined ? excess : Math.min(excess, table.rows >> 1);
      this.#pass(Math.max(wanted, table.rows >> 6), pairs, given);
      this.#rebuild();
    }
    given.forEach((masses, d) => this.#settle(d, masses));
  }

  /** Renames a column of the table. Returns, per old entry, the rows' mass of those that are not kept. */
  #foldRows(d: number, renamed: Int32Array): Float64Array {
    const { rows, words, doubles } = this.table, masses = new Float64Array(renamed.length * MEASURE_COUNT);
    let folded = 0;
    for (let row = 0, k = d; row < rows; row++, k += ROW_WORDS) {
      const id = words[k], to = renamed[id];
      if (to === OTHER && id !== OTHER) {
        mergeValues(masses, doubles, row * ROW_DOUBLES + VALUES_AT, id * MEASURE_COUNT);
        folded++;
      }
      words[k] = to;
    }
    this.#folded += folded;
    return masses;
  }

  #rebuild(): void {
    const { table } = this;
    table.rebuild();
    this.#folded = 0;
    shares(table.doubles, VALUES_AT, ROW_DOUBLES, table.rows, weightParts(table), this.rowWeights);
  }

  /** The `wanted` rows for which it costs least give up a value. `given` takes its mass, per entry. */
  #pass(wanted: number, pairs: VisiblePairs | undefined, given: Float64Array[]): void {
    const { rows, words, doubles, dictionaries } = this.table;
    const costs = new Float32Array(rows), levels = new Int32Array(costs.buffer), moves = new Uint16Array(rows);
    let candidates = this.#costs(costs, moves, pairs);
    if (candidates === 0) candidates = this.#lightest(costs, moves, perDimension((d) => d));
    const counts = new Uint32Array(LEVELS);
    for (let row = 0; row < rows; row++) counts[levels[row] >>> LEVEL_SHIFT]++;
    const limit = levelHolding(counts, Math.min(wanted, candidates));
    let atLimit = Math.min(wanted, candidates);
    for (let level = 0; level < limit; level++) atLimit -= counts[level];
    for (let row = 0; row < rows; row++) {
      const level = levels[row] >>> LEVEL_SHIFT;
      if (level > limit || level === limit && atLimit-- <= 0) continue;
      for (let d = 0, move = moves[row]; move !== 0; d++, move >>>= 1) {
        const at = row * ROW_WORDS + d, id = words[at];
        if ((move & 1) === 0 || id === OTHER) continue;
        if (given[d].length === 0) given[d] = new Float64Array(dictionaries[d].size * MEASURE_COUNT);
        mergeValues(given[d], doubles, row * ROW_DOUBLES + VALUES_AT, id * MEASURE_COUNT);
        words[at] = OTHER;
      }
    }
  }

  /** Per row, what giving up its cheapest value costs, and which dimensions that is. Returns how many rows have one. */
  #costs(costs: Float32Array, moves: Uint16Array, pairs: VisiblePairs | undefined): number {
    const first = this.active.filter((d) => DIMENSIONS[d].givenUpFirst);
    const candidates = first.length === 0 ? 0 : this.#lightest(costs, moves, first);
    if (candidates > 0) return candidates;
    return pairs === undefined ? this.#lightest(costs, moves, this.active) : this.#leastVisible(costs, moves, pairs);
  }

  /** By weights alone. */
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
      costs[row] *= rowWeights[row];
      candidates++;
    }
    return candidates;
  }

  /** By weights and by visible pairs; a value takes along those that go with it, and they do not go alone before. */
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
        if (cost >= least) continue;
        least = cost;
        best = i;
      }
      costs[row] = Infinity;
      if (best < 0) continue;
      costs[row] = least * rowWeights[row];
      moves[row] = MOVES[active[best]];
      candidates++;
    }
    return candidates;
  }

  /** Enters what the entries of a dimension have given up. */
  #settle(d: number, masses: Float64Array): void {
    if (masses.length === 0) return;
    const { table } = this;
    addLargest(table.lostMax[d], masses);
    for (let at = masses.length - MEASURE_COUNT; at > 0; at -= MEASURE_COUNT) {
      if (hasAny(masses, at)) table.addGivenUp(d, at / MEASURE_COUNT, masses, at);
    }
  }
}

/** Per dimension the one that its value follows from, -1 for most; and what goes with it, itself included, as bits. */
const LEADERS = DIMENSIONS.map(({ goesWith }) => goesWith === undefined ? -1 : dimensionIndex(goesWith));
const MOVES = LEADERS.map((_, d) => LEADERS.reduce((move, leader, e) => leader === d ? move | 1 << e : move, 1 << d));

/** Positive numbers compare as the bits of their single-precision form do, and the upper bits are a small integer: selecting
 * needs no sort then. A level is a sixteenth of a power of two. */
const LEVEL_SHIFT = 19, LEVELS = 4096;

/** The new id of each entry, counting up from 1; 0 for those that are lightest and fold. */
function keptEntries(
  dictionary: { readonly size: number; entryLength(id: number): number },
  weights: Float64Array,
  entriesMax: number,
  bytesMax: number,
): Int32Array {
  const size = dictionary.size, levels = new Int32Array(Float32Array.from(weights).buffer);
  const ends = new Uint32Array(LEVELS), order = new Uint32Array(size), renamed = new Int32Array(size);
  for (let id = 1; id < size; id++) ends[levels[id] >>> LEVEL_SHIFT]++;
  for (let level = LEVELS - 1, at = 0; level >= 0; level--) {
    const count = ends[level];
    ends[level] = at;
    at += count;
  }
  for (let id = 1; id < size; id++) order[ends[levels[id] >>> LEVEL_SHIFT]++] = id;
  let bytes = 0;
  for (let i = 0, end = Math.min(size - 1, Math.floor(entriesMax) - 1); i < end; i++) {
    const length = dictionary.entryLength(order[i]);
    // An entry that does not fit any more is passed over, so that one long value does not cost the short ones behind it.
    if (bytes + length > bytesMax) continue;
    bytes += length;
    renamed[order[i]] = 1;
  }
  for (let id = 1, kept = 0; id < size; id++) if (renamed[id] !== 0) renamed[id] = ++kept;
  return renamed;
}

/** What a row's measures are multiplied by to become its weight, the largest of them. */
function weightParts({ totals }: CounterTable): Float64Array {
  return totals.map((total, m) => IS_SUM[m] && total > 0 ? (m === REQUESTS ? 1 : OTHER_MEASURES_PART) / total : 0);
}

function entryWeights(table: CounterTable, d: number, rowWeights: Float64Array, parts: Float64Array): Float64Array {
  const { rows, words, givenUp } = table, weights = new Float64Array(table.dictionaries[d].size);
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
  into: Float64Array = new Float64Array(count),
): Float64Array {
  for (let i = 0, o = at; i < count; i++, o += stride) {
    let most = 0;
    for (let m = 0; m < MEASURE_COUNT; m++) most = Math.max(most, values[o + m] * parts[m]);
    into[i] = most;
  }
  return into;
}

function hasAny(masses: Float64Array, at: number): boolean {
  for (let m = 0; m < MEASURE_COUNT; m++) if (masses[at + m] > 0) return true;
  return false;
}

/** Adds to `bound`, per additive measure, the largest of `masses`. */
function addLargest(bound: Values, masses: Float64Array): void {
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (!IS_SUM[m]) continue;
    let largest = 0;
    for (let at = m; at < masses.length; at += MEASURE_COUNT) if (masses[at] > largest) largest = masses[at];
    bound[m] += largest;
  }
}

/** The lowest level at which `wanted` have been passed, counting from the lightest. */
function levelHolding(counts: Uint32Array, wanted: number): number {
  let seen = 0;
  for (let level = 0; level < LEVELS; level++) if ((seen += counts[level]) >= wanted) return level;
  return LEVELS - 1;
}
