import { assertEquals } from "@std/assert";
import { REQUESTS } from "./measures.ts";
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
  const requests = [5, 1, 9, 5, 0, 5, 7, 2, 5, 5];
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

const none = new Float64Array(4);
