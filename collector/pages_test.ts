import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { emptyLedger } from "@/core/ledger.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import { openLog } from "@/core/host/log.ts";
import { pageAt, type PagesOptions, servePages } from "./pages.ts";
import { Readiness } from "./readiness.ts";
import { CollectorStatus } from "./status.ts";

function options(): PagesOptions {
  const status = new CollectorStatus(new Readiness());
  return {
    status,
    own: () => ({ name: "s", address: "", state: "connected", newestS: 100, problem: "", ledger: emptyLedger() }),
    receivers: () => [],
    kernelDrops: () => undefined,
    subscribers: () => 0,
    nowS: () => 105,
    startedS: 1,
    residentBytes: () => 1e8,
  };
}

Deno.test("it is alive from the start, and ready once its inputs were looked at", () => {
  const made = options();
  assertEquals(pageAt(made, "/healthz"), { status: 200, type: "text/plain; charset=utf-8", body: "ok\n" });
  assertEquals(pageAt(made, "/readyz")?.status, 503);
  assertEquals(pageAt(made, "/readyz")?.body, "the inputs have not been looked at yet\n");
  made.status.counted({ kind: "inputs", files: 0, buckets: 0, sockets: [] });
  assertEquals([pageAt(made, "/readyz")?.status, pageAt(made, "/readyz")?.body], [200, "ok\n"]);
  assertEquals(pageAt(made, "/metrics")?.type, "text/plain; version=0.0.4; charset=utf-8");
  assertStringIncludes(pageAt(made, "/metrics")!.body, "logtail_collector_lag_seconds 5\n");
  assertEquals(pageAt(made, "/"), undefined);
});

Deno.test("a port that is taken is a warning when it is the default, and refused when it was asked for", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 }), listen = `127.0.0.1:${taken.addr.port}`;
  const lines: string[] = [], log = openLog("collector", (line) => void lines.push(line));
  assertEquals(await servePages(listen, false, options(), log), undefined);
  assertStringIncludes(lines[0], "warn collector: metrics are not served");
  await assertRejects(() => servePages(listen, true, options(), log), MachineRefusal, "another process listens there");
  assertEquals(await servePages("", true, options(), log), undefined);
  taken.close();
});

Deno.test("pages are served over HTTP", async () => {
  const serving = await servePages("127.0.0.1:0", true, options(), openLog("collector", () => {}));
  assert(serving !== undefined);
  const response = await fetch(`http://127.0.0.1:${serving.port}/readyz`);
  assertEquals([response.status, await response.text()], [503, "the inputs have not been looked at yet\n"]);
  serving.stop();
});
