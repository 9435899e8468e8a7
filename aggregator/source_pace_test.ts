import { assertEquals } from "@std/assert";
import {
  REFUSED_ITEM_COST,
  SOURCE_ITEM_BYTES,
  SOURCE_ITEMS_BURST_MAX,
  SOURCE_ITEMS_PER_SECOND_MAX,
} from "@/core/bounds.ts";
import { simulatedClock } from "@/core/host/clock.ts";
import { SourcePace } from "./source_pace.ts";

/** Items that are taken within some seconds by a reader that waits as it is told. */
function takenIn(seconds: number, bytes: number, isRefused: boolean): number {
  const clock = simulatedClock(),
    pace = new SourcePace(() => clock.monotonicMs()),
    endMs = clock.monotonicMs() + 1000 * seconds;
  let items = 0;
  while (clock.monotonicMs() < endMs) {
    clock.advanceMs(pace.took(bytes, isRefused));
    items++;
  }
  return items;
}

Deno.test("beyond a burst, no more than so many items a second are taken from one address", () => {
  const most = SOURCE_ITEMS_BURST_MAX + 10 * SOURCE_ITEMS_PER_SECOND_MAX;
  const taken = takenIn(10, 0, false);
  assertEquals([taken > 0.99 * most, taken <= most + 1], [true, true]);
});

Deno.test("large buckets count as several items, and what cannot be used as many", () => {
  const most = SOURCE_ITEMS_BURST_MAX + 10 * SOURCE_ITEMS_PER_SECOND_MAX;
  assertEquals(Math.round(most / takenIn(10, 9 * SOURCE_ITEM_BYTES, false)), 10);
  assertEquals(Math.round(most / takenIn(10, 0, true)), REFUSED_ITEM_COST);
});

Deno.test("who brings less waits for nothing", () => {
  const clock = simulatedClock(), pace = new SourcePace(() => clock.monotonicMs());
  for (let i = 0; i < 100_000; i++) {
    assertEquals(pace.took(0, false), 0);
    clock.advanceMs(1);
  }
});
