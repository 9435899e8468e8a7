import { assertEquals } from "@std/assert";
import { RemoteError } from "@/proto/remote_error.ts";
import type { Answers } from "./answers.ts";
import { RecentPages } from "./recent_pages.ts";
import { fakeSite, topNOf, trendOf } from "./fake_site.ts";

Deno.test("who asks the same within a second is given the same answer, and everybody a new one after it", async () => {
  let nowMs = 0;
  const site = fakeSite({}, { clock: { nowS: () => 0, monotonicMs: () => nowMs } });
  await Promise.all(Array.from({ length: 20 }, () => site.get("/?by=uri")));
  assertEquals([site.asked.topN.length, site.asked.trend.length], [1, 1]);
  nowMs = 999;
  await site.get("/?by=uri");
  assertEquals(site.asked.topN.length, 1);
  nowMs = 1000;
  await site.get("/?by=uri");
  assertEquals([site.asked.topN.length, site.asked.trend.length], [2, 2]);
});

Deno.test("a page is drawn once a second, and anew for other answers and other addresses", () => {
  const pages = new RecentPages(), drawn: string[] = [];
  const page = (address: string, answers: Answers, nowS: number): string =>
    pages.page(address, answers, nowS, () => `${drawn.push(address)}`);
  const question = { window: "1m", groupBy: "uri" } as const;
  const answers = { topN: topNOf(question, []), trend: trendOf(question) };
  const shown = [
    page("a", answers, 7.1),
    page("a", { ...answers }, 7.9),
    page("b", answers, 7.9),
    page("a", answers, 8),
  ];
  assertEquals(shown, ["1", "1", "2", "3"]);
  assertEquals(page("a", { ...answers, trend: trendOf(question) }, 8), "4");
  const long = (): string => `${drawn.push("")}${"x".repeat(300_000)}`;
  pages.page("long", answers, 9, long);
  assertEquals(pages.page("long", answers, 9, long).slice(0, 1), "6", "what is too long is not kept");
});

Deno.test("another question is another answer, and the trend is shared by all rankings of one filter", async () => {
  const site = fakeSite();
  for (const path of ["/", "/?by=uri", "/?n=5", "/?sort=bytes", "/?f_uri=/a", "/?w=1m", "/?target=other:9091"]) {
    await site.get(path);
  }
  assertEquals(site.asked.topN.length, 7);
  assertEquals(site.asked.trend.length, 4);
});

Deno.test("a failure is not given again", async () => {
  let fails = true;
  const site = fakeSite({
    topN: (question) => {
      if (fails) throw new RemoteError("timeout", "late");
      return topNOf(question, []);
    },
    trend: (question) => trendOf(question),
  });
  assertEquals((await site.get("/")).status, 504);
  fails = false;
  assertEquals((await site.get("/")).status, 200);
});
