import { assertEquals } from "@std/assert";
import { KnownDeltas } from "./known_deltas.ts";

function ranges(source: string, instance: string, ...ranges: [number, number][]): Parameters<KnownDeltas["add"]>[0] {
  return [{ source, instance, ranges }];
}

Deno.test("numbers that are left out are missing until they come, in whatever order", () => {
  const known = new KnownDeltas();
  known.add(ranges("a", "1", [5, 5]));
  assertEquals(known.missing("a"), 0, "what came before the first is not missed");
  known.add(ranges("a", "1", [9, 10]));
  assertEquals(known.missing("a"), 3);
  known.add(ranges("a", "1", [7, 8]));
  assertEquals(known.missing("a"), 1);
  known.add(ranges("a", "1", [6, 6]));
  assertEquals([known.missing("a"), known.ranges()], [0, [...ranges("a", "1", [5, 10])]]);
});

Deno.test("each source and each of its instances counts for itself", () => {
  const known = new KnownDeltas();
  known.add(ranges("a", "1", [1, 1]));
  known.add(ranges("a", "2", [9, 9], [11, 11]));
  known.add(ranges("b", "1", [4, 4], [8, 8]));
  assertEquals([known.missing("a"), known.missing("b"), known.missing("c")], [1, 3, 0]);
});

Deno.test("the instance heard of longest ago is forgotten first", () => {
  const known = new KnownDeltas(2);
  known.add(ranges("a", "1", [1, 1], [3, 3]));
  known.add(ranges("b", "1", [1, 1]));
  known.add(ranges("a", "1", [5, 5]));
  known.add(ranges("c", "1", [1, 1]));
  assertEquals(known.ranges().map(({ source }) => source), ["a", "c"]);
});
