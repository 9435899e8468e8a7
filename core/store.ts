/**
 * The store: three rings from fine to coarse, filled by deltas. A collector has one for its ingest threads, an
 * aggregator for its sources.
 *
 * A delta enters the finest ring that still holds its slice, once (its identity is noted in the slot). A coarser slot
 * is made from its finer ones when they are over, and from then on a late delta enters it directly as well: merged
 * upward only, and never twice.
 */
import { AHEAD_SECONDS_MAX, MAKE_DELAY_SECONDS, REST_ROWS_MAX, STORE_PENDING_BYTES_MAX } from "./bounds.ts";
import { FINEST_S, oldestStart, sliceStart, type Span, TIERS } from "./slices.ts";
import type { Bucket, Delta, Identity } from "./bucket.ts";
import { bucketBytes } from "./bucket_block.ts";
import { type IdentityRanges, IdentitySet } from "./identity_set.ts";
import { OpenMerges, Ring, type Slot } from "./ring.ts";
import type { Packer } from "./resting.ts";

/**
 * `overlaps`: some of it is here already, and what is merged cannot be taken apart. `too_scattered`: an aggregator does not take
 * more pieces of numbers from one address.
 */
export type Outcome = "merged" | "duplicate" | "overlaps" | "too_old" | "too_far_ahead" | "too_scattered";

export interface StoreHooks {
  /** A slot of a coarser tier is whole. */
  readonly onMade?: (slot: Slot) => void;
  /** A slot is about to be forgotten. */
  readonly onEvict?: (slot: Slot) => void;
  /** Time has gone back, and these are nowhere any more. */
  readonly onForgotten?: (identities: readonly IdentityRanges[]) => void;
}

/** What has been merged for one slice of a tier: by a former process, or by a source. */
export interface MergedSlot {
  readonly tier: number;
  readonly startS: number;
  /** As `Slot.known`. */
  readonly known: number;
  readonly identities: readonly IdentityRanges[];
  readonly bucket: Bucket;
}

/** A span resolved to slots: in order of time, without overlap; slices of which nothing is known are left out. */
export interface Resolved {
  readonly slots: readonly Slot[];
  /** Seconds of the span for which something is known. */
  readonly secondsCovered: number;
}

export class Store {
  readonly rings: readonly Ring[];
  /** End of the newest fine slice: where every window ends. 0 before the first. */
  endS = 0;
  /** Per tier: slices that end here or earlier have been made from the finer tier. */
  readonly #madeUntilS: number[];
  readonly #openMerges: OpenMerges;
  /** How often time has gone back. */
  rebases = 0;
  /** Bytes put into slots since all of them have merged: as many as they can hold unmerged, and mostly far more. */
  #pendingBytes = 0;

  /** @param mergesMax slots whose merges go on at once, see `OpenMerges`. */
  constructor(
    seed: number,
    readonly hooks: StoreHooks = {},
    readonly pendingBytesMax = STORE_PENDING_BYTES_MAX,
    mergesMax = 0,
  ) {
    const openMerges = this.#openMerges = new OpenMerges(mergesMax);
    this.rings = TIERS.map((_, tier) => new Ring(tier, seed, openMerges));
    this.#madeUntilS = TIERS.map(() => 0);
  }

  /** Merges a delta into its place. Call `advance` first when it is of a new slice. */
  add(delta: Delta): Outcome {
    const { startS, lengthS } = delta.bucket;
    if (startS > this.endS - FINEST_S + AHEAD_SECONDS_MAX) return "too_far_ahead";
    const tier = this.tierOf(startS, lengthS);
    if (tier < 0) return "too_old";
    const slot = this.#slotOf(tier, startS);
    // Whichever tier it entered first still knows it: it may have come by another path since.
    if (this.#knows(delta)) return "duplicate";
    this.#mergeAllBefore(bucketBytes(delta.bucket));
    slot.identities.add(delta.identity);
    slot.put(delta.bucket);
    if (tier > 0) slot.onlyHere.add(delta.identity.source);
    let below = slot;
    for (let coarser = tier + 1; coarser < TIERS.length; coarser++) {
      const above = this.#slotOf(coarser, startS);
      above.identities.add(delta.identity);
      if (above.startS + above.lengthS <= this.#madeUntilS[coarser]) {
        above.put(delta.bucket);
        below.setMade();
      }
      below = above;
    }
    return "merged";
  }

  /**
   * Takes what a source had merged for a slice of a coarser tier, unless any of it is here already: rather a gap that can
   * be seen than a doubled count. Of slots that overlap, the first to come is taken.
   */
  addSlot({ tier, startS, known, identities, bucket }: MergedSlot): Outcome {
    if (startS > this.endS - FINEST_S + AHEAD_SECONDS_MAX) return "too_far_ahead";
    const lowest = this.tierOf(startS, TIERS[tier].sliceS);
    if (lowest < 0) return "too_old";
    // The coarsest slot knows all that its finer ones do, and what was too old for them.
    const own = this.#slotOf(TIERS.length - 1, startS).identities;
    if (own.hasAll(identities)) return "duplicate";
    if (own.hasAny(identities)) return "overlaps";
    this.#mergeAllBefore(bucketBytes(bucket));
    let below: Slot | undefined;
    for (let t = lowest; t < TIERS.length; t++) {
      const slot = this.#slotOf(t, startS);
      slot.identities.addRanges(identities);
      if (t === lowest) noteOnlyHere(slot, identities);
      if (t === lowest || this.isMade(t, slot.startS)) {
        slot.putMerged(bucket, known);
        below?.setMade();
      }
      below = slot;
    }
    return "merged";
  }

  /**
   * Sources of which something that belongs to these slots is known to coarser slots alone: a source had merged it before it
   * came, and the edge of a window cannot take it apart.
   */
  lackedBy(slots: readonly Slot[]): ReadonlySet<string> {
    const lacked = new Set<string>();
    for (const { tier, startS } of slots) {
      for (let coarser = tier + 1; coarser < TIERS.length; coarser++) {
        const above = this.rings[coarser].at(sliceStart(startS, TIERS[coarser].sliceS));
        for (const source of above?.onlyHere ?? []) lacked.add(source);
      }
    }
    return lacked;
  }

  /**
   * Time has come to `endS` (a multiple of FINEST_S, never backwards): makes the coarse slots that are over, then forgets
   * what the rings no longer hold.
   */
  advance(endS: number): void {
    if (endS <= this.endS) return;
    this.endS = endS;
    for (let tier = 1; tier < TIERS.length; tier++) this.#make(tier, endS - MAKE_DELAY_SECONDS);
    for (const ring of this.rings) ring.evict(endS - FINEST_S, (slot) => this.hooks.onEvict?.(slot));
  }

  /** One of the things that may wait is done. Call it every second. */
  tidy(): void {
    this.#openMerges.tidyOne();
  }

  /** Puts slots to rest that nothing has come to for a while, some at a time. Call it every second. */
  rest(nowS: number, packer: Packer): void {
    let rows = 0;
    for (const ring of this.rings) {
      for (const slot of ring) if ((rows += slot.rest(nowS, packer)) >= REST_ROWS_MAX) return;
    }
  }

  /**
   * The clock was wrong and time has gone back to `endS`: forgets what lay after it, and goes on from there. A coarse
   * slot around `endS` is made again from its finer ones.
   */
  rebase(endS: number): void {
    if (endS >= this.endS) return;
    this.endS = endS;
    this.rebases++;
    const forgotten = new IdentitySet();
    for (const ring of this.rings) {
      for (const slot of ring.slots()) {
        if (slot.startS + slot.lengthS > endS) forgotten.addRanges(slot.identities.ranges());
      }
      ring.dropAfter(endS);
    }
    TIERS.forEach(({ sliceS }, tier) => {
      this.#madeUntilS[tier] = Math.min(this.#madeUntilS[tier], sliceStart(endS, sliceS));
    });
    for (let tier = 1; tier < TIERS.length; tier++) {
      const fromS = sliceStart(endS, TIERS[tier].sliceS);
      for (const finer of this.rings[tier - 1].slots()) {
        if (finer.startS >= fromS) this.#slotOf(tier, finer.startS).identities.addRanges(finer.identities.ranges());
      }
    }
    for (const ring of this.rings) for (const slot of ring.slots()) forgotten.removeRanges(slot.identities.ranges());
    const lost = forgotten.ranges();
    if (lost.length > 0) this.hooks.onForgotten?.(lost);
  }

  /**
   * The slots that make up a span, using tiers up to `coarsest` where their slots are whole and lie inside a single step.
   *
   * @param stepS no slot crosses a multiple of it.
   */
  resolve({ fromS, toS }: Span, coarsest: number, stepS: number): Resolved {
    const slots: Slot[] = [];
    let secondsCovered = 0;
    for (let timeS = fromS; timeS < toS;) {
      let tier = coarsest;
      while (tier > 0 && !this.#isWhole(tier, timeS, toS, stepS)) tier--;
      const slot = this.rings[tier].at(timeS);
      if (slot !== undefined && slot.knownS > 0) {
        slots.push(slot);
        secondsCovered += slot.knownS;
      }
      timeS += TIERS[tier].sliceS;
    }
    return { slots, secondsCovered };
  }

  /** The finest tier, of slices that are at least this long, that holds `startS`; -1 when none does. */
  tierOf(startS: number, lengthS: number): number {
    return TIERS.findIndex(({ sliceS }, tier) =>
      sliceS >= lengthS && sliceStart(startS, sliceS) >= oldestStart(tier, this.endS - FINEST_S)
    );
  }

  /** Per tier: slices that end here or earlier have been made. */
  get madeUntilS(): readonly number[] {
    return this.#madeUntilS;
  }

  /**
   * Time has come to `endS`, or gone back to it, in the store that this one is a mirror of: what was dropped there is dropped
   * here already (`mirror.ts`).
   */
  follow(endS: number, madeUntilS: readonly number[]): void {
    this.endS = endS;
    for (let tier = 1; tier < TIERS.length; tier++) {
      const fromS = this.#madeUntilS[tier];
      this.#madeUntilS[tier] = madeUntilS[tier];
      for (const slot of this.rings[tier].slots()) {
        if (slot.startS >= fromS && this.isMade(tier, slot.startS)) this.hooks.onMade?.(slot);
      }
    }
    for (const ring of this.rings) ring.evict(endS - FINEST_S, () => {});
  }

  /** Whether the slot of this tier at `startS` has been made; those of the finest tier need not be. */
  isMade(tier: number, startS: number): boolean {
    return tier === 0 || startS + TIERS[tier].sliceS <= this.#madeUntilS[tier];
  }

  /**
   * Goes on where a former process stopped, in an empty store: first slots as it had merged them, coarse ones first; then
   * every delta and every source's slot that is lacking in one of them (`lacks`, `restoreDelta`; `lacksSlot`, `restoreSlot`);
   * then `endRestore`.
   */
  restoreSlots(endS: number, slots: Iterable<MergedSlot>): void {
    this.endS = endS;
    for (let tier = 1; tier < TIERS.length; tier++) {
      this.#madeUntilS[tier] = sliceStart(endS - MAKE_DELAY_SECONDS, TIERS[tier].sliceS);
    }
    for (const slot of slots) this.#restoreSlot(slot);
  }

  /** Whether a delta of the former process is missing in a slot that nothing but it can bring it to. */
  lacks(identity: Identity, startS: number, lengthS: number): boolean {
    return this.#lacking((slot) => slot.identities.has(identity), startS, lengthS).length > 0;
  }

  /** As `add`, but that a slot which was restored with a delta does not keep the others from getting it. */
  restoreDelta({ identity, bucket }: Delta): void {
    const { startS, lengthS } = bucket;
    const lacking = this.#lacking((slot) => slot.identities.has(identity), startS, lengthS);
    if (lacking.length > 0) this.#mergeAllBefore(bucketBytes(bucket));
    for (const slot of lacking) slot.put(bucket);
    this.#note(startS, lengthS, (slot) => void slot.identities.add(identity));
  }

  /** The same for what a source had merged, and was taken as it was. */
  lacksSlot({ tier, startS, identities }: Omit<MergedSlot, "bucket">): boolean {
    return this.#lacking((slot) => slot.identities.hasAny(identities), startS, TIERS[tier].sliceS).length > 0;
  }

  restoreSlot({ tier, startS, known, identities, bucket }: MergedSlot): void {
    const { sliceS } = TIERS[tier],
      lacking = this.#lacking((slot) => slot.identities.hasAny(identities), startS, sliceS);
    if (lacking.length > 0) this.#mergeAllBefore(bucketBytes(bucket));
    for (const slot of lacking) slot.putMerged(bucket, known);
    this.#note(startS, sliceS, (slot) => slot.identities.addRanges(identities));
  }

  /** Makes the slots that are due and were not restored. */
  endRestore(): void {
    for (let tier = 1; tier < TIERS.length; tier++) {
      for (const finer of this.rings[tier - 1].slots()) {
        const slot = this.#slotOf(tier, finer.startS), isMade = this.isMade(tier, slot.startS);
        if (!slot.restored) {
          if (isMade) slot.putSlot(finer);
          slot.identities.addRanges(finer.identities.ranges());
        }
        if (isMade) finer.setMade();
      }
    }
    for (let tier = 1; tier < TIERS.length; tier++) {
      const oldestS = oldestStart(tier - 1, this.endS - FINEST_S); // of older ones finer slots are gone
      for (const slot of this.rings[tier].slots()) {
        if (slot.startS >= oldestS) noteOnlyHere(slot, this.#notIn(tier - 1, slot));
      }
    }
  }

  /** What a slot knows, and none of the slots of the finer tier within it. */
  #notIn(finer: number, { identities, startS, lengthS }: Slot): readonly IdentityRanges[] {
    const left = new IdentitySet();
    left.addRanges(identities.ranges());
    for (let at = startS; at < startS + lengthS; at += TIERS[finer].sliceS) {
      left.removeRanges(this.rings[finer].at(at)?.identities.ranges() ?? []);
    }
    return left.ranges();
  }

  /** Where a delta enters, and coarser slots that were restored without it; the others are made from finer ones. */
  #lacking(has: (slot: Slot) => boolean, startS: number, lengthS: number): Slot[] {
    const lowest = this.tierOf(startS, lengthS), lacking: Slot[] = [];
    for (let tier = lowest; tier >= 0 && tier < TIERS.length; tier++) {
      const slot = this.#slotOf(tier, startS);
      if ((tier === lowest || slot.restored) && !has(slot)) lacking.push(slot);
    }
    return lacking;
  }

  #note(startS: number, lengthS: number, note: (slot: Slot) => void): void {
    const lowest = this.tierOf(startS, lengthS);
    for (let tier = lowest; tier >= 0 && tier < TIERS.length; tier++) note(this.#slotOf(tier, startS));
  }

  /** What its ring no longer holds goes into the next coarser slot, unless that is restored itself. */
  #restoreSlot({ tier, startS, known, identities, bucket }: MergedSlot): void {
    const isHeld = startS >= oldestStart(tier, this.endS - FINEST_S);
    if (isHeld) {
      const slot = this.#slotOf(tier, startS);
      slot.restore(bucket, known);
      slot.identities.addRanges(identities);
      // Around a step of the clock, more had been made than by now would be.
      if (tier > 0) this.#madeUntilS[tier] = Math.max(this.#madeUntilS[tier], startS + TIERS[tier].sliceS);
    } else if (tier + 1 < TIERS.length && this.tierOf(startS, TIERS[tier].sliceS) === tier + 1) {
      const above = this.#slotOf(tier + 1, startS);
      if (above.restored) return;
      above.putMerged(bucket, known);
      above.identities.addRanges(identities);
    }
  }

  /** Whether the slice of this tier at `timeS` begins there, ends within the span and the step, and has been made. */
  #isWhole(tier: number, timeS: number, toS: number, stepS: number): boolean {
    const { sliceS } = TIERS[tier];
    return timeS % sliceS === 0 && timeS + sliceS <= toS && sliceS <= stepS && timeS + sliceS <= this.#madeUntilS[tier];
  }

  /** Makes room for `bytes` more in the slots of every tier. */
  #mergeAllBefore(bytes: number): void {
    this.#pendingBytes += bytes * TIERS.length;
    if (this.#pendingBytes <= this.pendingBytesMax) return;
    for (const ring of this.rings) for (const slot of ring.slots()) if (slot.isPending) slot.bucket();
    this.#pendingBytes = 0;
  }

  #make(tier: number, untilS: number): void {
    const { sliceS } = TIERS[tier], finer = TIERS[tier - 1].sliceS;
    const lastS = sliceStart(untilS, sliceS);
    const slots = this.rings[tier - 1].slots().filter(({ startS }) =>
      startS >= this.#madeUntilS[tier] && startS + finer <= lastS
    );
    for (const slot of slots) {
      // Slots older than the finer ring's were filled directly and are whole already; these are added to them.
      this.#slotOf(tier, slot.startS).putSlot(slot);
      slot.setMade();
    }
    this.#madeUntilS[tier] = Math.max(this.#madeUntilS[tier], lastS);
    for (const startS of new Set(slots.map((slot) => sliceStart(slot.startS, sliceS)))) {
      const made = this.#slotOf(tier, startS);
      this.#openMerges.later(made); // merged a little every minute, and not all at once when somebody asks for a day
      this.hooks.onMade?.(made);
    }
  }

  #slotOf(tier: number, timeS: number): Slot {
    return this.rings[tier].open(sliceStart(timeS, TIERS[tier].sliceS));
  }

  #knows({ identity, bucket }: Delta): boolean {
    return this.rings.some((ring, tier) =>
      ring.at(sliceStart(bucket.startS, TIERS[tier].sliceS))?.identities.has(identity) === true
    );
  }
}

function noteOnlyHere(slot: Slot, identities: readonly IdentityRanges[]): void {
  if (slot.tier > 0) { for (const { source } of identities) slot.onlyHere.add(source); }
}
