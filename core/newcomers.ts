/**
 * Newcomers: which values have been here once, for a full dictionary.
 *
 * Nearly all that floods a table is seen once and never again. Such a value must not take an entry, since entries are what
 * overflows, nor anything else that grows with the flood. So of a value that comes for the first time two bits are kept,
 * and its line is *withheld*: it is OTHER's. With the next line the value gets its entry. After a while, a *window*, the
 * bits are forgotten. So a value loses one line a window at most: the largest line of the window says how much.
 *
 *   seen[hash >>> 17]         bit hash >>> 12, and one of another mix: whether a value with these two has been here
 *
 * Bits that other values have set mean an entry too early, and no loss: nobody can make a value lose more by colliding with
 * it. What had an entry in the slice before is *known*: it has been here in every window of this slice, and loses nothing;
 * and of entries that have to go, those that are known go last (`roll_up.ts`).
 *
 * A flood brings one or two such values a line, so what is done for one is counted in nanoseconds. Keeping the bytes and
 * the line of each, to give the line back with the second one, took 45 of them; this takes ten.
 */
import * as measures from "./measures.ts";
import { type Values, zeroValues } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import { free } from "./free.ts";
import * as intern from "./intern.ts";
import * as batches from "./line_batch.ts";
import type { LineBatch } from "./line_batch.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BYTES, IS_SUM, MEASURE_COUNT, REQUESTS, saturated, TIME_MAX, TIME_SUM } = measures;
const { DIMENSION_COUNT, OTHER } = dimensions;
const { MISSING } = intern;
const { ENTRY_WORDS, LINE_WORDS } = batches;

/**
 * 128 KiB. With 16 000 known values and a window of 32 768 newcomers 9 % of the bits are set in the end, so that one new value
 * of 120 gets an entry too early.
 */
const SEEN_WORDS = 1 << 15;

/** The newcomers of one dimension of one table. */
export class Newcomers {
  /** Lines withheld in this window. */
  size = 0;
  readonly #seen = new Int32Array(SEEN_WORDS);
  /** The bits with which a window begins. */
  readonly #known = new Int32Array(SEEN_WORDS);
  /** The lines of this window together, and the largest of them, by measure. */
  readonly #lines = zeroValues();
  readonly #largest = zeroValues();

  /**
   * Meets the values of staged lines `from … to` that have no entry: those with MISSING in `ids[i * DIMENSION_COUNT + d]`. Where
   * a value is new, its line is withheld, and the id becomes OTHER. Where it is not, it is to have an entry, and the id stays.
   * Returns how many these are.
   */
  meet(
    { staged, values }: Pick<LineBatch, "staged" | "values">,
    ids: Int32Array,
    d: number,
    from: number,
    to: number,
  ): number {
    const seen = this.#seen;
    let again = 0, count = 0, requests = 0, bytes = 0, timeSum = 0;
    let requestsMost = 0, bytesMost = 0, timeMost = 0, timeMax = 0;
    for (let i = from, k = from * DIMENSION_COUNT + d, v = from * MEASURE_COUNT; i < to; i++) {
      if (ids[k] === MISSING) {
        if (setSeen(seen, staged[i * LINE_WORDS + d * ENTRY_WORDS])) again = again + 1 | 0;
        else {
          ids[k] = OTHER;
          count = count + 1 | 0;
          requests += values[v + REQUESTS];
          bytes += values[v + BYTES];
          timeSum += values[v + TIME_SUM];
          requestsMost = Math.max(requestsMost, values[v + REQUESTS]);
          bytesMost = Math.max(bytesMost, values[v + BYTES]);
          timeMost = Math.max(timeMost, values[v + TIME_SUM]);
          timeMax = Math.max(timeMax, values[v + TIME_MAX]);
        }
      }
      k += DIMENSION_COUNT;
      v += MEASURE_COUNT;
    }
    this.size += count;
    const lines = this.#lines;
    lines[REQUESTS] += requests;
    lines[BYTES] += bytes;
    lines[TIME_SUM] += timeSum;
    this.#raise(requestsMost, bytesMost, timeMost, timeMax);
    return again;
  }

  /**
   * Ends the window. Adds what was withheld to `other[OTHER …]`, and the largest line of it to what any value can have lost:
   * of its rows, and of its marginal.
   */
  forget(other: Float64Array, lostMax: Values, foldedMax: Values): void {
    for (let m = 0, at = OTHER * MEASURE_COUNT; m < MEASURE_COUNT; m++, at++) {
      other[at] = IS_SUM[m] ? saturated(other[at] + this.#lines[m]) : Math.max(other[at], this.#largest[m]);
      if (!IS_SUM[m]) continue;
      lostMax[m] = saturated(lostMax[m] + this.#largest[m]);
      foldedMax[m] = saturated(foldedMax[m] + this.#largest[m]);
    }
    this.#begin();
  }

  /** Whether a value with this hash had an entry in the slice before; true for a few others. */
  isKnown(hash: number): boolean {
    return areSet(this.#known, hash);
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    return this.#seen.byteLength + this.#known.byteLength;
  }

  /** Forgets all without a word; keeps the memory. @param hashes of what is known from now on */
  clear(hashes: Int32Array): void {
    this.#known.fill(0);
    for (let i = 0; i < hashes.length; i++) setSeen(this.#known, hashes[i]);
    this.#begin();
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    free(this.#seen);
    free(this.#known);
  }

  /** Notes the largest measures of lines that were withheld. */
  #raise(requests: number, bytes: number, timeSum: number, timeMax: number): void {
    const largest = this.#largest;
    largest[REQUESTS] = Math.max(largest[REQUESTS], requests);
    largest[BYTES] = Math.max(largest[BYTES], bytes);
    largest[TIME_SUM] = Math.max(largest[TIME_SUM], timeSum);
    largest[TIME_MAX] = Math.max(largest[TIME_MAX], timeMax);
  }

  /** Begins a window. */
  #begin(): void {
    this.#seen.set(this.#known);
    this.#lines.fill(0);
    this.#largest.fill(0);
    this.size = 0;
  }
}

function areSet(seen: Int32Array, hash: number): boolean {
  const other = Math.imul(hash, 0x9E3779B1);
  return (seen[hash >>> 17] & 1 << (hash >>> 12)) !== 0 && (seen[other >>> 17] & 1 << (other >>> 12)) !== 0;
}

/** Sets the bits of a hash; returns whether they were set. */
function setSeen(seen: Int32Array, hash: number): boolean {
  const other = Math.imul(hash, 0x9E3779B1), first = hash >>> 17, second = other >>> 17;
  const a = 1 << (hash >>> 12), b = 1 << (other >>> 12);
  if ((seen[first] & a) !== 0 && (seen[second] & b) !== 0) return true;
  seen[first] |= a;
  seen[second] |= b;
  return false;
}
