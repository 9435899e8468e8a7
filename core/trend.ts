/**
 * The trend: requests per step of a window. A step of which nothing is known is a gap, not a zero.
 */
import { saturated } from "./measures.ts";
import type { Span, Window } from "./slices.ts";
import { TIERS } from "./slices.ts";
import type { Bucket } from "./bucket.ts";
import { derived } from "./derived.ts";
import type { Store } from "./store.ts";
import type { CompiledFilter } from "./filter_match.ts";
import { matchingRequests } from "./top_n_bucket.ts";
import type { TrendPoint } from "./answer.ts";

/**
 * One point per step of the window, oldest first; the last step may reach beyond the newest slice.
 *
 * @param seed of the process's hashes
 */
export function trend(
  store: Store,
  window: Window,
  { fromS, toS }: Span,
  filter: CompiledFilter | undefined,
  seed: number,
): TrendPoint[] {
  derived.begin();
  const coarsest = TIERS.findIndex(({ sliceS }) => sliceS === window.stepS), steps: Step[] = [];
  for (let startS = fromS; startS < toS; startS += window.stepS) {
    const endS = Math.min(startS + window.stepS, toS);
    const { slots, secondsCovered } = store.resolve({ fromS: startS, toS: endS }, coarsest, window.stepS);
    steps.push({ startS, buckets: slots.map((slot) => slot.bucket()), secondsCovered });
  }
  filter?.prepare(steps.flatMap(({ buckets }) => buckets), seed);
  return steps.map(({ startS, buckets, secondsCovered }) => ({
    startS,
    count: buckets.length === 0
      ? null
      : saturated(buckets.reduce((sum, bucket) => sum + matchingRequests(bucket, filter), 0)),
    incomplete: secondsCovered < window.stepS,
  }));
}

interface Step {
  readonly startS: number;
  readonly buckets: readonly Bucket[];
  readonly secondsCovered: number;
}
