/**
 * What lies where in the state: which deltas each segment has, and which slot record is the newest of its slot. From this
 * follows what must be written again before a segment can be given up.
 */
import type { Identity } from "@/core/bucket.ts";
import { type IdentityRanges, IdentitySet } from "@/core/identity_set.ts";
import type { Slot } from "@/core/ring.ts";
import { sliceStart, TIERS } from "@/core/slices.ts";
import type { Store } from "@/core/store.ts";

/** A delta in a segment. */
export interface Place {
  readonly identity: Identity;
  readonly startS: number;
  readonly lengthS: number;
  /** Of its block. */
  readonly bytes: number;
}

/** A slot record. */
export interface Cover {
  readonly tier: number;
  readonly startS: number;
  readonly identities: readonly IdentityRanges[];
  /** Of its block. */
  readonly bytes: number;
}

interface Newest extends Cover {
  readonly segment: number;
  readonly set: IdentitySet;
}

/** What is still to be written. */
export interface Lacking {
  readonly slots: readonly Slot[];
  /** Something cannot be written as a slot yet: a coarse slot that is not made has it, beside what finer slots have. */
  readonly blocked: boolean;
}

export class StateCovers {
  readonly #newest = new Map<string, Newest>();
  readonly #places = new Map<number, Place[]>();

  /** Deltas are durable in a segment. */
  placed(segment: number, places: readonly Place[]): void {
    const all = this.#places.get(segment);
    if (all === undefined) this.#places.set(segment, [...places]);
    else for (const place of places) all.push(place);
  }

  /** A slot is durable in a segment: what was written of it before counts no more. */
  cover(segment: number, cover: Cover): void {
    const set = new IdentitySet();
    set.addRanges(cover.identities);
    this.#newest.set(keyOf(cover.tier, cover.startS), { ...cover, segment, set });
  }

  placesIn(segment: number): readonly Place[] {
    return this.#places.get(segment) ?? [];
  }

  /** Slots without which these deltas would be missing after a restart; and all that are durable in `segment` alone. */
  lacking(store: Store, places: readonly Place[], segment?: number): Lacking {
    const slots = new Set<Slot>();
    let blocked = false;
    for (const { identity, startS, lengthS } of places) {
      const lowest = store.tierOf(startS, lengthS);
      for (let tier = lowest; tier >= 0 && tier < TIERS.length; tier++) {
        const slotS = sliceStart(startS, TIERS[tier].sliceS), slot = store.rings[tier].at(slotS);
        const isMade = store.isMade(tier, slotS);
        // Until it is made, a coarse slot has what its finer slots have.
        if (slot === undefined || !isMade && tier > lowest) continue;
        if (this.#newest.get(keyOf(tier, slotS))?.set.has(identity) === true) continue;
        if (isMade) slots.add(slot);
        else blocked = true;
      }
    }
    for (const { tier, startS, segment: at } of this.#newest.values()) {
      const slot = at === segment ? store.rings[tier].at(startS) : undefined;
      if (slot !== undefined) slots.add(slot);
    }
    return { slots: [...slots], blocked };
  }

  /** Coarse slots that have been made and were never written, oldest first. */
  missing(store: Store): readonly Slot[] {
    return store.rings.slice(1).flatMap((ring) =>
      ring.slots().filter(({ tier, startS, knownS }) =>
        knownS > 0 && store.isMade(tier, startS) && !this.#newest.has(keyOf(tier, startS))
      )
    );
  }

  /** Bytes of blocks that a restart would need, and of deltas that can be asked for. */
  neededBytes(askedFrom: number): number {
    let bytes = 0;
    for (const cover of this.#newest.values()) bytes += cover.bytes;
    for (const places of this.#places.values()) {
      for (const { identity, bytes: block } of places) if (identity.sequence >= askedFrom) bytes += block;
    }
    return bytes;
  }

  /** Forgets slots that no ring holds. */
  forgetEvicted(store: Store): void {
    for (const [key, { tier, startS }] of this.#newest) {
      if (store.rings[tier].at(startS) === undefined) this.#newest.delete(key);
    }
  }

  forgetSegment(segment: number): void {
    this.#places.delete(segment);
  }
}

function keyOf(tier: number, startS: number): string {
  return `${tier} ${startS}`;
}
