/**
 * Gives sealed buckets their identity: the next sequence number of this source and instance, and a checksum.
 */
import type { Delta } from "@/core/bucket.ts";
import { addLedger, emptyLedger, type Ledger } from "@/core/ledger.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import type { TargetInfo } from "@/core/answer.ts";
import type { Sealed } from "./thread_message.ts";

/** Where a former process stopped. */
export interface Former {
  readonly sequence: number;
  /** End of the newest slice. */
  readonly endS: number;
  readonly ledger: Ledger;
}

export class Sequencer {
  #sequence: number;
  #newestS: number;
  #problem = "";
  readonly #ledger = emptyLedger();

  /** @param instance new for every start without state: sequence numbers begin again then. */
  constructor(readonly source: string, readonly instance: string, former?: Former) {
    this.#sequence = former?.sequence ?? 0;
    this.#newestS = former?.endS ?? 0;
    if (former !== undefined) addLedger(this.#ledger, former.ledger);
  }

  /** End of the newest slice that is over; 0 before the first. */
  get newestS(): number {
    return this.#newestS;
  }

  deltas({ buckets, endS, problem }: Sealed): Delta[] {
    this.#newestS = endS;
    this.#problem = problem;
    const { source, instance } = this;
    for (const { ledger } of buckets) addLedger(this.#ledger, ledger);
    return buckets.map((bucket) => ({
      identity: { source, instance, sequence: ++this.#sequence, checksum: bucketChecksum(bucket) },
      bucket,
    }));
  }

  /**
   * This collector as a source: it delivers to itself.
   *
   * @param unsaved what is not being saved, in words; empty when everything is.
   */
  target(address: string, unsaved = ""): TargetInfo {
    return {
      name: this.source,
      address,
      state: "connected",
      newestS: this.#newestS,
      problem: [this.#problem, unsaved].filter((text) => text !== "").join("; "),
      ledger: this.#ledger,
    };
  }
}
