/**
 * Stretches: neighbouring slots of the coarsest ring merged into one for questions alone, with nothing cut. A day is 288
 * slots that have mostly the same values and many of the same rows: merged, a sixth of the entries and less than half of
 * the rows are left, and a question runs a few long loops in place of hundreds of short ones.
 *
 * What certainly matches is the same as in the slots. Bounds are true as those of any merge are, and hardly wider: over a
 * day of full slots by at most 2 % of what lies between `count` and `countMax`.
 *
 * A stretch is aligned to its own length and made of slots that are all there: the ends of a window are read from the
 * slots themselves, and so are trends. It takes time to make, so no question waits for it: what a question would have used
 * is made afterwards, one at a time (`makeOne`), and kept within the bound of everything that questions leave for the next
 * one (`derived.ts`). It is of no use once one of its slots has changed.
 */
import { BATCH_LINES, STRETCH_SLOTS, STRETCHES_BYTES_MAX, STRETCHES_UNASKED_MAX } from "./bounds.ts";
import { type Caps, TIERS } from "./slices.ts";
import { TABLE_ROWS_MAX } from "./counter_table.ts";
import type { Bucket } from "./bucket.ts";
import { blockOf, freeBlock, isFreed } from "./bucket_block.ts";
import { derived, homeOf, Kept } from "./derived.ts";
import { mergeBuckets } from "./merge.ts";

const SLICE_S = TIERS[TIERS.length - 1].sliceS;

/** Seconds of a stretch. */
export const STRETCH_S = STRETCH_SLOTS * SLICE_S;

/** Those of a ring, and one that is ending while another begins. */
const STRETCHES_MAX = TIERS[TIERS.length - 1].slots / STRETCH_SLOTS + 1;

const UNCUT: Caps = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };

interface Stretch {
  /** What its buckets are known by: holding them would keep what the ring has forgotten. */
  readonly members: readonly number[];
  readonly place: Kept<Bucket>;
}

/** The stretches of one ring. A process has one such ring (`stretches`), and where it has several each replaces the other's. */
export class Stretches {
  /** By their start. */
  readonly #made = new Map<number, Stretch>();
  /** What questions would have used, by its start: at most STRETCHES_MAX. */
  readonly #wanted = new Map<number, readonly Bucket[]>();
  readonly #numbers = new WeakMap<Bucket, number>();
  #lastNumber = 0;
  /** Bytes of the largest that was made. */
  #bytesEach = 0;
  #unasked = Infinity;

  constructor(readonly bytesMax: number = STRETCHES_BYTES_MAX) {}

  /**
   * A question begins: the same buckets, with stretches in place of those that they are made of, which stay what they are
   * until the next question. What is not made yet is noted.
   *
   * @param buckets in order of time
   */
  over(buckets: readonly Bucket[]): readonly Bucket[] {
    const looked: Bucket[] = [];
    for (let i = 0; i < buckets.length;) {
      const run = runAt(buckets, i), stretch = run === undefined ? undefined : this.#stretchOf(run);
      looked.push(stretch ?? buckets[i]);
      i += stretch === undefined ? 1 : STRETCH_SLOTS;
      if (run !== undefined) this.#unasked = 0;
    }
    return looked;
  }

  /**
   * The ring has gone on: what questions as those of late would use is noted, and what is made of these is kept. So who asks
   * in the morning finds the night merged. Does nothing when nobody has asked for long.
   *
   * @param buckets of the ring, in order of time
   */
  lookAhead(buckets: readonly Bucket[]): void {
    const unasked = this.#unasked + 1;
    if (unasked > STRETCHES_UNASKED_MAX) return;
    derived.begin();
    this.over(buckets);
    this.#unasked = unasked;
  }

  /**
   * Makes one of those that were noted, the newest first. Cost: 30 ms for slots that are full.
   *
   * @param seed for the hashes while merging
   * @returns whether there was one to make
   */
  makeOne(seed: number): boolean {
    const startS = Math.max(...this.#wanted.keys()), run = this.#wanted.get(startS);
    if (run === undefined) return false;
    this.#wanted.delete(startS);
    // A slot has changed since, and what it showed was given back: the next question notes what there is then.
    if (run.some(isFreed)) return this.makeOne(seed);
    derived.begin();
    this.#hold(startS, run.map((bucket) => this.#numberOf(bucket)), mergeBuckets(run, startS, STRETCH_S, UNCUT, seed));
    return true;
  }

  /** Bytes of all that are made. */
  get bytes(): number {
    let bytes = 0;
    for (const { place } of this.#made.values()) bytes += place.bytes;
    return bytes;
  }

  #stretchOf(run: readonly Bucket[]): Bucket | undefined {
    const { startS } = run[0], made = this.#made.get(startS);
    if (made !== undefined && run.every((bucket, i) => this.#numbers.get(bucket) === made.members[i])) {
      const stretch = made.place.get();
      if (stretch !== undefined) {
        made.place.pin();
        return stretch;
      }
    }
    this.#drop(startS);
    if (this.#hasRoomFor(startS)) this.#want(startS, run);
    return undefined;
  }

  #want(startS: number, run: readonly Bucket[]): void {
    this.#wanted.set(startS, run);
    if (this.#wanted.size > STRETCHES_MAX) this.#wanted.delete(Math.min(...this.#wanted.keys()));
  }

  /** Whether it would be kept: of more than there is room for, those are that are newest. */
  #hasRoomFor(startS: number): boolean {
    const isOldest = [...this.#made.keys()].every((other) => other > startS);
    return !isOldest || this.bytes + this.#bytesEach <= this.bytesMax;
  }

  #hold(startS: number, members: readonly number[], stretch: Bucket): void {
    const block = blockOf(stretch);
    this.#bytesEach = Math.max(this.#bytesEach, block.byteLength);
    for (const oldest of [...this.#made.keys()].sort((a, b) => a - b)) {
      if (this.#made.size < STRETCHES_MAX && this.bytes + block.byteLength <= this.bytesMax) break;
      if (oldest > startS) return freeBlock(stretch);
      this.#drop(oldest);
    }
    if (block.byteLength > this.bytesMax) return freeBlock(stretch);
    const place = new Kept<Bucket>(homeOf(stretch.dictionaries[0]));
    place.set(stretch, [block]);
    this.#made.set(startS, { members, place });
  }

  #drop(startS: number): void {
    this.#made.get(startS)?.place.release();
    this.#made.delete(startS);
  }

  #numberOf(bucket: Bucket): number {
    const known = this.#numbers.get(bucket);
    if (known !== undefined) return known;
    this.#numbers.set(bucket, ++this.#lastNumber);
    return this.#lastNumber;
  }
}

/** Those of this process. */
export const stretches = new Stretches();

/** The buckets of the stretch that begins at `buckets[i]`, when they are all there; and not more than one table can hold. */
function runAt(buckets: readonly Bucket[], i: number): readonly Bucket[] | undefined {
  const { startS } = buckets[i];
  if (startS % STRETCH_S !== 0 || i + STRETCH_SLOTS > buckets.length) return undefined;
  let rows = 0;
  for (let k = 0; k < STRETCH_SLOTS; k++) {
    const bucket = buckets[i + k];
    if (bucket.lengthS !== SLICE_S || bucket.startS !== startS + k * SLICE_S) return undefined;
    rows += bucket.rows;
  }
  return rows <= TABLE_ROWS_MAX - BATCH_LINES ? buckets.slice(i, i + STRETCH_SLOTS) : undefined;
}
