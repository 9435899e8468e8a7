import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TrendPoint } from "@/core/answer.ts";
import { unicodeWidth } from "@/core/host/std_unicode_width.ts";
import { fakeShell, NOW_S, trendAnswer } from "./fake_shell.ts";
import { type TrendFormat, trendText } from "./table_trend.ts";
import { trendChart } from "./trend_chart.ts";

const SHELL = fakeShell({});

function points(counts: readonly (number | null)[], stepS: number): TrendPoint[] {
  return counts.map((count, i) => ({ startS: NOW_S + (i - counts.length) * stepS, count, incomplete: false }));
}

Deno.test("a chart has blocks on an axis of times, rates at the side, and holes where nothing is known", () => {
  assertEquals(
    trendChart(trendAnswer(), 80, SHELL),
    `0.80/s ┤████████
       │████████
       │████████
       │████████
0.40/s ┤████████
       │████████
       │████████                ████████
       │████████                ████████
     0 └────────········────────┄┄┄┄┄┄┄┄
        05:49:20        05:49:40
· nothing is known   ┄ not complete yet
`,
  );
});

Deno.test("no line is wider than the terminal, whatever the window and the numbers are", () => {
  for (const [count, stepS] of [[1, 10], [6, 10], [30, 10], [90, 10], [60, 60], [72, 300], [288, 300]]) {
    for (const columns of [60, 61, 80, 133, 500]) {
      for (const most of [0, 1, 123_456_789]) {
        const counts = Array.from({ length: count }, (_, i) => i % 7 === 3 ? null : i % 2 * most);
        const chart = trendChart(trendAnswer({ stepS, points: points(counts, stepS) }), columns, SHELL) ?? "";
        const widths = chart.split("\n").map(unicodeWidth);
        assert(Math.max(...widths) <= columns, `${Math.max(...widths)} of ${columns}\n${chart}`);
      }
    }
  }
});

Deno.test("where steps share a column the highest is shown, and the chart says so", () => {
  const counts = Array.from({ length: 288 }, (_, i) => i === 100 ? 3000 : 300);
  const chart = trendChart(trendAnswer({ stepS: 300, points: points(counts, 300) }), 80, SHELL) ?? "";
  assertStringIncludes(chart, "10.0/s ┤");
  assertStringIncludes(chart, "each column is the highest of 4 steps of 300 s\n");
  assertEquals(chart.split("\n")[0].match(/█/g)?.length, 1);
});

Deno.test("a chart is for a terminal that is wide enough, or for who asks for it; a line of blocks is always there", () => {
  const charted = (format: TrendFormat, columns: number | undefined): boolean => {
    const text = trendText(trendAnswer(), format, { ...SHELL, columns: () => columns });
    assertStringIncludes(text, "\n█· ▃\n");
    assertEquals(text.includes("TIME"), !text.includes("└"), "a table, or a chart");
    return text.includes("└");
  };
  assertEquals([charted("auto", undefined), charted("auto", 59), charted("auto", 60)], [false, false, true]);
  assertEquals([charted("chart", undefined), charted("chart", 20), charted("table", 200)], [true, true, false]);
});

Deno.test("nothing but faint print is styled, and only where styles are wanted", () => {
  const shell = { ...SHELL, columns: () => 80 };
  assert(!trendText(trendAnswer(), "auto", shell).includes("\x1b"));
  assertStringIncludes(trendText(trendAnswer(), "auto", { ...shell, styled: true }), "\x1b[2m· nothing is known");
});
