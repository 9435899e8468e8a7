/**
 * Which deltas the aggregator has, in whatever tier they have ended: what a source need not send again, and what it should
 * have sent and did not. A source counts its deltas 1, 2, 3 …, so a number left out between two that are here is missing.
 */
import { INSTANCES_MAX } from "@/core/bounds.ts";
import type { Identity } from "@/core/bucket.ts";
import { type IdentityRanges, IdentitySet } from "@/core/identity_set.ts";

export class KnownDeltas {
  /** By instance; the one heard of longest ago comes first. */
  readonly #instances = new Map<string, IdentitySet>();

  /** @param instancesMax instances remembered; what is sent again of one that was forgotten is known in the store. */
  constructor(readonly instancesMax: number = INSTANCES_MAX) {}

  add(all: readonly IdentityRanges[]): void {
    for (const ranges of all) {
      const key = `${ranges.instance}\n${ranges.source}`, known = this.#instances.get(key) ?? new IdentitySet();
      known.addRanges([ranges]);
      this.#instances.delete(key);
      this.#instances.set(key, known);
    }
    for (const oldest of this.#instances.keys()) {
      if (this.#instances.size <= this.instancesMax) break;
      this.#instances.delete(oldest);
    }
  }

  /** They are not here any more, and may be asked for again. */
  remove(all: readonly IdentityRanges[]): void {
    for (const ranges of all) this.#instances.get(`${ranges.instance}\n${ranges.source}`)?.removeRanges([ranges]);
  }

  /** These are here, and nothing else. */
  setTo(all: readonly IdentityRanges[]): void {
    this.#instances.clear();
    this.add(all);
  }

  /** Ranges that the numbers of an instance lie in. */
  pieces({ source, instance }: Pick<Identity, "source" | "instance">): number {
    return this.#instances.get(`${instance}\n${source}`)?.pieces ?? 0;
  }

  /** Whether a delta is neither here nor beside one that is. */
  isApart({ source, instance, sequence }: Identity): boolean {
    const known = this.#instances.get(`${instance}\n${source}`);
    return known === undefined || ![-1, 0, 1].some((by) => known.has({ source, instance, sequence: sequence + by }));
  }

  /** All of them, by instance, the one heard of last at the end. */
  ranges(): IdentityRanges[] {
    return [...this.#instances.values()].flatMap((known) => known.ranges());
  }

  /**
   * Deltas of a source that are missing between the first and the last of each of its instances. What came before the first
   * is not missed: nobody was there to want it.
   */
  missing(source: string): number {
    let missing = 0;
    for (const known of this.#instances.values()) {
      for (const { source: name, ranges } of known.ranges()) {
        if (name !== source) continue;
        for (let i = 1; i < ranges.length; i++) missing += ranges[i][0] - ranges[i - 1][1] - 1;
      }
    }
    return missing;
  }
}
