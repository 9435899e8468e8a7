/** Trend and classes of the two rows that are no entries: the total, from the trend, and "(other)", which is what is left. */
import type { EntryDetail, TopNAnswer, TrendAnswer } from "@/core/answer.ts";
import { REQUESTS } from "@/core/measures.ts";
import { STATUS_CLASS_COUNT } from "@/core/status_class.ts";

/** Of the total; undefined where the two answers are not of the same span, or do not tell. */
export function totalDetail({ series, fromS, toS }: TopNAnswer, trend: TrendAnswer): EntryDetail | undefined {
  if (series === undefined || trend.fromS !== fromS || trend.toS !== toS) return undefined;
  const counts = new Float64Array(series.secondsKnown.length), byStatus = new Float64Array(STATUS_CLASS_COUNT);
  for (const point of trend.points) {
    const at = Math.floor((point.startS - series.fromS) / series.stepS);
    if (at < 0 || at >= counts.length || point.byStatus === undefined) return undefined;
    counts[at] += point.count ?? 0;
    for (let c = 0; c < STATUS_CLASS_COUNT; c++) byStatus[c] += point.byStatus[c];
  }
  return { counts, byStatus };
}

/** Of "(other)"; undefined when an entry came without. */
export function otherDetail({ entries, other }: TopNAnswer, total: EntryDetail | undefined): EntryDetail | undefined {
  if (total === undefined || other[REQUESTS] <= 0) return undefined;
  const counts = Float64Array.from(total.counts), byStatus = Float64Array.from(total.byStatus);
  for (const { detail } of entries) {
    if (detail === undefined) return undefined;
    subtract(counts, detail.counts);
    subtract(byStatus, detail.byStatus);
  }
  return { counts, byStatus };
}

/** What slots of other lengths have rolled up differently cannot become less than nothing. */
function subtract(from: Float64Array, what: ArrayLike<number>): void {
  for (let i = 0; i < from.length; i++) from[i] = Math.max(0, from[i] - (what[i] ?? 0));
}
