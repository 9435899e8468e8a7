import { assertEquals } from "@std/assert";
import { counter, percentile, scrape } from "./measured.ts";

Deno.test("a counter is read by its whole name, and one that is not there is no number", () => {
  const page = '# HELP a_total b\na_total_x 1\na_total 12\na_total{b="c"} 3\n';
  assertEquals([counter(page, "a_total"), counter(page, "a")], [12, NaN]);
});

Deno.test("the median and the worst of some values", () => {
  assertEquals([percentile([3, 1, 2], 0.5), percentile([3, 1, 2], 1), percentile([], 0.5)], [2, 3, NaN]);
});

Deno.test("a collector that is not there has no page", async () => {
  assertEquals(await scrape(1), undefined);
});
