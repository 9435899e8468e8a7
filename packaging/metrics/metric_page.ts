/** What each role shows to Prometheus, as a page of the documentation: written from the roles' own tables. */
import type { Metric } from "@/core/host/metrics_page.ts";
import { AGGREGATOR_METRICS } from "@/aggregator/metric_table.ts";
import { COLLECTOR_METRICS } from "@/collector/metric_table.ts";
import { FRONTEND_METRICS } from "@/frontend/metric_table.ts";

/** Every family of every role. */
export const ROLES: Readonly<Record<string, readonly Metric[]>> = {
  collector: COLLECTOR_METRICS,
  aggregator: AGGREGATOR_METRICS,
  frontend: FRONTEND_METRICS,
};

const BEGINNING = `# Metrics

What \`/metrics\` of each role has; \`deno task metrics\` writes this page from the roles' tables. What to do with it is in
the [guide](guide.md#monitoring-the-monitor). A family that knows nothing is left out: no state without \`--state-dir\`,
no kernel drops without \`--udp-drops\`. Counters go on when a thread is started again, and begin at 0 with the program;
those of a collector's lines go on after a restart with \`--state-dir\`.
`;

/** The page, formatted as all pages are. */
export function metricPage(): string {
  const parts = Object.entries(ROLES).map(([role, metrics]) =>
    `## ${role[0].toUpperCase()}${role.slice(1)}\n\n${table(metrics)}`
  );
  return [BEGINNING, ...parts].join("\n");
}

function table(metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.length === 0 ? "" : labels.map((label) => `\`${label}\``).join(" "),
    help,
  ]);
  const heads = ["name", "type", "labels", "what it says"];
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
  const written = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |\n`;
  return written(heads) + written(widths.map((width) => "-".repeat(width))) + rows.map(written).join("");
}
