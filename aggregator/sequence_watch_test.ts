import { assertEquals } from "@std/assert";
import { SequenceWatch } from "./sequence_watch.ts";

function noted(watch: SequenceWatch, sequences: readonly number[], instance = "i", source = "s"): number[] {
  return sequences.map((sequence) => watch.note({ source, instance, sequence, checksum: 0 }));
}

Deno.test("numbers that are left out are missing, once, however often what is around them comes again", () => {
  assertEquals(noted(new SequenceWatch(), [7, 8, 11, 12, 8, 11, 12, 13]), [0, 0, 2, 0, 0, 0, 0, 0]);
});

Deno.test("each source and each of its instances counts for itself", () => {
  const watch = new SequenceWatch();
  assertEquals(noted(watch, [1, 2], "i", "s"), [0, 0]);
  assertEquals(noted(watch, [9, 10], "j", "s"), [0, 0]);
  assertEquals(noted(watch, [5, 6], "i", "t"), [0, 0]);
  assertEquals(noted(watch, [4], "i", "s"), [1]);
});

Deno.test("the instance heard of longest ago is forgotten first", () => {
  const watch = new SequenceWatch(2);
  for (const instance of ["a", "b", "a", "c"]) noted(watch, [1], instance);
  assertEquals([noted(watch, [3], "a"), noted(watch, [3], "b")], [[1], [0]]);
});
