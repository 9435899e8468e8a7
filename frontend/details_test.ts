/** What stands beside rows and in the trend when answers come with details. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { EntryDetail, TopNAnswer, TopNQuestion, TrendAnswer, TrendQuestion } from "@/core/answer.ts";
import { entryOf, fakeSite, topNOf, trendOf, valuesOf } from "./fake_site.ts";
import { otherDetail, totalDetail } from "./row_details.ts";
import { bandsOf, newest, trendShape } from "./trend_shape.ts";

/** Six points of ten seconds; the third is not known. */
const COUNTS = [10, 20, 0, 40, 50, 60];

function detailed(question: TopNQuestion): TopNAnswer {
  const detail: EntryDetail = { counts: COUNTS, byStatus: [0, 100, 0, 60, 20] };
  const answer = topNOf(question, [{ ...entryOf("a", 180), detail }], { other: valuesOf(40), total: valuesOf(220) });
  return { ...answer, series: { fromS: answer.fromS, stepS: 10, secondsKnown: [10, 10, 0, 10, 10, 10] } };
}

/** The same points, each with 8 requests more, and 5 of those without a class. */
function trendWithClasses(question: TrendQuestion): TrendAnswer {
  const trend = trendOf(question, COUNTS.map((count, i) => i === 2 ? null : count + 8));
  const points = trend.points.map((point, i) => ({ ...point, byStatus: [0, i === 2 ? 0 : COUNTS[i] + 3, 0, 0, 0] }));
  const before = Array.from({ length: 6 }, (_, i) => ({
    startS: trend.fromS - 60 + 10 * i,
    count: i === 4 ? null : 70,
    incomplete: i === 5,
  }));
  return { ...trend, points, previous: { stepS: 10, points: before } };
}

const QUESTION = { window: "1m", groupBy: "uri", n: 5, sort: 0, filter: undefined } as const;

Deno.test("the total's details are those of the trend, and (other)'s what entries leave of them", () => {
  const topN = detailed(QUESTION), total = totalDetail(topN, trendWithClasses(QUESTION));
  assertEquals(Array.from(total?.counts ?? []), [18, 28, 0, 48, 58, 68]);
  assertEquals(Array.from(otherDetail(topN, total)?.counts ?? []), [8, 8, 0, 8, 8, 8]);
  assertEquals(Array.from(otherDetail(topN, total)?.byStatus ?? []), [0, 95, 0, 0, 0]);
  assertEquals(totalDetail(topN, { ...trendWithClasses(QUESTION), toS: 0 }), undefined, "of another time");
  assertEquals(totalDetail(topN, trendOf(QUESTION)), undefined, "without classes");
});

Deno.test("what has no class is a band of its own, and bands add up to the count", () => {
  assertEquals(bandsOf(100, [0, 60, 10, 20, 5]), [60, 10, 5, 20, 5]);
  assertEquals(bandsOf(100, [7, 93, 0, 0, 0]), [93, 0, 7, 0, 0]);
});

Deno.test("the window before lies where it was, a window later, and what is not known of it is no line", () => {
  const shape = trendShape(trendWithClasses(QUESTION));
  assertEquals(shape.before.map((run) => run.map(({ x0, rate }) => [Math.round(6 * x0), rate])), [
    [[0, 7], [1, 7], [2, 7], [3, 7]],
  ]);
  assertEquals(shape.bands, [0, 2]);
  assertEquals(newest(shape).step?.count, 68);
  assertEquals(newest(shape).beforeRate, undefined, "that part is not known");
});

Deno.test("a row shows its trend, with a hole where nothing is known, and how its requests went", async () => {
  const site = fakeSite({ topN: detailed, trend: trendWithClasses });
  const html = await site.page("/?w=1m&by=uri");
  const [row] = /<tbody>.*?<\/tbody>/s.exec(html) ?? [""];
  assertStringIncludes(row, "<title>at most 6.00/s, at the end 6.00/s</title>");
  assertMatch(row, /class="spark".*?<path d="M0 15h0l20 -2M60 7h0l20 -2l20 -3"/);
  assertStringIncludes(row, "<title>2xx 55.6 %, 4xx 33.3 %, 5xx 11.1 %</title>");
  assertMatch(row, /<rect class="b0" x="0" width="55.6".*?<rect class="b3" x="55.6" width="33.3".*?<rect class="b4"/);
  assertEquals(html.match(/class="spark"/g)?.length, 3, "row, (other) and total");
  assertStringIncludes(html, "68 requests, 6.80/s · 2xx 63 · other 5</title>");
  assertMatch(html, /<path class="before" d="M0 /);
});

Deno.test("the trend as a table has all that the curve has", async () => {
  const html = await fakeSite({ topN: detailed, trend: trendWithClasses }).page("/?w=1m&table=1");
  const [table] = /<table class="points">.*?<\/table>/s.exec(html) ?? [""];
  const cells = [...table.matchAll(/<t[hd](?: [^>]*)?>([^<]*)</g)].map(([, text]) => text);
  assertEquals(cells.slice(0, 6), ["from, UTC", "requests", "per second", "2xx", "other", "known"]);
  assertEquals(cells.slice(6, 12), ["2026-11-21 15:04:40", "68", "6.80", "63", "5", "yes"]);
  assertEquals(cells.slice(24, 30), ["2026-11-21 15:04:10", "–", "–", "–", "–", "no"]);
});

Deno.test("JSON has the details too", async () => {
  const answer = await (await fakeSite({ topN: detailed, trend: trendWithClasses }).get("/?w=1m&by=uri&raw=1")).json();
  assertEquals(answer.entries[0].series, COUNTS);
  assertEquals(answer.entries[0].by_status, { "1xx": 0, "2xx": 100, "3xx": 0, "4xx": 60, "5xx": 20 });
  assertEquals(answer.series, {
    from: "2026-11-21T15:03:50Z",
    step_seconds: 10,
    seconds_known: [10, 10, 0, 10, 10, 10],
  });
  assertEquals(answer.trend[2], { ts: "2026-11-21T15:04:10Z", count: null });
  assertEquals(answer.trend[5].by_status["2xx"], 63);
  assertEquals([answer.previous.step_seconds, answer.previous.trend.length], [10, 6]);
});
