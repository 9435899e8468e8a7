import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { countOf, type IdentityRanges, IdentitySet } from "./identity_set.ts";

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

Deno.test("ranges are added, and asked for, as if each of their sequences were", () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 10 }));
  fc.assert(fc.property(fc.array(range, { maxLength: 12 }), range, (added, [first, more]) => {
    const set = new IdentitySet(), model = new Set<number>();
    const asked = [{ source: "a", instance: "1", ranges: [[first, first + more]] as const }];
    for (const [begin, length] of added) {
      set.addRanges([{ source: "a", instance: "1", ranges: [[begin, begin + length]] }]);
      for (let sequence = begin; sequence <= begin + length; sequence++) model.add(sequence);
    }
    const sequences = Array.from({ length: more + 1 }, (_, i) => first + i);
    assertEquals(set.hasAny(asked), sequences.some((sequence) => model.has(sequence)));
    assertEquals(set.hasAll(asked), sequences.every((sequence) => model.has(sequence)));
    const [{ ranges } = { ranges: [] }] = set.ranges();
    const listed = ranges.flatMap(([begin, end]) => Array.from({ length: end - begin + 1 }, (_, i) => begin + i));
    assertEquals(listed, [...model].sort((a, b) => a - b));
    assertEquals(ranges.every(([begin], i) => i === 0 || begin > ranges[i - 1][1] + 1), true, "as few as can be");
  }));
});

Deno.test("a range of any length costs no more than one number", () => {
  const set = new IdentitySet(), all = [{ source: "a\nb", instance: "1", ranges: [[1, 2 ** 53 - 2]] as const }];
  set.addRanges(all);
  assertEquals([set.hasAll(all), set.ranges()], [true, [{
    source: "a\nb",
    instance: "1",
    ranges: [[1, 2 ** 53 - 2]],
  }]]);
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

Deno.test("what is taken out is not there any more, and all else is", () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 20 }));
  fc.assert(fc.property(fc.array(range, { maxLength: 12 }), fc.array(range, { maxLength: 6 }), (added, removed) => {
    const set = new IdentitySet(), model = new Set<number>();
    const of = ([first, more]: readonly [number, number]): IdentityRanges[] => [
      { source: "a", instance: "1", ranges: [[first, first + more]] },
    ];
    set.addRanges([{ source: "b", instance: "1", ranges: [[1, 90]] }]);
    for (const one of added) {
      set.addRanges(of(one));
      for (let sequence = one[0]; sequence <= one[0] + one[1]; sequence++) model.add(sequence);
    }
    for (const one of removed) {
      set.removeRanges(of(one));
      for (let sequence = one[0]; sequence <= one[0] + one[1]; sequence++) model.delete(sequence);
    }
    const left = set.ranges().filter(({ source }) => source === "a");
    assertEquals([countOf(left), countOf(set.ranges())], [model.size, model.size + 90]);
    for (const sequence of model) assertEquals(set.has({ source: "a", instance: "1", sequence }), true);
  }));
});
