import { assertEquals } from "@std/assert";
import { simulatedClock } from "@/core/host/clock.ts";
import { SourceHealth } from "./source_health.ts";

function fixture(): { health: SourceHealth; clock: ReturnType<typeof simulatedClock>; startS: number } {
  const clock = simulatedClock(1_700_000_000);
  const health = new SourceHealth({ nowMs: () => clock.monotonicMs(), nowS: () => clock.nowS() });
  return { health, clock, startS: Math.floor(clock.nowS()) };
}

Deno.test("a source is connecting, degraded after three failures, gone when its deltas are lost, and connected when heard of", () => {
  const { health, clock, startS } = fixture();
  assertEquals(health.facts(0), { state: "connecting", sinceS: startS });
  health.failed(1);
  clock.advanceMs(5_000);
  health.failed(2);
  assertEquals([health.state(0), health.facts(0).sinceS], ["connecting", startS]);
  health.failed(3);
  assertEquals([health.state(0), health.facts(0).sinceS], ["degraded", startS + 5]);
  clock.advanceMs(900_000);
  health.failed(40);
  assertEquals([health.state(0), health.facts(0).sinceS], ["gone", startS + 5]);
  health.heard();
  assertEquals([health.state(0), health.facts(0).sinceS], ["connected", startS + 905]);
  clock.advanceMs(1_000);
  health.heard();
  assertEquals(health.facts(0).sinceS, startS + 905, "since it was connected, not since it was heard of last");
});

Deno.test("connected and behind is lagging, since its newest slice ended", () => {
  const { health, clock, startS } = fixture();
  health.heard();
  assertEquals(health.state(startS - 5), "connected");
  clock.advanceMs(60_000);
  assertEquals([health.state(startS - 5), health.facts(startS - 5).sinceS], ["lagging", startS - 5]);
  assertEquals(health.state(0), "connected", "a source that has counted nothing yet is not behind");
});

Deno.test("the clock that is furthest ahead within a minute tells the skew: what a message takes on its way only makes it smaller", () => {
  const { health, clock } = fixture();
  const told = (aheadMs: number): number | undefined => {
    health.told({ sentMs: 1000 * clock.nowS() + aheadMs, memoryBytes: 5 });
    return health.facts(0).skewMs;
  };
  assertEquals([told(3000), told(2100), told(3010), told(-9000)], [3000, 3000, 3010, 3010]);
  clock.advanceMs(60_001);
  assertEquals([told(-9000), health.facts(0).memoryBytes], [-9000, 5]);
});

Deno.test("lines a second are told while it is connected", () => {
  const { health, clock } = fixture();
  health.heard();
  for (let i = 0; i < 6; i++) {
    health.read(1000);
    clock.advanceMs(10_000);
  }
  assertEquals(health.facts(0).linesPerS, 100);
  health.failed(1);
  assertEquals(health.facts(0).linesPerS, undefined);
});
