/**
 * A ring of slots: what has been merged for each slice of one tier, for as long as the tier holds it.
 *
 * Slots up to five minutes ahead are held too, for sources whose clock is ahead; they come into view when their time
 * does.
 */
import { SLOT_PENDING_BYTES_MAX, SLOT_PENDING_MAX } from "./bounds.ts";
import { type Caps, FINEST_S, oldestStart, TIERS } from "./slices.ts";
import { type Bucket, emptyBucket } from "./bucket.ts";
import { bucketBytes } from "./bucket_block.ts";
import { cutBucket, mergeBuckets } from "./merge.ts";
import { IdentitySet } from "./identity_set.ts";

/** What has been merged for one slice, and from which deltas. */
export class Slot {
  readonly identities = new IdentitySet();
  /** The next coarser slot has it all: fewer rows are kept from then on. */
  #made = false;
  #merged: Bucket | undefined;
  #pending: Bucket[] = [];
  #pendingBytes = 0;
  /** Bit i is set when something is known of the fine slice i of this slot; at most 30 of them. */
  #known = 0;

  /** Whether it began as a former process had it. */
  restored = false;

  constructor(readonly startS: number, readonly tier: number, readonly seed: number) {}

  get lengthS(): number {
    return TIERS[this.tier].sliceS;
  }

  /** Seconds of this slot of which something is known. */
  get knownS(): number {
    let slices = 0;
    for (let known = this.#known; known !== 0; known &= known - 1) slices++;
    return slices * FINEST_S;
  }

  /** Which fine slices something is known of, as bits. */
  get known(): number {
    return this.#known;
  }

  /** Bytes of what it holds, merged or not. */
  get bytes(): number {
    return this.#pendingBytes + (this.#merged === undefined ? 0 : bucketBytes(this.#merged));
  }

  /** Begins with what a former process had merged. Nothing has been put yet. */
  restore(bucket: Bucket, known: number): void {
    this.#merged = bucket;
    this.#known = known;
    this.restored = true;
  }

  /** Takes a bucket whose slice lies within this one. Merging waits until somebody looks, or until many have come. */
  put(bucket: Bucket): void {
    this.#know(((1 << bucket.lengthS / FINEST_S) - 1) << (bucket.startS - this.startS) / FINEST_S);
    this.#hold(bucket);
  }

  /** Takes what somebody else has merged for a slice within this one; `known` as theirs. */
  putMerged(bucket: Bucket, known: number): void {
    this.#know(known << (bucket.startS - this.startS) / FINEST_S);
    this.#hold(bucket);
  }

  /** Takes all that a finer slot within this one has. */
  putSlot(finer: Slot): void {
    this.#know(finer.#known << (finer.startS - this.startS) / FINEST_S);
    this.#hold(finer.bucket());
  }

  /** All of it as one bucket. */
  bucket(): Bucket {
    if (this.#pending.length > 0 || this.#merged === undefined) {
      const parts = this.#merged === undefined ? this.#pending : [this.#merged, ...this.#pending];
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#merged = this.#mergeParts(parts);
    }
    return this.#merged;
  }

  /** The next coarser slot has been made: from now on keep less. */
  setMade(): void {
    if (this.#made) return;
    this.#made = true;
    if (this.#merged !== undefined) this.#merged = cutBucket(this.#merged, this.#caps, this.seed);
  }

  #hold(bucket: Bucket): void {
    this.#pending.push(bucket);
    this.#pendingBytes += bucketBytes(bucket);
    const merged = this.#merged === undefined ? 0 : bucketBytes(this.#merged);
    const bytesMax = Math.max(SLOT_PENDING_BYTES_MAX, merged);
    if (this.#pendingBytes > bytesMax || this.#pending.length > SLOT_PENDING_MAX) this.bucket();
  }

  #know(slices: number): void {
    this.#known |= slices;
  }

  #mergeParts(parts: readonly Bucket[]): Bucket {
    if (parts.length === 0) return emptyBucket(this.startS, this.lengthS);
    const only = parts.length === 1 && parts[0].lengthS === this.lengthS;
    return only
      ? cutBucket(parts[0], this.#caps, this.seed)
      : mergeBuckets(parts, this.startS, this.lengthS, this.#caps, this.seed);
  }

  get #caps(): Caps {
    return this.#made ? TIERS[this.tier].caps : TIERS[this.tier].freshCaps;
  }
}

/** The slots of one tier, by start. */
export class Ring {
  readonly #slots = new Map<number, Slot>();

  constructor(readonly tier: number, readonly seed: number) {}

  /** The slot that begins at `startS`, or undefined when nothing is known of that slice. */
  at(startS: number): Slot | undefined {
    return this.#slots.get(startS);
  }

  /** The same, made when it is not there. The caller has checked that the ring holds it. */
  open(startS: number): Slot {
    let slot = this.#slots.get(startS);
    if (slot === undefined) this.#slots.set(startS, slot = new Slot(startS, this.tier, this.seed));
    return slot;
  }

  /** Drops what the ring no longer holds when the newest fine slice begins at `newestS`; `sink` sees each slot before. */
  evict(newestS: number, sink: (slot: Slot) => void): void {
    const oldestS = oldestStart(this.tier, newestS);
    for (const [startS, slot] of this.#slots) {
      if (startS >= oldestS) continue;
      sink(slot);
      this.#slots.delete(startS);
    }
  }

  /** Drops every slot that ends after `endS`. */
  dropAfter(endS: number): void {
    for (const [startS, slot] of this.#slots) if (startS + slot.lengthS > endS) this.#slots.delete(startS);
  }

  /** Oldest first. */
  slots(): Slot[] {
    return [...this.#slots.values()].sort((a, b) => a.startS - b.startS);
  }
}
