import { assertEquals } from "@std/assert";
import { VALUE_MAX } from "./measures.ts";
import { nthLargest } from "./nth_largest.ts";
import { randomFrom } from "./test_lines.ts";

Deno.test("the n-th largest is what sorting finds, for few and many of all kinds of numbers", () => {
  const random = randomFrom(5);
  const kinds: Record<string, () => number> = {
    "ones": () => 1,
    "small ones": () => Math.floor(3 * random()),
    "large ones": () => Math.floor(2 ** (53 * random())) - 1,
    "the largest": () => VALUE_MAX - Math.floor(2 * random()),
    "some of 2^32": () => Math.floor(5 * random()) * 2 ** 32 + Math.floor(2 * random()),
    "close to one another": () => 2 ** 52 + Math.floor(3 * random()) * 2 ** 16 + Math.floor(2 ** 16 * random()),
    "any": random,
  };
  for (const [kind, next] of Object.entries(kinds)) {
    const values = Float64Array.from({ length: 5000 }, next), sorted = values.toSorted().reverse();
    for (const n of [1, 2, 10, 1000, 1024, 1025, 2500, 3750, 4999, 5000]) {
      assertEquals(nthLargest(values, n), sorted[n - 1], `${kind}, ${n}`);
      assertEquals(
        nthLargest(values.subarray(1), n),
        n < 5000 ? values.subarray(1).toSorted().reverse()[n - 1] : -Infinity,
      );
    }
    assertEquals(values.toSorted().reverse(), sorted);
  }
});
