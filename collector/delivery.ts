/**
 * From an ingest thread into the live view: what was sealed gets its identity and its place. It is in answers at once; who
 * follows gets it when it is saved, where it is saved at all.
 */
import type { Delta } from "@/core/bucket.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { LiveView } from "@/core/live_view.ts";
import type { Sequencer } from "./sequencer.ts";
import type { Change } from "./state_standing.ts";
import type { Sealed } from "./thread_message.ts";

export interface DeliveryOptions {
  readonly view: LiveView;
  readonly sequencer: Sequencer;
  readonly log: Log;
  /** Saves what was sealed, and hands it to `publishTo` when that is durable; absent without a state directory. */
  readonly save?: (change: Change) => void;
}

/** Takes what threads have sealed, in the order in which they posted it. */
export function deliverTo({ view, sequencer, log, save }: DeliveryOptions): (sealed: Sealed) => void {
  const refusals = new OncePerMinute(log), publish = publishTo(view);
  let sealedUntilS = sequencer.newestS;
  return (sealed) => {
    const { endS, nowS, positions } = sealed;
    // Time goes back only when the thread's clock has followed a large step. Compared with what was sealed before, not
    // with the view: that goes on by itself while a thread is silent.
    if (endS < sealedUntilS) view.store.rebase(endS);
    sealedUntilS = endS;
    view.advance(endS);
    const deltas = sequencer.deltas(sealed);
    for (const delta of deltas) {
      const outcome = view.store.add(delta);
      if (outcome === "merged") continue;
      // At the very edge of the oldest window, or around a step of the clock: rare, but never without a word.
      const { startS, totals } = delta.bucket;
      refusals.warn(outcome, nowS, "counted lines are in no window: their slice is not held", () => ({
        outcome,
        slice: startS,
        lines: totals[REQUESTS],
      }));
    }
    if (save === undefined) publish(deltas, nowS);
    else save({ endS, nowS, deltas, positions });
  };
}

/** Hands deltas to whoever follows. */
export function publishTo(view: LiveView): (deltas: readonly Delta[], nowS: number) => void {
  return (deltas, nowS) => {
    for (const delta of deltas) view.deltaLog.add(delta, nowS);
  };
}
