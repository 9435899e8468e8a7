/**
 * Rows of a merge in 32 bytes each: what `counter_table.ts` holds in 72. A merge knows its dictionaries before its rows, and
 * they mostly need fifty to seventy bits together; so ids are packed into three words, each in as many bits as its dictionary
 * takes, and behind them stand measures as in `slim_rows.ts`:
 *
 *   0, 1, 2   ids, see `places`; they move up when a dictionary outgrows its bits
 *   3         requests
 *   4         bytes, as a double
 *   6         time sum
 *   7         time maximum
 *
 *   index[hash & mask]        row in the low 18 bits (rows begin at 1), a tag of the hash above; 0 when free
 *
 * What touches less memory takes less time: a row that is merged costs half of what it does in 72 bytes. What does not fit, and
 * whatever rolls up, makes a table *wide*: its rows are moved to `CounterTable` once, in their order, and it goes on there.
 */
import { BATCH_LINES } from "./bounds.ts";
import * as measures from "./measures.ts";
import type { Values } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import { free } from "./free.ts";
import * as hashes from "./hash.ts";
import type { InternTable } from "./intern.ts";
import { SLIM_VALUES, SLIM_WORDS } from "./slim_rows.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } = measures;
const { DIMENSION_COUNT } = dimensions;
const { mix } = hashes;
const STRIDE = SLIM_WORDS;
const REQUESTS_AT = SLIM_VALUES[REQUESTS], BYTES_AT = SLIM_VALUES[BYTES] >> 1;
const TIME_SUM_AT = SLIM_VALUES[TIME_SUM], TIME_MAX_AT = SLIM_VALUES[TIME_MAX];

const ROWS_MIN = 1024;

/** Bits of an index entry that hold the row; the others tell most wrong rows apart without looking at them. */
const ROW_MASK = (1 << 18) - 1, TAG_MASK = ~ROW_MASK;

/** Words of a key, and bits of each. */
const KEY_WORDS = 3, WORD_BITS = 32;

/** Bits that a dictionary has more than it needs, if there is room: so rows are seldom packed anew. */
const SPARE_BITS = 3;

/** What sums of a merge may come to where a row has a word for them. */
const WORD_MAX = 2 ** 31 - 1;

/** Where an entry stands in a row: its word, its lowest bit and the number of its bits. */
interface PackedPlace {
  readonly word: number;
  readonly shift: number;
  readonly bits: number;
}

export class PackedRows {
  rows = 0;
  words: Int32Array<ArrayBuffer>;
  doubles: Float64Array<ArrayBuffer>;
  /** By dimension. */
  places: readonly PackedPlace[] = placesFor(new Array(DIMENSION_COUNT).fill(1))!;
  #index: Int32Array<ArrayBuffer>;
  /** The words of the keys of a batch: whoever adds rows stages them here, each id at its place. */
  readonly keys: readonly Int32Array<ArrayBuffer>[] = [0, 1, 2].map(() => new Int32Array(BATCH_LINES));
  readonly #hashes = new Int32Array(BATCH_LINES);
  readonly #multipliers: readonly [number, number, number];
  #touched = 0;

  /** @param seed for all hashes; a fresh random one per process. */
  constructor(seed: number, rowsExpected: number) {
    const buffer = new ArrayBuffer(4 * STRIDE * (rowsExpected + 1));
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.#index = new Int32Array(indexLength(rowsExpected));
    this.#multipliers = [mix(seed) | 1, mix(seed + 1) | 1, mix(seed + 2) | 1];
  }

  /** Makes room for the entries that dictionaries have now. False when they, or these totals, do not fit. */
  makeRoom(dictionaries: readonly InternTable[], totals: Values): boolean {
    if (!(Math.max(totals[REQUESTS], totals[TIME_SUM], totals[TIME_MAX]) <= WORD_MAX)) return false;
    if (dictionaries.every(({ size }, d) => size <= 1 << this.places[d].bits)) return true;
    const places = placesFor(dictionaries.map(({ size }) => size));
    if (places === undefined) return false;
    this.#packAnew(places);
    return true;
  }

  /** Stages the keys of `count` rows for `add`, from ids that stand row by row, as `CounterTable.addBatch` takes them. */
  stageIds(ids: Int32Array, count: number): void {
    for (const key of this.keys) key.fill(0, 0, count);
    this.places.forEach(({ word, shift }, d) => {
      const key = this.keys[word];
      for (let i = 0, k = d; i < count; i++, k += DIMENSION_COUNT) key[i] |= ids[k] << shift;
    });
  }

  /** Adds the `count` rows that are staged, with `values[i * MEASURE_COUNT …]`. */
  add(values: Float64Array, count: number): void {
    this.#reserve(count);
    const index = this.#index, mask = index.length - 1, words = this.words, doubles = this.doubles;
    const [keys0, keys1, keys2] = this.keys, [m0, m1, m2] = this.#multipliers, hashes = this.#hashes;
    let touched = 0, rows = this.rows | 0;
    for (let i = 0; i < count; i++) {
      hashes[i] = mix(Math.imul(keys0[i], m0) ^ Math.imul(keys1[i], m1) ^ Math.imul(keys2[i], m2));
    }
    // Touch what will be needed: the cache misses of a batch then overlap instead of waiting for one another.
    for (let i = 0; i < count; i++) touched ^= words[(index[hashes[i] & mask] & ROW_MASK) * STRIDE];
    this.#touched ^= touched;
    for (let i = 0, v = 0; i < count; i++, v += MEASURE_COUNT) {
      const k0 = keys0[i], k1 = keys1[i], k2 = keys2[i], hash = hashes[i], tag = hash & TAG_MASK;
      let slot = hash & mask, o = 0;
      for (let there = index[slot]; there !== 0; there = index[slot]) {
        if ((there & TAG_MASK) === tag) {
          o = (there & ROW_MASK) * STRIDE;
          if (words[o] === k0 && words[o + 1] === k1 && words[o + 2] === k2) break;
          o = 0;
        }
        slot = slot + 1 & mask;
      }
      const requests = values[v + REQUESTS] | 0, ms = values[v + TIME_SUM] | 0, most = values[v + TIME_MAX] | 0;
      if (o === 0) {
        rows = rows + 1 | 0;
        index[slot] = rows | tag;
        o = rows * STRIDE;
        words[o] = k0;
        words[o + 1] = k1;
        words[o + 2] = k2;
        words[o + REQUESTS_AT] = requests;
        doubles[(o >> 1) + BYTES_AT] = values[v + BYTES];
        words[o + TIME_SUM_AT] = ms;
        words[o + TIME_MAX_AT] = most;
        continue;
      }
      words[o + REQUESTS_AT] += requests;
      doubles[(o >> 1) + BYTES_AT] += values[v + BYTES];
      words[o + TIME_SUM_AT] += ms;
      if (most > words[o + TIME_MAX_AT]) words[o + TIME_MAX_AT] = most;
    }
    this.rows = rows;
  }

  /** Writes `count` rows, the first of which is row `from` of those that there are, as `CounterTable.addBatch` takes them. */
  read(from: number, count: number, ids: Int32Array, values: Float64Array): void {
    const words = this.words, start = (from + 1) * STRIDE;
    this.places.forEach(({ word, shift, bits }, d) => {
      const mask = (1 << bits) - 1;
      for (let i = 0, o = start + word, k = d; i < count; i++, o += STRIDE, k += DIMENSION_COUNT) {
        ids[k] = words[o] >>> shift & mask;
      }
    });
    for (let i = 0, o = start, v = 0; i < count; i++, o += STRIDE, v += MEASURE_COUNT) {
      values[v + REQUESTS] = words[o + REQUESTS_AT];
      values[v + BYTES] = this.doubles[(o >> 1) + BYTES_AT];
      values[v + TIME_SUM] = words[o + TIME_SUM_AT];
      values[v + TIME_MAX] = words[o + TIME_MAX_AT];
    }
  }

  /** No rows are added any more. */
  freeIndex(): void {
    free(this.#index);
    this.#index = new Int32Array(0);
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    return this.words.byteLength + this.#index.byteLength;
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    free(this.words);
    free(this.#index);
  }

  /** Gives ids other places. */
  #packAnew(places: readonly PackedPlace[]): void {
    const words = this.words, moved = new Int32Array(KEY_WORDS);
    const from = this.places.map(({ word, shift, bits }) => ({ word, shift, mask: (1 << bits) - 1 }));
    for (let row = 1, o = STRIDE; row <= this.rows; row++, o += STRIDE) {
      moved.fill(0);
      for (let d = 0; d < DIMENSION_COUNT; d++) {
        const { word, shift, mask } = from[d];
        moved[places[d].word] |= (words[o + word] >>> shift & mask) << places[d].shift;
      }
      words.set(moved, o);
    }
    this.places = places;
    this.#indexAnew();
  }

  /** Makes sure that `count` more rows fit. */
  #reserve(count: number): void {
    const rows = this.rows + count + 1;
    if (rows - 1 > ROW_MASK) throw new Error(`${rows - 1} packed rows: more than an index entry can hold`);
    if (rows * STRIDE > this.words.length) {
      const buffer = new ArrayBuffer(4 * Math.max(rows * STRIDE, 2 * this.words.length)),
        words = new Int32Array(buffer);
      words.set(this.words.subarray(0, (this.rows + 1) * STRIDE));
      free(this.words);
      this.words = words;
      this.doubles = new Float64Array(buffer);
    }
    if (2 * rows <= this.#index.length) return;
    free(this.#index);
    this.#index = new Int32Array(indexLength(rows));
    this.#indexAnew();
  }

  /** Enters all rows; no two are equal. */
  #indexAnew(): void {
    const index = this.#index.fill(0), mask = index.length - 1, words = this.words, [m0, m1, m2] = this.#multipliers;
    for (let row = 1, o = STRIDE; row <= this.rows; row++, o += STRIDE) {
      const hash = mix(Math.imul(words[o], m0) ^ Math.imul(words[o + 1], m1) ^ Math.imul(words[o + 2], m2));
      let slot = hash & mask;
      while (index[slot] !== 0) slot = slot + 1 & mask;
      index[slot] = row | hash & TAG_MASK;
    }
  }
}

/** Slots of an index of which half are free with so many rows. */
function indexLength(rows: number): number {
  return 2 ** Math.ceil(Math.log2(2 * Math.max(rows, ROWS_MIN)));
}

/** A place for each dimension of which so many entries are there, OTHER included: with as many bits to spare as all can have. */
function placesFor(sizes: readonly number[]): readonly PackedPlace[] | undefined {
  for (let spare = SPARE_BITS; spare >= 0; spare--) {
    const places = placesOf(sizes.map((size) => WORD_BITS - Math.clz32(size - 1) + spare));
    if (places !== undefined) return places;
  }
  return undefined;
}

/** The longest first, each in the first word that has room. */
function placesOf(bits: readonly number[]): readonly PackedPlace[] | undefined {
  const used = new Array<number>(KEY_WORDS).fill(0), places: PackedPlace[] = [];
  for (const d of bits.keys().toArray().sort((a, b) => bits[b] - bits[a])) {
    const word = used.findIndex((taken) => taken + bits[d] <= WORD_BITS);
    if (word < 0) return undefined;
    places[d] = { word, shift: used[word], bits: bits[d] };
    used[word] += bits[d];
  }
  return places;
}
