/**
 * The counter table: the rows of one slice while it is being counted, or of several buckets while they are merged.
 *
 * A row is one stretch of memory: its key, one entry id a dimension, then its measures. Two views share the buffer:
 *
 *   words[row * ROW_WORDS + d]                    entry of row in dictionaries[d]
 *   doubles[row * ROW_DOUBLES + VALUES_AT + m]    measure m of row
 *   index[hash & mask]                            row + 1 in the low ROW_BITS bits, a tag of the hash above; 0 when free
 *
 * What an entry has counted, its *marginal*, is the sum over its rows and what roll-up took from them (`givenUp`).
 * Nothing is kept for it while lines are counted: whoever has to know adds up.
 *
 * Bounded in rows and in entries by its callers, and never refuses a key: `makeRoom` (`roll_up.ts`) lets light rows and
 * light entries give way before a batch is counted, and totals stay exact.
 *
 * As long as all is small, rows are elsewhere and half the size: `slim_rows.ts` while counting, `packed_rows.ts` in a merge.
 */
import { BATCH_LINES } from "./bounds.ts";
import * as measures from "./measures.ts";
import { mergeValues, type Values, zeroValues } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import { free } from "./free.ts";
import * as hashes from "./hash.ts";
import { InternTable } from "./intern.ts";
import type { Newcomers } from "./newcomers.ts";
import type { Kernel } from "./kernel.ts";
import { SlimRows } from "./slim_rows.ts";
import { PackedRows } from "./packed_rows.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { MEASURE_COUNT, SUM_COUNT } = measures;
const { DIMENSION_COUNT } = dimensions;
const { mix } = hashes;

const ROWS_MIN = 1024;
const NO_HASHES = new Int32Array(0);

/** Doubles of a row's key; of a row; and words of a row. */
const VALUES_START = (DIMENSION_COUNT + 1) >> 1, DOUBLES = VALUES_START + MEASURE_COUNT, WORDS = 2 * DOUBLES;
export const VALUES_AT = VALUES_START, ROW_DOUBLES = DOUBLES, ROW_WORDS = WORDS;

/** Bits of an index entry that hold the row; the others tell most wrong rows apart without looking at them. */
const ROW_BITS = 18;
const ROW_MASK = (1 << ROW_BITS) - 1, TAG_MASK = ~ROW_MASK;

/** Rows of one table at most: what an index entry can hold. */
export const TABLE_ROWS_MAX = ROW_MASK;

export class CounterTable {
  rows = 0;
  words: Int32Array<ArrayBuffer>;
  doubles: Float64Array<ArrayBuffer>;
  readonly dictionaries: readonly InternTable[];
  readonly totals: Values = zeroValues();
  /**
   * Per dimension, at `[entry * MEASURE_COUNT + m]`: what roll-up took from the entry's rows; for entry 0, what entries
   * that folded into OTHER had counted. May be shorter than the dictionary: what is not there is zero.
   */
  readonly givenUp: Float64Array<ArrayBuffer>[];
  /** Per dimension: see `Dictionary.lostMax` and `Dictionary.foldedMax` in `bucket.ts`. */
  readonly lostMax: readonly Values[] = perDimension(zeroValues);
  readonly foldedMax: readonly Values[] = perDimension(zeroValues);
  /** Whether it has overflowed: from then on values that are new are withheld (`withhold.ts`). */
  flooded = false;
  /** Whether it follows one that was in a flood. */
  floodExpected = false;
  /** Windows of newcomers that have ended, of all dimensions. */
  windowsEnded = 0;
  /** Per dimension: what is withheld. Only where its dictionary is, or has been, closed. */
  readonly newcomers: (Newcomers | undefined)[] = perDimension(() => undefined);
  /** While it is there, all rows are in it, and none are here. */
  slim: SlimRows | undefined;
  /** The same, kept for when they are used again. */
  #slimRows: SlimRows | undefined;
  /** The same for what is merged. */
  packed: PackedRows | undefined;
  #index: Int32Array<ArrayBuffer>;
  /** One odd multiplier a dimension. */
  readonly #multipliers: Int32Array<ArrayBuffer>;
  readonly #hashes = new Int32Array(BATCH_LINES);
  #touched = 0;

  /**
   * @param seed for all hashes of this table; a fresh random one per process.
   * @param kernel whose heap holds its dictionaries, and rows while they are slim
   */
  constructor(readonly seed: number, rowsExpected = ROWS_MIN, readonly kernel?: Kernel) {
    const buffer = new ArrayBuffer(8 * DOUBLES * rowsExpected);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.dictionaries = perDimension(() => new InternTable(seed, kernel));
    this.givenUp = perDimension(() => new Float64Array(0));
    this.#multipliers = Int32Array.from({ length: DIMENSION_COUNT }, (_, d) => mix(seed + d) | 1);
    this.#index = new Int32Array(2 * Math.max(ROWS_MIN, 2 ** Math.ceil(Math.log2(rowsExpected))));
  }

  /**
   * Counts lines `from … from + count` of a batch (at most BATCH_LINES): line i under the entries
   * `ids[i * DIMENSION_COUNT …]` with `values[i * MEASURE_COUNT …]`. The caller has made room for them.
   * Totals are the caller's too (`addTotals`).
   */
  addBatch(ids: Int32Array, values: Float64Array, from: number, count: number): void {
    this.#reserve(count);
    const hashes = this.#hashes, index = this.#index, mask = index.length - 1, multipliers = this.#multipliers;
    const words = this.words, doubles = this.doubles;
    let touched = 0, rows = this.rows;
    for (let i = 0, k = from * DIMENSION_COUNT; i < count; i++, k += DIMENSION_COUNT) {
      hashes[i] = hashKey(ids, k, multipliers);
    }
    // Touch what will be needed: the cache misses of a batch then overlap instead of waiting for one another.
    for (let i = 0; i < count; i++) {
      const there = index[hashes[i] & mask] & ROW_MASK;
      touched ^= words[there === 0 ? 0 : (there - 1) * WORDS];
    }
    this.#touched ^= touched;
    for (
      let i = 0, k = from * DIMENSION_COUNT, v = from * MEASURE_COUNT;
      i < count;
      i++, k += DIMENSION_COUNT, v += MEASURE_COUNT
    ) {
      const hash = hashes[i], tag = hash & TAG_MASK;
      let slot = hash & mask, row = -1;
      for (let there = index[slot]; there !== 0; there = index[slot]) {
        if ((there & TAG_MASK) === tag && isKey(words, ((there & ROW_MASK) - 1) * WORDS, ids, k)) {
          row = (there & ROW_MASK) - 1;
          break;
        }
        slot = slot + 1 & mask;
      }
      if (row < 0) {
        row = rows++;
        index[slot] = rows | tag;
        const o = row * WORDS, w = row * DOUBLES + VALUES_START;
        for (let d = 0; d < DIMENSION_COUNT; d++) words[o + d] = ids[k + d];
        for (let m = 0; m < MEASURE_COUNT; m++) doubles[w + m] = values[v + m];
        continue;
      }
      const o = row * DOUBLES + VALUES_START;
      for (let m = 0; m < SUM_COUNT; m++) doubles[o + m] += values[v + m];
      for (let m = SUM_COUNT; m < MEASURE_COUNT; m++) {
        if (values[v + m] > doubles[o + m]) doubles[o + m] = values[v + m];
      }
    }
    this.rows = rows;
  }

  /** Counts into slim rows from now on, as long as all fits. The table is empty; without a kernel it stays wide. */
  beSlim(): void {
    if (this.kernel !== undefined) this.slim = this.#slimRows ??= new SlimRows(this.kernel, this.seed);
    for (const dictionary of this.dictionaries) dictionary.closed = false;
  }

  /** Merges into packed rows from now on, as long as all fits. The table is empty. */
  bePacked(rowsExpected: number): void {
    this.packed = new PackedRows(this.seed, rowsExpected);
  }

  /**
   * Moves what is in slim or packed rows here, where there is room for whatever comes.
   *
   * @param toRollUp there is no index: roll-up, which comes next, makes it anew in any case
   */
  beWide(toRollUp = false): void {
    const { slim, packed } = this;
    this.slim = this.packed = undefined;
    if (packed !== undefined) this.#takePacked(packed, toRollUp);
    if (slim !== undefined) this.#takeSlim(slim, toRollUp);
  }

  /** Takes all to slim rows again, if all fits and the table has been slim. */
  beSlimAgain(): void {
    const slim = this.#slimRows;
    if (slim === undefined || !slim.fits(this.rows, this.dictionaries, zeroValues(), this.totals)) return;
    slim.take(this.rows, this.words, this.doubles, WORDS, VALUES_START);
    this.slim = slim;
    this.rows = 0;
  }

  #takeSlim(slim: SlimRows, toRollUp: boolean): void {
    this.#reserve(slim.rows);
    this.rows = slim.rows;
    slim.copyTo(this.words, this.doubles, WORDS, VALUES_START);
    slim.clear();
    if (!toRollUp) this.rebuild();
  }

  /** All rows as they are: no two are equal. */
  #takePacked(packed: PackedRows, toRollUp: boolean): void {
    const ids = new Int32Array(BATCH_LINES * DIMENSION_COUNT), values = new Float64Array(BATCH_LINES * MEASURE_COUNT);
    packed.freeIndex();
    if (packed.rows * WORDS > this.words.length) this.#growRows(packed.rows);
    while (2 * packed.rows > this.#index.length) this.#growIndex();
    const words = this.words, doubles = this.doubles;
    for (let from = 0; from < packed.rows; from += BATCH_LINES) {
      const count = Math.min(BATCH_LINES, packed.rows - from);
      packed.read(from, count, ids, values);
      for (let i = 0, k = 0, v = 0, o = from * WORDS; i < count; i++, o += WORDS) {
        for (let d = 0; d < DIMENSION_COUNT; d++) words[o + d] = ids[k++];
        for (let m = 0, w = (o >> 1) + VALUES_START; m < MEASURE_COUNT; m++) doubles[w + m] = values[v++];
      }
    }
    this.rows = packed.rows;
    packed.free();
    if (!toRollUp) this.rebuild();
  }

  addTotals(values: ArrayLike<number>, at: number): void {
    mergeValues(this.totals, values, at);
  }

  /**
   * Merges rows that have become equal, moves the others together and makes the index anew. Cost: linear in the rows.
   *
   * @param from takes, for each row there is afterwards, the row that it was, or -1 when it is several
   */
  rebuild(from?: Int32Array): void {
    const rows = this.rows, words = this.words, doubles = this.doubles, index = this.#index, mask = index.length - 1;
    index.fill(0);
    this.rows = 0;
    for (let row = 0; row < rows; row++) {
      const k = row * WORDS, hash = hashKey(words, k, this.#multipliers);
      const kept = this.#findOrMove(k, hash, index, mask, words, doubles);
      if (kept < 0) {
        if (from !== undefined) from[this.rows - 1] = row;
        continue;
      }
      if (from !== undefined) from[kept] = -1;
      mergeValues(doubles, doubles, row * DOUBLES + VALUES_START, kept * DOUBLES + VALUES_START);
    }
  }

  /** Forgets everything; keeps the memory. */
  clear(): void {
    this.rows = 0;
    this.#index.fill(0);
    this.#slimRows?.clear();
    this.totals.fill(0);
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      // In a flood, what has an entry is known to the slice that comes next.
      this.newcomers[d]?.clear(this.flooded ? this.dictionaries[d].hashes : NO_HASHES);
      this.dictionaries[d].clear();
      free(this.givenUp[d]);
      this.givenUp[d] = new Float64Array(0);
      this.lostMax[d].fill(0);
      this.foldedMax[d].fill(0);
    }
    this.flooded = this.floodExpected = false;
    this.windowsEnded = 0;
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    let bytes = this.words.byteLength + this.#index.byteLength;
    for (const column of this.givenUp) bytes += column.byteLength;
    for (const dictionary of this.dictionaries) bytes += dictionary.memoryBytes;
    for (const newcomers of this.newcomers) bytes += newcomers?.memoryBytes ?? 0;
    return bytes + (this.#slimRows?.memoryBytes ?? 0) + (this.packed?.memoryBytes ?? 0);
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    for (const column of [this.words, this.#index, ...this.givenUp]) free(column);
    for (const dictionary of this.dictionaries) dictionary.free();
    for (const newcomers of this.newcomers) newcomers?.free();
    this.#slimRows?.free();
    this.packed?.free();
  }

  /** For `rebuild`: moves the row at word `k` to the end of those kept and returns -1, or returns the kept row it equals. */
  #findOrMove(
    k: number,
    hash: number,
    index: Int32Array,
    mask: number,
    words: Int32Array,
    doubles: Float64Array,
  ): number {
    const tag = hash & TAG_MASK;
    let slot = hash & mask;
    for (let there = index[slot]; there !== 0; there = index[slot]) {
      if ((there & TAG_MASK) === tag) {
        const row = (there & ROW_MASK) - 1;
        if (isKey(words, row * WORDS, words, k)) return row;
      }
      slot = slot + 1 & mask;
    }
    const to = this.rows++ * WORDS;
    index[slot] = this.rows | tag;
    if (to === k) return -1;
    for (let d = 0; d < DIMENSION_COUNT; d++) words[to + d] = words[k + d];
    const toValues = (to >> 1) + VALUES_START, fromValues = (k >> 1) + VALUES_START;
    for (let m = 0; m < MEASURE_COUNT; m++) doubles[toValues + m] = doubles[fromValues + m];
    return -1;
  }

  /** Makes sure that `count` more rows fit. */
  #reserve(count: number): void {
    const rows = this.rows + count;
    if (rows * WORDS > this.words.length) this.#growRows(rows);
    while (2 * rows > this.#index.length) this.#growIndex();
  }

  #growRows(rows: number): void {
    if (rows > TABLE_ROWS_MAX) throw new Error(`a table of ${rows} rows: more than an index entry can hold`);
    const buffer = new ArrayBuffer(8 * DOUBLES * Math.max(rows, 2 * (this.doubles.length / DOUBLES)));
    const words = new Int32Array(buffer);
    words.set(this.words.subarray(0, this.rows * WORDS));
    free(this.words);
    this.words = words;
    this.doubles = new Float64Array(buffer);
  }

  #growIndex(): void {
    const index = new Int32Array(this.#index.length * 2), mask = index.length - 1;
    for (let row = 0; row < this.rows; row++) {
      const hash = hashKey(this.words, row * WORDS, this.#multipliers);
      let slot = hash & mask;
      while (index[slot] !== 0) slot = slot + 1 & mask;
      index[slot] = row + 1 | hash & TAG_MASK;
    }
    free(this.#index);
    this.#index = index;
  }

  /** `givenUp[d]`, long enough for this entry. */
  givenUpFor(d: number, id: number): Float64Array<ArrayBuffer> {
    const there = this.givenUp[d];
    if ((id + 1) * MEASURE_COUNT <= there.length) return there;
    const more = new Float64Array(Math.max(this.dictionaries[d].size, 2 * (id + 1)) * MEASURE_COUNT);
    more.set(there);
    free(there);
    return this.givenUp[d] = more;
  }
}

/** Products that do not wait for one another, so that they overlap. Ids are dense, and the seed is secret. */
function hashKey(ids: Int32Array, at: number, multipliers: Int32Array): number {
  let hash = 0;
  for (let d = 0; d < DIMENSION_COUNT; d++) hash ^= Math.imul(ids[at + d], multipliers[d]);
  return mix(hash);
}

/** Whether the key at word `o` is `ids[at …]`. */
function isKey(words: Int32Array, o: number, ids: Int32Array, at: number): boolean {
  for (let d = 0; d < DIMENSION_COUNT; d++) if (words[o + d] !== ids[at + d]) return false;
  return true;
}

/** One of something per dimension. */
export function perDimension<Item>(make: (d: number) => Item): Item[] {
  return Array.from({ length: DIMENSION_COUNT }, (_, d) => make(d));
}
