/** What is printed adds up, however much roll-up has given up of what was asked for. */
import { assert, assertEquals } from "@std/assert";
import type { TopNAnswer } from "@/core/answer.ts";
import { OTHER_LABEL } from "@/core/dimensions.ts";
import { BYTES, IS_SUM, REQUESTS } from "@/core/measures.ts";
import { rolledUpAnswers } from "@/core/test_answers.ts";
import { topNJson } from "./json.ts";
import { topNTable } from "./table.ts";

const ANSWERS = rolledUpAnswers();

Deno.test("the answers of these tests have lost something, and count_max says so", () => {
  const inexact = ANSWERS.filter(({ answer }) => answer.entries.some((entry) => entry.countMax > entry.values[0]));
  assert(inexact.length > ANSWERS.length / 3, `${inexact.length} of ${ANSWERS.length}`);
  assert(ANSWERS.some(({ answer }) => answer.other[REQUESTS] > 0 && answer.entries.length < 10), "a whole OTHER");
});

Deno.test("rows and (other) of the table are the total, in requests and in what it is ranked by", () => {
  for (const { answer, sort, question } of ANSWERS) {
    const lines = topNTable(answer, sort, false).trimEnd().split("\n");
    const rows = lines.filter((line) => /^ *\d* +\d/.test(line)).map(numbersOf);
    assertEquals(sum(rows.map(([count]) => count)), answer.total[REQUESTS], question);
    if (sort !== REQUESTS && IS_SUM[sort]) assertEquals(sum(rows.map((row) => row[1])), answer.total[sort], question);
    assertEquals(lines.some((line) => line.endsWith(OTHER_LABEL)), answer.other[REQUESTS] > 0, question);
  }
});

Deno.test("entries and other of the JSON are the total, in every measure that adds up", () => {
  for (const { answer, question } of ANSWERS) {
    const { entries, other, total, other_values, total_values, total_max, unlisted_max } = JSON.parse(
      topNJson(answer, "t"),
    );
    assertEquals([other, total], [other_values.count, total_values.count], question);
    for (const measure of ["count", "bytes", "time_sum_ms"]) {
      const listed = sum(entries.map((entry: Record<string, number>) => entry[measure]));
      assertEquals(listed + other_values[measure], total_values[measure], `${question}: ${measure}`);
    }
    const longest = Math.max(
      other_values.time_max_ms,
      ...entries.map((entry: Record<string, number>) => entry.time_max_ms),
    );
    assertEquals(longest, total_values.time_max_ms, question);
    assertEquals([total_max, unlisted_max], [answer.totalMax, answer.unlistedMax], question);
  }
});

Deno.test("the table says what is not listed can have wherever a count is not exact", () => {
  for (const { answer, sort, question } of ANSWERS) {
    const table = topNTable(answer, sort, false), isExact = !table.includes("≤") && !table.includes("not listed");
    const bounded = answer.entries.some(({ values, countMax }) => countMax > values[REQUESTS]);
    assert(!bounded || !isExact, question);
    assert(bounded === table.includes("≤"), question);
    assert(!bounded || table.includes(`is not listed has more than`), question);
    assert(table.includes("requests match") === answer.totalMax > answer.total[REQUESTS], question);
  }
  const exact: TopNAnswer = { ...ANSWERS[0].answer, entries: [], other: new Float64Array(4), unlistedMax: 0 };
  assert(!topNTable(exact, BYTES, false).includes("not listed"));
});

/** Count, and the measure behind it where there is one; the rank is dropped. */
function numbersOf(line: string): readonly number[] {
  const cells = line.slice("RANK  ".length).replaceAll("\u202f", "").replace(/\(≤ \d+\)/, "").trim().split(/ {2,}/);
  return cells.slice(0, 2).map(Number);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
