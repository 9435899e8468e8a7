/**
 * What the main thread knows of itself and of its threads, for `/metrics` and `/readyz`. Counters go on when a thread is
 * started again, although the thread begins at 0.
 */
import type { TargetInfo } from "@/core/answer.ts";
import { addLedger, emptyLedger, type Ledger } from "@/core/ledger.ts";
import type { Readiness } from "@/core/host/readiness.ts";
import type { ReceiverState } from "./receiver_thread.ts";
import type { InputState } from "./metrics.ts";
import type { InputCounts } from "./thread_message.ts";

/** Seconds without anything sealed after which the counting thread is called silent: it seals every ten, whatever happens. */
const SILENT_S = 30;

interface Counts {
  packets: number;
  readonly tally: Ledger;
}

export class CollectorStatus {
  files = 0;
  threadsDied = 0;
  #bucketsBefore = 0;
  /** Of threads that have ended, and what the one that runs has told last. */
  readonly #before: Counts[] = [];
  #now: InputCounts | undefined;

  constructor(readonly readiness: Readiness) {
    readiness.set("start", "the inputs have not been looked at yet");
  }

  get bucketsSealed(): number {
    return this.#bucketsBefore + (this.#now?.buckets ?? 0);
  }

  /** The counting thread has told how far it has come. */
  counted(counts: InputCounts): void {
    this.files = counts.files;
    this.#now = counts;
    this.readiness.set("start", "");
  }

  /** Another counting thread begins, at 0. */
  threadBegins(died: boolean): void {
    if (died) this.threadsDied++;
    this.#bucketsBefore += this.#now?.buckets ?? 0;
    for (const { index, packets, tally } of this.#now?.sockets ?? []) {
      const before = this.#before[index] ??= { packets: 0, tally: emptyLedger() };
      before.packets += packets;
      addLedger(before.tally, tally);
    }
    this.#now = undefined;
  }

  /**
   * Looks at what is not told. Call it before asking for reasons.
   *
   * @param own this collector as a source. @param nowS on the counting thread's clock.
   */
  look(
    { newestS, problem }: Pick<TargetInfo, "newestS" | "problem">,
    nowS: number,
    receivers: readonly ReceiverState[],
  ): void {
    const { readiness } = this, silentS = newestS === 0 ? 0 : Math.round(nowS - newestS);
    readiness.set("problem", problem);
    readiness.set("silence", silentS > SILENT_S ? `nothing has been sealed for ${silentS} s` : "");
    for (const { input: { name }, problem } of receivers) {
      readiness.set(name, problem === "" ? "" : `${name}: ${problem}`);
    }
  }

  inputs(receivers: readonly ReceiverState[]): readonly InputState[] {
    return receivers.map((receiver, index) => {
      const before = this.#before[index], now = this.#now?.sockets.find((socket) => socket.index === index);
      const tally = emptyLedger();
      if (before !== undefined) addLedger(tally, before.tally);
      if (now !== undefined) addLedger(tally, now.tally);
      return { receiver, packets: (before?.packets ?? 0) + (now?.packets ?? 0), tally };
    });
  }
}
