import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { IdentitySet } from "./identity_set.ts";

Deno.test("an identity is added once, in whatever order sequences come", () => {
  const sequences = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 120 });
  fc.assert(fc.property(sequences, (order) => {
    const set = new IdentitySet(), model = new Set<number>();
    for (const sequence of order) {
      const identity = { source: "a", instance: "1", sequence, checksum: 0 };
      assertEquals(set.has(identity), model.has(sequence));
      assertEquals(set.add(identity), !model.has(sequence));
      model.add(sequence);
    }
  }));
});

Deno.test("the same sequence of another source or another instance is another identity", () => {
  const set = new IdentitySet();
  const identity = { source: "a", instance: "1", sequence: 1, checksum: 0 };
  assertEquals(
    [
      set.add(identity),
      set.add({ ...identity, source: "b" }),
      set.add({ ...identity, instance: "2" }),
      set.add(identity),
    ],
    [true, true, true, false],
  );
  assertEquals([...set.sources], ["a", "b"]);
});
