/** The answer as JSON (`raw=1`): what a script reads. Field names are part of the interface. */
import type { TopNEntry } from "@/core/answer.ts";
import { jsonLine } from "@/core/host/json_text.ts";
import { BYTES, REQUESTS, TIME_MAX, TIME_SUM, type Values } from "@/core/measures.ts";
import type { Answers } from "./answers.ts";
import { isoTime } from "./numbers.ts";

/** One object and a newline. Times are UTC in ISO 8601; a trend's count is null where nothing is known. */
export function jsonOf({ topN, trend }: Answers, target: string): string {
  const { expected, present, missing } = topN.coverage;
  return jsonLine({
    source: topN.source,
    target,
    window: topN.window,
    group_by: topN.groupBy,
    from: isoTime(topN.fromS),
    to: isoTime(topN.toS),
    total: topN.total[REQUESTS],
    other: topN.other[REQUESTS],
    coverage: { expected, present, missing },
    entries: topN.entries.map(entryOf),
    trend: trend.points.map(({ startS, count }) => ({ ts: isoTime(startS), count })),
  });
}

/** Milliseconds a request on average, to the microsecond; null when there is none to average. */
export function meanMs(values: Values): number | null {
  return values[REQUESTS] > 0 ? Math.round(1000 * values[TIME_SUM] / values[REQUESTS]) / 1000 : null;
}

function entryOf({ label, values, countMax }: TopNEntry): Record<string, string | number | null> {
  return {
    label,
    count: values[REQUESTS],
    count_max: countMax,
    bytes: values[BYTES],
    time_avg_ms: meanMs(values),
    time_max_ms: values[TIME_MAX],
  };
}
