import { assert, assertEquals } from "@std/assert";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { stageLine } from "@/core/test_lines.ts";
import { trafficLines } from "./traffic.ts";

/** Numbers that only look random, so that a failure can be repeated. */
function fixedRandom(): () => number {
  let state = 1;
  return () => (state = state * 16_807 % 2_147_483_647) / 2_147_483_647;
}

Deno.test("every line of the demo is in the logtail format", () => {
  const masks = { v4Bits: 24, v6Bits: 48 };
  for (const line of trafficLines(1_700_000_000, 1_700_000_060, 1_700_000_030, fixedRandom())) {
    const bytes = new TextEncoder().encode(line.trimEnd());
    assertEquals(stageLine(LOGTAIL_FORMAT, "parse", bytes, masks)?.reason, "counted", line);
  }
});

Deno.test("the attack begins when it should and makes one network the heaviest", () => {
  const lines = [...trafficLines(1_700_000_000, 1_700_000_060, 1_700_000_030, fixedRandom())].map((line) =>
    line.split("\t")
  );
  const attack = lines.filter(([, address]) => address.startsWith("203.0.113."));
  assert(attack.every(([, , time]) => Number(time) >= 1_700_000_030));
  assert(attack.length > lines.length / 3, `${attack.length} of ${lines.length}`);
});
