import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { trendAnswer } from "./fake_shell.ts";
import { inColumns, ratesOf, rateText, sparkline } from "./sparkline.ts";

Deno.test("a step is a block as high as its rate; a zero is a blank, and a gap is neither", () => {
  assertEquals(sparkline([0, 1, 4, 8, null, 8], 80), " ▂▅█·█");
  assertEquals(sparkline([0, 0, null], 80), "  ·");
  assertEquals(sparkline([], 80), "");
});

Deno.test("of more steps than columns neighbours share one, and the highest is shown", () => {
  assertEquals(inColumns([1, 9, null, null, 3, null, 2], 4), [9, null, 3, 2]);
  fc.assert(fc.property(
    fc.array(fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })), { maxLength: 300 }),
    fc.integer({ min: -5, max: 320 }),
    (rates, columns) => {
      const shown = inColumns(rates, columns),
        known = (all: typeof rates): number[] => all.filter((one) => one !== null);
      assertEquals(shown.length <= Math.max(1, columns), true, "it fits");
      assertEquals(Math.max(0, ...known([...shown])), Math.max(0, ...known(rates)), "no peak is lost");
      assertEquals(known([...shown]).every((one) => rates.includes(one)), true, "nothing is made up");
    },
  ));
});

Deno.test("a rate is over the time that has passed, so that a step which has just begun is no dip", () => {
  const rates = ratesOf(trendAnswer({
    stepS: 60,
    toS: 130,
    points: [{ startS: 60, count: 120, incomplete: false }, { startS: 120, count: 20, incomplete: true }],
  }));
  assertEquals(rates.map(({ perS }) => perS), [2, 2]);
});

Deno.test("a rate has three digits that count", () => {
  assertEquals([0, 0.123, 9.876, 12.34, 1234.5].map((rate) => rateText(rate).replaceAll("\u202f", "_")), [
    "0",
    "0.12",
    "9.88",
    "12.3",
    "1_235",
  ]);
});
