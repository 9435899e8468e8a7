/**
 * Which buckets never came. A source counts its buckets 1, 2, 3 …, so a number that is left out is one that was
 * forgotten there before it could be delivered, such as while nobody could connect.
 */
import { INSTANCES_MAX } from "@/core/bounds.ts";
import type { Identity } from "@/core/bucket.ts";

export class SequenceWatch {
  /** Largest sequence number by instance; the one heard of longest ago comes first. */
  readonly #last = new Map<string, number>();

  /** @param instancesMax instances remembered; of one that is forgotten, the next gap goes unnoticed. */
  constructor(readonly instancesMax: number = INSTANCES_MAX) {}

  /**
   * Notes a bucket that was delivered; how many between the one before and this one were not. Each is told once, and
   * what came before the first bucket of an instance is not missed: nobody was there to want it.
   */
  note({ source, instance, sequence }: Identity): number {
    const key = `${instance}\n${source}`;
    const last = this.#last.get(key);
    this.#last.delete(key);
    this.#last.set(key, Math.max(last ?? 0, sequence));
    if (last === undefined) {
      for (const oldest of this.#last.keys()) {
        if (this.#last.size <= this.instancesMax) break;
        this.#last.delete(oldest);
      }
      return 0;
    }
    return Math.max(0, sequence - last - 1);
  }
}
