import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { QuestionTooExpensive } from "@/core/answer.ts";
import { REGEX_CHARS_MAX } from "@/core/bounds.ts";
import { linearRegex } from "./regex.ts";

Deno.test("a pattern is searched anywhere unless it is anchored", () => {
  assert(linearRegex("pi\\.").test("api.example"));
  assert(!linearRegex("^pi\\.").test("api.example"));
  assert(linearRegex("(?i)^API\\.").test("api.example"));
  assert(linearRegex("").test(""));
  assert(linearRegex("^/é+$").test("/éé"));
});

Deno.test("a pattern that takes a backtracking engine exponential time completes", () => {
  const text = "a".repeat(10_000) + "!";
  assert(!linearRegex("(a+)+$").test(text));
  assert(!linearRegex("^(a|aa)+$").test(text));
  assert(!linearRegex("(.*)*\\d").test(text));
});

Deno.test("a bad pattern is refused with what is wrong with it", () => {
  assertThrows(() => linearRegex("^/(a"), Error, 'Cannot use regular expression "^/(a": missing closing )');
  assertThrows(() => linearRegex("*"), Error, "missing argument to repetition");
  assertThrows(() => linearRegex("(?=a)"), Error, "unsupported");
  assertThrows(() => linearRegex("(a)\\1"), Error, "invalid escape");
});

Deno.test("a pattern too long or too costly is refused", () => {
  linearRegex("a".repeat(REGEX_CHARS_MAX));
  assertThrows(() => linearRegex("a".repeat(REGEX_CHARS_MAX + 1)), Error, `${REGEX_CHARS_MAX} are allowed`);
  assertThrows(() => linearRegex("a{900}b{900}"), Error, "smaller repetition counts");
  assertThrows(() => linearRegex("((a{100}){100}){100}"), Error, "invalid repeat count");
});

Deno.test("any pattern is compiled or refused with an Error, and then matches any text", () => {
  const piece = fc.constantFrom(
    "a",
    "(",
    ")",
    "[",
    "]",
    "*",
    "+",
    "?",
    "{2}",
    "{",
    "|",
    "\\",
    "^",
    "$",
    ".",
    "\\b",
    "\\p{L}",
  );
  const pattern = fc.oneof(fc.string({ maxLength: 20 }), fc.array(piece, { maxLength: 12 }).map((p) => p.join("")));
  fc.assert(fc.property(pattern, fc.string({ unit: "binary" }), (written, text) => {
    let regex;
    try {
      regex = linearRegex(written);
    } catch (error) {
      assert(error instanceof Error && error.message.startsWith("Cannot use regular expression"));
      return;
    }
    assertEquals(typeof regex.test(text), "boolean");
  }));
});

Deno.test("a pattern that takes too long over all texts together is refused, and says what would work", () => {
  let nowMs = 0;
  const { test } = linearRegex("a+b", () => nowMs += 200);
  const long = "a".repeat(9000) + "b";
  for (let i = 0; i < 6; i++) test(long);
  const error = assertThrows(() => test(long), QuestionTooExpensive);
  assertStringIncludes(error.message, "shorter window");
  const short = linearRegex("a+b", () => nowMs += 200);
  assertThrows(() => {
    for (let i = 0; i < 2000; i++) short.test("aaab");
  }, QuestionTooExpensive);
});
