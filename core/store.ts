/**
 * The store: three rings from fine to coarse, filled by deltas. A collector has one for its ingest threads, an
 * aggregator for its sources.
 *
 * A delta enters the finest ring that still holds its slice, once (its identity is noted in the slot). A coarser slot
 * is made from its finer ones when they are over, and from then on a late delta enters it directly as well: merged
 * upward only, and never twice.
 */
import { AHEAD_SECONDS_MAX, MAKE_DELAY_SECONDS, STORE_PENDING_BYTES_MAX } from "./bounds.ts";
import { FINEST_S, oldestStart, sliceStart, type Span, TIERS } from "./slices.ts";
import type { Delta } from "./bucket.ts";
import { bucketBytes } from "./bucket_block.ts";
import { Ring, type Slot } from "./ring.ts";

export type Outcome = "merged" | "duplicate" | "too_old" | "too_far_ahead";

export interface StoreHooks {
  /** A slot of a coarser tier is whole. */
  readonly onMade?: (slot: Slot) => void;
  /** A slot is about to be forgotten. */
  readonly onEvict?: (slot: Slot) => void;
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
  /** Bytes put into slots since all of them have merged: as many as they can hold unmerged, and mostly far more. */
  #pendingBytes = 0;

  constructor(seed: number, readonly hooks: StoreHooks = {}, readonly pendingBytesMax = STORE_PENDING_BYTES_MAX) {
    this.rings = TIERS.map((_, tier) => new Ring(tier, seed));
    this.#madeUntilS = TIERS.map(() => 0);
  }

  /** Merges a delta into its place. Call `advance` first when it is of a new slice. */
  add(delta: Delta): Outcome {
    const { startS, lengthS } = delta.bucket;
    const newestS = this.endS - FINEST_S;
    if (startS > newestS + AHEAD_SECONDS_MAX) return "too_far_ahead";
    let tier = TIERS.findIndex(({ sliceS }) => sliceS === lengthS);
    while (tier >= 0 && tier < TIERS.length && sliceStart(startS, TIERS[tier].sliceS) < oldestStart(tier, newestS)) {
      tier++;
    }
    if (tier < 0 || tier >= TIERS.length) return "too_old";
    const slot = this.#slotOf(tier, startS);
    // Whichever tier it entered first still knows it: it may have come by another path since.
    if (this.#knows(delta)) return "duplicate";
    this.#mergeAllBefore(bucketBytes(delta.bucket));
    slot.identities.add(delta.identity);
    slot.put(delta.bucket);
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
   * Time has come to `endS` (a multiple of FINEST_S, never backwards): makes the coarse slots that are over, then forgets
   * what the rings no longer hold.
   */
  advance(endS: number): void {
    if (endS <= this.endS) return;
    this.endS = endS;
    for (let tier = 1; tier < TIERS.length; tier++) this.#make(tier, endS - MAKE_DELAY_SECONDS);
    for (const ring of this.rings) ring.evict(endS - FINEST_S, (slot) => this.hooks.onEvict?.(slot));
  }

  /**
   * The clock was wrong and time has gone back to `endS`: forgets what lay after it, and goes on from there. A coarse
   * slot around `endS` is made again from its finer ones.
   */
  rebase(endS: number): void {
    if (endS >= this.endS) return;
    this.endS = endS;
    for (const ring of this.rings) ring.dropAfter(endS);
    TIERS.forEach(({ sliceS }, tier) => {
      this.#madeUntilS[tier] = Math.min(this.#madeUntilS[tier], sliceStart(endS, sliceS));
    });
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

  /** Whether the slice of this tier at `timeS` begins there, ends within the span and the step, and has been made. */
  #isWhole(tier: number, timeS: number, toS: number, stepS: number): boolean {
    const { sliceS } = TIERS[tier];
    return timeS % sliceS === 0 && timeS + sliceS <= toS && sliceS <= stepS && timeS + sliceS <= this.#madeUntilS[tier];
  }

  /** Makes room for `bytes` more in the slots of every tier. */
  #mergeAllBefore(bytes: number): void {
    this.#pendingBytes += bytes * TIERS.length;
    if (this.#pendingBytes <= this.pendingBytesMax) return;
    for (const ring of this.rings) for (const slot of ring.slots()) if (slot.knownS > 0) slot.bucket();
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
      made.bucket(); // merged now, a little every minute, and not all at once when somebody asks for a day
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
