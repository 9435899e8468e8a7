/**
 * The trend: requests per step of a window. A step of which nothing is known is a gap, not a zero.
 */
import type { Span, Window } from "./slices.ts";
import { TIERS } from "./slices.ts";
import type { Store } from "./store.ts";
import type { CompiledFilter } from "./filter_match.ts";
import { matchingRequests } from "./top_n_bucket.ts";
import type { TrendPoint } from "./answer.ts";

/** One point per step of the window, oldest first; the last step may reach beyond the newest slice. */
export function trend(
  store: Store,
  window: Window,
  { fromS, toS }: Span,
  filter: CompiledFilter | undefined,
): TrendPoint[] {
  const points: TrendPoint[] = [];
  const coarsest = TIERS.findIndex(({ sliceS }) => sliceS === window.stepS);
  for (let startS = fromS; startS < toS; startS += window.stepS) {
    const endS = Math.min(startS + window.stepS, toS);
    const { slots, secondsCovered } = store.resolve({ fromS: startS, toS: endS }, coarsest, window.stepS);
    let count = 0;
    for (const slot of slots) count += matchingRequests(slot.bucket(), filter);
    points.push({ startS, count: slots.length === 0 ? null : count, incomplete: secondsCovered < window.stepS });
  }
  return points;
}
