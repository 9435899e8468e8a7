import { assertEquals, assertStringIncludes } from "@std/assert";
import { emptyLedger } from "@/core/ledger.ts";
import { LiveView } from "@/core/live_view.ts";
import { memoryBudget } from "@/core/memory_budget.ts";
import { Readiness } from "@/core/host/readiness.ts";
import { pageAt } from "@/core/host/role_pages.ts";
import { NO_CALLS } from "@/proto/call_metric_table.ts";
import { collectorPages } from "./pages.ts";
import { RequestMetrics } from "./request_metrics.ts";
import { CollectorStatus } from "./status.ts";

Deno.test("a collector is ready once its inputs were looked at, and shows how far it has come and what it holds", () => {
  const status = new CollectorStatus(new Readiness());
  const own = { name: "s", address: "", state: "connected", newestS: 100, problem: "", ledger: emptyLedger() } as const;
  const view = new LiveView({
    source: "s",
    seed: 1,
    regex: () => ({ test: () => false }),
    targets: () => [own],
  });
  view.store.advance(100);
  const pages = collectorPages({
    ...{ status, view, budget: memoryBudget({ ingestThreads: 1, followsSources: false }) },
    receivers: () => [],
    kernelDrops: () => undefined,
    state: () => undefined,
    requests: new RequestMetrics(),
    serving: { calls: () => NO_CALLS },
    nowS: () => 105,
    process: () => ({ residentBytes: 1, heapBytes: 1, externalBytes: 1, cpuSeconds: 1, startedS: 1 }),
  });
  assertEquals(pageAt(pages, "/readyz")?.body, "the inputs have not been looked at yet\n");
  status.counted({ kind: "inputs", files: 0, buckets: 0, sockets: [] });
  assertEquals(pageAt(pages, "/readyz")?.body, "ok\n");
  const page = pageAt(pages, "/metrics")!.body;
  for (const line of ["logtail_collector_lag_seconds 5", 'logtail_collector_slots{tier="10s"} 0']) {
    assertStringIncludes(page, `\n${line}\n`);
  }
});
