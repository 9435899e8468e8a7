/**
 * How much an aggregator takes from one address: whoever sends more is read no further until time has passed, so that neither a
 * peer that repeats itself without end nor one that nothing can be made of takes the time of all others.
 */
import {
  REFUSED_ITEM_COST,
  SOURCE_ITEM_BYTES,
  SOURCE_ITEMS_BURST_MAX,
  SOURCE_ITEMS_PER_SECOND_MAX,
} from "@/core/bounds.ts";

export class SourcePace {
  #left = SOURCE_ITEMS_BURST_MAX;
  #atMs: number;

  /** @param nowMs milliseconds since an arbitrary start. */
  constructor(readonly nowMs: () => number) {
    this.#atMs = nowMs();
  }

  /** An item has come, with so many bytes of a bucket in it. Returns milliseconds to wait before the next is read. */
  took(bytes: number, isRefused: boolean): number {
    const nowMs = this.nowMs(), more = (nowMs - this.#atMs) * SOURCE_ITEMS_PER_SECOND_MAX / 1000;
    this.#atMs = nowMs;
    const cost = (isRefused ? REFUSED_ITEM_COST : 1) + bytes / SOURCE_ITEM_BYTES;
    this.#left = Math.min(SOURCE_ITEMS_BURST_MAX, this.#left + more) - cost;
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left * 1000 / SOURCE_ITEMS_PER_SECOND_MAX);
  }
}
