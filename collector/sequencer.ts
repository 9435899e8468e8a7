/**
 * Gives sealed buckets their identity: the next sequence number of this source and instance, and a checksum.
 */
import type { Delta } from "@/core/bucket.ts";
import { addLedger, emptyLedger } from "@/core/ledger.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import type { TargetInfo } from "@/core/answer.ts";
import type { Sealed } from "./thread_message.ts";

export class Sequencer {
  #sequence = 0;
  #newestS = 0;
  #problem = "";
  readonly #ledger = emptyLedger();

  /** @param instance new for every start without state: sequence numbers begin again then. */
  constructor(readonly source: string, readonly instance: string) {}

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

  /** This collector as a source: it delivers to itself. */
  target(address: string): TargetInfo {
    return {
      name: this.source,
      address,
      state: "connected",
      newestS: this.#newestS,
      problem: this.#problem,
      ledger: this.#ledger,
    };
  }
}
