import { assertEquals } from "@std/assert";
import { MetricsPage } from "@/core/host/metrics_page.ts";
import { openLog } from "@/core/host/log.ts";
import { addCalls, type CallMetrics, callMetrics } from "./call_metric_table.ts";
import { connect } from "./client.ts";
import { FakeAnswerer } from "./fake_answerer.ts";
import { RemoteError } from "./remote_error.ts";
import { serve, type Serving } from "./service.ts";

const METRICS: CallMetrics = callMetrics("collector");

/** Series that begin with `name`, and their values. */
function shown(serving: Serving, name: string): Record<string, number> {
  const page = new MetricsPage();
  addCalls(page, METRICS, serving.calls());
  const lines = page.text().split("\n").filter((line) => line.startsWith(name));
  return Object.fromEntries(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(name.length, at), Number(line.slice(at + 1))];
  }));
}

Deno.test("calls are counted by what became of them, unary ones are timed, and open streams and connections shown", async () => {
  const answerer = new FakeAnswerer();
  const regex = (): { test(text: string): boolean } => {
    throw new Error("no");
  };
  const serving = await serve({ listen: "127.0.0.1:0", answerer, regex, log: openLog("t", () => {}) });
  const client = connect(`127.0.0.1:${serving.port}`);
  await client.targets(5000);
  await client.targets(5000);
  const filter = { kind: "compare", dimension: "website", operator: "~=", value: "(" } as const;
  const question = { window: "1m", filter } as const;
  await client.trend(question, 5000).then(() => Promise.reject(new Error("answered")), (error) => {
    if (!(error instanceof RemoteError)) throw error;
  });
  assertEquals(shown(serving, "logtail_collector_rpcs_total"), {
    '{method="ListTargets",code="OK"}': 2,
    '{method="Trend",code="INVALID_ARGUMENT"}': 1,
  });
  const took = shown(serving, "logtail_collector_rpc_duration_seconds_count");
  assertEquals(took, { '{method="ListTargets"}': 2, '{method="Trend"}': 1 });

  const leaving = new AbortController(), snapshots = client.snapshots(leaving.signal)[Symbol.asyncIterator]();
  const next = snapshots.next();
  while (answerer.snapshotReaders.size === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(shown(serving, "logtail_collector_subscribers"), { "": 1 });
  assertEquals(Object.values(shown(serving, "logtail_collector_connections "))[0] > 0, true);
  leaving.abort();
  await next.catch(() => {});
  while (answerer.snapshotReaders.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const ended = shown(serving, "logtail_collector_rpcs_total");
  assertEquals(ended['{method="StreamSnapshots",code="CANCELLED"}'], 1);
  assertEquals('{method="StreamSnapshots"}' in shown(serving, "logtail_collector_rpc_duration_seconds_count"), false);
  client.close();
  await serving.stop(1000);
});
