/** The answer as JSON (`raw=1`): what a script reads. Field names are part of the interface. */
import { rankingJson } from "@/core/answer_json.ts";
import { jsonLine } from "@/core/host/json_text.ts";
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
    coverage: { expected, present, missing },
    ...rankingJson(topN),
    trend: trend.points.map(({ startS, count }) => ({ ts: isoTime(startS), count })),
  });
}
