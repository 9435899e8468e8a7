import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FINEST_S, oldestStart, sliceStart, tierHolding, TIERS, windowNamed, WINDOWS, windowSpan } from "./slices.ts";

const NOON = 1_700_000_000 - 1_700_000_000 % 86_400 + 43_200;

Deno.test("each tier's slices are made of whole slices of the finer one", () => {
  for (let tier = 1; tier < TIERS.length; tier++) assertEquals(TIERS[tier].sliceS % TIERS[tier - 1].sliceS, 0);
});

Deno.test("a line enters the finest tier that still holds its time, and none when it is older than all", () => {
  const tierAfter = (ageS: number): number => tierHolding(NOON - ageS, NOON);
  assertEquals([0, 890, 891, 3540, 3541, 86_100, 86_101].map(tierAfter), [0, 0, 1, 1, 2, 2, -1]);
});

Deno.test("a window has its number of points, ends at the newest slice, and never reaches back beyond its length", () => {
  const points = { "1m": 6, "5m": 30, "15m": 90, "60m": 60, "6h": 72, "24h": 288 };
  fc.assert(fc.property(fc.constantFrom(...WINDOWS), fc.integer({ min: 100_000, max: 1_000_000 }), (window, tens) => {
    const toS = tens * FINEST_S;
    const span = windowSpan(window, toS);
    assertEquals(span.fromS % window.stepS, 0);
    assertEquals(Math.ceil((span.toS - span.fromS) / window.stepS), points[window.name]);
    assert(span.fromS >= toS - window.lengthS);
    assert(span.fromS >= oldestStart(TIERS.findIndex(({ sliceS }) => sliceS === window.stepS), toS - FINEST_S));
  }));
});

Deno.test("slices begin at multiples of their length", () => {
  assertEquals([sliceStart(0, 10), sliceStart(9.99, 10), sliceStart(10, 10), sliceStart(125, 60)], [0, 0, 10, 120]);
  assertEquals(windowNamed("2m"), undefined);
});
