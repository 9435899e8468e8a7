import { emptyLedger } from "@/core/ledger.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { filterText } from "@/core/filter_tree.ts";
import { RemoteError } from "@/proto/remote_error.ts";
import { entryOf, fakeSite, NOW_S, topNOf, trendOf, valuesOf } from "./fake_site.ts";
import { REQUESTS_MAX } from "./handler.ts";

Deno.test("JSON has the fields of the interface, with times in UTC and gaps as null", async () => {
  const site = fakeSite({
    topN: (question) =>
      topNOf(question, [{ label: "203.0.113.0/24", values: valuesOf(3, 4500, 10, 7), countMax: 5 }], {
        total: valuesOf(4, 5000, 11, 9),
        other: valuesOf(1, 500, 1, 9),
        totalMax: 6,
        unlistedMax: 2,
        coverage: { expected: 3, present: 2, missing: ["col-3"], secondsCovered: 50, seconds: 60 },
      }),
    trend: (question) => trendOf(question, [null, 0, 7]),
  });
  const response = await site.get("/?raw=1&w=1m&by=prefix");
  assertEquals(response.headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals(await response.json(), {
    source: "agg-prod",
    target: "agg:9091",
    window: "1m",
    group_by: "prefix",
    from: "2026-11-21T15:03:50Z",
    to: "2026-11-21T15:04:50Z",
    total: 4,
    total_max: 6,
    other: 1,
    total_values: { count: 4, bytes: 5000, time_sum_ms: 11, time_avg_ms: 2.75, time_max_ms: 9 },
    other_values: { count: 1, bytes: 500, time_sum_ms: 1, time_avg_ms: 1, time_max_ms: 9 },
    unlisted_max: 2,
    coverage: { expected: 3, present: 2, missing: ["col-3"] },
    entries: [
      {
        label: "203.0.113.0/24",
        count: 3,
        count_max: 5,
        bytes: 4500,
        time_sum_ms: 10,
        time_avg_ms: 3.333,
        time_max_ms: 7,
      },
    ],
    trend: [
      { ts: "2026-11-21T15:03:50Z", count: null },
      { ts: "2026-11-21T15:04:00Z", count: 0 },
      { ts: "2026-11-21T15:04:10Z", count: 7 },
      { ts: "2026-11-21T15:04:20Z", count: 100 },
      { ts: "2026-11-21T15:04:30Z", count: 100 },
      { ts: "2026-11-21T15:04:40Z", count: 100 },
    ],
  });
});

Deno.test("CSV has a line a row, and nothing in a label can break out of its cell or run as a formula", async () => {
  const labels = ["plain", 'say "hi", twice', "=HYPERLINK(1)", "@x", "-", "line\r\nbreak", "\u202etxt"];
  const site = fakeSite({ topN: (question) => topNOf(question, labels.map((label) => entryOf(label, 2, 3))) });
  const response = await site.get("/?format=csv&by=uri");
  assertEquals(response.headers.get("content-type"), "text/csv; charset=utf-8");
  assertEquals(
    response.headers.get("content-disposition"),
    'attachment; filename="logtail-uri-5m-20261121T150450Z.csv"',
  );
  assertEquals((await response.text()).split("\r\n"), [
    "rank,uri,count,count_max,bytes,time_avg_ms,time_max_ms,time_sum_ms",
    "1,plain,2,3,2000,5,212,10",
    '2,"say ""hi"", twice",2,3,2000,5,212,10',
    "3,'=HYPERLINK(1),2,3,2000,5,212,10",
    "4,'@x,2,3,2000,5,212,10",
    "5,-,2,3,2000,5,212,10",
    "6,line\\x0d\\x0abreak,2,3,2000,5,212,10",
    "7,\\u202etxt,2,3,2000,5,212,10",
    ",(other),0,,0,,0,0",
    ",total,14,14,14000,5,212,70",
    ",unlisted_max,,0,,,,",
    "",
  ]);
});

Deno.test("what the URL asks for is what the target is asked", async () => {
  const { get, asked } = fakeSite();
  await get("/?w=6h&by=status&n=7&sort=bytes&f_website=a.example&q=tor%3Dyes");
  const [{ filter, ...question }] = asked.topN;
  assertEquals(question, { window: "6h", groupBy: "status", n: 7, sort: 1, detail: true });
  assertEquals(filter && filterText(filter), "website=a.example AND tor=yes");
  assertEquals(asked.trend, [{ window: "6h", filter, detail: true }]);
});

Deno.test("a bad address is answered with 400 in the format it asked for, and the target is not asked", async () => {
  const { get, asked } = fakeSite();
  const page = await get("/?w=7m&by=host");
  assertEquals(page.status, 400);
  const text = await page.text();
  assertStringIncludes(text, "2 parameters of this address cannot be used");
  assertStringIncludes(text, "use 1m, 5m, 15m, 60m, 6h or 24h");
  assert(!text.includes('http-equiv="refresh"'), "a mistake does not go away by itself");
  const json = await get("/?w=7m&raw=1");
  assertEquals(json.status, 400);
  assertEquals(await json.json(), { error: "w=7m: no such window; use 1m, 5m, 15m, 60m, 6h or 24h" });
  const csv = await get("/?w=7m&format=csv");
  assertEquals([csv.status, csv.headers.get("content-type")], [400, "text/plain; charset=utf-8"]);
  assertEquals(asked.topN, []);
});

Deno.test("a target that is down gives a page that names it, says why, and tries again", async () => {
  const down = (): never => {
    throw new RemoteError("unreachable", "Cannot reach agg:9091: connection refused");
  };
  const { get } = fakeSite({ topN: down, trend: down });
  const page = await get("/");
  assertEquals(page.status, 502);
  const text = await page.text();
  assertStringIncludes(text, "agg:9091 cannot be reached");
  assertStringIncludes(text, "connection refused");
  assertStringIncludes(text, '<meta http-equiv="refresh" content="30"/>');
  assertStringIncludes(text, "tries again by itself every 30 s");
  const json = await get("/?raw=1");
  assertEquals(json.status, 502);
  assertMatch((await json.json()).error, /^Cannot reach agg:9091: connection refused/);
});

Deno.test("each way in which a target fails has its status", async () => {
  for (const [code, status] of [["timeout", 504], ["refused", 502], ["invalid", 400], ["protocol", 502]] as const) {
    const fails = (): never => {
      throw new RemoteError(code, `it said ${code}`);
    };
    const response = await fakeSite({ trend: fails }).get("/");
    assertEquals(response.status, status);
    assertStringIncludes(await response.text(), `it said ${code}`);
  }
});

Deno.test("a bug of ours is a 500 without details, and is logged with them", async () => {
  const { get, errors } = fakeSite({
    topN: () => {
      throw new TypeError("secret details");
    },
  });
  const response = await get("/");
  assertEquals(response.status, 500);
  assert(!(await response.text()).includes("secret"));
  assertStringIncludes(errors.join(), "secret details");
});

Deno.test("every response forbids scripts, framing and sniffing", async () => {
  const { get } = fakeSite();
  for (
    const path of [
      "/",
      "/?w=x",
      "/?raw=1",
      "/style.css",
      "/favicon.svg",
      "/healthz",
      "/nothing",
      "/?q=" + "a".repeat(9000),
    ]
  ) {
    const { headers } = await get(path);
    assertEquals(
      headers.get("content-security-policy"),
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
  }
});

Deno.test("only GET and HEAD are answered, and HEAD without a body", async () => {
  const { get } = fakeSite();
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await get("/", { method });
    assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
  }
  const head = await get("/?w=1m", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals(head.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals((await get("/?w=7m", { method: "HEAD" })).status, 400);
});

Deno.test("an unknown path is 404, an address above 8 KiB 414", async () => {
  const { get } = fakeSite();
  for (const path of ["/index.html", "/style.css/", "/a/b", "/%2e%2e%2fetc"]) {
    assertEquals((await get(path)).status, 404);
  }
  assertEquals((await get(`/?q=${"a".repeat(8192)}`)).status, 414);
});

Deno.test("health, favicon and style sheet are served, the latter under an address that changes with it", async () => {
  const { get, page } = fakeSite();
  assertEquals(await (await get("/healthz")).text(), "ok\n");
  assertEquals((await get("/favicon.svg")).headers.get("content-type"), "image/svg+xml");
  const style = /href="\.(\/style\.css\?v=[0-9a-f]{8})"/.exec(await page("/"))?.[1] ?? "missing";
  const response = await get(style);
  assertEquals(response.headers.get("content-type"), "text/css; charset=utf-8");
  assertStringIncludes(response.headers.get("cache-control") ?? "", "immutable");
  assert(!/url\(|@import|https?:/.test(await response.text()), "the style sheet loads nothing");
});

Deno.test("target= asks an allowed address directly", async () => {
  const { get, asked } = fakeSite();
  assertEquals((await get("/?target=other:9091")).status, 200);
  assertEquals(asked.addresses, ["other:9091"]);
  assertEquals(asked.topN[0].filter, undefined);
});

Deno.test("target= asks a source that the target lists, by name or address, through the target", async () => {
  const targets = [{
    name: "col-1",
    address: "nginx1:9090",
    state: "connected" as const,
    newestS: NOW_S,
    problem: "",
    ledger: emptyLedger(),
  }];
  for (const wanted of ["col-1", "nginx1:9090"]) {
    const { get, asked } = fakeSite({ targets: () => targets });
    const response = await get(`/?raw=1&f_uri=/x&target=${wanted}`);
    assertEquals((await response.json()).target, wanted);
    assertEquals(asked.addresses, ["agg:9091"]);
    assertEquals(asked.topN[0].filter && filterText(asked.topN[0].filter), "uri=/x AND source=col-1");
  }
});

Deno.test("target= never makes the server connect anywhere else", async () => {
  for (const wanted of ["evil:9090", "169.254.169.254:80", "agg:9090", "other:9091 ", "AGG:9091", "<b>"]) {
    const { get, asked } = fakeSite();
    const response = await get(`/?target=${encodeURIComponent(wanted)}`);
    assertEquals(response.status, 400);
    assertStringIncludes(await response.text(), "--target-allow=host:port");
    assertEquals([asked.addresses, asked.topN], [["agg:9091"], []]);
  }
});

Deno.test("a source without a name yet is said to be so, and why", async () => {
  const targets = [{
    name: "",
    address: "nginx7:9090",
    state: "connecting" as const,
    newestS: 0,
    problem: "no route",
    ledger: emptyLedger(),
  }];
  const response = await fakeSite({ targets: () => targets }).get("/?target=nginx7:9090");
  assertEquals(response.status, 502);
  assertStringIncludes(await response.text(), "no route");
});

Deno.test("more requests at once than can be answered are turned away, and answered again later", async () => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  const { get } = fakeSite({
    topN: async (question) => {
      await gate;
      return topNOf(question, []);
    },
  });
  const waiting = Array.from({ length: REQUESTS_MAX }, () => get("/"));
  const refused = await get("/");
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "2"]);
  release();
  for (const response of await Promise.all(waiting)) assertEquals(response.status, 200);
  assertEquals((await get("/")).status, 200);
});
