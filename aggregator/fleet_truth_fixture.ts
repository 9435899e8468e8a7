/**
 * What the sources have counted, delta by delta, and what views are held to: of every slot, that it has counted the requests
 * of exactly the deltas it says are in it; and of answers, that they are what was counted at the sources.
 */
import type { Delta } from "@/core/bucket.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import type { LiveView } from "@/core/live_view.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { Slot } from "@/core/ring.ts";
import { sliceStart, TIERS, WINDOWS } from "@/core/slices.ts";

/** A delta as it was counted. */
export interface Counted {
  readonly source: string;
  readonly instance: string;
  readonly sequence: number;
  readonly startS: number;
  readonly lengthS: number;
  requests: number;
}

/** What a check has found. */
export class Violation extends Error {}

export class Truth {
  /** By instance, then by sequence number. */
  readonly #counted = new Map<string, Map<number, Counted>>();

  /** A source has counted this, and offers it to whoever follows. */
  count({ identity: { source, instance, sequence }, bucket: { startS, lengthS, totals } }: Delta): void {
    const key = `${instance}\n${source}`, bySequence = this.#counted.get(key) ?? new Map<number, Counted>();
    this.#counted.set(key, bySequence);
    const before = bySequence.get(sequence), requests = totals[REQUESTS];
    if (before !== undefined) before.requests += requests;
    else bySequence.set(sequence, { source, instance, sequence, startS, lengthS, requests });
  }

  all(): Counted[] {
    return [...this.#counted.values()].flatMap((bySequence) => [...bySequence.values()]);
  }

  /** The deltas in a set; complains of those that no source has counted. */
  of(set: readonly IdentityRanges[], where: string): Counted[] {
    const found: Counted[] = [];
    for (const { source, instance, ranges } of set) {
      const bySequence = this.#counted.get(`${instance}\n${source}`);
      for (const [first, last] of ranges) {
        for (let sequence = first; sequence <= last; sequence++) {
          const counted = bySequence?.get(sequence);
          if (counted === undefined) {
            throw new Violation(`${where} has delta ${sequence} of ${source} ${instance}, which nobody has counted`);
          }
          found.push(counted);
        }
      }
    }
    return found;
  }

  /** Every slot has counted the requests of exactly the deltas in its set, and those lie in it. */
  checkSlots(view: LiveView): void {
    const { store } = view;
    for (const ring of store.rings) {
      for (const slot of ring.slots()) this.#checkSlot(view.source, slot, store.isMade(slot.tier, slot.startS));
    }
  }

  #checkSlot(source: string, slot: Slot, isMade: boolean): void {
    const where = `${source}: the slot of ${slot.lengthS} s at ${slot.startS}`;
    let expected = 0;
    for (const { startS, lengthS, sequence, requests } of this.of(slot.identities.ranges(), where)) {
      if (startS < slot.startS || startS + lengthS > slot.startS + slot.lengthS) {
        throw new Violation(`${where} has delta ${sequence}, which is of ${startS}`);
      }
      expected += requests;
    }
    // What is not made yet has only what was too old for finer slots.
    const has = slot.knownS > 0 ? slot.bucket().totals[REQUESTS] : 0;
    if (isMade ? has !== expected : has > expected) {
      throw new Violation(`${where} has ${has} requests, its deltas have ${expected}`);
    }
  }

  /** What of all that was counted and is not too old is nowhere in a view. */
  lackingIn(view: LiveView): Counted[] {
    const { rings, endS } = view.store, coarsest = TIERS.length - 1;
    return this.all().filter((counted) =>
      view.store.tierOf(counted.startS, counted.lengthS) >= 0 && counted.startS + counted.lengthS <= endS &&
      rings[coarsest].at(sliceStart(counted.startS, TIERS[coarsest].sliceS))?.identities.has(counted) !== true
    );
  }

  /**
   * Every window has of every source what was counted in it. Less is right only where the answer names the source as
   * missing, or leaves out seconds, and never less than what it lacks makes up.
   *
   * @param lacking what the view lacks, which has been excused
   * @returns how many sources and windows had less
   */
  checkWindows(view: LiveView, lacking: readonly Counted[]): number {
    const all = this.all(), sources = new Set(all.map(({ source }) => source)), gone = new Set(lacking);
    let less = 0;
    for (const { name, coarsest } of WINDOWS) {
      const { fromS, toS, entries, coverage } = view.topN({
        window: name,
        groupBy: "source",
        n: 100,
        sort: REQUESTS,
        filter: undefined,
      });
      for (const source of sources) {
        const has = entries.find(({ label }) => label === source)?.values[REQUESTS] ?? 0;
        let most = 0, least = 0;
        for (const counted of all) {
          if (counted.source !== source || counted.startS < fromS || counted.startS >= toS) continue;
          const isWithin = counted.startS + counted.lengthS <= toS && TIERS[coarsest].sliceS >= counted.lengthS;
          if (gone.has(counted)) continue;
          most += counted.requests;
          if (isWithin) least += counted.requests;
        }
        if (has >= least && has <= most) continue;
        less++;
        const isTold = coverage.secondsCovered < coverage.seconds || coverage.missing.includes(source);
        if (has < least && isTold) continue;
        throw new Violation(`${view.source}: ${name} has ${has} of ${source}, which counted ${least} to ${most}`);
      }
    }
    return less;
  }
}
