/**
 * The one merge: any number of buckets become one. Used between ingest threads, between sources, for late deltas, and
 * from finer to coarser tiers.
 *
 * Ids are local to a bucket, so each dictionary is interned once (entries, not rows) and rows are added by number.
 * Totals and ledgers add up exactly; marginals too; a value that one bucket folded away may be missing there, which
 * `foldedMax` accounts for.
 */
import { BATCH_LINES, OPEN_ENTRIES_MAX, OPEN_ENTRY_BYTES_MAX } from "./bounds.ts";
import { IS_SUM, MEASURE_COUNT, saturated, type Values } from "./measures.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { addLedger, emptyLedger } from "./ledger.ts";
import { hashWords, type InternTable, MISSING } from "./intern.ts";
import { CounterTable, perDimension, TABLE_ROWS_MAX } from "./counter_table.ts";
import { FirstSight } from "./first_sight.ts";
import { LetGo } from "./let_go.ts";
import { fold, makeRoomBelow } from "./roll_up.ts";
import { weightParts } from "./weights.ts";
import { type Bucket, type IndexColumn, type NumberColumn, widened, widenedIndex } from "./bucket.ts";
import { type BlockBucket, type BlockDictionary, blockOf, inBlock, isWhole } from "./bucket_block.ts";
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
  const merge = new Merge(caps, seed, buckets.reduce((sum, bucket) => sum + bucket.rows, 0));
  for (const bucket of buckets) merge.add(bucket);
  return merge.end(startS, lengthS);
}

/** A merge that goes on: each bucket costs what it has itself, however many came before. */
export class Merge {
  readonly #table: CounterTable;
  readonly #ledger = emptyLedger();
  readonly #room: Caps;
  /** What is let go as it comes; from the first overflow on. */
  #letGo: LetGo | undefined;
  /** Per dimension: what it has not entered; only where its dictionary is crowded. */
  readonly #firstSights: (FirstSight | undefined)[] = perDimension(() => undefined);

  /**
   * @param caps of the bucket at the end.
   * @param seed for the hashes while merging; never leaves the process.
   * @param rowsExpected in all buckets together.
   * @param room in its table: what is cut late can still be told apart when more of it comes.
   */
  constructor(readonly caps: Caps, seed: number, rowsExpected: number, room = mergeRoom(caps)) {
    this.#table = new CounterTable(seed, Math.min(Math.max(ROWS_MIN, rowsExpected), room.rowsMax));
    this.#room = room;
  }

  add(any: Bucket): void {
    const table = this.#table, bucket = inBlock(any);
    table.addTotals(bucket.totals, 0);
    addLedger(this.#ledger, bucket.ledger);
    const ids = bucket.dictionaries.map((dictionary, d) => {
      this.#makeRoomFor(d, dictionary);
      const isCrowded = table.dictionaries[d].size + dictionary.size > this.#room.entriesMax / 2;
      const ids = isCrowded ? this.#idsOfKnown(d, bucket) : internEntries(table.dictionaries[d], dictionary);
      if (!isWhole(dictionary)) addGivenUp(table, d, dictionary, ids);
      return ids;
    });
    this.#addRows(bucket, ids);
    ids.forEach(free);
  }

  /** The table's ids of the entries of a dictionary; OTHER for those that are light and new. */
  #idsOfKnown(d: number, bucket: BlockBucket): Int32Array<ArrayBuffer> {
    const table = this.#table, known = table.dictionaries[d], dictionary = bucket.dictionaries[d];
    known.closed = true;
    const ids = internEntries(known, dictionary);
    known.closed = false;
    const sights = this.#firstSights[d] ??= new FirstSight(table, d), { size, bytes, lengths } = dictionary;
    const rows = valuesOf(bucket, d, ids), given = givenUpBy(dictionary), view = new DataView(bytes.buffer);
    const parts = weightParts(table), light = 1 / (LIGHT_PART * this.caps.entriesMax);
    table.givenUpFor(d, OTHER);
    for (let entry = 1, at = bytes.byteOffset; entry < size; at += lengths[entry++]) {
      if (ids[entry] !== MISSING) continue;
      const v = entry * MEASURE_COUNT, hash = hashWords(view, at, lengths[entry], table.seed);
      if (weightOf(rows, given, v, parts) > light || sights.isAgain(hash)) {
        ids[entry] = known.internWords(view, at, lengths[entry], hash);
        continue;
      }
      ids[entry] = OTHER;
      sights.take(rows, given, v);
    }
    free(rows);
    if (given !== nothing) free(given);
    return ids;
  }

  #settle(): void {
    this.#letGo?.settle();
    for (const sights of this.#firstSights) sights?.settle();
  }

  #addRows({ rows, indexes, measures }: Bucket, ids: readonly Int32Array[]): void {
    const table = this.#table;
    for (let from = 0; from < rows; from += BATCH_LINES) {
      const count = Math.min(BATCH_LINES, rows - from);
      // Entries are all interned by now: here only rows may roll up, and ids stay what they are.
      this.#makeRoom();
      for (let d = 0; d < DIMENSION_COUNT; d++) spreadIds(indexes[d], from, count, ids[d], keys, d);
      for (let m = 0; m < MEASURE_COUNT; m++) spreadValues(measures[m], from, count, values, m);
      this.#letGo?.take(keys, values, count);
      table.addBatch(keys, values, 0, count);
    }
  }

  /** Entries are all interned by now: here only rows may roll up, and ids stay what they are. */
  #makeRoom(): void {
    const table = this.#table, { rowsMax } = this.#room;
    if (table.rows + BATCH_LINES <= rowsMax) return;
    this.#letGo?.settle();
    const reached = makeRoomBelow(table, { rowsMax, entriesMax: Infinity, entryBytesMax: Infinity });
    if (reached !== undefined) (this.#letGo ??= new LetGo(table)).begin(reached);
  }

  /**
   * Folds what the table has when a whole dictionary more would not fit, and far enough that the next ones do: half is still
   * several times what is kept in the end.
   */
  #makeRoomFor(d: number, { size, bytes }: BlockDictionary): void {
    const there = this.#table.dictionaries[d], { entriesMax, entryBytesMax } = this.#room;
    if (there.size + size <= entriesMax && there.bytes + bytes.length <= entryBytesMax) return;
    this.#letGo?.settle();
    fold(this.#table, d, entriesMax / 2, entryBytesMax / 2);
    this.#letGo?.begin();
  }

  /** What has been merged so far, with all the rows and entries there are: it may have more than its caps allow. */
  soFar(startS: number, lengthS: number): Bucket {
    this.#settle();
    return seal(this.#table, startS, lengthS, this.#ledger, UNCUT);
  }

  /** All of it, at most as much as caps allow. Frees the memory: nothing can be added any more. */
  end(startS: number, lengthS: number, caps = this.caps): Bucket {
    this.#settle();
    const merged = seal(this.#table, startS, lengthS, this.#ledger, caps);
    this.#letGo?.free();
    this.#table.free();
    return merged;
  }
}

/**
 * Room for a merge that ends in a bucket of these caps. Half the rows take no less time: 200 sources of 5000 rows then lost 2 %
 * of the first twenty under a filter, now 0.01 %.
 */
export function mergeRoom({ entriesMax, entryBytesMax }: Caps): Caps {
  return {
    rowsMax: TABLE_ROWS_MAX,
    entriesMax: Math.max(OPEN_ENTRIES_MAX, 2 * entriesMax),
    entryBytesMax: Math.max(OPEN_ENTRY_BYTES_MAX, 2 * entryBytesMax),
  };
}

const UNCUT: Caps = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };

/** Brings one bucket to smaller caps. */
export function cutBucket(bucket: Bucket, caps: Caps, seed: number): Bucket {
  const fits = bucket.rows <= caps.rowsMax &&
    bucket.dictionaries.every(({ size, bytes }) => size <= caps.entriesMax && bytes.length <= caps.entryBytesMax) &&
    (caps.bytesMax === undefined || blockOf(bucket).byteLength <= caps.bytesMax);
  return fits ? bucket : mergeBuckets([bucket], bucket.startS, bucket.lengthS, caps, seed);
}

const ROWS_MIN = 1024;

/** Of what each entry has on average that is kept in the end, an entry that is not entered at first sight has at most this part. */
const LIGHT_PART = 64;

/** One batch of rows, as the table takes them: row by row. */
const keys = new Int32Array(BATCH_LINES * DIMENSION_COUNT), values = new Float64Array(BATCH_LINES * MEASURE_COUNT);

/** `into[i * DIMENSION_COUNT + d] = ids[column[from + i]]`. A loop for each kind of column: one over all is slower. */
function spreadIds(
  column: IndexColumn,
  from: number,
  count: number,
  ids: Int32Array,
  into: Int32Array,
  d: number,
): void {
  const end = from + count;
  if (column instanceof Uint8Array) {
    for (let row = from, k = d; row < end; row++, k += DIMENSION_COUNT) into[k] = ids[column[row]];
  } else if (column instanceof Uint16Array) {
    for (let row = from, k = d; row < end; row++, k += DIMENSION_COUNT) into[k] = ids[column[row]];
  } else {
    for (let row = from, k = d; row < end; row++, k += DIMENSION_COUNT) into[k] = ids[column[row]];
  }
}

/** The same for a measure: `into[i * MEASURE_COUNT + m] = column[from + i]`. */
function spreadValues(column: NumberColumn, from: number, count: number, into: Float64Array, m: number): void {
  const end = from + count;
  if (column instanceof Uint8Array) {
    for (let row = from, v = m; row < end; row++, v += MEASURE_COUNT) into[v] = column[row];
  } else if (column instanceof Uint16Array) {
    for (let row = from, v = m; row < end; row++, v += MEASURE_COUNT) into[v] = column[row];
  } else if (column instanceof Uint32Array) {
    for (let row = from, v = m; row < end; row++, v += MEASURE_COUNT) into[v] = column[row];
  } else {
    for (let row = from, v = m; row < end; row++, v += MEASURE_COUNT) into[v] = column[row];
  }
}

/** The table's id of every entry of a dictionary. */
function internEntries(table: InternTable, dictionary: BlockDictionary): Int32Array<ArrayBuffer> {
  const { size, bytes } = dictionary, lengths = widenedIndex(dictionary.lengths), ids = new Int32Array(size);
  const view = new DataView(bytes.buffer), seed = table.seed;
  let at = bytes.byteOffset;
  for (let from = 1; from < size; from += BATCH_LINES) {
    const count = Math.min(BATCH_LINES, size - from);
    for (let i = 0, s = 0; i < count; i++, s += 3) {
      const length = lengths[from + i];
      staged[s] = hashWords(view, at, length, seed);
      staged[s + 1] = at;
      staged[s + 2] = length;
      at += length;
    }
    table.internBatch(view, view, staged, 3, 0, 0, count, ids, 1, from);
  }
  free(lengths);
  return ids;
}

/** What the rows of the entries have that are MISSING, by entry and measure. */
function valuesOf(
  { rows, indexes, measures, dictionaries }: BlockBucket,
  d: number,
  ids: Int32Array,
): Float64Array<ArrayBuffer> {
  const values = new Float64Array(dictionaries[d].size * MEASURE_COUNT), index = widenedIndex(indexes[d]);
  for (let m = 0; m < MEASURE_COUNT; m++) {
    const column = widened(measures[m]), isSum = IS_SUM[m];
    for (let row = 0; row < rows; row++) {
      if (ids[index[row]] !== MISSING) continue;
      const at = index[row] * MEASURE_COUNT + m;
      values[at] = isSum ? values[at] + column[row] : Math.max(values[at], column[row]);
    }
    free(column);
  }
  free(index);
  return values;
}

/** What entries have given up, by entry and measure; often `nothing`, which is shared and never written. */
function givenUpBy(dictionary: BlockDictionary): Float64Array<ArrayBuffer> {
  const { size, givenUp } = dictionary, length = size * MEASURE_COUNT;
  if (isWhole(dictionary)) return nothing = nothing.length < length ? new Float64Array(2 * length) : nothing;
  const values = new Float64Array(length);
  for (const [m, column] of givenUp.entries()) {
    for (let entry = 0; entry < size; entry++) values[entry * MEASURE_COUNT + m] = column[entry];
  }
  return values;
}

let nothing = new Float64Array(0);

function weightOf(rows: Float64Array, given: Float64Array, at: number, parts: Float64Array): number {
  let most = 0;
  for (let m = 0; m < MEASURE_COUNT; m++) most = Math.max(most, (rows[at + m] + given[at + m]) * parts[m]);
  return most;
}

/** Hash, start and length of the entries of one batch. */
const staged = new Int32Array(BATCH_LINES * 3);

/** Adds what the entries of one dimension have given up, and what a value can have lost. Saturates when it is sealed. */
function addGivenUp(table: CounterTable, d: number, dictionary: BlockDictionary, ids: Int32Array): void {
  const { givenUp, folded, lostMax, foldedMax } = dictionary,
    into = table.givenUpFor(d, table.dictionaries[d].size - 1);
  for (let m = 0; m < MEASURE_COUNT; m++) {
    const given = widened(givenUp[m]), isSum = IS_SUM[m];
    for (let entry = 0; entry < given.length; entry++) {
      const at = ids[entry] * MEASURE_COUNT + m;
      into[at] = isSum ? into[at] + given[entry] : Math.max(into[at], given[entry]);
    }
    free(given);
    into[m] = isSum ? into[m] + folded[m] : Math.max(into[m], folded[m]);
  }
  addBound(table.lostMax[d], lostMax);
  addBound(table.foldedMax[d], foldedMax);
}

function addBound(into: Values, from: Values): void {
  for (let m = 0; m < MEASURE_COUNT; m++) into[m] = saturated(into[m] + from[m]);
}
