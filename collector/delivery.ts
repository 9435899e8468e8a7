/** From an ingest thread into the live view: what was sealed gets its identity and its place. */
import type { LiveView } from "@/core/live_view.ts";
import type { Sequencer } from "./sequencer.ts";
import type { Sealed } from "./thread_message.ts";

/** Takes what threads have sealed, in the order in which they posted it. */
export function deliverTo(view: LiveView, sequencer: Sequencer): (sealed: Sealed) => void {
  let sealedUntilS = 0;
  return (sealed) => {
    // Time goes back only when the thread's clock has followed a large step. Compared with what was sealed before, not
    // with the view: that goes on by itself while a thread is silent.
    if (sealed.endS < sealedUntilS) view.store.rebase(sealed.endS);
    sealedUntilS = sealed.endS;
    view.advance(sealed.endS);
    for (const delta of sequencer.deltas(sealed)) view.accept(delta, sealed.nowS);
  };
}
