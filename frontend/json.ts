/** The answers as JSON (`raw=1`): what a script reads. Field names are part of the interface. */
import type { TopNEntry, TrendPoint } from "@/core/answer.ts";
import { rankingJson } from "@/core/answer_json.ts";
import { jsonLine } from "@/core/host/json_text.ts";
import { kernelDrops, LEDGER_REASONS, LINE_REASON_COUNT } from "@/core/ledger.ts";
import { REQUESTS } from "@/core/measures.ts";
import { STATUS_CLASSES } from "@/core/status_class.ts";
import type { Answers, FleetAnswers } from "./answers.ts";
import { isoTime } from "./numbers.ts";

/** One object and a newline. Times are UTC in ISO 8601; a trend's count is null where nothing is known. */
export function jsonOf({ topN, trend }: Answers, target: string): string {
  const { expected, present, missing } = topN.coverage, ranking = rankingJson(topN), { series } = topN;
  return jsonLine({
    source: topN.source,
    target,
    window: topN.window,
    group_by: topN.groupBy,
    from: isoTime(topN.fromS),
    to: isoTime(topN.toS),
    coverage: { expected, present, missing },
    ...ranking,
    entries: ranking.entries.map((entry, i) => ({ ...entry, ...detailJson(topN.entries[i]) })),
    ...(series === undefined ? {} : {
      series: { from: isoTime(series.fromS), step_seconds: series.stepS, seconds_known: series.secondsKnown },
    }),
    trend: trend.points.map(pointJson),
    ...(trend.previous === undefined ? {} : {
      previous: { step_seconds: trend.previous.stepS, trend: trend.previous.points.map(pointJson) },
    }),
  });
}

/** `series`: requests of each point of the answer's; `by_status`: `{"2xx": …}`. */
function detailJson({ detail }: TopNEntry): Readonly<Record<string, unknown>> {
  return detail === undefined ? {} : { series: [...detail.counts], by_status: classesJson(detail.byStatus) };
}

function pointJson({ startS, count, byStatus }: TrendPoint): Readonly<Record<string, unknown>> {
  const point = { ts: isoTime(startS), count };
  return byStatus === undefined || count === null ? point : { ...point, by_status: classesJson(byStatus) };
}

function classesJson(byStatus: ArrayLike<number>): Readonly<Record<string, number>> {
  return Object.fromEntries(STATUS_CLASSES.map((name, at) => [name, byStatus[at]]));
}

/** The sources behind a target. What nobody reports is null. */
export function fleetJson({ targets, bySource }: FleetAnswers, target: string): string {
  const seconds = bySource?.coverage.secondsCovered ?? 0;
  return jsonLine({
    target,
    targets: targets.map((each) => ({
      name: each.name,
      address: each.address,
      state: each.state,
      since: each.sinceS === undefined ? null : isoTime(each.sinceS),
      newest: each.newestS === 0 ? null : isoTime(each.newestS),
      problem: each.problem,
      skew_ms: each.skewMs ?? null,
      lines_per_second: each.linesPerS ?? ratePerS(bySource?.entries.find(({ label }) => label === each.name), seconds),
      memory_bytes: each.memoryBytes ?? null,
      ledger: Object.fromEntries(LEDGER_REASONS.slice(0, LINE_REASON_COUNT).map((name, r) => [name, each.ledger[r]])),
      kernel_drops: kernelDrops(each.ledger),
    })),
  });
}

function ratePerS(entry: TopNEntry | undefined, seconds: number): number | null {
  return entry === undefined || seconds <= 0 ? null : Math.round(1000 * entry.values[REQUESTS] / seconds) / 1000;
}
