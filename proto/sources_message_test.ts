import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SourceBehind } from "@/core/answer.ts";
import { SOURCE_NAME_BYTES_MAX, SOURCES_MAX } from "@/core/bounds.ts";
import { STREAM_BUCKETS } from "./schema.ts";
import { readSources, SourcesTold } from "./sources_message.ts";

Deno.test("what was told is what is read, over the wire", () => {
  const name = fc.string({ minLength: 1, maxLength: 60, unit: "binary" }).filter((text) => text.isWellFormed());
  const sources = fc.uniqueArray(fc.record({ name, present: fc.boolean() }), {
    selector: ({ name }) => name,
    minLength: 1,
  });
  fc.assert(fc.property(sources, (all: readonly SourceBehind[]) => {
    const message = { sources: new SourcesTold(() => all).news(0) };
    const read = STREAM_BUCKETS.responseDeserialize(STREAM_BUCKETS.responseSerialize(message));
    assertEquals(readSources(read.sources!), all);
  }));
});

Deno.test("a stream is told again when something has changed, and looks once a second", () => {
  let sources: SourceBehind[] = [];
  const told = new SourcesTold(() => sources);
  assertEquals(told.news(0), undefined, "who has nobody behind it says nothing");
  sources = [{ name: "a", present: true }, { name: "b", present: false }];
  assertEquals(told.news(999), undefined);
  assertEquals(told.news(1000), { expected: ["a", "b"], missing: ["b"] });
  assertEquals(told.news(2000), undefined);
  sources = [];
  assertEquals(told.news(3000), { expected: [], missing: [] });
});

Deno.test("names that cannot be one, and more than there may be, are left out", () => {
  const long = "x".repeat(SOURCE_NAME_BYTES_MAX + 1);
  assertEquals(readSources({ expected: ["", long, "a", "a"], missing: ["a", "nobody"] }), [{
    name: "a",
    present: false,
  }]);
  const many = Array.from({ length: SOURCES_MAX + 5 }, (_, i) => `s-${i}`);
  assertEquals(readSources({ expected: many, missing: [] }).length, SOURCES_MAX);
});
