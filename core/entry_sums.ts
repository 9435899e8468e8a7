/**
 * What each entry of a dimension has counted in one bucket, by all measures at once: for a bucket that is asked once, where
 * marginals by measure would be made for nothing (`bucket_block.ts`).
 */
import * as measures from "./measures.ts";
import { mergeColumns, mergeValues } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import type { Bucket } from "./bucket.ts";
import type { BlockDictionary } from "./bucket_block.ts";
import { roomFor, WideIndex, WideNumbers } from "./wide_column.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BYTES, MEASURE_COUNT, REQUESTS, SUM_COUNT, TIME_MAX, TIME_SUM } = measures;

/** Rows widened at once: what they take stays in the caches. */
const WIDE_ROWS = 2048;

/** Times up to here are merged as words. */
const WORD_MAX = 2 ** 31 - 1;

export class EntrySums {
  readonly #index = new WideIndex();
  readonly #columns = Array.from({ length: MEASURE_COUNT }, () => new WideNumbers());
  readonly #times = new WideIndex();
  #sums = new Float64Array(0);
  /** The same memory. */
  #words = new Int32Array(0);

  /**
   * Measure m of entry e, at `[e * MEASURE_COUNT + m]`: what its rows have and what they gave up; of OTHER, what folded
   * entries had counted. Sums are not saturated. Valid until the next call.
   *
   * @param dictionary of the bucket's dimension `d`
   */
  of({ rows, indexes, measures, totals }: Bucket, d: number, dictionary: BlockDictionary): Float64Array {
    const { size, givenUp, folded } = dictionary, times = measures[TIME_MAX];
    this.#makeRoom(size);
    const sums = this.#sums, asWords = IS_USUAL && !(times instanceof Float64Array) && totals[TIME_MAX] <= WORD_MAX;
    for (let from = 0; from < rows; from += WIDE_ROWS) {
      const to = Math.min(rows, from + WIDE_ROWS), index = this.#index.of(indexes[d].subarray(from, to));
      const wide = (m: number): Float64Array => this.#columns[m].of(measures[m].subarray(from, to));
      if (asWords) {
        const most = this.#times.of(times.subarray(from, to));
        addUsual(wide(REQUESTS), wide(BYTES), wide(TIME_SUM), most, index, to - from, sums, this.#words);
      } else addRows(measures.map((_, m) => wide(m)), index, to - from, sums);
    }
    if (asWords) widenTimes(sums, this.#words, size);
    if (givenUp.length > 0) {
      for (let e = OTHER + 1; e < size; e++) mergeColumns(sums, givenUp, e, e * MEASURE_COUNT);
    }
    sums.fill(0, OTHER * MEASURE_COUNT, (OTHER + 1) * MEASURE_COUNT);
    mergeValues(sums, folded, 0, OTHER * MEASURE_COUNT);
    return sums;
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    for (const wide of [this.#index, this.#times, ...this.#columns]) wide.free();
    free(this.#sums);
  }

  #makeRoom(size: number): void {
    if (size * MEASURE_COUNT <= this.#sums.length) return void this.#sums.fill(0, 0, size * MEASURE_COUNT);
    this.#sums = new Float64Array(roomFor(size) * MEASURE_COUNT);
    this.#words = new Int32Array(this.#sums.buffer);
  }
}

/** Whether measures are what `addUsual` is written for: three sums, and one time of which the largest is kept. */
const IS_USUAL = MEASURE_COUNT === 4 && SUM_COUNT === 3 && TIME_MAX === 3;

/**
 * Adds rows. What an entry has lies in one line of the cache. The largest time is a word for as long, and raised without a
 * branch: whether a row raises it cannot be predicted, and a wrong guess costs more than all else for the row.
 */
function addUsual(
  requests: Float64Array,
  bytes: Float64Array,
  times: Float64Array,
  most: Int32Array,
  index: Int32Array,
  count: number,
  sums: Float64Array,
  words: Int32Array,
): void {
  for (let row = 0; row < count; row++) {
    const e = index[row], at = e << 2, word = e << 3 | 6, there = words[word], more = most[row] - there | 0;
    sums[at] += requests[row];
    sums[at + 1] += bytes[row];
    sums[at + 2] += times[row];
    words[word] = there + (more & ~(more >> 31));
  }
}

function widenTimes(sums: Float64Array, words: Int32Array, size: number): void {
  for (let at = 0, end = size * 4; at < end; at += 4) sums[at + 3] = words[2 * at + 6];
}

/** The same for measures of any kind. */
function addRows(columns: readonly Float64Array[], index: Int32Array, count: number, sums: Float64Array): void {
  for (let row = 0; row < count; row++) {
    const at = index[row] * MEASURE_COUNT;
    for (let m = 0; m < SUM_COUNT; m++) sums[at + m] += columns[m][row];
    for (let m = SUM_COUNT; m < MEASURE_COUNT; m++) sums[at + m] = Math.max(sums[at + m], columns[m][row]);
  }
}
