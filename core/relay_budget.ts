/**
 * What a relay passes on: deltas are cut to what all of them together may take a second, so that those who follow it can take
 * what hundreds of sources below it count. A cut delta keeps its identity, totals and ledger; light rows and values give way in it as
 * anywhere else, and its bounds say how much.
 *
 * Every delta may have as many bytes as make all that came in the last slice fit, were each larger one cut to that: so one host
 * under attack loses detail before those that are quiet do.
 */
import { free } from "./free.ts";
import { blockOf } from "./bucket_block.ts";
import type { Bucket } from "./bucket.ts";
import { FINEST_S } from "./slices.ts";
import { cutBucket } from "./merge.ts";

/** Bytes that a delta may always have: head and the heaviest rows. Below that a delta says nothing but its totals. */
const DELTA_BYTES_MIN = 8 * 1024;

/** Bytes on the wire for each in memory, at most: names of columns and reasons come on top of columns. */
const FRAME_BYTES = 3 * 1024;

/** Cut so far. */
export interface Relayed {
  readonly deltas: number;
  readonly cut: number;
  /** Bytes before and after. */
  readonly bytes: number;
  readonly bytesSent: number;
}

export class RelayBudget {
  /** Bytes of the deltas of this slice of time and of the one before, and when this one began. */
  #now: number[] = [];
  #before: number[] = [];
  #beganS = -Infinity;
  #capBytes = Infinity;
  #relayed: Relayed = { deltas: 0, cut: 0, bytes: 0, bytesSent: 0 };

  /** @param seed for hashes while cutting; never leaves the process. */
  constructor(readonly bytesPerSecond: number, readonly seed: number) {}

  /** The bucket as it is passed on. @param nowS when it came */
  cut(bucket: Bucket, nowS: number): Bucket {
    if (this.bytesPerSecond === Infinity) return bucket;
    const bytes = bytesOf(bucket);
    if (nowS - this.#beganS >= FINEST_S) this.#begin(nowS);
    this.#now.push(bytes);
    // What comes in a burst has to fit as well before the slice is over: it is not known yet how much follows.
    const capBytes = Math.min(this.#capBytes, this.#now.length % LOOK_EVERY === 0 ? this.#look() : this.#capBytes);
    const passed = bytes <= capBytes ? bucket : cutTo(bucket, Math.max(DELTA_BYTES_MIN, capBytes), this.seed);
    const { deltas, cut, bytes: all, bytesSent } = this.#relayed;
    const cuts = cut + (passed === bucket ? 0 : 1);
    this.#relayed = { deltas: deltas + 1, cut: cuts, bytes: all + bytes, bytesSent: bytesSent + bytesOf(passed) };
    return passed;
  }

  get relayed(): Relayed {
    return this.#relayed;
  }

  #begin(nowS: number): void {
    this.#before = nowS - this.#beganS < 2 * FINEST_S ? this.#now : [];
    this.#now = [];
    this.#beganS = nowS;
    this.#look();
  }

  /** As much as makes what came, or what came in the slice before, fit. */
  #look(): number {
    const bytesMax = this.bytesPerSecond * FINEST_S;
    return this.#capBytes = Math.min(levelOf(this.#now, bytesMax), levelOf(this.#before, bytesMax));
  }
}

/** Deltas between two looks at how many there are. */
const LOOK_EVERY = 16;

/** The level at which everything above is cut so that all sums up to `most`; Infinity when it does anyway. */
export function levelOf(sizes: readonly number[], most: number): number {
  let left = most;
  const sorted = Float64Array.from(sizes).sort();
  for (let i = 0; i < sorted.length; i++) {
    const level = left / (sorted.length - i);
    if (sorted[i] > level) return level;
    left -= sorted[i];
  }
  return Infinity;
}

function bytesOf(bucket: Bucket): number {
  return blockOf(bucket).byteLength + FRAME_BYTES;
}

/** Cuts a bucket to about so many bytes: rows and entries alike, then again what is still too much. */
function cutTo(bucket: Bucket, bytesMax: number, seed: number): Bucket {
  let cut = bucket;
  for (let tries = 0; tries < TRIES_MAX && bytesOf(cut) > bytesMax; tries++) {
    const part = bytesMax / bytesOf(cut) * (tries === 0 ? 1 : 0.8), { rows, dictionaries } = cut;
    const least = (count: number): number => Math.max(1, Math.floor(count * part));
    const next = cutBucket(cut, {
      rowsMax: least(rows),
      entriesMax: Math.max(2, least(dictionaries.reduce((most, { size }) => Math.max(most, size), 0))),
      entryBytesMax: least(dictionaries.reduce((most, { bytes }) => Math.max(most, bytes.length), 0)),
    }, seed);
    if (next === cut) break;
    if (cut !== bucket) free(new Uint8Array(blockOf(cut)));
    cut = next;
  }
  return cut;
}

const TRIES_MAX = 8;
