import { assertEquals, assertStringIncludes } from "@std/assert";
import { filterText } from "@/core/filter_tree.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { topNAnswer } from "./fake_shell.ts";
import { keysOf } from "./top_keys.ts";
import { firstState, press, type Seen, type TopState } from "./top_state.ts";

const FIRST = firstState({ window: "5m", groupBy: "website", sort: 0, filter: undefined });
const SEEN: Seen = { answer: topNAnswer(), rows: 10, targets: 2, regex: linearRegex };
const ENTER = "\r", DOWN = "\x1b[B", ESCAPE = "\x1b";

/** Every text is one chunk from the terminal. */
function after(state: TopState, ...typed: readonly string[]): TopState {
  return typed.flatMap((text) => keysOf(new TextEncoder().encode(text))).reduce(
    (now, key) => press(now, key, SEEN),
    state,
  );
}

function text({ filter }: TopState): string {
  return filter === undefined ? "" : filterText(filter);
}

Deno.test("enter filters by the chosen value and ranks by the next dimension; escape leads back to the same row", () => {
  const drilled = after(FIRST, DOWN, ENTER);
  assertEquals([drilled.groupBy, drilled.cursor, drilled.asked], ["prefix", 0, 1]);
  assertStringIncludes(text(drilled), "website=");
  const back = after(drilled, ESCAPE);
  assertEquals([back.groupBy, back.cursor, text(back)], ["website", 1, ""]);
  assertEquals(after(back, ESCAPE), back, "there is nothing before the first");
});

Deno.test("what was answered to an earlier question is not drilled into", () => {
  const other = after(FIRST, "d");
  assertEquals(other.groupBy, "prefix");
  assertEquals(after(other, ENTER), other);
});

Deno.test("x excludes the value and stays with the dimension", () => {
  const without = after(FIRST, "x");
  assertEquals([text(without), without.groupBy], ["website!=example.com", "website"]);
  assertEquals(text(after(without, "c")), "");
});

Deno.test("the cursor stays on the rows there are", () => {
  assertEquals(after(FIRST, DOWN, DOWN, DOWN).cursor, 1);
  assertEquals(after(FIRST, "k").cursor, 0);
  assertEquals(after(FIRST, "\x1b[F").cursor, 1);
  assertEquals(press(FIRST, { name: "down" }, { ...SEEN, answer: undefined }).cursor, 0);
});

Deno.test("dimensions, windows, measures and targets go round", () => {
  assertEquals(after(FIRST, "D").groupBy, "source");
  assertEquals(after(FIRST, "D", "d").groupBy, "website");
  assertEquals(after(FIRST, "w", "W").window, "5m");
  assertEquals(after(FIRST, "s", "s", "s", "s").sort, 0);
  assertEquals(after(FIRST, "t", "t").target, 0);
});

Deno.test("a filter is typed, corrected where it is wrong, and left as it was on escape", () => {
  const wrong = after(FIRST, "/", "status=4x", ENTER);
  assertEquals([wrong.mode, wrong.typed, text(wrong)], ["filter", "status=4x", ""]);
  assertStringIncludes(wrong.mistake, "column 8");
  const right = after(wrong, "x", ENTER);
  assertEquals([right.mode, text(right), right.mistake], ["ranking", "status=4xx", ""]);
  const left = after(right, "/", "\x7f\x7f", ESCAPE);
  assertEquals([left.mode, text(left)], ["ranking", "status=4xx"]);
  assertEquals(after(right, "/").typed, "status=4xx");
  assertEquals(text(after(right, ESCAPE)), "", "typing a filter is a step that back undoes");
});

Deno.test("letters of a filter are no commands, and what is typed is bounded", () => {
  const typing = after(FIRST, "/", "q?x");
  assertEquals([typing.typed, typing.quit], ["q?x", false]);
  assertEquals(after(typing, "a".repeat(5000)).typed.length, 2000);
});

Deno.test("pause, help and quit", () => {
  assertEquals(after(FIRST, "p").paused, true);
  assertEquals(after(FIRST, " ", " ").paused, false);
  assertEquals([after(FIRST, "?").mode, after(FIRST, "?", "q").mode], ["help", "ranking"]);
  assertEquals([after(FIRST, "q").quit, after(FIRST, "/", "\x03").quit], [true, true]);
});
