/** What a page looks like when something is missing: each state has its own words. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { TargetInfo } from "@/core/answer.ts";
import { COUNTED, emptyLedger, READ, reportKernelDrops, TOO_LONG } from "@/core/ledger.ts";
import { RemoteError } from "@/proto/remote_error.ts";
import { entryOf, fakeSite, NOW_S, topNOf } from "./fake_site.ts";

Deno.test("a target that falls silent: since when, and what it said last, with its age", async () => {
  let nowS = NOW_S, nowMs = 0, isDown = false;
  const site = fakeSite({
    topN: (question) => {
      if (isDown) throw new RemoteError("unreachable", "connection refused");
      return topNOf(question, [entryOf("last.example")]);
    },
  }, { clock: { nowS: () => nowS, monotonicMs: () => nowMs } });
  assertEquals((await site.get("/")).status, 200);
  isDown = true;
  nowMs += 5000;
  nowS += 60;
  assertStringIncludes(await site.page("/"), "first time that it does not answer");
  nowMs += 5000;
  nowS += 120;
  const response = await site.get("/"), html = await response.text();
  assertEquals(response.status, 502);
  assertStringIncludes(html, "has not answered since 2026-11-21 15:05:54 UTC, 2\u202fmin ago");
  assertStringIncludes(html, "data to 2026-11-21 15:04:50 UTC, 3\u202fmin 4\u202fs old");
  assertStringIncludes(html, '<div class="stale">');
  assertStringIncludes(html, "last.example");
  assertMatch(html, /class="coverage bad"/);
  assertStringIncludes(await site.page("/?by=uri"), "Nothing that it said before is held for this page");
  isDown = false;
  nowMs += 5000;
  assert(!(await site.page("/")).includes("stale"));
  isDown = true;
  nowMs += 5000;
  assertStringIncludes(await site.page("/"), "first time that it does not answer");
});

Deno.test("sources that are missing are named; half of them is said loudly", async () => {
  const page = (present: number): Promise<string> =>
    fakeSite({
      topN: (question) =>
        topNOf(question, [entryOf("a")], {
          coverage: {
            expected: 12,
            present,
            missing: Array.from({ length: 12 - present }, (_, i) => `col-${i}`),
            secondsCovered: 300,
            seconds: 300,
          },
        }),
    }).page("/");
  assert(!(await page(12)).includes("notice"));
  assertMatch(await page(11), /notice partial.*1 of 12 sources is missing.*col-0.*targets/);
  assertMatch(await page(6), /notice bad.*6 of 12 sources are missing<\/b>: these numbers are far from the whole/);
  assertMatch(await page(1), /col-7<\/bdi> and 3 more/);
  assertMatch(await page(0), /notice bad.*No source delivers/);
});

Deno.test("a load balancer that stands for all clients is named above their ranking, and nowhere else", async () => {
  const page = (path: string, client: string): Promise<string> =>
    fakeSite({ topN: (question) => topNOf(question, [entryOf(client, 5000)]) }).page(path);
  assertMatch(await page("/?by=prefix", "10.0.0.0/24"), /10\.0\.0\.0\/24.*is that a load balancer\?.*set_real_ip_from/);
  assert(!(await page("/?by=prefix", "203.0.113.0/24")).includes("load balancer"));
  assert(!(await page("/?by=prefix&f_status=200", "10.0.0.0/24")).includes("load balancer"));
  assert(!(await page("/?by=prefix&sort=bytes", "10.0.0.0/24")).includes("load balancer"));
  assert(!(await page("/", "10.0.0.0/24")).includes("load balancer"));
});

function target(name: string, change: Partial<TargetInfo> = {}): TargetInfo {
  const ledger = emptyLedger();
  ledger[READ] = ledger[COUNTED] = 1000;
  return { name, address: `${name}:9090`, state: "connected", newestS: NOW_S - 4, problem: "", ledger, ...change };
}

Deno.test("the fleet: those in trouble first, each with its words, and unknown where nobody reports", async () => {
  const lossy = emptyLedger();
  lossy[READ] = 1000;
  lossy[COUNTED] = 990;
  lossy[TOO_LONG] = 10;
  reportKernelDrops(lossy, 7);
  const targets = [
    target("good", { skewMs: -3000, memoryBytes: 80_000_000, linesPerS: 12 }),
    target("late", { newestS: NOW_S - 90 }),
    target("lossy", { ledger: lossy }),
    target("", { address: "new:9090", state: "connecting", newestS: 0, problem: "connection refused" }),
    target("down", { state: "degraded", sinceS: NOW_S - 600 }),
  ];
  const site = fakeSite({
    targets: () => targets,
    topN: (question) => topNOf(question, [entryOf("good", 3000), entryOf("late", 300)]),
  });
  const html = await site.page("/targets");
  const rows = [...html.matchAll(/<tr class="(?:good|partial|bad)">.*?<\/tr>/gs)].map(([row]) => row);
  assertEquals(rows.map((row) => /<bdi>(.*?)<\/bdi>/.exec(row)?.[1]), ["new:9090", "down", "late", "good", "lossy"]);
  assertMatch(html, /2 down, 1 with a problem of 5 sources/);
  const [fresh, down, late, good, lost] = rows;
  assertStringIncludes(fresh, "connecting");
  assertStringIncludes(down, "for 10\u202fmin");
  assertMatch(late, /late.*1\u202fmin 30\u202fs.*1\.00<small>\/s/);
  assertMatch(good, /off">−3\.0 s.*12\.0<small>\/s.*80\.0\u202fMB/s);
  assertMatch(lost, /10 <small>1\.0 %.*>7</s);
  assertStringIncludes(lost, 'title="10 too long"');
  assertEquals(down.match(/nobody reports it/g)?.length, 4, "skew, lines, drops, memory");
  assertStringIncludes(html, "connection refused");
  assertStringIncludes(good, 'href="./?target=good"');
});

Deno.test("the fleet as JSON says null where nobody reports", async () => {
  const site = fakeSite({
    targets: () => [target("a", { memoryBytes: 5 })],
    topN: (question) => topNOf(question, [entryOf("a", 600)]),
  });
  const { targets } = await (await site.get("/targets?raw=1")).json();
  const { ledger, ...facts } = targets[0];
  assertEquals(facts, {
    name: "a",
    address: "a:9090",
    state: "connected",
    since: null,
    newest: "2026-11-21T15:04:50Z",
    problem: "",
    skew_ms: null,
    lines_per_second: 2,
    memory_bytes: 5,
    kernel_drops: null,
  });
  assertEquals([ledger.read, ledger.counted], [1000, 1000]);
  assertEquals((await site.get("/targets?format=csv")).status, 400);
});

Deno.test("a fleet of nobody, and a target that is down, are told on its page as well", async () => {
  assertStringIncludes(await fakeSite().page("/targets"), "No sources");
  const down = fakeSite({
    targets: () => {
      throw new RemoteError("unreachable", "connection refused");
    },
  });
  const response = await down.get("/targets");
  assertEquals(response.status, 502);
  assertStringIncludes(await response.text(), "agg:9091 cannot be reached");
});

Deno.test("the fleet keeps the state of the page that it was left from", async () => {
  const site = fakeSite({ targets: () => [target("col-1")] });
  const html = await site.page("/targets?w=60m&by=prefix&f_website=a");
  assertStringIncludes(html, 'href="./?w=60m&amp;by=prefix&amp;f_website=a&amp;target=col-1"');
  assertStringIncludes(html, 'href="./?w=60m&amp;by=prefix&amp;f_website=a">Traffic');
  assertStringIncludes(html, 'href="./targets?w=60m&amp;by=prefix&amp;f_website=a&amp;refresh=0"');
});

Deno.test("a mistake in the filter is shown at its column, and what was typed stays", async () => {
  const { page } = fakeSite();
  const html = await page("/?f_uri=/kept&q=" + encodeURIComponent("website=a AND statuss>=500 OR x"));
  assertStringIncludes(html, 'value="website=a AND statuss>=500 OR x"');
  assertMatch(html, /website=a AND <mark>s<\/mark>tatuss>=500/);
  assertMatch(html, new RegExp(`\\n${" ".repeat(14)}\\^`));
  assertStringIncludes(html, 'type="hidden" name="f_uri" value="/kept"');
});

Deno.test("a filter that was typed leads to the one address for it", async () => {
  const { get } = fakeSite();
  const response = await get("/?q=+website%3Da+AND+NOT+uri%3D%2Fhealth+&w=5m", { redirect: "manual" });
  assertEquals([response.status, response.headers.get("location")], [303, "./?q=NOT+uri%3D%2Fhealth&f_website=a"]);
  assertEquals((await get("./?q=NOT+uri%3D%2Fhealth&f_website=a", { redirect: "manual" })).status, 200);
  const fleet = await get("/targets?w=5m", { redirect: "manual" });
  assertEquals(fleet.headers.get("location"), "./targets");
  assertEquals((await get("/?q=website%3Da&raw=1", { redirect: "manual" })).status, 200, "scripts are not sent about");
});

Deno.test("who asks too often is told to wait, and others are answered", async () => {
  const { get } = fakeSite({}, { clientRate: 2 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => get("/healthz")));
  assertEquals(answers.map(({ status }) => status), [...Array(8).fill(200), 429, 429]);
  assertEquals(answers[9].headers.get("retry-after"), "1");
});
