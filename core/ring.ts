/**
 * A ring of slots: what has been merged for each slice of one tier, for as long as the tier holds it.
 *
 * Slots up to five minutes ahead are held too, for sources whose clock is ahead; they come into view when their time
 * does.
 */
import {
  GIVE_BACK_AFTER_SECONDS,
  OPEN_ROWS_MAX,
  REST_AFTER_SECONDS,
  SLOT_PENDING_BYTES_MAX,
  SLOT_PENDING_MAX,
  UNTIDY_MAX,
} from "./bounds.ts";
import { type Caps, FINEST_S, oldestStart, TIERS } from "./slices.ts";
import { type Bucket, emptyBucket } from "./bucket.ts";
import { blockOf, bucketBytes } from "./bucket_block.ts";
import { isResting, opened, type Packer, resting, wake } from "./resting.ts";
import { free } from "./free.ts";
import { cutBucket, Merge, mergeBuckets, mergeRoom, type Outlook } from "./merge.ts";
import { IdentitySet } from "./identity_set.ts";

/**
 * The slots whose merges go on: with hundreds of sources each delta then costs what it has itself, where merging what has been
 * merged with a few more each time would cost many times as much. A merge is a large table, so only few go on at once; of
 * more, the one that was used longest ago ends.
 */
export class OpenMerges {
  /** The one used last comes last. */
  readonly #slots = new Set<Slot>();
  /** Slots to be cut: what is left to do of several must not hold up a question that comes just then. */
  readonly #untidy = new Set<Slot>();

  /** Per tier: what the last merge has left for the next one. */
  readonly outlooks: readonly Outlook[] = TIERS.map(() => ({}));

  /** @param most at once; 0 where few sources deliver, or one. Then nothing is left for later either. */
  constructor(readonly most: number = 0) {}

  /** A slot is to be tidied when there is time. */
  later(slot: Slot): void {
    if (this.most === 0) return slot.tidy();
    this.#untidy.add(slot);
    if (this.#untidy.size > UNTIDY_MAX) this.tidyOne();
  }

  /** Tidies the slot that has waited longest, if any does. */
  tidyOne(): void {
    for (const slot of this.#untidy) {
      this.#untidy.delete(slot);
      return slot.tidy();
    }
  }

  /** A slot's merge goes on. */
  use(slot: Slot): void {
    this.#slots.delete(slot);
    this.#slots.add(slot);
    for (const oldest of this.#slots) {
      if (this.#slots.size <= this.most) break;
      oldest.bucket();
    }
  }

  ended(slot: Slot): void {
    this.#slots.delete(slot);
  }
}

/** What has been merged for one slice, and from which deltas. */
export class Slot {
  readonly identities = new IdentitySet();
  /** Sources of which something came merged for this slice: finer slots within this one lack it. */
  readonly onlyHere = new Set<string>();
  /** The next coarser slot has it all: fewer rows are kept from then on. */
  #made = false;
  #merged: Bucket | undefined;
  #pending: Bucket[] = [];
  #pendingBytes = 0;
  /** A merge that goes on has all that there is; `#merged` is then what it had when somebody looked, and nothing is pending. */
  #merge: Merge | undefined;
  /** Bit i is set when something is known of the fine slice i of this slot; at most 30 of them. */
  #known = 0;

  /** Whether it began as a former process had it. */
  restored = false;
  #changes = 0;
  /** When it was seen with as many changes for the first time. */
  #seen = { changes: -1, atS: 0 };
  /** Changes at which resting was not worth it. */
  #triedAt = -1;
  /** Somebody has asked since it was looked at last; and when that was seen. */
  #isAsked = false;
  #askedS = -Infinity;

  constructor(
    readonly startS: number,
    readonly tier: number,
    readonly seed: number,
    readonly openMerges: OpenMerges = new OpenMerges(),
  ) {}

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
    this.#changes++;
  }

  /** Has this merged and nothing else: a mirror of a slot in another thread. What it showed before is given back. */
  show(bucket: Bucket | undefined, known: number): void {
    this.#known = known;
    if (bucket === undefined) return;
    this.#forgetSoFar();
    this.#merged = bucket;
  }

  /** Grows with whatever changes its bucket. */
  get changes(): number {
    return this.#changes;
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

  /**
   * All of it as one bucket, for a question alone: while many deliver, it may have more rows than are kept, and its columns may
   * be at rest.
   */
  bucketNow(): Bucket {
    this.#isAsked = true;
    if (this.#merge === undefined) return this.#mergePending();
    return this.#merged ??= this.#merge.soFar(this.startS, this.lengthS);
  }

  /** Whether deltas wait here to be merged. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** All of it as one bucket. */
  bucket(): Bucket {
    if (this.#merge !== undefined) {
      this.#forgetSoFar();
      this.#merged = this.#merge.end(this.startS, this.lengthS, this.#caps);
      this.#merge = undefined;
      this.#changes++;
      this.openMerges.ended(this);
    }
    return opened(this.#mergePending());
  }

  #mergePending(): Bucket {
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
    this.openMerges.later(this);
  }

  /** Merges what is to be merged and brings it to what is kept. */
  tidy(): void {
    if (this.#known === 0) return;
    const merged = this.bucket();
    this.#merged = cutBucket(merged, this.#caps, this.seed);
    if (this.#merged !== merged) this.#changes++;
  }

  /**
   * Puts it to rest when nothing has come and nobody has asked for a while, and wakes it when somebody has. That of the coarsest
   * tier rests at once and is never woken: questions over many of them look at what they are merged into (`stretches.ts`). Call
   * it every second.
   *
   * @returns rows that were packed or unpacked
   */
  rest(nowS: number, packer: Packer): number {
    const merged = this.#merged, isQuiet = this.#isQuiet(nowS);
    if (merged === undefined || this.isPending || this.#merge !== undefined || isQuiet === isResting(merged)) return 0;
    if (!isQuiet) wake(merged);
    else if (this.#triedAt === this.#changes) return 0;
    else this.#merged = resting(merged, packer) ?? this.#isNotWorthIt(merged);
    return merged.rows;
  }

  #isNotWorthIt(merged: Bucket): Bucket {
    this.#triedAt = this.#changes;
    return merged;
  }

  #isQuiet(nowS: number): boolean {
    if (this.tier === TIERS.length - 1) return true;
    if (this.#seen.changes !== this.#changes || nowS < this.#seen.atS) {
      this.#seen = { changes: this.#changes, atS: nowS };
    }
    if (this.#isAsked || nowS < this.#askedS) this.#askedS = nowS;
    this.#isAsked = false;
    return nowS - this.#seen.atS >= REST_AFTER_SECONDS && nowS - this.#askedS >= GIVE_BACK_AFTER_SECONDS;
  }

  #hold(bucket: Bucket): void {
    this.#changes++;
    if (this.#merge !== undefined) {
      this.#merge.add(bucket);
      this.#forgetSoFar();
      return this.openMerges.use(this);
    }
    this.#pending.push(bucket);
    this.#pendingBytes += bucketBytes(bucket);
    const merged = this.#merged === undefined ? 0 : bucketBytes(this.#merged);
    const bytesMax = Math.max(SLOT_PENDING_BYTES_MAX, merged);
    if (this.#pendingBytes <= bytesMax && this.#pending.length <= SLOT_PENDING_MAX) return;
    if (this.openMerges.most === 0) this.bucket();
    else this.#open();
  }

  /** What a question has looked at: none goes on, and there may be several in a second. */
  #forgetSoFar(): void {
    if (this.#merged !== undefined) free(new Uint8Array(blockOf(this.#merged)));
    this.#merged = undefined;
  }

  /** What waits is merged with what has been, in a merge that goes on. */
  #open(): void {
    const parts = this.#merged === undefined ? this.#pending : [this.#merged, ...this.#pending];
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const outlook = this.openMerges.outlooks[this.tier], room = mergeRoom(this.#caps, OPEN_ROWS_MAX);
    const merge = this.#merge = new Merge(this.#caps, this.seed, rows, room, outlook);
    for (const part of parts) merge.add(part);
    this.#merged = undefined;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.openMerges.use(this);
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

  constructor(readonly tier: number, readonly seed: number, readonly openMerges: OpenMerges = new OpenMerges()) {}

  /** The slot that begins at `startS`, or undefined when nothing is known of that slice. */
  at(startS: number): Slot | undefined {
    return this.#slots.get(startS);
  }

  /** The same, made when it is not there. The caller has checked that the ring holds it. */
  open(startS: number): Slot {
    let slot = this.#slots.get(startS);
    if (slot === undefined) this.#slots.set(startS, slot = new Slot(startS, this.tier, this.seed, this.openMerges));
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

  /** Drops every slot that begins at none of these. */
  keepOnly(starts: ReadonlySet<number>): void {
    for (const startS of this.#slots.keys()) if (!starts.has(startS)) this.#slots.delete(startS);
  }

  /** In no order. */
  [Symbol.iterator](): Iterator<Slot> {
    return this.#slots.values();
  }

  /** Oldest first. */
  slots(): Slot[] {
    return [...this.#slots.values()].sort((a, b) => a.startS - b.startS);
  }
}
