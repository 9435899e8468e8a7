/**
 * The one merge: any number of buckets become one. Used between ingest threads, between sources, for late deltas, and
 * from finer to coarser tiers.
 *
 * Ids are local to a bucket, so each dictionary is interned once (entries, not rows) and rows are added by number.
 * Totals and ledgers add up exactly; marginals too; a value that one bucket folded away may be missing there, which
 * `foldedMax` accounts for.
 */
import { BATCH_LINES, OPEN_ENTRIES_MAX, OPEN_ENTRY_BYTES_MAX, OPEN_ROWS_MAX } from "./bounds.ts";
import { IS_SUM, MEASURE_COUNT, mergeColumns, type Values } from "./measures.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import { addLedger, emptyLedger, type Ledger } from "./ledger.ts";
import { CounterTable, perDimension } from "./counter_table.ts";
import { fold, makeRoom } from "./roll_up.ts";
import type { Bucket } from "./bucket.ts";
import type { Caps } from "./slices.ts";
import { seal } from "./seal.ts";

/**
 * Merges buckets that lie within the slice [startS, startS + lengthS) into one bucket of that slice.
 *
 * @param seed for the hashes while merging; never leaves the process.
 */
export function mergeBuckets(
  buckets: readonly Bucket[],
  startS: number,
  lengthS: number,
  caps: Caps,
  seed: number,
): Bucket {
  const table = new CounterTable(seed);
  const ledger = emptyLedger();
  const room: Caps = {
    rowsMax: Math.max(OPEN_ROWS_MAX, 2 * caps.rowsMax),
    entriesMax: Math.max(OPEN_ENTRIES_MAX, 2 * caps.entriesMax),
    entryBytesMax: Math.max(OPEN_ENTRY_BYTES_MAX, 2 * caps.entryBytesMax),
  };
  for (const bucket of buckets) mergeInto(table, ledger, bucket, room);
  return seal(table, startS, lengthS, ledger, caps);
}

/** Brings one bucket to smaller caps. */
export function cutBucket(bucket: Bucket, caps: Caps, seed: number): Bucket {
  const fits = bucket.rows <= caps.rowsMax &&
    bucket.dictionaries.every(({ size, bytes }) => size <= caps.entriesMax && bytes.length <= caps.entryBytesMax);
  return fits ? bucket : mergeBuckets([bucket], bucket.startS, bucket.lengthS, caps, seed);
}

function mergeInto(table: CounterTable, ledger: Ledger, bucket: Bucket, room: Caps): void {
  table.addTotals(bucket.totals, 0);
  addLedger(ledger, bucket.ledger);
  const ids = perDimension((d) => internDictionary(table, d, bucket, room));
  // Entries are all interned by now: from here on only rows may roll up, and ids stay what they are.
  const rowRoom: Caps = { rowsMax: room.rowsMax, entriesMax: Infinity, entryBytesMax: Infinity };
  const key = new Int32Array(DIMENSION_COUNT), values = new Float64Array(MEASURE_COUNT);
  const { indexes, measures } = bucket;
  for (let row = 0; row < bucket.rows; row++) {
    if (row % BATCH_LINES === 0) makeRoom(table, rowRoom);
    for (let d = 0; d < DIMENSION_COUNT; d++) key[d] = ids[d][indexes[d][row]];
    for (let m = 0; m < MEASURE_COUNT; m++) values[m] = measures[m][row];
    table.addRow(key, 0, values, 0);
  }
}

/** The table's id of every entry of `dictionary`; adds marginals and bounds on the way. */
function internDictionary(table: CounterTable, d: number, bucket: Bucket, room: Caps): Uint32Array {
  const dictionary = bucket.dictionaries[d];
  const there = table.dictionaries[d], bytes = dictionary.bytes.length;
  const { entriesMax, entryBytesMax } = room;
  if (there.size + dictionary.size > entriesMax || there.bytes + bytes > entryBytesMax) {
    fold(
      table,
      d,
      Math.max(entriesMax / 2, entriesMax - dictionary.size),
      Math.max(entryBytesMax / 2, entryBytesMax - bytes),
    );
  }
  const ids = new Uint32Array(dictionary.size), values = new Float64Array(MEASURE_COUNT);
  const held = rowValues(bucket, d);
  for (let entry = 0; entry < dictionary.size; entry++) {
    const from = dictionary.offsets[entry], to = dictionary.offsets[entry + 1];
    ids[entry] = entry === OTHER ? OTHER : table.dictionaries[d].intern(dictionary.bytes, from, to);
    // What it has counted beyond its rows; its rows are about to be added.
    for (let m = 0; m < MEASURE_COUNT; m++) {
      const marginal = dictionary.marginals[m][entry];
      values[m] = IS_SUM[m] && entry !== OTHER ? marginal - held[entry * MEASURE_COUNT + m] : marginal;
    }
    table.addGivenUp(d, ids[entry], values, 0);
  }
  addBound(table.lostMax[d], dictionary.lostMax);
  addBound(table.foldedMax[d], dictionary.foldedMax);
  return ids;
}

/** What the rows of every entry hold together, at `[entry * MEASURE_COUNT + m]`. */
function rowValues({ rows, indexes, measures, dictionaries }: Bucket, d: number): Float64Array {
  const held = new Float64Array(dictionaries[d].size * MEASURE_COUNT);
  for (let row = 0; row < rows; row++) mergeColumns(held, measures, row, indexes[d][row] * MEASURE_COUNT);
  return held;
}

function addBound(into: Values, from: Values): void {
  for (let m = 0; m < MEASURE_COUNT; m++) into[m] += from[m];
}
