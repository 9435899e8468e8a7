/**
 * Roll-up: how a full table makes room without refusing a key and without losing a count.
 *
 * Light rows, those first whose lightest marginal is smallest, each give up that *one* dimension value, which becomes
 * OTHER; rows that have become equal add up; this repeats until there is room. So an attacker's prefix with a million
 * distinct URIs ends as one heavy row (prefix, URI = OTHER), and a million prefixes on one URI as one heavy row.
 *
 * Dictionaries are bounded too: entries with the smallest marginals fold into OTHER, what they had counted with them.
 *
 * Both say how much a single value can have lost: `lostMax` for its rows, `foldedMax` for its marginal.
 */
import { BATCH_LINES, ENTRY_BYTES_MAX } from "./bounds.ts";
import { IS_SUM, MEASURE_COUNT, mergeValues, type Values } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER } from "./dimensions.ts";
import type { Caps } from "./slices.ts";
import { InternTable } from "./intern.ts";
import { type CounterTable, ROW_DOUBLES, ROW_WORDS, tableMarginals, VALUES_AT } from "./counter_table.ts";

/** Share of the bound that stays in use after an overflow: the rest is room for what comes. */
const KEPT_AFTER_OVERFLOW = 0.75;

/** Weights are compared by sixteenths of a power of two: selecting needs no sort then. */
const LEVELS = 1024, LEVELS_PER_OCTAVE = 16, NO_LEVEL = LEVELS;

/** Makes sure that a whole batch of new keys fits below the caps. Entry ids change when it folds: call it first. */
export function makeRoom(table: CounterTable, caps: Caps): void {
  const { rowsMax, entriesMax, entryBytesMax } = caps;
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const { size, bytes } = table.dictionaries[d];
    if (size + BATCH_LINES > entriesMax || bytes + BATCH_LINES * ENTRY_BYTES_MAX > entryBytesMax) {
      fold(table, d, entriesMax * KEPT_AFTER_OVERFLOW, entryBytesMax * KEPT_AFTER_OVERFLOW);
    }
  }
  if (table.rows + BATCH_LINES > rowsMax) rollUp(table, rowsMax * KEPT_AFTER_OVERFLOW);
}

/**
 * Brings the table to at most `target` rows (at least 1). Ends for every input: each pass takes at least one value from
 * at least one row, and rows without values are one row.
 */
export function rollUp(table: CounterTable, target: number): void {
  if (table.rows <= target) return;
  const marginals = tableMarginals(table);
  const weights = marginals.map((column) => entryWeights(table, column));
  const given = marginals.map((_, d) => new Float64Array(table.dictionaries[d].size * MEASURE_COUNT));
  while (table.rows > target) {
    // A row that gives up a value removes at most one row, so this many never go too far; the share keeps passes few.
    const wanted = Math.max(Math.ceil(table.rows - target), table.rows >> 5);
    giveUpLightest(table, weights, given, wanted);
    table.rebuild();
  }
  given.forEach((masses, d) => {
    addLargest(table.lostMax[d], masses);
    for (let id = 1; id * MEASURE_COUNT < masses.length; id++) {
      if (masses[id * MEASURE_COUNT] > 0) table.addGivenUp(d, id, masses, id * MEASURE_COUNT);
    }
  });
}

/**
 * Keeps the heaviest entries of dimension `d`, at most `entriesMax` with OTHER and `bytesMax` bytes, and folds the others
 * into OTHER. Entry ids of this dimension change.
 */
export function fold(table: CounterTable, d: number, entriesMax: number, bytesMax: number): void {
  const old = table.dictionaries[d];
  if (old.size <= entriesMax && old.bytes <= bytesMax) return;
  const marginals = tableMarginals(table)[d], weights = entryWeights(table, marginals);
  const order = Array.from({ length: old.size - 1 }, (_, i) => i + 1).sort((a, b) => weights[b] - weights[a] || a - b);
  let bytes = 0;
  // An entry that does not fit any more is passed over, so that one long value does not cost the short ones behind it.
  const kept = order.slice(0, Math.max(0, Math.floor(entriesMax) - 1)).filter((id) => {
    const fits = bytes + old.entryLength(id) <= bytesMax;
    if (fits) bytes += old.entryLength(id);
    return fits;
  }).sort((a, b) => a - b);

  const dictionary = new InternTable(old.seed);
  const renamed = new Uint32Array(old.size);
  for (const id of kept) {
    const entry = old.entry(id);
    renamed[id] = dictionary.intern(entry, 0, entry.length);
  }
  addLargest(table.foldedMax[d], marginals, (id) => renamed[id] === OTHER && id !== OTHER);
  addLargest(table.lostMax[d], rowMasses(table, d), (id) => renamed[id] === OTHER && id !== OTHER);

  const there = table.givenUp[d], next = new Float64Array(dictionary.size * MEASURE_COUNT);
  for (let id = 0; id < old.size; id++) {
    const from = id !== OTHER && renamed[id] === OTHER ? marginals : there;
    if ((id + 1) * MEASURE_COUNT <= from.length) {
      mergeValues(next, from, id * MEASURE_COUNT, renamed[id] * MEASURE_COUNT);
    }
  }
  (table.dictionaries as InternTable[])[d] = dictionary;
  table.givenUp[d] = next;
  for (let row = 0; row < table.rows; row++) {
    const at = row * ROW_WORDS + d;
    table.words[at] = renamed[table.words[at]];
  }
  table.rebuild();
}

/** Lets the `wanted` rows that are light themselves, and whose lightest marginal is smallest, give up that value. */
function giveUpLightest(
  table: CounterTable,
  weights: readonly Float64Array[],
  given: readonly Float64Array[],
  wanted: number,
): void {
  const { rows, words, doubles } = table;
  const rowLevels = new Uint16Array(rows), valueLevels = new Uint16Array(rows), dimensions = new Uint8Array(rows);
  const rowCounts = new Uint32Array(LEVELS + 1), valueCounts = new Uint32Array(LEVELS + 1);
  let first = 0;
  for (let row = 0; row < rows; row++) {
    const d = lightestDimension(table, weights, row);
    if (d < 0) rowLevels[row] = valueLevels[row] = NO_LEVEL; // it has nothing left to give
    else if (DIMENSIONS[d].givenUpFirst) {
      rowLevels[row] = valueLevels[row] = 0; // before all others, however heavy
      first++;
    } else {
      rowLevels[row] = level(table.share(doubles, row * ROW_DOUBLES + VALUES_AT));
      valueLevels[row] = level(weights[d][words[row * ROW_WORDS + d]]);
    }
    dimensions[row] = Math.max(0, d);
    rowCounts[rowLevels[row]]++;
  }
  if (first > 0) wanted = Math.min(wanted, first);
  const rowLevelMax = levelHolding(rowCounts, Math.max(wanted, rows / 2));
  for (let row = 0; row < rows; row++) {
    if (rowLevels[row] <= rowLevelMax) valueCounts[valueLevels[row]]++;
  }
  const valueLevelMax = levelHolding(valueCounts, wanted);
  let atLimit = wanted;
  for (let l = 0; l < valueLevelMax; l++) atLimit -= valueCounts[l];
  for (let row = 0; row < rows; row++) {
    if (rowLevels[row] > rowLevelMax || valueLevels[row] > valueLevelMax) continue;
    if (valueLevels[row] === valueLevelMax && atLimit-- <= 0) continue;
    const d = dimensions[row], at = row * ROW_WORDS + d;
    const mass = words[at] * MEASURE_COUNT;
    mergeValues(given[d], doubles, row * ROW_DOUBLES + VALUES_AT, mass);
    words[at] = OTHER;
  }
}

/** The dimension whose value is lightest overall; -1 when the row has nothing left to give. */
function lightestDimension(table: CounterTable, weights: readonly Float64Array[], row: number): number {
  let lightest = -1, weight = Infinity;
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const id = table.words[row * ROW_WORDS + d];
    if (id === OTHER) continue;
    // Giving up the only value of a dimension would make no two rows equal; it is the last thing to go.
    const alone = table.dictionaries[d].size <= 2;
    const w = alone ? Number.MAX_VALUE : DIMENSIONS[d].givenUpFirst ? -1 : weights[d][id];
    if (w < weight) {
      lightest = d;
      weight = w;
    }
  }
  return lightest;
}

function entryWeights(table: CounterTable, marginals: Float64Array): Float64Array {
  const weights = new Float64Array(marginals.length / MEASURE_COUNT);
  for (let id = 0; id < weights.length; id++) weights[id] = table.share(marginals, id * MEASURE_COUNT);
  return weights;
}

/** What the rows of each entry of dimension `d` hold together, per measure. */
function rowMasses(table: CounterTable, d: number): Float64Array {
  const masses = new Float64Array(table.dictionaries[d].size * MEASURE_COUNT);
  for (let row = 0; row < table.rows; row++) {
    const mass = table.words[row * ROW_WORDS + d] * MEASURE_COUNT;
    mergeValues(masses, table.doubles, row * ROW_DOUBLES + VALUES_AT, mass);
  }
  return masses;
}

/** Adds to `bound`, per additive measure, the largest of `masses` among the entries asked for. */
function addLargest(bound: Values, masses: Float64Array, counts: (id: number) => boolean = () => true): void {
  const largest = new Float64Array(MEASURE_COUNT);
  for (let id = 0; id * MEASURE_COUNT < masses.length; id++) {
    if (!counts(id)) continue;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      if (IS_SUM[m]) largest[m] = Math.max(largest[m], masses[id * MEASURE_COUNT + m]);
    }
  }
  for (let m = 0; m < MEASURE_COUNT; m++) bound[m] += largest[m];
}

/** Small for light, by powers of 2^(1/16): 0 is 2^-64 and less, LEVELS - 1 is everything. */
function level(share: number): number {
  if (share <= 0) return 0;
  return Math.max(0, Math.min(LEVELS - 1, LEVELS - 1 + Math.floor(Math.log2(share) * LEVELS_PER_OCTAVE)));
}

/** The lowest level at which `wanted` have been passed, counting from the lightest. */
function levelHolding(counts: Uint32Array, wanted: number): number {
  let seen = 0;
  for (let l = 0; l < LEVELS; l++) if ((seen += counts[l]) >= wanted) return l;
  return LEVELS - 1;
}
