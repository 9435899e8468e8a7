import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CATCH_UP_SPEED, simulatedClock, SteadyClock, STEP_HOLD_MS_MIN, STEP_MS_MAX, systemClock } from "./clock.ts";

const START_S = 1_800_000_000;

Deno.test("time passes with the monotonic clock", () => {
  const clock = simulatedClock(START_S);
  clock.advanceMs(1500);
  assertEquals(clock.nowS(), START_S + 1.5);
  assertEquals(clock.monotonicMs(), 1500);
});

Deno.test("a drift of up to a minute is followed: forward at once, back by running slower until it has caught up", () => {
  const clock = simulatedClock(START_S);
  clock.stepWallMs(STEP_MS_MAX);
  assertEquals(clock.nowS(), START_S + 60);
  clock.stepWallMs(-STEP_MS_MAX);
  assertEquals(clock.nowS(), START_S + 60);
  clock.advanceMs(4000);
  assertEquals(clock.nowS(), START_S + 60 + 4 * CATCH_UP_SPEED);
  for (let s = 4; s < 240; s++) {
    clock.advanceMs(1000);
    clock.nowS();
  }
  assertEquals(clock.nowS(), START_S + 240);
  clock.advanceMs(1000);
  assertEquals(clock.nowS(), START_S + 241, "it has caught up");
});

Deno.test("a clock that goes on where another stopped follows the wall clock from there", () => {
  assert(Math.abs(systemClock(Date.now() / 1000 - 30).nowS() * 1000 - Date.now()) < 5000, "forward, at once");
  const ahead = systemClock(Date.now() / 1000 + 3600);
  assert(ahead.nowS() * 1000 > Date.now() + 3_500_000);
  assertEquals(Math.round(ahead.pendingStepS()), -3600);
});

Deno.test("time never goes back, whatever the wall clock does, unless a larger step back has held", () => {
  const reading = fc.record({
    passMs: fc.integer({ min: 0, max: 9_000 }),
    stepMs: fc.integer({ min: -100_000, max: 100_000 }),
  });
  fc.assert(fc.property(fc.array(reading, { maxLength: 33 }), (readings) => {
    const steady = new SteadyClock(0, 0);
    let monotonicMs = 0, lastS = 0;
    for (const { passMs, stepMs } of readings) {
      monotonicMs += passMs;
      const nowS = steady.nowS(monotonicMs, monotonicMs + stepMs);
      assert(nowS >= lastS, `${lastS} and then ${nowS}`);
      lastS = nowS;
    }
  }));
});

Deno.test("a larger step is applied only after it has held for five minutes", () => {
  for (const stepS of [3600, -3600]) {
    const clock = simulatedClock(START_S);
    clock.stepWallMs(stepS * 1000);
    for (let s = 0; s < 300; s++) {
      assertEquals(clock.nowS(), START_S + s, `after ${s} s of a step of ${stepS} s`);
      clock.advanceMs(1000);
    }
    assertEquals(clock.nowS(), START_S + 300 + stepS);
  }
});

Deno.test("a step that is taken back changes nothing, and a later one has to hold anew", () => {
  const clock = simulatedClock(START_S);
  const stepFor = (ms: number): void => {
    clock.stepWallMs(3_600_000);
    for (let passed = 0; passed < ms; passed += 10_000) {
      clock.nowS();
      clock.advanceMs(10_000);
    }
    clock.stepWallMs(-3_600_000);
  };
  stepFor(290_000);
  assertEquals(clock.nowS(), START_S + 290);
  stepFor(290_000);
  assertEquals(clock.nowS(), START_S + 580);
});

Deno.test("a wall clock that keeps jumping is never followed", () => {
  const clock = simulatedClock(START_S);
  for (let minute = 0; minute < 30; minute++) {
    assertEquals(clock.nowS(), START_S + 60 * minute);
    clock.stepWallMs(minute % 2 === 0 ? 7_200_000 : -3_600_000);
    clock.advanceMs(60_000);
  }
});

Deno.test("a waiting step can be shown", () => {
  const steady = new SteadyClock(0, 0);
  steady.nowS(0, 3_600_000);
  assertEquals(steady.pendingStepS(), 3600);
  steady.nowS(STEP_HOLD_MS_MIN, STEP_HOLD_MS_MIN + 3_600_000);
  assertEquals(steady.pendingStepS(), 0);
});

Deno.test("whatever the wall clock does within five minutes, steady time stays within a minute of what has passed", () => {
  const reading = fc.record({ passMs: fc.integer({ min: 0, max: 10_000 }), stepMs: fc.integer({ min: 61_000 }) });
  fc.assert(fc.property(fc.array(reading, { maxLength: 29 }), (readings) => {
    const steady = new SteadyClock(0, 0);
    let monotonicMs = 0;
    for (const { passMs, stepMs } of readings) {
      monotonicMs += passMs;
      assertEquals(steady.nowS(monotonicMs, monotonicMs + stepMs), monotonicMs / 1000);
    }
  }));
});

Deno.test("the system's clock starts at the wall clock", () => {
  assert(Math.abs(systemClock().nowS() * 1000 - Date.now()) < 5000);
});
