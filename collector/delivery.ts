/** From an ingest thread into the live view: what was sealed gets its identity and its place. */
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { LiveView } from "@/core/live_view.ts";
import type { Sequencer } from "./sequencer.ts";
import type { Sealed } from "./thread_message.ts";

/** Takes what threads have sealed, in the order in which they posted it. */
export function deliverTo(view: LiveView, sequencer: Sequencer, log: Log): (sealed: Sealed) => void {
  const refusals = new OncePerMinute(log);
  let sealedUntilS = 0;
  return (sealed) => {
    // Time goes back only when the thread's clock has followed a large step. Compared with what was sealed before, not
    // with the view: that goes on by itself while a thread is silent.
    if (sealed.endS < sealedUntilS) view.store.rebase(sealed.endS);
    sealedUntilS = sealed.endS;
    view.advance(sealed.endS);
    for (const delta of sequencer.deltas(sealed)) {
      const outcome = view.accept(delta, sealed.nowS);
      if (outcome === "merged") continue;
      // At the very edge of the oldest window, or around a step of the clock: rare, but never without a word.
      const { startS, totals } = delta.bucket;
      refusals.warn(outcome, sealed.nowS, "counted lines are in no window: their slice is not held", () => ({
        outcome,
        slice: startS,
        lines: totals[REQUESTS],
      }));
    }
  };
}
