/**
 * Rows of a slice of ordinary traffic in 32 bytes each: what `counter_table.ts` holds in 72, as long as everything is small.
 *
 * A slice of ten seconds has some ten thousand rows, and what it touches decides how long counting takes: at half the size
 * most of it stays in the processor's second cache. Row r, from 0 on, is the eight words from 8 (r + 1) on, of which two are a
 * double:
 *
 *   0   URI, 16 bits          | prefix, 16 bits
 *   1   website, 16 bits      | ASN, 16 bits
 *   2   status, 10 bits       | method, 10 bits | tag, 8 bits | Tor, 2 bits | source, 2 bits
 *   3   requests
 *   4   bytes, as a double
 *   6   time sum
 *   7   time maximum
 *
 *   index[hash & mask]        row + 1 in the low ROW_BITS bits, a tag of the hash above; 0 when free
 *
 * Where they do not fit a table becomes *wide* (`CounterTable.beWide`): its rows are moved there, and it goes on there.
 * There are three reasons: longer dictionaries or larger sums than a row has bits for; no room on the heap of the kernel;
 * and roll-up, which nothing here does. After that its rows come back (`beSlimAgain`).
 */
import * as measures from "./measures.ts";
import type { Values } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import * as hashes from "./hash.ts";
import type { InternTable } from "./intern.ts";
import type { Kernel } from "./kernel.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BYTES, REQUESTS, TIME_MAX, TIME_SUM } = measures;
const { ASN, DIMENSION_COUNT, METHOD, PREFIX, SOURCE, STATUS, TAG, TOR, URI, WEBSITE } = dimensions;
const { mix } = hashes;

const ROWS_MIN = 128;
/** As in `counter_table.ts`: what an index entry holds. */
const ROW_BITS = 18, ROW_MASK = (1 << ROW_BITS) - 1, TAG_MASK = ~ROW_MASK;
const STRIDE = 8;

/** Words of a row; and the word of each measure (that of BYTES begins a double). */
export const SLIM_WORDS = STRIDE, SLIM_VALUES: readonly number[] = valueWords();

function valueWords(): number[] {
  const words: number[] = [];
  words[REQUESTS] = 3;
  words[BYTES] = 4;
  words[TIME_SUM] = 6;
  words[TIME_MAX] = 7;
  return words;
}

/** Where an entry stands in a row: its word, its lowest bit and the number of its bits. */
interface Place {
  readonly word: number;
  readonly shift: number;
  readonly bits: number;
}

/** By dimension. */
export const SLIM_IDS: readonly Place[] = idPlaces();

function idPlaces(): Place[] {
  const places: Place[] = [];
  places[URI] = { word: 0, shift: 0, bits: 16 };
  places[PREFIX] = { word: 0, shift: 16, bits: 16 };
  places[WEBSITE] = { word: 1, shift: 0, bits: 16 };
  places[ASN] = { word: 1, shift: 16, bits: 16 };
  places[STATUS] = { word: 2, shift: 0, bits: 10 };
  places[METHOD] = { word: 2, shift: 10, bits: 10 };
  places[TAG] = { word: 2, shift: 20, bits: 8 };
  places[TOR] = { word: 2, shift: 28, bits: 2 };
  places[SOURCE] = { word: 2, shift: 30, bits: 2 };
  return places;
}

/** What sums of a slice may come to where a row has a word for them. */
const WORD_MAX = 2 ** 31 - 1;

export class SlimRows {
  rows = 0;
  words: Int32Array<ArrayBuffer>;
  doubles: Float64Array<ArrayBuffer>;
  #index: Int32Array<ArrayBuffer>;
  readonly #multipliers: readonly [number, number, number];

  /**
   * @param kernel whose heap holds them, and which counts into them
   * @param seed for all hashes; a fresh random one per process.
   */
  constructor(readonly kernel: Kernel, seed: number) {
    this.words = kernel.words(STRIDE * ROWS_MIN);
    this.doubles = doublesOf(this.words);
    this.#index = kernel.words(2 * ROWS_MIN);
    this.#multipliers = [mix(seed) | 1, mix(seed + 1) | 1, mix(seed + 2) | 1];
  }

  /**
   * Whether lines with these totals still fit, once their entries are in the dictionaries; makes room for them. Rows that find none on
   * the heap do not fit.
   */
  fits(count: number, dictionaries: readonly InternTable[], before: Values, more: Values): boolean {
    for (let d = 0; d < DIMENSION_COUNT; d++) if (dictionaries[d].size > 1 << SLIM_IDS[d].bits) return false;
    return this.rows + count < ROW_MASK && before[REQUESTS] + more[REQUESTS] <= WORD_MAX &&
      before[TIME_SUM] + more[TIME_SUM] <= WORD_MAX && more[TIME_MAX] <= WORD_MAX && this.#reserve(count);
  }

  /** Counts staged lines as `CounterTable.addBatch` does, by their ids and measures in the kernel's memory. They fit. */
  addBatch(from: number, count: number): void {
    this.rows = this.kernel.addRows(this.words, this.#index, this.rows, this.#multipliers, from, count);
  }

  /** The least and the most of each measure: at 2m and 2m + 1. Valid until the next call. */
  extents(): Float64Array {
    return this.kernel.extentsOf(this.words, this.rows);
  }

  /**
   * A column that begins with the numbers of all rows, heaviest first, and of equal ones the one that came first: give it back to the
   * kernel. Undefined where the heap has no room for it.
   */
  ordered(): Int32Array<ArrayBuffer> | undefined {
    const { kernel, rows, words } = this, column = kernel.words(3 * rows);
    if (!kernel.has(column)) return undefined;
    const heavy = kernel.orderRows(words, rows, column, column.subarray(rows), column.subarray(2 * rows));
    const requestsOf = (row: number): number => words[(row + 1) * STRIDE + SLIM_VALUES[REQUESTS]];
    column.subarray(0, heavy).sort((a, b) => requestsOf(b) - requestsOf(a) || a - b);
    return column;
  }

  /** Writes all rows as `CounterTable` has them: `stride` words each, of which the measures begin at double `valuesAt`. */
  copyTo(words: Int32Array, doubles: Float64Array, stride: number, valuesAt: number): void {
    const own = this.words, ownDoubles = this.doubles, end = this.rows * stride;
    for (let k = 0, o = STRIDE, v = valuesAt; k < end; k += stride, o += STRIDE, v += stride >> 1) {
      const k0 = own[o], k1 = own[o + 1], k2 = own[o + 2];
      words[k + URI] = k0 & 0xffff;
      words[k + PREFIX] = k0 >>> 16;
      words[k + WEBSITE] = k1 & 0xffff;
      words[k + ASN] = k1 >>> 16;
      words[k + STATUS] = k2 & 0x3ff;
      words[k + METHOD] = k2 >>> 10 & 0x3ff;
      words[k + TAG] = k2 >>> 20 & 0xff;
      words[k + TOR] = k2 >>> 28 & 3;
      words[k + SOURCE] = k2 >>> 30;
      doubles[v + REQUESTS] = own[o + 3];
      doubles[v + BYTES] = ownDoubles[(o >> 1) + 2];
      doubles[v + TIME_SUM] = own[o + 6];
      doubles[v + TIME_MAX] = own[o + 7];
    }
  }

  /** Takes `rows` rows written like that, no two of them with the same key, which fit. There is none here. */
  take(rows: number, words: Int32Array, doubles: Float64Array, stride: number, valuesAt: number): void {
    const own = this.words, ownDoubles = this.doubles, index = this.#index, mask = index.length - 1;
    const [m0, m1, m2] = this.#multipliers;
    for (let row = 1, k = 0, o = STRIDE, v = valuesAt; row <= rows; row++, k += stride, o += STRIDE, v += stride >> 1) {
      const k0 = words[k + URI] | words[k + PREFIX] << 16, k1 = words[k + WEBSITE] | words[k + ASN] << 16;
      const k2 = words[k + STATUS] | words[k + METHOD] << 10 | words[k + TAG] << 20 | words[k + TOR] << 28 |
        words[k + SOURCE] << 30;
      const hash = mix(Math.imul(k0, m0) ^ Math.imul(k1, m1) ^ Math.imul(k2, m2));
      let slot = hash & mask;
      while (index[slot] !== 0) slot = slot + 1 & mask;
      index[slot] = row | hash & TAG_MASK;
      own[o] = k0;
      own[o + 1] = k1;
      own[o + 2] = k2;
      own[o + 3] = doubles[v + REQUESTS];
      ownDoubles[(o >> 1) + 2] = doubles[v + BYTES];
      own[o + 6] = doubles[v + TIME_SUM];
      own[o + 7] = doubles[v + TIME_MAX];
    }
    this.rows = rows;
  }

  /** Forgets all rows; keeps the memory. */
  clear(): void {
    this.rows = 0;
    this.#index.fill(0);
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    return this.words.byteLength + this.#index.byteLength;
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    this.kernel.free(this.words);
    this.kernel.free(this.#index);
  }

  /** Makes room for `count` more rows; false where the heap has none. The place before row 0 is not used: 0 is a free slot. */
  #reserve(count: number): boolean {
    const rows = this.rows + count + 1;
    if (rows * STRIDE > this.words.length) {
      const words = this.kernel.words(Math.max(rows * STRIDE, 2 * this.words.length));
      words.set(this.words.subarray(0, (this.rows + 1) * STRIDE));
      this.kernel.free(this.words);
      this.words = words;
      this.doubles = doublesOf(words);
    }
    while (2 * rows > this.#index.length) this.#growIndex();
    return this.kernel.has(this.words) && this.kernel.has(this.#index);
  }

  #growIndex(): void {
    const index = this.kernel.words(2 * this.#index.length), mask = index.length - 1, words = this.words;
    const [m0, m1, m2] = this.#multipliers;
    for (let row = 1; row <= this.rows; row++) {
      const o = row * STRIDE;
      const hash = mix(Math.imul(words[o], m0) ^ Math.imul(words[o + 1], m1) ^ Math.imul(words[o + 2], m2));
      let slot = hash & mask;
      while (index[slot] !== 0) slot = slot + 1 & mask;
      index[slot] = row | hash & TAG_MASK;
    }
    this.kernel.free(this.#index);
    this.#index = index;
  }
}

function doublesOf(words: Int32Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return new Float64Array(words.buffer, words.byteOffset, words.length / 2);
}
