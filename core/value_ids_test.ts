import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Bucket, type Dictionary, emptyBucket, emptyDictionary } from "./bucket.ts";
import { URI, WEBSITE } from "./dimensions.ts";
import { hashWords } from "./hash.ts";
import { COLLIDING_BYTES, collidingEntry } from "./test_collisions.ts";
import { randomFrom } from "./test_lines.ts";
import { derived } from "./derived.ts";
import { trafficBucket } from "./test_buckets.ts";
import { SHARED_IDS, ValueIds } from "./value_ids.ts";

function dictionary(values: readonly Uint8Array[]): Dictionary {
  const offsets = new Uint32Array(values.length + 2), bytes: number[] = [];
  values.forEach((value, i) => {
    bytes.push(...value);
    offsets[i + 2] = bytes.length;
  });
  return { ...emptyDictionary(), size: values.length + 1, offsets, bytes: Uint8Array.from(bytes) };
}

function texts(...values: readonly string[]): Uint8Array[] {
  return values.map((value) => new TextEncoder().encode(value));
}

function bucketOf(uris: Dictionary): Bucket {
  const bucket = emptyBucket(0, 60);
  return { ...bucket, dictionaries: bucket.dictionaries.with(URI, uris) };
}

Deno.test("a value has one number in all dictionaries, and no other value of its dimension has it", () => {
  const ids = new ValueIds(), random = randomFrom(3), known = new Map<string, number>();
  ids.begin([], 5);
  for (let i = 0; i < 50; i++) {
    const values = new Set(
      Array.from({ length: 200 }, () => `/${"x".repeat(9 * random())}${Math.floor(3000 * random())}`),
    );
    const numbers = ids.of(dictionary(texts(...values)), URI);
    [...values].forEach((value, e) => {
      const id = numbers[e + 1];
      assert(id >= SHARED_IDS && id < ids.end(URI));
      assertEquals(known.get(value) ?? id, id, value);
      assertEquals(ids.ofValue(texts(value)[0], URI), id);
      known.set(value, id);
    });
  }
  assertEquals(new Set(known.values()).size, known.size);
  assertEquals(ids.end(WEBSITE), SHARED_IDS + 1, "dimensions have numbers of their own");
});

Deno.test("beyond the bounds values share numbers, always the same ones, and what was known stays so", () => {
  for (const [valuesMax, bytesMax] of [[10, Infinity], [Infinity, 60]]) {
    const ids = new ValueIds(valuesMax, bytesMax), values = texts(...Array.from({ length: 100 }, (_, i) => `/u${i}`));
    ids.begin([], 5);
    const [first, second] = [values, values.toReversed()].map((some) => [...ids.of(dictionary(some), URI)].slice(1));
    assertEquals(second.toReversed(), first);
    const own = first.filter((id) => id >= SHARED_IDS).length;
    assert(own >= 10 && own < 20, `${own} have their own`);
    assertEquals(ids.end(URI), SHARED_IDS + 1 + own);
    values.forEach((value, i) => assertEquals(ids.ofValue(value, URI), first[i]));
  }
});

Deno.test("values made to collide have numbers of their own, whatever the tables grow to", () => {
  const colliding = Array.from({ length: 512 }, (_, n) => collidingEntry(n));
  const padded = (value: Uint8Array): DataView => new DataView(Uint8Array.of(...value, 0, 0, 0, 0).buffer);
  assertEquals(
    new Set(colliding.map((value) => hashWords(padded(value), 0, COLLIDING_BYTES, 9))).size,
    1,
    "they do collide",
  );
  const ids = new ValueIds();
  ids.begin([], 9);
  const first = [...ids.of(dictionary(colliding), URI)].slice(1);
  assertEquals(new Set(first).size, 512);
  ids.of(dictionary(texts(...Array.from({ length: 5000 }, (_, i) => `/other-${i}`))), URI);
  assertEquals([...ids.of(dictionary(colliding.slice(0, 511)), URI)].slice(1), first.slice(0, 511));
});

Deno.test("full tables begin again once most of what they hold is gone, and not before", () => {
  const ids = new ValueIds(100),
    uris = (minute: number): Dictionary =>
      dictionary(texts(...Array.from({ length: 80 }, (_, i) => `/${minute}/${i}`)));
  const kept: Bucket[] = [];
  ids.begin(kept, 5);
  const { generation } = ids;
  let minute = 0;
  for (; minute < 12 && ids.generation === generation; minute++) {
    kept.push(bucketOf(uris(minute)));
    if (kept.length > 3) kept.shift();
    ids.begin(kept, 5);
    for (const { dictionaries } of kept) ids.of(dictionaries[URI], URI);
  }
  assert(minute > 4 && minute < 12, `begun again after ${minute} minutes`);
  assert(ids.of(kept.at(-1)!.dictionaries[URI], URI)[1] > 0);
  const same = ids.generation;
  ids.begin(kept, 6);
  assertNotEquals(ids.generation, same, "another seed means other numbers");
});

Deno.test("numbers that nobody has used for a while are given back, and made anew for the next question", () => {
  const ids = new ValueIds(), buckets = [trafficBucket(1, { rows: 300, sites: 3, prefixes: 30, uris: 30 }, 60, 10)];
  const [{ dictionaries }] = buckets, before = derived.bytes;
  ids.begin(buckets, 3);
  const use = derived.nextUse(), expected = [...ids.of(dictionaries[URI], URI)];
  assert(derived.bytes > before);
  ids.giveBack(use - 2);
  assertEquals(ids.end(URI), SHARED_IDS + dictionaries[URI].size);
  ids.giveBack(use);
  assertEquals(ids.end(URI), SHARED_IDS + 1);
  ids.begin(buckets, 3);
  assertEquals([...ids.of(dictionaries[URI], URI)], expected);
});
