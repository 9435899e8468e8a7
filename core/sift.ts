/**
 * Sifting: what a merge will not keep anyway does not get into its table.
 *
 * With hundreds of sources nearly all rows that come are light and come once. Entering them only to take them out again took
 * several times as long as counting them. So once a merge knows what to expect (`foresight.ts`), a light value that is new is
 * not entered (`first_sight.ts`), and a row gives up values as it comes: its source, and of its other values the lightest, if
 * weight of row × weight of value is below a limit and no page shows the value within another value of the row. It is the
 * rule and the account of `roll_up.ts`: what an entry has counted stays, and `lostMax` grows by the most that a single value
 * has lost.
 *
 * All of it is decided by the entries of one bucket: a few thousand numbers that lie side by side.
 */
import * as measures from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import * as bounds from "./bounds.ts";
import { OPEN_ENTRIES_MAX, OPEN_ENTRY_BYTES_MAX } from "./bounds.ts";
import { free } from "./free.ts";
import type { InternTable } from "./intern.ts";
import * as hashes from "./hash.ts";
import * as intern from "./intern.ts";
import { type CounterTable, perDimension } from "./counter_table.ts";
import * as visiblePairs from "./visible_pairs.ts";
import { type IndexColumn, type NumberColumn, widenedIndex } from "./bucket.ts";
import type { BlockBucket } from "./bucket_block.ts";
import type { Foresight } from "./foresight.ts";
import { FirstSight } from "./first_sight.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { MEASURE_COUNT, REQUESTS, SUM_COUNT } = measures;
const { DIMENSION_COUNT, OTHER } = dimensions;
const { BATCH_LINES } = bounds;
const { hashWords } = hashes;
const { MISSING } = intern;
const { pageAt } = visiblePairs;

/** Of what each entry has on average that is kept in the end, a value is entered that has this part. */
const LIGHT_PART = 1 / 12;

/** Values of a dimension that are known at most, and about how many bytes of them, of what a table may have. */
export const KNOWN_PART = 3 / 8;
const KNOWN_MAX = KNOWN_PART * OPEN_ENTRIES_MAX, KNOWN_BYTES_MAX = KNOWN_PART * OPEN_ENTRY_BYTES_MAX;

/** How much longer than what is needed columns are made that are used for one bucket after the other. */
export const ROOMY = 1.25;

export class Sift {
  /** Values of a dimension that are known at most; with as many, what is known is to be found anew. */
  readonly knownMax: number;
  /** Per dimension, at [2 * known value]: its entry in the table, 0 when it is not there; and its rank, see `VisiblePairs`. */
  readonly #entries: Int32Array<ArrayBuffer>[];
  /** Per dimension, at [2 * known value]: what it is expected to weigh, and what has come of it. */
  readonly #weights: Float64Array<ArrayBuffer>[];
  /** Per dimension: what is not entered. */
  readonly #sights: (FirstSight | undefined)[] = perDimension(() => undefined);
  /** Per dimension: `givenUp` as it was at the start or the last `restart`, and the most that is settled since. */
  readonly #before: Float64Array<ArrayBuffer>[] = perDimension(() => new Float64Array(0));
  readonly #lost: readonly Float64Array[] = perDimension(() => new Float64Array(MEASURE_COUNT));

  #limit: number;

  // Of the bucket that is being sifted. By row: what it weighs, and the entries of dimensions that are looked at.
  #rows = new Float64Array(0);
  readonly #index: Int32Array<ArrayBuffer>[] = perDimension(() => new Int32Array(0));
  // By entry: what it weighs, its rank, and what is let go of it.
  readonly #weighs: Float64Array<ArrayBuffer>[] = perDimension(() => new Float64Array(0));
  readonly #rank: Uint8Array<ArrayBuffer>[] = perDimension(() => new Uint8Array(0));
  readonly #given: Float64Array<ArrayBuffer>[] = perDimension(() => new Float64Array(0));
  /** Hash, start and length by entry. */
  #staged = new Int32Array(0);
  /** Entries of which the table has none yet, each with its known id or MISSING; and what they weigh in the bucket. */
  #rest = new Int32Array(0);
  #restWeighs = new Float64Array(0);

  /** @param entriesMax of the bucket that is made in the end */
  constructor(readonly table: CounterTable, readonly entriesMax: number, readonly foresight: Foresight) {
    this.#limit = foresight.limit;
    this.knownMax = Math.min(KNOWN_MAX, 4 * entriesMax);
    this.#entries = foresight.known.map(({ size }, d) => {
      const entries = new Int32Array(4 * size), ranks = foresight.ranks[d];
      for (let id = 1; id < ranks.length; id++) entries[2 * id + 1] = ranks[id];
      return entries;
    });
    this.#weights = foresight.weights.map((column) => {
      const weights = new Float64Array(4 * column.length);
      for (let id = 1; id < column.length; id++) weights[2 * id] = column[id];
      return weights;
    });
    this.restart();
  }

  /** Cost below which values are given up, for weights that are reckoned by `parts`. */
  limitBy(parts: Float64Array): number {
    return this.#limit * (parts[REQUESTS] / this.foresight.parts[REQUESTS]) ** 2;
  }

  /** So many values have been added to what is known that it is to be made anew. */
  get isStale(): boolean {
    return this.foresight.known.some((known) => this.#isFull(known));
  }

  /** The table has overflowed all the same, and values that cost less than `reached`, by `parts`, have been given up. */
  raise(reached: number, parts: Float64Array): void {
    this.#limit = Math.max(2 * this.#limit, reached * (this.foresight.parts[REQUESTS] / parts[REQUESTS]) ** 2);
  }

  /** Begins with a bucket. Returns, per dimension, the table's entry for each of its own. */
  begin(bucket: BlockBucket): Int32Array<ArrayBuffer>[] {
    const { rows } = bucket, { crowded, shown, gone, parts } = this.foresight;
    this.#rows = zeroed(this.#rows, rows);
    for (let m = 0; m < SUM_COUNT; m++) if (parts[m] > 0) raise(this.#rows, bucket.measures[m], parts[m]);
    return perDimension((d) => {
      const { size } = bucket.dictionaries[d], isCrowded = crowded.includes(d), isFirst = gone.includes(d);
      if (isCrowded || isFirst || shown.includes(d)) {
        if (this.#index[d].length < rows) this.#index[d] = renewed(this.#index[d], new Int32Array(ROOMY * rows));
        this.#index[d].set(bucket.indexes[d]);
      }
      if (isCrowded || isFirst) this.#given[d] = zeroed(this.#given[d], size * MEASURE_COUNT);
      if (isCrowded) {
        this.#weighs[d] = zeroed(this.#weighs[d], size);
        addByEntry(this.#weighs[d], this.#index[d], this.#rows, rows);
        addGiven(this.#weighs[d], bucket.dictionaries[d].givenUp, parts);
      }
      return this.#enter(d, bucket, isCrowded);
    });
  }

  /** Takes values from `count` rows of the bucket from row `from` on, as `CounterTable.addBatch` is given them. */
  take(keys: Int32Array, values: Float64Array, from: number, count: number): void {
    const { crowded, shown, gone } = this.foresight, rows = this.#rows;
    for (const d of gone) {
      const index = this.#index[d], given = this.#given[d];
      for (let i = 0, k = d; i < count; i++, k += DIMENSION_COUNT) {
        add(given, index[from + i] * MEASURE_COUNT, values, i * MEASURE_COUNT);
        keys[k] = OTHER;
      }
    }
    for (let i = 0; i < count; i++) heaviest[i] = this.#limit / rows[from + i];
    for (const e of shown) {
      const index = this.#index[e], rank = this.#rank[e], into = ranks[e];
      for (let i = 0; i < count; i++) into[i] = rank[index[from + i]];
    }
    for (const d of crowded) {
      floors.set(heaviest);
      for (const e of shown) if (e !== d) this.#spare(e, d, count);
      const index = this.#index[d], given = this.#given[d], weighs = this.#weighs[d], own = ranks[d];
      for (let i = 0, k = d; i < count; i++, k += DIMENSION_COUNT) {
        const entry = index[from + i];
        if (keys[k] !== OTHER && (weighs[entry] >= floors[i] || own[i] > 0)) continue;
        add(given, entry * MEASURE_COUNT, values, i * MEASURE_COUNT);
        keys[k] = OTHER;
      }
    }
  }

  /** All rows of the bucket have been taken from. */
  end(bucket: BlockBucket, ids: readonly Int32Array[]): void {
    const { crowded, gone } = this.foresight, { givenUp, dictionaries } = this.table;
    for (const d of [...gone, ...crowded]) {
      const size = ids[d].length, given = this.#given[d], sights = this.#sights[d], own = ids[d];
      this.table.givenUpFor(d, dictionaries[d].size - 1);
      const into = givenUp[d], before = bucket.dictionaries[d].givenUp;
      for (let entry = 1, at = MEASURE_COUNT; entry < size; entry++, at += MEASURE_COUNT) {
        if (own[entry] === OTHER) sights!.take(given, at, before, entry);
        else add(into, own[entry] * MEASURE_COUNT, given, at);
      }
    }
  }

  /** Entries of the table have got other ids, or rows of it have given up values: call `settle` before. */
  restart(): void {
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      const entries = this.#entries[d];
      for (let at = 0; at < entries.length; at += 2) entries[at] = 0;
      const givenUp = this.table.givenUpFor(d, this.table.dictionaries[d].size - 1);
      free(this.#before[d]);
      this.#before[d] = givenUp.slice();
      this.#lost[d].fill(0);
    }
  }

  /** Enters in the table the most that one value has lost. */
  settle(): void {
    const { table } = this;
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      this.#sights[d]?.settle();
      const now = table.givenUp[d], before = this.#before[d], lost = this.#lost[d], there = before.length;
      const most = new Float64Array(SUM_COUNT);
      for (let at = MEASURE_COUNT; at < now.length; at += MEASURE_COUNT) {
        for (let m = 0; m < SUM_COUNT; m++) {
          const taken = at < there ? now[at + m] - before[at + m] : now[at + m];
          if (taken > most[m]) most[m] = taken;
        }
      }
      for (let m = 0; m < SUM_COUNT; m++) {
        table.lostMax[d][m] += Math.max(0, most[m] - lost[m]);
        lost[m] = Math.max(lost[m], most[m]);
      }
    }
  }

  /** Gives its memory back. */
  free(): void {
    this.foresight.free();
    for (const sights of this.#sights) sights?.free();
    const columns = [
      this.#rows,
      this.#staged,
      this.#rest,
      this.#restWeighs,
      ...this.#entries,
      ...this.#weights,
      ...this.#before,
    ];
    for (const column of [...columns, ...this.#index, ...this.#weighs, ...this.#rank, ...this.#given]) free(column);
  }

  /** The table's entries for those of a dictionary; notes what they weigh, and which rank they have. */
  #enter(d: number, bucket: BlockBucket, isCrowded: boolean): Int32Array<ArrayBuffer> {
    const known = this.foresight.known[d], { size, bytes, lengths } = bucket.dictionaries[d];
    const view = new DataView(bytes.buffer), staged = this.#stage(view, bytes.byteOffset, lengths, size);
    const ids = new Int32Array(size);
    known.closed = true;
    for (let from = 1; from < size; from += BATCH_LINES) {
      known.internBatch(view, view, staged, 3, 0, from, Math.min(BATCH_LINES, size - from), ids, 1, 0);
    }
    known.closed = false;
    const rest = this.#takeEntered(d, ids, isCrowded);
    this.#enterRest(d, view, ids, rest, isCrowded);
    return ids;
  }

  /**
   * Turns ids of what is known into entries of the table, 0 where there is none yet, and notes their ranks and what they weigh.
   * Returns how many there are not yet: they are in `#rest`.
   *
   * Without a branch, since nobody can guess: `there - 1 >>> 31` is 1 where that is 0. What is not known has the place of 0.
   */
  #takeEntered(d: number, ids: Int32Array, isCrowded: boolean): number {
    const size = ids.length, entries = this.#entries[d], weights = this.#weights[d], weighs = this.#weighs[d];
    if (this.#rest.length < 2 * size) {
      this.#rest = renewed(this.#rest, new Int32Array(ROOMY * 2 * size));
      this.#restWeighs = renewed(this.#restWeighs, new Float64Array(ROOMY * size));
    }
    const isShown = this.foresight.shown.includes(d);
    if (isShown && this.#rank[d].length < size) this.#rank[d] = renewed(this.#rank[d], new Uint8Array(ROOMY * size));
    const rest = this.#rest, restWeighs = this.#restWeighs, rank = this.#rank[d];
    let count = 0;
    for (let entry = 1; entry < size; entry++) {
      const id = ids[entry], at = 2 * Math.max(id, 0), there = entries[at];
      rest[2 * count] = entry;
      rest[2 * count + 1] = id;
      ids[entry] = there;
      if (isShown) rank[entry] = entries[at + 1];
      if (isCrowded) {
        const weight = restWeighs[count] = weighs[entry];
        weighs[entry] = Math.max(weights[at], weights[at + 1] += weight);
      }
      count = count + (there - 1 >>> 31) | 0;
    }
    return count;
  }

  /** Enters in the table what is not there, unless it is to be OTHER's. */
  #enterRest(d: number, view: DataView, ids: Int32Array, count: number, isCrowded: boolean): void {
    const { table, foresight } = this, known = foresight.known[d], dictionary = table.dictionaries[d];
    const isSighted = isCrowded && 2 * known.size > this.entriesMax, enough = LIGHT_PART / this.entriesMax;
    if (isSighted) {
      table.givenUpFor(d, OTHER);
      (this.#sights[d] ??= new FirstSight(table, d, enough, foresight.parts)).reserve(ids.length);
    }
    const sights = this.#sights[d], staged = this.#staged, weighs = this.#weighs[d], rest = this.#rest;
    for (let r = 0; r < count; r++) {
      const entry = rest[2 * r], s = 3 * entry, hash = staged[s], weight = this.#restWeighs[r];
      let id = rest[2 * r + 1];
      if (id === MISSING) {
        if (isSighted && !sights!.isEnough(hash, weight)) continue;
        if (isCrowded) weighs[entry] = weight;
        if (this.#isFull(known)) {
          ids[entry] = dictionary.internWords(view, staged[s + 1], staged[s + 2], hash);
          continue;
        }
        id = known.internWords(view, staged[s + 1], staged[s + 2], hash);
        this.#reserveKnown(d, id);
        if (isCrowded) {
          const weights = this.#weights[d];
          weighs[entry] = Math.max(weights[2 * id], weights[2 * id + 1] += weight);
        }
      }
      ids[entry] = this.#entries[d][2 * id] = dictionary.internWords(view, staged[s + 1], staged[s + 2], hash);
    }
  }

  #reserveKnown(d: number, id: number): void {
    if (2 * id < this.#entries[d].length) return;
    this.#entries[d] = renewed(this.#entries[d], longer(this.#entries[d], 4 * id));
    this.#weights[d] = renewed(this.#weights[d], longer(this.#weights[d], 4 * id));
  }

  #isFull({ size, bytes }: InternTable): boolean {
    return size >= this.knownMax || bytes >= KNOWN_BYTES_MAX;
  }

  /** Hash, start and length of each entry. */
  #stage(view: DataView, start: number, lengths: IndexColumn, size: number): Int32Array {
    if (this.#staged.length < 3 * size) this.#staged = renewed(this.#staged, new Int32Array(ROOMY * 3 * size));
    const staged = this.#staged, { seed } = this.table, wide = widenedIndex(lengths);
    for (let entry = 1, s = 3, at = start; entry < size; entry++, s += 3) {
      const length = wide[entry];
      staged[s] = hashWords(view, at, length, seed);
      staged[s + 1] = at;
      staged[s + 2] = length;
      at += length;
    }
    free(wide);
    return staged;
  }

  /** Values of dimension `d` stay in rows with a value of `e` whose page shows them, or may show them: they weigh enough. */
  #spare(e: number, d: number, count: number): void {
    const { leasts } = this.foresight, rank = ranks[e], page = pageAt(e, d, 1) - 1;
    for (let i = 0; i < count; i++) {
      if (rank[i] === 0) continue;
      const least = leasts[page + rank[i]];
      if (least < floors[i]) floors[i] = least;
    }
  }
}

/** Of each row of a batch: the rank of its values, the weight below which it gives up values, and that for one dimension. */
const ranks = perDimension(() => new Uint8Array(BATCH_LINES));
const heaviest = new Float64Array(BATCH_LINES), floors = new Float64Array(BATCH_LINES);

function add(into: Float64Array, to: number, values: Float64Array, at: number): void {
  for (let m = 0; m < SUM_COUNT; m++) into[to + m] += values[at + m];
  for (let m = SUM_COUNT; m < MEASURE_COUNT; m++) if (values[at + m] > into[to + m]) into[to + m] = values[at + m];
}

/** `weights[row] = max(weights[row], column[row] * part)`. A loop for each kind of column: one over all is slower. */
function raise(weights: Float64Array, column: NumberColumn, part: number): void {
  const rows = column.length;
  if (column instanceof Uint8Array) {
    for (let row = 0; row < rows; row++) weights[row] = Math.max(weights[row], column[row] * part);
  } else if (column instanceof Uint16Array) {
    for (let row = 0; row < rows; row++) weights[row] = Math.max(weights[row], column[row] * part);
  } else if (column instanceof Uint32Array) {
    for (let row = 0; row < rows; row++) weights[row] = Math.max(weights[row], column[row] * part);
  } else {
    for (let row = 0; row < rows; row++) weights[row] = Math.max(weights[row], column[row] * part);
  }
}

function addByEntry(into: Float64Array, index: Int32Array, weights: Float64Array, rows: number): void {
  for (let row = 0; row < rows; row++) into[index[row]] += weights[row];
}

/** What entries have given up before they came weighs as well. */
function addGiven(into: Float64Array, givenUp: readonly NumberColumn[], parts: Float64Array): void {
  for (let m = 0; m < givenUp.length; m++) {
    const column = givenUp[m], part = parts[m];
    if (part > 0) { for (let entry = 1; entry < column.length; entry++) into[entry] += column[entry] * part; }
  }
}

/** At least `length` elements, of which as many are zero; the column itself where it is long enough. */
function zeroed(column: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  if (column.length >= length) return column.fill(0, 0, length);
  return renewed(column, new Float64Array(ROOMY * length));
}

function renewed<Column extends ArrayBufferView<ArrayBuffer>>(old: Column, column: Column): Column {
  free(old);
  return column;
}

/** A longer column that begins with this one. */
function longer<Column extends Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
  column: Column,
  length: number,
): Column {
  const more = (column instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)) as Column;
  more.set(column);
  return more;
}
