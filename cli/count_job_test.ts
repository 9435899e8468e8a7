import { assertEquals } from "@std/assert";
import { PART_BYTES_MIN, partsOf } from "./count_job.ts";

const GB = 1e9;

Deno.test("one thread reads each file in one go, in the order in which they were named", () => {
  const parts = partsOf([{ name: "a", size: GB, plain: true }, { name: "b", size: 5, plain: true }], 1);
  assertEquals(parts.map(({ name, start, end, order }) => [name, start, end, order]), [["a", 0, GB, 0], [
    "b",
    0,
    5,
    1,
  ]]);
});

Deno.test("several threads share a large file, and every byte of it belongs to one part", () => {
  const parts = partsOf([{ name: "a", size: GB, plain: true }], 2);
  assertEquals(parts.length, 8);
  assertEquals([parts[0].start, parts.at(-1)?.end], [0, GB]);
  for (let index = 1; index < parts.length; index++) assertEquals(parts[index].start, parts[index - 1].end);
});

Deno.test("a small file is not cut, an empty one has nothing to read", () => {
  const files = [{ name: "a", size: PART_BYTES_MIN, plain: true }, { name: "empty", size: 0, plain: true }];
  assertEquals(partsOf(files, 64).map(({ name }) => name), ["a"]);
});

Deno.test("what cannot be cut is taken first, and keeps its place among the files", () => {
  const files = [{ name: "a", size: 9, plain: true }, { name: "b.gz", size: 9, plain: false }];
  assertEquals(partsOf(files, 2).map(({ name, kind, order }) => [name, kind, order]), [
    ["b.gz", "stream", 1],
    ["a", "lines", 0],
  ]);
});
