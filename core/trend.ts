/**
 * The trend: requests per step of a window. A step of which nothing is known is a gap, not a zero.
 */
import { SERIES_POINTS_MAX } from "./bounds.ts";
import { saturated } from "./measures.ts";
import { FINEST_S, sliceStart, type Span, tierHolding, TIERS, type Window } from "./slices.ts";
import type { Bucket } from "./bucket.ts";
import { derived } from "./derived.ts";
import type { Store } from "./store.ts";
import type { CompiledFilter } from "./filter_match.ts";
import { addByStatusClass, STATUS_CLASS_COUNT } from "./status_class.ts";
import { matchingRequests } from "./matching_total.ts";
import type { PreviousTrend, TrendPoint } from "./answer.ts";

/** Some steps of a window, or several of them together. */
export interface Step {
  readonly startS: number;
  readonly buckets: readonly Bucket[];
  readonly secondsCovered: number;
}

/**
 * One point per step of the window, oldest first; the last step may reach beyond the newest slice.
 *
 * @param seed of the process's hashes
 * @param detail whether points are wanted by class of status
 */
export function trend(
  store: Store,
  window: Window,
  span: Span,
  filter: CompiledFilter | undefined,
  seed: number,
  detail = false,
): TrendPoint[] {
  derived.begin();
  const steps = stepsOf(store, span, window.stepS, window.stepS);
  filter?.prepare(steps.flatMap(({ buckets }) => buckets), seed);
  return steps.map((step) => pointOf(step, window.stepS, filter, detail));
}

/**
 * The same for the window before this one, from the finest tier that still holds all of it: no finer than the window's own
 * steps, and aligned to what the tier has.
 */
export function previousTrend(
  store: Store,
  { lengthS, stepS }: Window,
  { fromS, toS }: Span,
  filter: CompiledFilter | undefined,
  seed: number,
): PreviousTrend {
  const tier = tierHolding(fromS - lengthS, store.endS - FINEST_S);
  if (tier < 0) return { stepS, points: [] };
  const sliceS = Math.max(stepS, TIERS[tier].sliceS);
  const span = { fromS: sliceStart(fromS - lengthS, sliceS), toS: toS - lengthS };
  // The last slice is whole although only a part of it is before the window.
  const whole = { ...span, toS: sliceStart(span.toS + sliceS - 1, sliceS) };
  const steps = stepsOf(store, whole, sliceS, sliceS);
  filter?.prepare(steps.flatMap(({ buckets }) => buckets), seed);
  return { stepS: sliceS, points: steps.map((step) => pointOf(step, sliceS, filter, false)) };
}

/** The steps of a window, put together so that there are SERIES_POINTS_MAX at most. */
export function seriesSteps(
  store: Store,
  { stepS }: Window,
  span: Span,
): { readonly stepS: number; readonly steps: Step[] } {
  const count = Math.ceil((span.toS - span.fromS) / stepS), together = Math.ceil(count / SERIES_POINTS_MAX);
  return { stepS: stepS * together, steps: stepsOf(store, span, stepS * together, stepS) };
}

/** @param sliceS length of the slices that are used: a tier's */
function stepsOf(store: Store, { fromS, toS }: Span, stepS: number, sliceS: number): Step[] {
  const coarsest = TIERS.findIndex((tier) => tier.sliceS === sliceS), steps: Step[] = [];
  for (let startS = fromS; startS < toS; startS += stepS) {
    const endS = Math.min(startS + stepS, toS);
    const { slots, secondsCovered } = store.resolve({ fromS: startS, toS: endS }, coarsest, sliceS);
    steps.push({ startS, buckets: slots.map((slot) => slot.bucketNow()), secondsCovered });
  }
  return steps;
}

function pointOf(
  { startS, buckets, secondsCovered }: Step,
  stepS: number,
  filter: CompiledFilter | undefined,
  detail: boolean,
): TrendPoint {
  const byStatus = detail ? new Float64Array(STATUS_CLASS_COUNT) : undefined;
  let count = 0;
  for (const bucket of buckets) {
    count += byStatus === undefined ? matchingRequests(bucket, filter) : addByStatusClass(bucket, filter, byStatus);
  }
  const point = {
    startS,
    count: buckets.length === 0 ? null : saturated(count),
    incomplete: secondsCovered < stepS,
  };
  return byStatus === undefined ? point : { ...point, byStatus };
}
