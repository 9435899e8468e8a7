/**
 * What lies where in the state that a role keeps on disk: which deltas each segment has, and which slot record is the newest
 * of its slot. From this follows what must be written again before a segment can be given up.
 */
import { sliceStart, TIERS } from "./slices.ts";
import type { Identity } from "./bucket.ts";
import { type IdentityRanges, IdentitySet } from "./identity_set.ts";
import type { Slot } from "./ring.ts";
import type { Store } from "./store.ts";

/** A delta in a segment, or what a source had merged. */
export interface Place {
  readonly of: Identity | readonly IdentityRanges[];
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

/** A slice of which something is in the store alone. */
export interface Touched {
  readonly startS: number;
  readonly lengthS: number;
}

/** What is still to be written. */
export interface Lacking {
  readonly slots: readonly Slot[];
  /** Something cannot be written as a slot yet: a coarse slot that is not made has it, beside what finer slots have. */
  readonly blocked: boolean;
}

/** Whether a delta can still be asked for. */
export type Asked = (identity: Identity) => boolean;

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

  /** Slots without which these deltas would be missing after a restart. */
  lacking(store: Store, places: readonly Place[]): Lacking {
    const slots = new Set<Slot>();
    let blocked = false;
    for (const { of, startS, lengthS } of places) {
      for (const { slot, isMade } of slotsWith(store, { startS, lengthS })) {
        const set = this.#newest.get(keyOf(slot.tier, slot.startS))?.set;
        if (set !== undefined && isIn(set, of)) continue;
        if (isMade) slots.add(slot);
        else blocked = true;
      }
    }
    return { slots: [...slots], blocked };
  }

  /** The same before a segment is given up: what its deltas need, and all slots that are durable in it alone. */
  lackingOf(store: Store, segment: number): Lacking {
    const { slots, blocked } = this.lacking(store, this.#places.get(segment) ?? []), all = new Set(slots);
    for (const { tier, startS, segment: at } of this.#newest.values()) {
      const slot = at === segment ? store.rings[tier].at(startS) : undefined;
      if (slot !== undefined) all.add(slot);
    }
    return { slots: [...all], blocked };
  }

  /** Coarse slots that have been made and were never written, oldest first. */
  missing(store: Store): readonly Slot[] {
    return store.rings.slice(1).flatMap((ring) =>
      ring.slots().filter(({ tier, startS, knownS }) =>
        knownS > 0 && store.isMade(tier, startS) && !this.#newest.has(keyOf(tier, startS))
      )
    );
  }

  /** Deltas in a segment that can be asked for. */
  askedIn(segment: number, asked: Asked): number {
    return (this.#places.get(segment) ?? []).reduce((sum, { of }) => sum + (isAsked(of, asked) ? 1 : 0), 0);
  }

  /** Bytes of blocks that a restart would need, and of deltas that can be asked for. */
  neededBytes(asked: Asked): number {
    let bytes = 0;
    for (const cover of this.#newest.values()) bytes += cover.bytes;
    for (const places of this.#places.values()) {
      for (const { of, bytes: block } of places) if (isAsked(of, asked)) bytes += block;
    }
    return bytes;
  }

  /** Forgets slots that no ring holds. */
  forgetEvicted(store: Store): void {
    for (const [key, { tier, startS }] of this.#newest) {
      if (store.rings[tier].at(startS) === undefined) this.#newest.delete(key);
    }
  }

  /** The clock went back, and what ends after this was forgotten: it may come again. */
  forgetAfter(endS: number): void {
    for (const [key, { tier, startS }] of this.#newest) {
      if (startS + TIERS[tier].sliceS > endS) this.#newest.delete(key);
    }
  }

  forgetSegment(segment: number): void {
    this.#places.delete(segment);
  }
}

/** The slots that hold what entered at a slice; until a coarse one is made, it has what its finer slots have. */
export function slotsWith(
  store: Store,
  { startS, lengthS }: Touched,
): { readonly slot: Slot; readonly isMade: boolean }[] {
  const lowest = store.tierOf(startS, lengthS), found = [];
  for (let tier = lowest; tier >= 0 && tier < TIERS.length; tier++) {
    const slotS = sliceStart(startS, TIERS[tier].sliceS), slot = store.rings[tier].at(slotS);
    const isMade = store.isMade(tier, slotS);
    if (slot !== undefined && (isMade || tier === lowest)) found.push({ slot, isMade });
  }
  return found;
}

function isIn(set: IdentitySet, of: Place["of"]): boolean {
  return "sequence" in of ? set.has(of) : set.hasAll(of);
}

/** What a source had merged is not asked for one by one. */
function isAsked(of: Place["of"], asked: Asked): boolean {
  return "sequence" in of && asked(of);
}

function keyOf(tier: number, startS: number): string {
  return `${tier} ${startS}`;
}
