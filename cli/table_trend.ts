/** `trend` for people: a table, or on a terminal a chart; below it a sparkline and the whole in numbers. */
import type { TrendAnswer } from "@/core/answer.ts";
import type { Shell } from "./shell.ts";
import { highestOf, ratesOf, rateText, sparkline } from "./sparkline.ts";
import { aligned, coverageLine, dim, grouped, localTime } from "./table.ts";
import { CHART_COLUMNS_MIN, trendChart } from "./trend_chart.ts";

/** Columns of a chart that is written where there is no terminal. */
const COLUMNS_USUAL = 80;

/** Columns of the longest bar: with time and count the line fits 80 columns. */
const BAR_COLUMNS = 30;

/** From one eighth of a column to seven. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** How `trend` is printed, beside JSON. */
export type TrendFormat = "auto" | "table" | "chart";

/** The outside of a table. */
export type TrendShell = Pick<Shell, "styled" | "offsetMinutes" | "columns">;

/**
 * The table or the chart, then the sparkline, then what is missing.
 *
 * @param format `auto` is a chart on a terminal that is wide enough, and a table elsewhere
 */
export function trendText(answer: TrendAnswer, format: TrendFormat, shell: TrendShell): string {
  const columns = shell.columns();
  const charted = format === "chart" || (format === "auto" && columns !== undefined && columns >= CHART_COLUMNS_MIN);
  const drawn = charted ? trendChart(answer, columns ?? COLUMNS_USUAL, shell) : undefined;
  return (drawn ?? trendTable(answer, shell)) + sparkLine(answer, columns, shell) +
    coverageLine(answer.coverage, shell.styled);
}

/**
 *     ▁▃▅█·▇
 *     12 345 requests, 41.2/s, at most 123/s at 05:52:50
 *
 * Over the time that is known. No wider than the terminal; elsewhere a column a step.
 */
function sparkLine(answer: TrendAnswer, columns: number | undefined, shell: TrendShell): string {
  const rates = ratesOf(answer), known = rates.filter(({ count }) => count !== null);
  if (known.length === 0) return "";
  const requests = known.reduce((sum, { count }) => sum + (count ?? 0), 0);
  const passedS = known.reduce((sum, rate) => sum + rate.passedS, 0);
  const highest = highestOf(known.map(({ perS }) => perS)), peak = known.find(({ perS }) => perS === highest);
  const at = peak === undefined ? "" : localTime(peak.startS, shell.offsetMinutes(peak.startS)).slice(11, 19);
  const most = highest > 0 ? `, at most ${rateText(highest)}/s at ${at}` : "";
  const line = sparkline(rates.map(({ perS }) => perS), columns ?? Infinity).trimEnd();
  return `${line}\n${grouped(requests)} requests, ${rateText(requests / passedS)}/s${most}\n`;
}

/**
 *     TIME                        COUNT
 *     2026-11-21 05:52:50 +01:00    120  ██████████████████████████████
 *     2026-11-21 05:53:00 +01:00      -
 *
 * A gap is `-`, not 0. The newest point may still be growing, and says so.
 */
export function trendTable(answer: TrendAnswer, shell: TrendShell): string {
  if (answer.points.length === 0) return dim("no points\n", shell.styled);
  const highest = answer.points.reduce((highest, { count }) => Math.max(highest, count ?? 0), 0);
  const rows = answer.points.map(({ startS, count, incomplete }) => [
    localTime(startS, shell.offsetMinutes(startS)),
    count === null ? "-" : grouped(count),
    `${bar(count ?? 0, highest)} ${incomplete ? "(so far)" : ""}`.trim(),
  ]);
  return aligned([["TIME", "COUNT", ""], ...rows], [false, true, false]);
}

/** In eighths of a column; anything above zero shows. */
function bar(count: number, highest: number): string {
  if (count <= 0 || highest <= 0) return "";
  const eighths = Math.max(1, Math.round(BAR_COLUMNS * 8 * count / highest));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
