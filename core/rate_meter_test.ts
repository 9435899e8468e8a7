import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { RateMeter } from "./rate_meter.ts";

Deno.test("a rate is over the last minute, and is not known before ten seconds have passed", () => {
  const meter = new RateMeter();
  assertEquals(meter.perSecond(100), undefined);
  meter.add(100, 50);
  assertEquals(meter.perSecond(105), undefined);
  assertEquals(meter.perSecond(110), 5);
  for (let nowS = 110; nowS < 1000; nowS += 10) meter.add(nowS, 200);
  assertEquals(Math.round(meter.perSecond(999.9)!), 20);
});

Deno.test("what is long ago does not count any more", () => {
  const meter = new RateMeter();
  meter.add(100, 6000);
  assertEquals(meter.perSecond(130)! > 0, true);
  assertEquals(meter.perSecond(180), 0);
  assertEquals(meter.perSecond(100_000), 0);
});

Deno.test("nothing is counted that was not added, whenever it is asked", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 100 })), {
    maxLength: 60,
  });
  fc.assert(fc.property(steps, (steps) => {
    const meter = new RateMeter(), added: [number, number][] = [];
    let nowS = 1000;
    for (const [waitS, count] of steps) {
      nowS += waitS;
      meter.add(nowS, count);
      added.push([nowS, count]);
      const oldest = (Math.floor(nowS / 10) - 6) * 10;
      const expected = added.reduce((sum, [atS, count]) => atS >= oldest ? sum + count : sum, 0);
      const seconds = Math.min(nowS - added[0][0], nowS - oldest);
      assertEquals(meter.perSecond(nowS), seconds < 10 ? undefined : expected / seconds);
    }
  }));
});
