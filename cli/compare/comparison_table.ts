/** What `deno task compare` prints, as text. */
import type { Competitor } from "./programs.ts";
import { medianOf, type Run, runsOf, timesAsFast } from "./rounds.ts";

/**
 *     program                CPU s  wall s  M lines/s   to Go  to ours  RSS MB
 *     wc -l                   0.08    0.08       62.5      75      9.4       2
 *     plain Go program        6.05    6.17       0.83       1     0.18      75
 *
 * Medians of the rounds; `to Go` and `to ours` are medians of the ratios within each round. The rate is that of the processor
 * time; for a program with several processors it is that of the wall.
 */
export function comparisonTable(competitors: readonly Competitor[], runs: readonly Run[]): string {
  const rows = competitors.filter(({ name }) => runsOf(runs, name).length > 0).map((competitor) => {
    const own = runsOf(runs, competitor.name), clock = competitor.processors > 1 ? "wallS" : "cpuS";
    const ratio = (other: "go" | "logtail"): number | undefined => timesAsFast(runs, competitor.name, other, clock);
    return [
      competitor.title,
      fixed(medianOf(own, ({ cpuS }) => cpuS / competitor.passes), 2),
      fixed(medianOf(own, ({ wallS }) => wallS / competitor.passes), 2),
      significant(medianOf(own, (run) => run.lines / run[clock] / 1e6)),
      significant(ratio("go")),
      significant(ratio("logtail")),
      fixed(medianOf(own, ({ rssMax }) => rssMax === undefined ? undefined : rssMax / 1e6), 0),
    ];
  });
  return aligned([["program", "CPU s", "wall s", "M lines/s", "to Go", "to ours", "RSS MB"], ...rows]);
}

/** Two spaces between columns; numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join("  ")
      .trimEnd() +
    "\n"
  ).join("");
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? "-" : value.toFixed(digits);
}

/** Three digits that mean something, without an exponent. */
function significant(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "-"; // no time was measured at all
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}
