import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { durationMistake, parseDurationMs } from "./duration.ts";

Deno.test("a duration is a number and a unit", () => {
  const cases = { "500ms": 500, "5s": 5000, "1m": 60_000, "1.5s": 1500, "60m": 3_600_000, "1ms": 1 };
  for (const [text, ms] of Object.entries(cases)) assertEquals(parseDurationMs(text), ms);
});

Deno.test("without a unit, negative, zero, or longer than an hour it is refused", () => {
  for (const text of ["", "5", "-5s", "0s", "0.1ms", "61m", "5h", "5 s", "s", "1e3s", "5S"]) {
    assertEquals(parseDurationMs(text), undefined, text);
    assert(durationMistake(text) !== undefined);
  }
  assertStringIncludes(durationMistake("5") ?? "", "did you mean 5s?");
});

Deno.test("any text is a duration within bounds or refused", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const ms = parseDurationMs(text);
    return ms === undefined || ms >= 1 && ms <= 3_600_000;
  }));
});
