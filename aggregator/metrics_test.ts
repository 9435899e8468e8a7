import { assertEquals, assertStringIncludes } from "@std/assert";
import type { TargetInfo } from "@/core/answer.ts";
import { METRICS_SOURCES_MAX } from "@/core/bounds.ts";
import { MetricsPage } from "@/core/host/metrics_page.ts";
import { pageAt } from "@/core/host/role_pages.ts";
import { COUNTED, emptyLedger, READ } from "@/core/ledger.ts";
import { LiveView } from "@/core/live_view.ts";
import { memoryBudget } from "@/core/memory_budget.ts";
import { NO_CALLS } from "@/proto/call_metric_table.ts";
import { addFleet } from "./metrics.ts";
import { aggregatorPages } from "./pages.ts";

function target(name: string, more: Partial<TargetInfo> = {}): TargetInfo {
  const ledger = emptyLedger();
  ledger[READ] = 10;
  ledger[COUNTED] = 7;
  return { name, address: `${name}:9090`, state: "connected", newestS: 95, problem: "", ledger, ...more };
}

function fleetText(targets: readonly TargetInfo[]): string {
  const page = new MetricsPage();
  addFleet(page, targets, new Map([["merged", 4]]), 100);
  return page.text();
}

Deno.test("every source has its series, and the fleet has those of all", () => {
  const text = fleetText([target("a", { skewMs: 1500, memoryBytes: 9 }), target("b", { state: "gone", newestS: 0 })]);
  for (
    const line of [
      'logtail_aggregator_sources{state="connected"} 1',
      'logtail_aggregator_sources{state="gone"} 1',
      'logtail_aggregator_buckets_total{outcome="merged"} 4',
      'logtail_aggregator_buckets_total{outcome="overlaps"} 0',
      "logtail_aggregator_lag_seconds 5",
      'logtail_aggregator_source_up{source="a",address="a:9090"} 1',
      'logtail_aggregator_source_up{source="b",address="b:9090"} 0',
      'logtail_aggregator_source_lag_seconds{source="a",address="a:9090"} 5',
      'logtail_aggregator_source_lines_not_counted_total{source="b",address="b:9090"} 3',
      'logtail_aggregator_source_clock_skew_seconds{source="a",address="a:9090"} 1.5',
    ]
  ) assertStringIncludes(text, `\n${line}\n`);
  assertEquals(text.includes('source_lag_seconds{source="b"'), false, "what is not known is not there");
});

Deno.test("sources beyond the bound share their series, and nothing is missing from the sum", () => {
  const targets = Array.from({ length: METRICS_SOURCES_MAX + 3 }, (_, i) => target(`s${i}`));
  const lines = fleetText(targets).split("\n").filter((line) =>
    line.startsWith("logtail_aggregator_source_lines_read")
  );
  assertEquals(lines.length, METRICS_SOURCES_MAX + 1);
  assertEquals(lines.at(-1), 'logtail_aggregator_source_lines_read_total{source="(other)",address=""} 30');
  assertStringIncludes(fleetText(targets), "\nlogtail_aggregator_sources_unlisted 3\n");
});

Deno.test("it is ready while any source delivers, and names those that do not", () => {
  let targets: readonly TargetInfo[] = [], trouble = "";
  const view = new LiveView({ source: "s", seed: 1, regex: () => ({ test: () => false }), targets: () => targets });
  const pages = aggregatorPages({
    fleet: { view, outcomes: new Map() },
    state: {
      facts: () => ({ bytes: 7, segments: 1, queuedBytes: 2, failing: true, letGo: 4 }),
      problem: () => trouble,
    },
    answering: { calls: NO_CALLS, refreshCalls: () => Promise.resolve() },
    nowS: () => 100,
    process: () => ({ residentBytes: 1, heapBytes: 1, externalBytes: 1, cpuSeconds: 1, startedS: 1 }),
    budget: memoryBudget({ ingestThreads: 0, followsSources: true }),
  });
  const ready = (): readonly [number | undefined, string | undefined] => {
    const page = pageAt(pages, "/readyz");
    return [page?.status, page?.body];
  };
  const away = target("", { address: "b:1", state: "degraded", problem: "Cannot reach b:1: refused" });
  targets = [target("a"), target("c", { state: "lagging" })];
  assertEquals(ready(), [200, "ok\nc (c:9090): lagging\n"]);
  trouble = "state has not been saved since then";
  targets = [target("a")];
  assertEquals(ready(), [200, `ok\n${trouble}\n`]);
  assertStringIncludes(pageAt(pages, "/metrics")!.body, "\nlogtail_aggregator_state_failing 1\n");
  trouble = "";
  targets = [target("a"), away];
  assertEquals(ready(), [200, "ok\nb:1: degraded; Cannot reach b:1: refused\n"]);
  targets = [away];
  assertEquals(ready(), [503, "b:1: degraded; Cannot reach b:1: refused\n"]);
  targets = Array.from({ length: 30 }, () => away);
  assertEquals(ready()[1]?.split("\n").at(-2), "and 10 more");
  assertStringIncludes(pageAt(pages, "/metrics")!.body, "\nlogtail_aggregator_not_ready_reasons 21\n");
});
