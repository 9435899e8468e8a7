import { emptyLedger } from "@/core/ledger.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { WINDOWS } from "@/core/slices.ts";
import type { TopNEntry } from "@/core/answer.ts";
import { RemoteError } from "@/proto/remote_error.ts";
import { entryOf, fakeSite, topNOf, trendOf, valuesOf } from "./fake_site.ts";

/** Texts that break out of careless pages. */
const HOSTILE = [
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(1)>`,
  `' style='x`,
  "</title><script>",
  "javascript:alert(1)",
  "&lt;&#60;&amp;",
  "\u202egnp.exe\u2066",
  "\x1b]0;owned\x07\0",
  "\ud800 lone",
  "/" + "x".repeat(8192),
];

/** What no page may hold, whatever was asked and answered. Links are relative, so `//` stands in no attribute. */
function assertInert(html: string): void {
  assert(!/<(script|iframe|object|embed|base|img)\b/i.test(html), "something that runs or loads");
  const tags = html.match(/<[a-z][^>]*>/gi) ?? [];
  for (const tag of tags) {
    assert(!/\s(style|on\w+)\s*=/i.test(tag.replace(/"[^"]*"/g, '""')), `style or handler in ${tag}`);
    const url = /\s(?:href|src|action)="([^"]*)"/.exec(tag)?.[1];
    assert(url === undefined || url.startsWith("./") || url === "#main", `address of somewhere else in ${tag}`);
  }
  // Fields of the form keep what was typed as it is: it goes back to the server and nowhere else.
  const shown = html.replace(/ value="[^"]*"/g, "");
  // deno-lint-ignore no-control-regex -- that none is there is the point
  assert(!/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(shown), "a control character");
  assert(html.isWellFormed());
}

Deno.test("a page holds no script, no style attribute and no address but our own", async () => {
  const { page } = fakeSite();
  for (const path of ["/", "/?w=24h&by=status", "/?w=bad", "/?target=evil:1"]) assertInert(await page(path));
});

Deno.test("hostile labels, names and reasons stay text, in every place where one is shown", async () => {
  for (const text of HOSTILE) {
    const hostile = fakeSite({
      topN: (question) =>
        topNOf(question, [entryOf(text, 9, 12)], {
          source: text,
          coverage: { expected: 2, present: 1, missing: [text], secondsCovered: 10, seconds: 300 },
        }),
    });
    const encoded = encodeURIComponent(text.toWellFormed());
    for (const by of DIMENSIONS) {
      assertInert(await hostile.page(`/?by=${by.name}&f_website=${encoded}&f_tag=${encoded}`));
    }
    assertInert(await hostile.page(`/?w=${encoded}&${encoded}=1&q=${encoded}&target=${encoded}`));
    assertInert(await hostile.page(`/?target=${encoded}`));
    const empty = fakeSite({ topN: (question) => topNOf(question, [], { source: text }) });
    assertInert(await empty.page("/"));
    const down = fakeSite({
      topN: () => {
        throw new RemoteError("unreachable", text);
      },
    });
    assertInert(await down.page("/"));
    assertInert(await down.page("/targets"));
    const listed = fakeSite({
      targets:
        () => [{ name: text, address: text, state: "degraded", newestS: 0, problem: text, ledger: emptyLedger() }],
    });
    assertInert(await listed.page("/?target=unknown"));
    assertInert(await listed.page(`/targets?f_website=${encoded}`));
    assertInert(await listed.page(`/?target=${encoded}`));
  }
});

Deno.test("no label at all makes a page that is not inert", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), async (label) => {
      assertInert(await fakeSite({ topN: (question) => topNOf(question, [entryOf(label)]) }).page("/?by=uri"));
    }),
    { numRuns: 50 },
  );
});

Deno.test("hidden characters show as escapes", async () => {
  const site = fakeSite({ topN: (question) => topNOf(question, [entryOf("a\u202eb\x1bc")]) });
  const escape = (text: string): string => `<i class="escape">${text}</i>`;
  assertStringIncludes(await site.page("/"), `<bdi>a${escape("\\u202e")}b${escape("\\x1b")}c</bdi>`);
});

Deno.test("a long label is cut, says by how much, and a label too long for an address is no link", async () => {
  const site = fakeSite({ topN: (question) => topNOf(question, [entryOf("/" + "x".repeat(8000))]) });
  const html = await site.page("/?by=uri");
  assertStringIncludes(html, "… +7761");
  assertStringIncludes(html, "too long for an address");
  assert(html.length < 40_000);
});

Deno.test("the label of a row leads to the next dimension, filtered by it, and keeps the rest", async () => {
  const { page } = fakeSite({ topN: (question) => topNOf(question, [entryOf("a&b c.example")]) });
  const html = await page("/?w=1m&f_status=%3E%3D400");
  assertStringIncludes(
    html,
    '<a class="value" href="./?w=1m&amp;by=prefix&amp;f_website=a%26b+c.example&amp;f_status=%3E%3D400">',
  );
});

Deno.test("each filter has a breadcrumb whose × removes just that", async () => {
  const { page } = fakeSite();
  const html = await page("/?by=uri&f_website=a.example&f_status=5xx&q=NOT+tor%3Dyes&target=other:9091");
  const crumbs = html.slice(html.indexOf('<nav class="crumbs"'), html.indexOf("clear all"));
  const links = [...crumbs.matchAll(/href="([^"]*)" aria-label="([^"]*)"/g)].map((
    [, href, label],
  ) => [label, href.replaceAll("&amp;", "&")]);
  assertEquals(links, [
    ["remove the filter on target", "./?by=uri&q=NOT+tor%3Dyes&f_website=a.example&f_status=5xx"],
    ["remove the filter on website", "./?by=uri&q=NOT+tor%3Dyes&f_status=5xx&target=other%3A9091"],
    ["remove the filter on status", "./?by=uri&q=NOT+tor%3Dyes&f_website=a.example&target=other%3A9091"],
    ["remove the filter on not Tor", "./?by=uri&f_website=a.example&f_status=5xx&target=other%3A9091"],
  ]);
});

Deno.test("windows and dimensions are links, the current one marked", async () => {
  const html = await fakeSite().page("/?w=60m&by=asn&n=5");
  for (const { name } of WINDOWS) assertMatch(html, new RegExp(`<a href="[^"]*"[^>]*>${name}</a>`));
  for (const { name } of DIMENSIONS) assertMatch(html, new RegExp(`<a href="[^"]*"[^>]*>${name}</a>`));
  assertEquals([...html.matchAll(/aria-current="page"[^>]*>([^<]*)</g)].map(([, name]) => name), ["60m", "asn"]);
  assertStringIncludes(html, 'href="./?by=asn&amp;n=5"'); // 5m is the default window
});

Deno.test("the filter form keeps the rest of the state in hidden fields", async () => {
  const html = await fakeSite().page("/?w=1m&f_website=a%22b&sort=bytes&q=tor%3Dyes");
  const form = html.slice(html.indexOf("<form"), html.indexOf("</form>"));
  assertStringIncludes(form, 'name="q" value="website=&quot;a\\&quot;b&quot; AND tor=yes"');
  const hidden = [...form.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)].map((
    [, name, value],
  ) => [name, value]);
  assertEquals(hidden, [["w", "1m"], ["sort", "bytes"]]);
});

Deno.test("a filter with a mistake stays in its field", async () => {
  const html = await fakeSite().page("/?q=status%3E%3Dfoo");
  assertStringIncludes(html, 'value="status>=foo"');
  assertStringIncludes(html, "aria-invalid");
});

Deno.test("a page reloads as often as its address or the flags say, and pausing is a link", async () => {
  const { page } = fakeSite();
  const running = await page("/?w=1m");
  assertStringIncludes(running, '<meta http-equiv="refresh" content="30"/>');
  assertStringIncludes(running, 'href="./?w=1m&amp;refresh=0"');
  const paused = await page("/?w=1m&refresh=0");
  assert(!paused.includes('http-equiv="refresh"'));
  assertMatch(paused, /href="\.\/\?w=1m">Resume</);
  assertStringIncludes(await page("/?refresh=5"), 'content="5"');
});

Deno.test("counts that may be higher say by how much; exact ones say nothing", async () => {
  const site = fakeSite({ topN: (question) => topNOf(question, [entryOf("a", 1000, 1784), entryOf("b", 10)]) });
  const html = await site.page("/");
  assertEquals(html.match(/≤ \+784/g)?.length, 1);
  assertStringIncludes(html, "at most 1\u202f784");
});

Deno.test("what is not listed is told below an answer that is not exact, and below no other", async () => {
  const page = (entries: readonly TopNEntry[], unlistedMax: number): Promise<string> =>
    fakeSite({ topN: (question) => topNOf(question, entries, { unlistedMax }) }).page("/?by=uri");
  const told = "No URI that is not listed has more than 1\u202f234 requests";
  assertStringIncludes(await page([entryOf("/a", 2000, 2001)], 1234), told);
  assertStringIncludes(await page([entryOf("/a", 1000)], 1234), told);
  assertStringIncludes(await page([], 1234), told);
  assert(!(await page([entryOf("/a", 1234)], 1234)).includes("not listed"));
  assert(!(await page([], 0)).includes("not listed"));
});

Deno.test("an answer that is all (other) shows it instead of saying that nothing matches", async () => {
  const other = valuesOf(40, 4000, 200, 9);
  const html = await fakeSite({ topN: (question) => topNOf(question, [], { other, total: other }) }).page("/?by=uri");
  assert(!html.includes("Nothing matches") && !html.includes("No requests"));
  assertMatch(html, /\(other\).*<b>40<\/b>.*total.*<b>40<\/b>/);
});

Deno.test("(other) and total stand below the rows and are no links", async () => {
  const site = fakeSite({
    topN: (question) => topNOf(question, [entryOf("a", 60)], { other: valuesOf(40), total: valuesOf(100) }),
  });
  const html = await site.page("/");
  const foot = html.slice(html.indexOf("<tfoot>"), html.indexOf("</tfoot>"));
  assertMatch(foot, /\(other\).*<b>40<\/b>.*40\.0.*total.*<b>100<\/b>.*100/);
  assert(!foot.includes("<a "));
});

Deno.test("coverage is coloured by how much is missing, and names what is", async () => {
  const covered = (present: number, missing: readonly string[]): Promise<string> =>
    fakeSite({
      topN: (question) =>
        topNOf(question, [], {
          coverage: { expected: 3, present, missing, secondsCovered: present * 100, seconds: 300 },
        }),
    }).page("/");
  assertStringIncludes(await covered(3, []), 'class="coverage good"');
  const partial = await covered(2, ["nginx7:9090"]);
  assertStringIncludes(partial, 'class="coverage partial"');
  assertStringIncludes(partial, "2 of 3 sources");
  assertStringIncludes(partial, "nginx7:9090");
  assertStringIncludes(await covered(0, ["a", "b", "c"]), 'class="coverage bad"');
});

Deno.test("times are UTC and marked so", async () => {
  const html = await fakeSite().page("/");
  assertStringIncludes(html, "15:04:50 UTC");
  assertStringIncludes(html, "2026-11-21 14:59:50 to 15:04:50 UTC");
});

Deno.test("gaps are holes in the curve, and the incomplete point is hatched", async () => {
  const counts = [600, 600, null, null, 600];
  const html = await fakeSite({ trend: (question) => trendOf(question, counts) }).page("/?w=60m");
  assertEquals(html.match(/<path class="curve"/g)?.length, 2);
  assertEquals(html.match(/<rect class="gap" x=/g)?.length, 1);
  assertStringIncludes(html, "not known</title>");
  assertEquals(html.match(/<rect class="hatched" x=/g)?.length, 1);
  assertStringIncludes(html, "incomplete</title>");
});

Deno.test("without data the page says what to check; without matches, how to widen", async () => {
  const none = { expected: 1, present: 1, missing: [], secondsCovered: 0, seconds: 300 };
  assertStringIncludes(await fakeSite({ topN: (q) => topNOf(q, [], { coverage: none }) }).page("/"), "No data yet");
  const empty = fakeSite({ topN: (question) => topNOf(question, []) });
  assertStringIncludes(await empty.page("/"), "No requests in the last 5m");
  const filtered = await empty.page("/?f_website=x");
  assertStringIncludes(filtered, "Nothing matches");
  assertMatch(filtered, /<a href="\.\/">Remove all filters/);
});
