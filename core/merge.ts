/**
 * The one merge: any number of buckets become one. Used between ingest threads, between sources, for late deltas, and
 * from finer to coarser tiers.
 *
 * Ids are local to a bucket, so each dictionary is interned once (entries, not rows) and rows are added by number.
 * Totals and ledgers add up exactly; marginals too; a value that one bucket folded away may be missing there, which
 * `foldedMax` accounts for.
 */
import * as bounds from "./bounds.ts";
import { OPEN_ENTRIES_MAX, OPEN_ENTRY_BYTES_MAX, WAITING_BYTES_MAX } from "./bounds.ts";
import * as measures from "./measures.ts";
import { saturated, type Values } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import { free } from "./free.ts";
import { addLedger, emptyLedger } from "./ledger.ts";
import * as hashes from "./hash.ts";
import type { InternTable } from "./intern.ts";
import { CounterTable, TABLE_ROWS_MAX } from "./counter_table.ts";
import type { PackedRows } from "./packed_rows.ts";
import { cutTable, fold, makeRoomBelow } from "./roll_up.ts";
import { weightParts } from "./weights.ts";
import { type Bucket, type IndexColumn, type NumberColumn, widenedIndex } from "./bucket.ts";
import { type BlockDictionary, blockOf, bucketBytes, constantIndex, inBlock, isWhole } from "./bucket_block.ts";
import type { Caps } from "./slices.ts";
import { seal } from "./seal.ts";
import { foresee, Foresight } from "./foresight.ts";
import { Sift } from "./sift.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BATCH_LINES } = bounds;
const { IS_SUM, MEASURE_COUNT, REQUESTS, SUM_COUNT } = measures;
const { DIMENSION_COUNT } = dimensions;
const { hashWords } = hashes;

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

/** What the merge of one slice leaves for that of the next. */
export interface Outlook {
  foresight?: Foresight;
}

/** A merge that goes on: each bucket costs what it has itself, however many came before. */
export class Merge {
  readonly #table: CounterTable;
  readonly #ledger = emptyLedger();
  readonly #room: Caps;
  /** Lets go as it comes what would not be kept: from the first overflow on, or before it when that is known to come. Only with
   * an outlook: where few buckets come, overflows are few. */
  #sift: Sift | undefined;
  /** Buckets that wait until there is more than is kept in the end. */
  #waiting: Bucket[] = [];
  #waitingBytes = 0;
  #rowsCome = 0;
  /** The table has overflowed; and since the last bucket: cost below which rows gave up values. */
  #hasOverflowed = false;
  #reached: number | undefined;

  /**
   * @param caps of the bucket at the end.
   * @param seed for the hashes while merging; never leaves the process.
   * @param rowsExpected in all buckets together.
   * @param room in its table: what is cut late can still be told apart when more of it comes.
   * @param outlook for merges of many buckets: what that of the slice before has left. Taken, and filled anew at the end.
   */
  constructor(
    readonly caps: Caps,
    seed: number,
    rowsExpected: number,
    room = mergeRoom(caps),
    readonly outlook?: Outlook,
  ) {
    this.#table = new CounterTable(seed);
    this.#table.bePacked(Math.min(Math.max(ROWS_MIN, rowsExpected), room.rowsMax));
    this.#room = room;
  }

  add(bucket: Bucket): void {
    this.#rowsCome += bucket.rows;
    if (this.#sift !== undefined || this.outlook?.foresight === undefined) return this.#add(bucket);
    this.#waiting.push(bucket);
    this.#waitingBytes += bucketBytes(bucket);
    if (this.#rowsCome > this.caps.rowsMax) this.#beginSifting(this.outlook, this.outlook.foresight);
    else if (this.#waitingBytes > WAITING_BYTES_MAX) this.#addWaiting();
  }

  /** What comes is more than is kept: as before, most of it will not be. */
  #beginSifting(outlook: Outlook, foresight: Foresight): void {
    // Somebody has looked before, and has been shown all of it.
    if (this.#rows > 0) makeRoomBelow(this.#wide(), { ...UNCUT, rowsMax: this.#rows });
    this.#sift = new Sift(this.#table, this.caps.entriesMax, foresight);
    outlook.foresight = undefined;
    this.#addWaiting();
  }

  #addWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const bucket of waiting) this.#add(bucket);
  }

  #add(any: Bucket): void {
    const table = this.#table, bucket = inBlock(any), sift = this.#sift;
    table.addTotals(bucket.totals, 0);
    addLedger(this.#ledger, bucket.ledger);
    bucket.dictionaries.forEach((dictionary, d) => this.#makeRoomFor(d, dictionary));
    const ids = sift?.begin(bucket) ??
      bucket.dictionaries.map((dictionary, d) => internEntries(table.dictionaries[d], dictionary));
    bucket.dictionaries.forEach((dictionary, d) => {
      if (!isWhole(dictionary)) addGivenUp(table, d, dictionary, ids[d]);
    });
    this.#addRows(bucket, ids);
    sift?.end(bucket, ids);
    ids.forEach(free);
    if (this.outlook !== undefined && (sift?.isStale ?? this.#reached !== undefined)) this.#foresee();
    this.#reached = undefined;
  }

  #addRows(bucket: Bucket, ids: readonly Int32Array[]): void {
    const table = this.#table, sift = this.#sift, { rows, indexes, measures } = bucket;
    if (table.packed?.makeRoom(table.dictionaries, table.totals) === false) table.beWide();
    const only = indexes.map((_, d) => constantIndex(bucket, d));
    for (let from = 0; from < rows; from += BATCH_LINES) {
      const count = Math.min(BATCH_LINES, rows - from);
      this.#makeRoom();
      for (let m = 0; m < MEASURE_COUNT; m++) spreadValues(measures[m], from, count, values, m);
      if (table.packed !== undefined && sift === undefined) stageKeys(table.packed, indexes, ids, only, from, count);
      else {
        for (let d = 0; d < DIMENSION_COUNT; d++) spreadIds(indexes[d], from, count, ids[d], keys, d);
        sift?.take(keys, values, from, count);
        table.packed?.stageIds(keys, count);
      }
      if (table.packed !== undefined) table.packed.add(values, count);
      else table.addBatch(keys, values, 0, count);
    }
  }

  /** Rows in the table. */
  get #rows(): number {
    return this.#table.packed?.rows ?? this.#table.rows;
  }

  /** The table with rows that can roll up. */
  #wide(toRollUp = false): CounterTable {
    this.#table.beWide(toRollUp);
    return this.#table;
  }

  /** Entries are all interned by now: here only rows may roll up, and ids stay what they are. */
  #makeRoom(): void {
    const { rowsMax } = this.#room;
    if (this.#rows + BATCH_LINES <= rowsMax) return;
    const table = this.#wide(true);
    this.#sift?.settle();
    const reached = makeRoomBelow(table, { ...UNCUT, rowsMax })!;
    this.#sift?.restart();
    this.#hasOverflowed = true;
    this.#reached = Math.max(this.#reached ?? 0, ...reached.map((cost) => cost < Infinity ? cost : 0));
    this.#sift?.raise(this.#reached, weightParts(table));
  }

  /** From now on what comes is sifted by what the table shows. Many entries are light: of those only the heavier ones stay. */
  #foresee(): void {
    const table = this.#wide(), before = this.#sift, { entriesMax } = this.caps, { entryBytesMax } = this.#room;
    before?.settle();
    for (let d = 0; d < DIMENSION_COUNT; d++) fold(table, d, FORESEEN_PART * entriesMax, entryBytesMax);
    const parts = weightParts(table), limit = before?.limitBy(parts) ?? this.#reached!;
    this.#sift = new Sift(table, entriesMax, foresee(table, entriesMax, limit));
    before?.free();
  }

  /**
   * Folds what the table has when a whole dictionary more would not fit, and far enough that the next ones do: half is still
   * several times what is kept in the end.
   */
  #makeRoomFor(d: number, { size, bytes }: BlockDictionary): void {
    const there = this.#table.dictionaries[d], { entriesMax, entryBytesMax } = this.#room;
    if (there.size + size <= entriesMax && there.bytes + bytes.length <= entryBytesMax) return;
    this.#sift?.settle();
    fold(this.#wide(), d, entriesMax / 2, entryBytesMax / 2);
    this.#sift?.restart();
  }

  /** What has been merged so far, with all the rows and entries there are: it may have more than its caps allow. */
  soFar(startS: number, lengthS: number): Bucket {
    this.#addWaiting();
    this.#sift?.settle();
    return seal(this.#table, startS, lengthS, this.#ledger, UNCUT);
  }

  /** All of it, at most as much as caps allow. Frees the memory: nothing can be added any more. */
  end(startS: number, lengthS: number, caps = this.caps): Bucket {
    this.#addWaiting();
    this.#sift?.settle();
    if (this.outlook !== undefined) this.#lookAhead(this.outlook, this.#sift, caps);
    const merged = seal(this.#table, startS, lengthS, this.#ledger, caps);
    this.#sift?.free();
    this.#table.free();
    return merged;
  }

  /** What the next one can expect: what this one had, with so much let go that its table is filled as it shall be. */
  #lookAhead(outlook: Outlook, sift: Sift | undefined, caps: Caps): void {
    if (sift === undefined) return;
    outlook.foresight?.free();
    outlook.foresight = undefined;
    if (this.#rowsCome <= this.#room.rowsMax) return;
    const table = this.#wide(), parts = weightParts(table), limit = this.#nextLimit(sift, parts);
    // Cutting the table looks at the same weights and pages, if it has to.
    cutTable(table, caps, (weights, pairs) => {
      outlook.foresight = new Foresight(table, weights, pairs, caps.entriesMax, parts, limit);
    });
    outlook.foresight ??= foresee(table, caps.entriesMax, limit);
  }

  #nextLimit(sift: Sift, parts: Float64Array): number {
    const share = parts[REQUESTS] ** 2, { rowsMax } = this.#room;
    const fill = (this.#hasOverflowed ? rowsMax : this.#rows) / (FILLED_PART * rowsMax);
    const limit = sift.limitBy(parts) / share * (fill < 0.5 || fill > 1.25 ? fill ** 2 : 1);
    return Math.min(Math.max(limit, LIMIT_MIN), LIMIT_MAX) * share;
  }
}

/** How many times the entries that are kept in the end stay when a merge begins to sift by its own table. */
const FORESEEN_PART = 2;

/** Part of its room that a table shall have filled in the end. */
const FILLED_PART = 0.6;

/** What the cost of a value that rows give up as they come is held to: weights in requests. Beyond, it is pages that keep rows. */
const LIMIT_MIN = 2, LIMIT_MAX = 10_000;

/** Room for a merge that ends in a bucket of these caps. */
export function mergeRoom({ entriesMax, entryBytesMax }: Caps, rowsMax = TABLE_ROWS_MAX): Caps {
  return {
    rowsMax,
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

/**
 * Stages the keys of rows that are packed.
 *
 * @param only per dimension, the entry of all rows where there is only one
 */
function stageKeys(
  { places, keys }: PackedRows,
  columns: readonly IndexColumn[],
  ids: readonly Int32Array[],
  only: readonly (number | undefined)[],
  from: number,
  count: number,
): void {
  const common = keys.map(() => 0);
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const entry = only[d];
    if (entry !== undefined) common[places[d].word] |= ids[d][entry] << places[d].shift;
  }
  keys.forEach((key, word) => key.fill(common[word], 0, count));
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    if (only[d] === undefined) packIds(columns[d], from, count, ids[d], places[d].shift, keys[places[d].word]);
  }
}

/** `into[i] |= ids[column[from + i]] << shift`, again a loop for each kind of column. */
function packIds(
  column: IndexColumn,
  from: number,
  count: number,
  ids: Int32Array,
  shift: number,
  into: Int32Array,
): void {
  const end = from + count;
  if (column instanceof Uint8Array) {
    for (let row = from, i = 0; row < end; row++, i++) into[i] |= ids[column[row]] << shift;
  } else if (column instanceof Uint16Array) {
    for (let row = from, i = 0; row < end; row++, i++) into[i] |= ids[column[row]] << shift;
  } else {
    for (let row = from, i = 0; row < end; row++, i++) into[i] |= ids[column[row]] << shift;
  }
}

/** Spreads a measure: `into[i * MEASURE_COUNT + m] = column[from + i]`. */
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

/** Hash, start and length of the entries of one batch. */
const staged = new Int32Array(BATCH_LINES * 3);

/** Adds what the entries of one dimension have given up, and what a value can have lost. Saturates when it is sealed. */
function addGivenUp(table: CounterTable, d: number, dictionary: BlockDictionary, ids: Int32Array): void {
  const { size, givenUp, folded, lostMax, foldedMax } = dictionary,
    into = table.givenUpFor(d, table.dictionaries[d].size - 1);
  for (let from = 0; from < size; from += BATCH_LINES) {
    const count = Math.min(BATCH_LINES, size - from);
    for (let m = 0; m < MEASURE_COUNT; m++) spreadValues(givenUp[m], from, count, values, m);
    for (let i = 0, v = 0; i < count; i++, v += MEASURE_COUNT) {
      const at = ids[from + i] * MEASURE_COUNT;
      for (let m = 0; m < SUM_COUNT; m++) into[at + m] += values[v + m];
      for (let m = SUM_COUNT; m < MEASURE_COUNT; m++) if (values[v + m] > into[at + m]) into[at + m] = values[v + m];
    }
  }
  for (let m = 0; m < MEASURE_COUNT; m++) into[m] = IS_SUM[m] ? into[m] + folded[m] : Math.max(into[m], folded[m]);
  addBound(table.lostMax[d], lostMax);
  addBound(table.foldedMax[d], foldedMax);
}

function addBound(into: Values, from: Values): void {
  for (let m = 0; m < MEASURE_COUNT; m++) into[m] = saturated(into[m] + from[m]);
}
