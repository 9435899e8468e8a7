import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { CHECKSUMS_MAX } from "@/core/bounds.ts";
import type { Identity } from "@/core/bucket.ts";
import { CloneWatch } from "./clone_watch.ts";

const INSTANCE = "0123456789abcdef";

function identity(sequence: number, checksum: number): Identity {
  return { source: "a", instance: INSTANCE, sequence, checksum };
}

Deno.test("from the first delta with other content on, an address is counted under an instance of its own", () => {
  const watch = new CloneWatch();
  assertEquals(watch.identityOf("x", identity(5, 1)), identity(5, 1));
  assertEquals(watch.identityOf("y", identity(5, 1)), identity(5, 1), "the same content");
  const apart = watch.identityOf("y", identity(5, 2));
  assertMatch(apart.instance, /^[0-9a-f]{16}$/);
  assertNotEquals(apart.instance, INSTANCE);
  assertEquals(watch.identityOf("y", identity(6, 3)), { ...identity(6, 3), instance: apart.instance });
  assertEquals(watch.identityOf("x", identity(6, 9)), identity(6, 9), "the first is taken as it is");
  assertEquals([watch.isApart("x"), watch.isApart("y")], [false, true]);
});

Deno.test("an alias is the same for all who reach the clone by the same address, and another for every address", () => {
  const alias = (address: string): string => {
    const watch = new CloneWatch();
    watch.identityOf("first", identity(5, 1));
    return watch.identityOf(address, identity(5, 2)).instance;
  };
  assertEquals([alias("y") === alias("y"), alias("y") === alias("z")], [true, false]);
});

Deno.test("what is known of a clone is said in its own words, and what is known of the first is not said to it", () => {
  const watch = new CloneWatch();
  watch.identityOf("x", identity(5, 1));
  const { instance: here } = watch.identityOf("y", identity(5, 2));
  const known = [
    { source: "a", instance: INSTANCE, ranges: [[1, 9]] as const },
    { source: "a", instance: here, ranges: [[5, 5]] as const },
    { source: "b", instance: INSTANCE, ranges: [[1, 2]] as const },
  ];
  assertEquals(watch.identitiesOf("y", [known[0]]), [{ ...known[0], instance: here }]);
  assertEquals(watch.identitiesOf("x", [known[0]]), [known[0]]);
  assertEquals(watch.as("x", known), known);
  assertEquals(watch.as("y", known), [{ ...known[1], instance: INSTANCE }, known[2]]);
});

Deno.test("of each instance the last checksums are kept", () => {
  const watch = new CloneWatch();
  for (let sequence = 1; sequence <= CHECKSUMS_MAX + 1; sequence++) watch.identityOf("x", identity(sequence, 1));
  assertEquals(watch.identityOf("y", identity(1, 2)).instance, INSTANCE, "too long ago to tell");
  assertNotEquals(watch.identityOf("y", identity(CHECKSUMS_MAX, 2)).instance, INSTANCE);
});
