import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { WINDOWS } from "@/core/slices.ts";
import { trendOf } from "./fake_site.ts";
import { trendShape } from "./trend_shape.ts";

Deno.test("a point is drawn as wide as its span, from the left end to the right", () => {
  const { steps } = trendShape(trendOf({ window: "1m" }));
  assertEquals([steps[0].x0, steps[5].x1], [0, 1]);
  for (let i = 1; i < steps.length; i++) assertEquals(steps[i].x0, steps[i - 1].x1);
});

Deno.test("heights are rates: the incomplete point's is that of the part that has passed", () => {
  // 15:04:50 is the end of the data, so of the minute that began at 15:04 fifty seconds have passed.
  const counts = Array.from({ length: 60 }, (_, i) => i === 59 ? 500 : 600);
  const { steps } = trendShape(trendOf({ window: "60m" }, counts));
  assertEquals(steps.map(({ rate }) => rate), Array(60).fill(10));
  assertEquals(steps.map(({ incomplete }) => incomplete).indexOf(true), 59);
});

Deno.test("gaps part the curve; the incomplete point belongs to it, at its rate", () => {
  const { runs, gaps } = trendShape(trendOf({ window: "60m" }, [null, 1, 2, null, null, 3]));
  assertEquals(runs.map((run) => run.length), [2, 55]);
  assertEquals(gaps.map((gap) => gap.length), [1, 2]);
});

Deno.test("the axis ends at a round number that nothing exceeds", () => {
  for (const [count, top] of [[0, 2], [9, 1], [10, 1], [137_000, 15_000], [150_000, 15_000]]) {
    assertEquals(trendShape(trendOf({ window: "1m" }, Array(6).fill(count))).top, top);
  }
});

Deno.test("any counts fit into the plot, with few lines and labels", () => {
  const counts = fc.array(fc.option(fc.maxSafeNat()), { minLength: 6, maxLength: 300 });
  fc.assert(fc.property(fc.constantFrom(...WINDOWS), counts, ({ name }, counts) => {
    const { steps, top, rates, times } = trendShape(trendOf({ window: name }, counts));
    assert(top > 0 && Number.isFinite(top) && rates.length >= 3 && rates.length <= 6 && times.length <= 7);
    for (const { rate, x0, x1 } of steps) assert(rate <= top * (1 + 1e-6) && x0 >= 0 && x0 < x1 && x1 <= 1);
  }));
});
