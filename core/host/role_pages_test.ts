import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MachineRefusal } from "./endings.ts";
import { openLog } from "./log.ts";
import { counter } from "./metrics_page.ts";
import { processState } from "./process_state.ts";
import { pageAt, roleMetrics, type RolePages, servePages } from "./role_pages.ts";

const OWN = counter("logtail_role_things_total", "Things.");

function pages(reasons: readonly string[] = []): RolePages {
  const state = { residentBytes: 9, heapBytes: 5, externalBytes: 3, cpuSeconds: 0.5, startedS: 7 };
  return {
    metrics: roleMetrics("role"),
    reasons: () => reasons,
    add: (page) => page.add(OWN, 2),
    process: () => state,
  };
}

Deno.test("whoever asks gets an answer while the role is alive; it is ready while there is no reason not to be", () => {
  const waiting = pages(["waiting for /a: it does not exist", "nothing has come for 31 s"]);
  assertEquals(pageAt(waiting, "/healthz"), { status: 200, type: "text/plain; charset=utf-8", body: "ok\n" });
  assertEquals(pageAt(waiting, "/readyz")?.status, 503);
  assertEquals(pageAt(waiting, "/readyz")?.body, "waiting for /a: it does not exist\nnothing has come for 31 s\n");
  assertEquals([pageAt(pages(), "/readyz")?.status, pageAt(pages(), "/readyz")?.body], [200, "ok\n"]);
  assertEquals(pageAt(pages(), "/"), undefined);
  const noted = { ...pages(), notes: () => ["a: gone", "b\u001b[31m\nc"] };
  assertEquals([pageAt(noted, "/readyz")?.status, pageAt(noted, "/readyz")?.body.split("\n").length], [200, 4]);
  assertEquals(pageAt(noted, "/readyz")!.body.includes("\u001b"), false);
});

Deno.test("the page has what the role adds, and what every role has", () => {
  const page = pageAt(pages(["why"]), "/metrics");
  assertEquals(page?.type, "text/plain; version=0.0.4; charset=utf-8");
  for (
    const line of ["logtail_role_things_total 2", "logtail_role_not_ready_reasons 1", "process_cpu_seconds_total 0.5"]
  ) {
    assertStringIncludes(page!.body, `\n${line}\n`);
  }
  assert(/^logtail_role_info\{version="[0-9.]+"\} 1$/m.test(page!.body));
});

Deno.test("the runtime tells of the process without permissions", () => {
  const { residentBytes, heapBytes, externalBytes, cpuSeconds, startedS } = processState();
  assert(residentBytes > 1e6 && heapBytes > 1e5 && externalBytes > 0 && cpuSeconds > 0 && startedS > 1.7e9);
});

Deno.test("a port that is taken is a warning when it is the default, and refused when it was asked for", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 }), listen = `127.0.0.1:${taken.addr.port}`;
  const lines: string[] = [], log = openLog("role", (line) => void lines.push(line));
  assertEquals(await servePages(listen, false, pages(), log), undefined);
  assertStringIncludes(lines[0], "warn role: metrics are not served");
  await assertRejects(() => servePages(listen, true, pages(), log), MachineRefusal, "another process listens there");
  assertEquals(await servePages("", true, pages(), log), undefined);
  taken.close();
});

Deno.test("pages are served over HTTP", async () => {
  const serving = await servePages("127.0.0.1:0", true, pages(["not yet"]), openLog("role", () => {}));
  assert(serving !== undefined);
  const response = await fetch(`http://127.0.0.1:${serving.port}/readyz`);
  assertEquals([response.status, await response.text()], [503, "not yet\n"]);
  serving.stop();
});
