/** What has come since it was last handed over to be saved: once a second, or when it is much. */
import { STATE_GATHERED_BYTES } from "@/core/bounds.ts";
import type { Delta } from "@/core/bucket.ts";
import { bucketBytes } from "@/core/bucket_block.ts";
import { type IdentityRanges, IdentitySet } from "@/core/identity_set.ts";
import type { MergedSlot } from "@/core/store.ts";
import type { Taken } from "./state_record.ts";

export class Gathered {
  #deltas: Delta[] = [];
  #by: string[] = [];
  #slots: MergedSlot[] = [];
  #knows = new IdentitySet();
  #bytes = 0;

  delta(delta: Delta, by: string): void {
    this.#deltas.push(delta);
    this.#by.push(by);
    this.#bytes += bucketBytes(delta.bucket);
  }

  slot(slot: MergedSlot): void {
    this.#slots.push(slot);
    this.#bytes += bucketBytes(slot.bucket);
  }

  /** Deltas that need not be sent, though they are in nothing that is handed over. */
  knows(identities: readonly IdentityRanges[]): void {
    this.#knows.addRanges(identities);
  }

  get isMuch(): boolean {
    return this.#bytes >= STATE_GATHERED_BYTES;
  }

  /** All of it, with what else is to be saved; undefined when there is nothing. What comes from now on is gathered anew. */
  take(rest: Omit<Taken, "deltas" | "by" | "slots" | "knows">): Taken | undefined {
    const knows = this.#knows.ranges(),
      taken = { ...rest, deltas: this.#deltas, by: this.#by, slots: this.#slots, knows };
    const isEmpty = [taken.deltas, taken.slots, knows].every(({ length }) => length === 0) && rest.sources.size === 0;
    if (isEmpty && rest.apart === undefined && rest.back === undefined) return undefined;
    this.#deltas = [];
    this.#by = [];
    this.#slots = [];
    this.#knows = new IdentitySet();
    this.#bytes = 0;
    return taken;
  }
}
