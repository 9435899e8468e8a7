import { assert, assertEquals } from "@std/assert";
import { compileFilter } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { QUESTIONS, REGEX_QUESTIONS, sqlOf } from "./questions.ts";

Deno.test("every question can be asked here, and says in SQL what it filters and groups by", () => {
  for (const question of [...QUESTIONS, ...REGEX_QUESTIONS]) {
    const parsed = parseFilter(question.filter);
    assert("filter" in parsed, question.filter);
    assertEquals(parsed.filter === undefined, question.where === "");
    if (parsed.filter !== undefined) compileFilter(parsed.filter, linearRegex);
    for (const all of [false, true]) {
      const sql = sqlOf(question, 25, all);
      assert(sql.includes(`GROUP BY ${question.groupBy}`) && sql.includes(question.where), sql);
      assertEquals(sql.includes("max(time_max)"), all);
    }
  }
});
