/** What the dashboard shows adds up, however much roll-up has given up of what was asked for. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MEASURES, REQUESTS } from "@/core/measures.ts";
import { rolledUpAnswers } from "@/core/test_answers.ts";
import { csvOf } from "@/core/host/answer_csv.ts";
import { fakeSite } from "./fake_site.ts";
import { grouped } from "./numbers.ts";

const ANSWERS = rolledUpAnswers();

Deno.test("ranked rows and (other) of the CSV are the total, in every measure that adds up", () => {
  for (const { answer, question } of ANSWERS) {
    const [heading, ...lines] = csvOf(answer).trimEnd().split("\r\n").map((line) => line.split(","));
    const [unlisted, total, other, ...ranked] = lines.toReversed();
    assertEquals([unlisted[1], total[1], other[1]], ["unlisted_max", "total", "(other)"], question);
    for (const measure of ["count", "bytes", "time_sum_ms"]) {
      const column = heading.indexOf(measure);
      const listed = ranked.reduce((sum, row) => sum + Number(row[column]), 0);
      assertEquals(listed + Number(other[column]), Number(total[column]), `${question}: ${measure}`);
    }
  }
});

Deno.test("the page's rows and (other) are the total, and it says how much what is not listed can have", async () => {
  for (const { answer, sort, question } of ANSWERS) {
    const site = fakeSite({ topN: () => answer });
    const html = await site.page(`/?w=1m&by=${answer.groupBy}&sort=${MEASURES[sort].sort}`);
    const counts = [...html.matchAll(/<b>([\d\u202f]+)<\/b><\/td>/g)].map(([, text]) =>
      Number(text.replace(/\D/g, ""))
    );
    const total = counts.pop();
    assertEquals(total, answer.total[REQUESTS], question);
    assertEquals(counts.reduce((sum, count) => sum + count, 0), total, question);
    const bounded = answer.entries.some(({ values, countMax }) => countMax > values[REQUESTS]);
    assertEquals(html.includes("≤ +"), bounded || answer.totalMax > answer.total[REQUESTS], question);
    if (bounded) assertStringIncludes(html, `is not listed has more than ${grouped(answer.unlistedMax)} requests`);
    const json = await (await site.get(`/?raw=1&w=1m&by=${answer.groupBy}`)).json();
    assertEquals([json.total, json.total_max, json.other, json.unlisted_max], [
      total,
      answer.totalMax,
      answer.other[REQUESTS],
      answer.unlistedMax,
    ]);
  }
  assert(ANSWERS.length > 100);
});
