import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Histogram } from "@/core/histogram.ts";
import { counter, gauge, histogram, MetricsPage } from "./metrics_page.ts";

Deno.test("every family has help and type once, above all of its values, whatever the order in which they come", () => {
  const page = new MetricsPage(), lines = counter("lines_total", "Lines.", "reason"), up = gauge("up", "Up.");
  page.add(lines, 1, "late");
  page.add(up, 0.5);
  page.add(lines, 2, "lost");
  assertEquals(
    page.text(),
    '# HELP lines_total Lines.\n# TYPE lines_total counter\nlines_total{reason="late"} 1\nlines_total{reason="lost"} 2\n' +
      "# HELP up Up.\n# TYPE up gauge\nup 0.5\n",
  );
});

Deno.test("a histogram has its buckets added up, its sum and its count", () => {
  const seconds = new Histogram([0.1, 1]), page = new MetricsPage();
  for (const value of [0.1, 0.2, 1, 7]) seconds.observe(value);
  page.addHistogram(histogram("took", "Took.", "to"), seconds, "x");
  assertEquals(page.text().split("\n").slice(2, -1), [
    'took_bucket{to="x",le="0.1"} 1',
    'took_bucket{to="x",le="1"} 3',
    'took_bucket{to="x",le="+Inf"} 4',
    'took_sum{to="x"} 8.3',
    'took_count{to="x"} 4',
  ]);
  const bare = new MetricsPage();
  bare.addHistogram(histogram("took", "Took."), new Histogram([1]));
  assertEquals(bare.text().split("\n").slice(2, -1), [
    'took_bucket{le="1"} 0',
    'took_bucket{le="+Inf"} 0',
    "took_sum 0",
    "took_count 0",
  ]);
});

Deno.test("whatever a label holds, it is one line, and what it held can be read back", () => {
  const metric = gauge("g", "G.", "l");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const page = new MetricsPage();
    page.add(metric, 1, text);
    const lines = page.text().split("\n");
    assertEquals(lines.length, 4);
    const shown = /^g\{l="((?:[^"\\]|\\.)*)"\} 1$/su.exec(lines[2])?.[1] ?? "?";
    assertEquals(shown.replace(/\\(.)/gu, (_, escaped: string) => escaped === "n" ? "\n" : escaped), text);
  }));
});
