import { assertEquals } from "@std/assert";
import { BYTES, REQUESTS } from "./measures.ts";
import { Groups, REST } from "./groups.ts";

Deno.test("groups that are kept have what they had, those that go leave it to REST, and new ones begin with nothing", () => {
  const groups = new Groups(3), offsets = Uint32Array.from({ length: 11 }, (_, e) => e);
  const dictionary = {
    size: 10,
    offsets,
    bytes: Uint8Array.from(offsets),
    marginals: [],
    lostMax: none,
    foldedMax: none,
  };
  const requests = [5, 0, 9, 5, 1, 5, 7, 2, 5, 5];
  requests.forEach((count, e) => {
    const group = groups.of(dictionary, e);
    groups.add(group, [count, 10 * count, 0, count]);
    groups.hidden[group] = e;
    groups.unknown[group] = 100 * e;
  });
  // Of those with five requests, two that came first stay. Most that one of the others may have: the last, 5 + 9 + 900.
  assertEquals(groups.keep(REQUESTS, 4), 914);
  assertEquals(groups.size, 4);
  for (const [e, count] of [[0, 5], [2, 9], [3, 5], [6, 7]]) {
    const group = groups.of(dictionary, e);
    assertEquals([...groups.valuesOf(group)], [count, 10 * count, 0, count]);
    assertEquals([groups.hidden[group], groups.unknown[group]], [e, 100 * e]);
  }
  assertEquals([...groups.valuesOf(REST)], [18, 180, 0, 5]);
  const back = groups.of(dictionary, 9);
  assertEquals([...groups.valuesOf(back), groups.hidden[back], groups.unknown[back]], [0, 0, 0, 0, 0, 0]);
});

Deno.test("a value that only may have requests goes before any that has some, by whatever measure", () => {
  const groups = new Groups(3), offsets = Uint32Array.of(0, 1, 2, 3, 4);
  const dictionary = {
    size: 4,
    offsets,
    bytes: Uint8Array.of(1, 2, 3, 4),
    marginals: [],
    lostMax: none,
    foldedMax: none,
  };
  [0, 1, 0, 1].forEach((count, e) => groups.add(groups.of(dictionary, e), [count, 0, 0, 0]));
  groups.keep(BYTES, 2);
  assertEquals([1, 3].map((e) => groups.value(groups.of(dictionary, e), REQUESTS)), [1, 1]);
});

const none = new Float64Array(4);
