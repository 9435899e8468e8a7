/**
 * NDJSON: one object a target, or a minute, and a newline. Names are part of the interface. Times are UTC in ISO 8601.
 */
import { jsonLine } from "@/core/host/json_text.ts";
import type { Coverage, TargetInfo, TopNAnswer, TrendAnswer } from "@/core/answer.ts";
import { kernelDrops, type Ledger, LEDGER_REASONS, LINE_REASON_COUNT, LOGS_CUT, UNREAD_BYTES } from "@/core/ledger.ts";
import { rankingJson } from "@/core/answer_json.ts";

/** One line of `stream`. */
export interface Minute {
  readonly source: string;
  /** Seconds since 1970. */
  readonly startS: number;
  /** Five minutes instead of one. */
  readonly coarse: boolean;
  /** Labels counted. */
  readonly entries: number;
  /** Undefined when there are none. */
  readonly topLabel: string | undefined;
  readonly topCount: number;
}

/** Answer of `topn`. */
export function topNJson(answer: TopNAnswer, target: string): string {
  return jsonLine({
    source: answer.source,
    target,
    window: answer.window,
    group_by: answer.groupBy,
    from: utc(answer.fromS),
    to: utc(answer.toS),
    coverage: coverageOf(answer.coverage),
    ...rankingJson(answer),
  });
}

/** Answer of `trend`; a count is null where nothing is known. */
export function trendJson(answer: TrendAnswer, target: string): string {
  return jsonLine({
    source: answer.source,
    target,
    window: answer.window,
    from: utc(answer.fromS),
    to: utc(answer.toS),
    step_s: answer.stepS,
    coverage: coverageOf(answer.coverage),
    points: answer.points.map(({ startS, count, incomplete }) => ({
      ts: utc(startS),
      count,
      ...(incomplete ? { incomplete } : {}),
    })),
  });
}

/** Answer of `targets`. */
export function targetsJson(infos: readonly TargetInfo[], target: string): string {
  return jsonLine({
    target,
    targets: infos.map((
      { name, address, state, newestS, sinceS, skewMs, linesPerS, memoryBytes, problem, ledger },
    ) => ({
      name,
      address,
      state,
      newest: newestS > 0 ? utc(newestS) : null,
      since: sinceS === undefined ? null : utc(sinceS),
      skew_ms: skewMs ?? null,
      lines_per_second: linesPerS ?? null,
      memory_bytes: memoryBytes ?? null,
      problem,
      ledger: ledgerJson(ledger),
    })),
  });
}

/** Lines by reason; `kernel_drops` is null while the kernel has never told; what may be lost with logs. */
export function ledgerJson(ledger: Ledger): Readonly<Record<string, number | null>> {
  const lines = LEDGER_REASONS.slice(0, LINE_REASON_COUNT).map((reason, r) => [reason, ledger[r]]);
  return {
    ...Object.fromEntries(lines),
    kernel_drops: kernelDrops(ledger),
    logs_cut: ledger[LOGS_CUT],
    unread_bytes: ledger[UNREAD_BYTES],
  };
}

/** One minute of `stream`. */
export function minuteJson(minute: Minute, target: string): string {
  return jsonLine({
    ts: utc(minute.startS),
    source: minute.source,
    target,
    is_coarse: minute.coarse,
    total_entries: minute.entries,
    top_label: minute.topLabel ?? null,
    top_count: minute.topCount,
  });
}

/** Answer of `version`. */
export function versionJson(version: string): string {
  return jsonLine({ version });
}

/** `2026-11-21T04:52:50Z`; a time that no calendar has, which only a broken target can send, is null. */
export function utc(timeS: number): string | null {
  const date = new Date(timeS * 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().replace(".000Z", "Z");
}

function coverageOf(
  { expected, present, missing, secondsCovered, seconds }: Coverage,
): Readonly<Record<string, unknown>> {
  return { expected, present, missing, seconds_covered: secondsCovered, seconds };
}
