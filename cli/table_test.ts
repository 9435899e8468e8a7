import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { TopNAnswer } from "@/core/answer.ts";
import { BYTES, REQUESTS } from "@/core/measures.ts";
import { fakeShell, NOW_S, OBEYED, snapshot, TARGET_INFOS, topNAnswer, trendAnswer, values } from "./fake_shell.ts";
import {
  coverageLine,
  grouped,
  localTime,
  minuteLine,
  proxyLine,
  targetHeading,
  targetsTable,
  topNTable,
} from "./table.ts";
import { trendText } from "./table_trend.ts";

/** Any text, and often what a terminal would obey. */
const hostile = fc.array(fc.oneof(fc.constantFrom(...OBEYED), fc.string({ unit: "binary" }))).map((pieces) =>
  pieces.join("")
);

const SHELL = fakeShell({});

/** Thin spaces as underscores: visible in this file. */
function visible(text: string): string {
  return text.replaceAll("\u202f", "_");
}

Deno.test("a ranking is rank, count and label, right aligned, with the rest as (other)", () => {
  assertEquals(
    visible(topNTable(topNAnswer(), REQUESTS, false)),
    `RANK   COUNT  LABEL
   1  12_345  example.com
   2     678  a\\x1b[2J\\u202eb\\x0a
          90  (other)
`,
  );
});

Deno.test("a count that is not exact shows the most it can be, others do not", () => {
  const entries = [
    { label: "a", values: values(12_345), countMax: 12_400 },
    { label: "b", values: values(678), countMax: 678 },
  ];
  assertEquals(
    visible(topNTable(topNAnswer({ entries, unlistedMax: 55 }), REQUESTS, false)),
    `RANK   COUNT             LABEL
   1  12_345 (≤ 12_400)  a
   2     678             b
          90             (other)
no website that is not listed has more than 55 requests
`,
  );
});

Deno.test("what is not listed is told where it could belong above what is, and nowhere else", () => {
  const told = (changes: Partial<TopNAnswer>, sort = REQUESTS): boolean =>
    topNTable(topNAnswer(changes), sort, false).includes("not listed");
  assertEquals([told({ unlistedMax: 678 }), told({ unlistedMax: 679 })], [false, true]);
  assertEquals(told({ unlistedMax: 679 }, BYTES), false, "it may rank lower by bytes");
  const none = { entries: [], other: values(0) };
  assertEquals([told(none), told({ ...none, unlistedMax: 1 })], [false, true]);
  assertStringIncludes(
    topNTable(topNAnswer({ ...none, unlistedMax: 1 }), REQUESTS, false),
    "no requests certainly match",
  );
});

Deno.test("a load balancer among the clients is mentioned below a ranking of all of them", () => {
  const entries = [{ label: "10.0.0.0/24", values: values(12_345), countMax: 12_345 }];
  const hint = "10.0.0.0/24 is private: a load balancer? then nginx needs set_real_ip_from\n";
  assertEquals(proxyLine(topNAnswer({ groupBy: "prefix", entries }), false), hint);
  assertEquals([proxyLine(topNAnswer(), false), proxyLine(undefined, false)], ["", ""]);
});

Deno.test("a sum that can be more than its number says so", () => {
  const entries = [{ label: "a", values: values(7, Number.MAX_SAFE_INTEGER), countMax: 7 }];
  assertStringIncludes(
    visible(topNTable(topNAnswer({ entries }), BYTES, false)),
    "7  ≥_9_007_199_254_740_991  a\n",
  );
  assertEquals(visible(grouped(Number.MAX_SAFE_INTEGER - 1)), "9_007_199_254_740_990");
});

Deno.test("a ranking by another measure shows that measure too", () => {
  assertEquals(
    visible(topNTable(topNAnswer({ other: values(0) }), BYTES, false)),
    `RANK   COUNT      BYTES  LABEL
   1  12_345  1_234_500  example.com
   2     678          0  a\\x1b[2J\\u202eb\\x0a
`,
  );
});

Deno.test("an answer without entries says so instead of printing an empty table", () => {
  assertEquals(topNTable(topNAnswer({ entries: [], other: values(0) }), REQUESTS, false), "no requests match\n");
});

Deno.test("incomplete coverage is the last line, dimmed on a terminal only", () => {
  const coverage = { expected: 3, present: 2, missing: ["col-2\x1b"], secondsCovered: 300, seconds: 300 };
  const line = "2 of 3 sources, missing: col-2\\x1b";
  assert(topNTable(topNAnswer({ coverage }), REQUESTS, false).endsWith(`\n${line}\n`));
  assert(topNTable(topNAnswer({ coverage }), REQUESTS, true).endsWith(`\n\x1b[2m${line}\x1b[0m\n`));
  assertEquals(
    coverageLine({ ...coverage, expected: 2, missing: [], secondsCovered: 100 }, false),
    "100 of 300 s covered\n",
  );
  const many = Array.from({ length: 12 }, (_, index) => `c${index}`);
  assertStringIncludes(coverageLine({ ...coverage, missing: many }, false), "c9 and 2 more");
  assertEquals(coverageLine({ ...coverage, present: 3, missing: [] }, false), "");
});

Deno.test("a trend has local times with offset, bars, and - for a gap; below it a line of blocks and the whole", () => {
  assertEquals(
    trendText(trendAnswer(), "auto", SHELL),
    `TIME                        COUNT
2026-11-21 05:49:20 +01:00      8  ██████████████████████████████
2026-11-21 05:49:30 +01:00      -
2026-11-21 05:49:40 +01:00      0
2026-11-21 05:49:50 +01:00      2  ███████▌ (so far)
█· ▃
10 requests, 0.33/s, at most 0.80/s at 05:49:20
`,
  );
  assertEquals(trendText(trendAnswer({ points: [] }), "chart", SHELL), "no points\n");
  const points = trendAnswer().points.map((point) => ({ ...point, count: null }));
  assert(!/request/.test(trendText(trendAnswer({ points }), "auto", SHELL)), "nothing is known: nothing is claimed");
});

Deno.test("sources are listed with what is wrong with them, on one line each", () => {
  assertEquals(
    targetsTable(TARGET_INFOS, SHELL),
    `NAME   ADDRESS      STATE       NEWEST                        SKEW  LINES/S  LINES  NOT COUNTED                     KERNEL DROPS  PROBLEM
col-1  nginx1:9090  connected   2026-11-21 05:50:00 +01:00  -0.4 s      120  1\u202f234  malformed_fields 30, too_old 4  0
-      nginx2:9090  connecting  -                                -        -      0  0                               unknown       connection\\x0arefused
`,
  );
  assertEquals(targetsTable([], SHELL), "no sources\n");
});

Deno.test("columns align by what a terminal shows, not by characters", () => {
  const infos = [{ ...TARGET_INFOS[0], name: "例え" }, { ...TARGET_INFOS[0], name: "abcd" }];
  const [, wide, narrow] = targetsTable(infos, SHELL).split("\n");
  assertEquals([wide.startsWith("例え  nginx1"), narrow.startsWith("abcd  nginx1")], [true, true]);
});

Deno.test("one minute of a stream is one line, named when several targets are followed", () => {
  const { source, startS, coarse } = snapshot();
  const minute = { source, startS, coarse, entries: 1234, topLabel: "a\x07", topCount: 1200 };
  assertEquals(
    visible(minuteLine(minute, "nginx1:9090", false, SHELL)),
    "2026-11-21 05:49:00 +01:00  1m  1_234 entries  top 1_200  a\\x07\n",
  );
  assertEquals(
    minuteLine({ ...minute, entries: 0, topLabel: undefined, coarse: true }, "nginx1:9090", true, SHELL),
    "2026-11-21 05:49:00 +01:00  col-1 (nginx1:9090)  5m  0 entries\n",
  );
});

Deno.test("the heading of a target shows its name and where it was asked", () => {
  assertEquals(targetHeading("col-1\n", "nginx1:9090"), "=== col-1\\x0a (nginx1:9090) ===\n");
  assertEquals(targetHeading("", "nginx1:9090"), "=== nginx1:9090 ===\n");
});

Deno.test("numbers are grouped by thin spaces", () => {
  const shown = [0, 999, 1000, 1_234_567, 1e15].map((value) => visible(grouped(value)));
  assertEquals(shown, ["0", "999", "1_000", "1_234_567", "1_000_000_000_000_000"]);
});

Deno.test("a time is shown with its offset, and one that no calendar has as -", () => {
  assertEquals(localTime(NOW_S, -210), "2026-11-21 01:20:00 -03:30");
  assertEquals(localTime(0, 0), "1970-01-01 00:00:00 +00:00");
  assertEquals([localTime(1e15, 0), localTime(NaN, 60)], ["-", "-"]);
});

Deno.test("whatever a target sends, nothing that a terminal obeys is printed, and no line is added", () => {
  fc.assert(fc.property(hostile, hostile, hostile, (label, source, missing) => {
    const coverage = { expected: 2, present: 1, missing: [missing], secondsCovered: 0, seconds: 0 };
    const entries = [{ label, values: values(1), countMax: 2 }];
    const table = targetHeading(source, "a:1") + topNTable(topNAnswer({ entries, coverage }), REQUESTS, false);
    assertEquals(table.split("\n").length, 7);
    assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(table.replaceAll("\n", "")));
  }));
});
