import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { unicodeWidth } from "@/core/host/std_unicode_width.ts";
import { OBEYED, topNAnswer, trendAnswer, values } from "./fake_shell.ts";
import { fit, screenLines, type Shown } from "./top_screen.ts";
import { firstState, type TopState } from "./top_state.ts";

const STATE = firstState({ window: "5m", groupBy: "website", sort: 0, filter: undefined });
const SHOWN: Shown = {
  target: "localhost:9090",
  answer: topNAnswer(),
  trend: trendAnswer(),
  trouble: "",
  offsetMinutes: 60,
};
const SIZE = { columns: 80, rows: 24 };

/** Without what only changes how a line looks. */
function plain(lines: readonly string[]): string[] {
  // deno-lint-ignore no-control-regex -- the codes that we write ourselves
  return lines.map((line) => line.replace(/\x1b\[[0-9;]*m/g, ""));
}

function shown(changes: Partial<Shown> = {}, state: Partial<TopState> = {}, size = SIZE): string[] {
  return plain(screenLines({ ...STATE, ...state }, { ...SHOWN, ...changes }, size, true));
}

Deno.test("source, window, filter, trend, ranking, rest, total and keys are on the screen", () => {
  const lines = shown({}, { filter: { kind: "compare", dimension: "status", operator: "=", value: "429" } });
  assertStringIncludes(lines[0], "col-1 (localhost:9090)  5m by website");
  assert(lines[0].endsWith("05:50:00 +01:00 "));
  assertEquals(lines[1], "filter: status=429");
  assertEquals(lines[2], "█· ▃  up to 0.80/s");
  assertEquals(lines[3].trim().split(/ {2,}/), ["RANK", "COUNT*", "%", "/S", "BYTES", "MEAN MS", "WEBSITE"]);
  assertStringIncludes(lines[4], "example.com");
  assertStringIncludes(lines[4], "94.1%");
  assertStringIncludes(lines[20], "(other)");
  assertStringIncludes(lines[21], "total");
  assertStringIncludes(lines[23], "q quit");
  assertEquals(lines.length, 24);
});

Deno.test("a target that does not answer, and one that does not know everything, are told above the keys", () => {
  assertEquals(shown({ trouble: "Cannot reach it" })[22], "Cannot reach it");
  const coverage = { expected: 3, present: 2, missing: ["col-2"], secondsCovered: 290, seconds: 300 };
  assertEquals(
    shown({ answer: topNAnswer({ coverage }) })[22],
    "2 of 3 sources, missing: col-2; 290 of 300 s covered",
  );
});

Deno.test("the chosen row is always among those shown", () => {
  const entries = Array.from(
    { length: 50 },
    (_, i) => ({ label: `w${i}`, values: values(100 - i), countMax: 100 - i }),
  );
  const answer = topNAnswer({ entries });
  for (const cursor of [0, 15, 16, 49]) {
    assert(shown({ answer }, { cursor }).some((line) => line.includes(` w${cursor} `)), `${cursor}`);
  }
});

Deno.test("no line is wider than the screen, none obeys what a label says, whatever the size", () => {
  const anything = fc.array(fc.oneof(fc.constantFrom(...OBEYED), fc.string({ unit: "binary" })), { maxLength: 20 })
    .map((parts) => parts.join(""));
  const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) });
  const mode = fc.constantFrom("ranking", "help", "filter");
  fc.assert(fc.property(anything, size, mode, fc.nat(30), (label, size, mode, cursor) => {
    const entries = Array.from({ length: 30 }, () => ({ label, values: values(7), countMax: 9 }));
    const answer = topNAnswer({ entries, source: label });
    const state: TopState = { ...STATE, mode, cursor, typed: label, mistake: label };
    const lines = plain(screenLines(state, { ...SHOWN, answer, trouble: label, target: label }, size, true));
    assert(lines.length <= size.rows, `${lines.length} lines on ${size.rows}`);
    for (const line of lines) {
      assert(unicodeWidth(line) <= size.columns, `${unicodeWidth(line)} of ${size.columns}: ${JSON.stringify(line)}`);
      assert(!/\p{Cc}/u.test(line), JSON.stringify(line));
    }
  }));
});

Deno.test("without colours nothing but reverse, bold and faint is written", () => {
  const lines = screenLines(STATE, { ...SHOWN, trouble: "x" }, SIZE, false).join("\n");
  // deno-lint-ignore no-control-regex -- the codes that we write ourselves
  assertEquals([...new Set(lines.match(/\x1b\[3\dm/g) ?? [])], []);
});

Deno.test("a text that does not fit ends in an ellipsis, wide characters whole", () => {
  assertEquals([fit("abc", 3), fit("abcd", 3), fit("漢字漢", 5)], ["abc", "ab…", "漢字…"]);
});
