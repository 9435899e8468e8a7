/** `trend` as a table: time, count and a bar. */
import type { TrendAnswer } from "@/core/answer.ts";
import type { Shell } from "./shell.ts";
import { aligned, coverageLine, dim, grouped, localTime } from "./table.ts";

/** Columns of the longest bar: with time and count the line fits 80 columns. */
const BAR_COLUMNS = 30;

/** From one eighth of a column to seven. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/**
 *     TIME                        COUNT
 *     2026-11-21 05:52:50 +01:00    120  ██████████████████████████████
 *     2026-11-21 05:53:00 +01:00      -
 *
 * A gap is `-`, not 0. The newest point may still be growing, and says so.
 */
export function trendTable(answer: TrendAnswer, shell: Pick<Shell, "styled" | "offsetMinutes">): string {
  if (answer.points.length === 0) return dim("no points\n", shell.styled) + coverageLine(answer.coverage, shell.styled);
  const highest = answer.points.reduce((highest, { count }) => Math.max(highest, count ?? 0), 0);
  const rows = answer.points.map(({ startS, count, incomplete }) => [
    localTime(startS, shell.offsetMinutes(startS)),
    count === null ? "-" : grouped(count),
    `${bar(count ?? 0, highest)} ${incomplete ? "(so far)" : ""}`.trim(),
  ]);
  return aligned([["TIME", "COUNT", ""], ...rows], [false, true, false]) + coverageLine(answer.coverage, shell.styled);
}

/** In eighths of a column; anything above zero shows. */
function bar(count: number, highest: number): string {
  if (count <= 0 || highest <= 0) return "";
  const eighths = Math.max(1, Math.round(BAR_COLUMNS * 8 * count / highest));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
