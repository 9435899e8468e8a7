import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { hashWords } from "./hash.ts";
import { InternTable } from "./intern.ts";
import { COLLIDING_BYTES, collidingEntry } from "./test_collisions.ts";

const entries = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 300 });

Deno.test("equal bytes get one id, different bytes different ids, and ids give the bytes back", () => {
  fc.assert(
    fc.property(entries, fc.integer(), (values, seed) => {
      const table = new InternTable(seed);
      const ids = values.map((bytes) => table.intern(bytes, 0, bytes.length));
      values.forEach((bytes, i) => {
        assertEquals(table.entry(ids[i]), bytes);
        values.forEach((other, j) => assertEquals(ids[i] === ids[j], bytes.join() === other.join()));
      });
      assertEquals(table.size, 1 + new Set(values.map((bytes) => bytes.join())).size);
    }),
    { numRuns: 50 },
  );
});

Deno.test("values whose hashes collide stay apart, since bytes decide", () => {
  const seed = 7;
  const seen = new Map<number, Uint8Array>();
  let pair: [Uint8Array, Uint8Array] | undefined;
  for (let i = 1; pair === undefined; i++) {
    const bytes = new Uint8Array(Int32Array.of(Math.imul(i, 0x2545F491), Math.imul(i, i), 0).buffer, 0, 8);
    const hash = hashWords(new DataView(bytes.buffer), 0, 8, seed);
    const other = seen.get(hash);
    if (other !== undefined) pair = [other, bytes];
    seen.set(hash, bytes);
  }
  const table = new InternTable(seed);
  const [first, second] = pair.map((bytes) => table.intern(bytes, 0, 8));
  assertEquals([first, second], [1, 2]);
  assertEquals(table.entry(2), pair[1]);
});

Deno.test("a cleared table begins again with id 1", () => {
  const table = new InternTable(1);
  table.intern(Uint8Array.of(1, 2), 0, 2);
  table.clear();
  assertEquals(table.size, 1);
  assertEquals(table.intern(Uint8Array.of(3), 0, 1), 1);
  assertEquals(table.entry(1), Uint8Array.of(3));
});

Deno.test("an entry that is asked for again has its id, also when others came between, and a new one after a change", () => {
  const table = new InternTable(1), [a, b] = ["a", "b"].map((text) => new TextEncoder().encode(text));
  assertEquals([a, a, b, a, b, b].map((entry) => table.internAgain(entry)), [1, 1, 2, 1, 2, 2]);
  table.keepOnly(Int32Array.of(0, 0, 1));
  assertEquals([b, a, b].map((entry) => table.internAgain(entry)), [1, 2, 1]);
  table.clear();
  assertEquals([a, b].map((entry) => table.internAgain(entry)), [1, 2]);
});

Deno.test("a batch gets the same ids as one entry after the other, from the chunk and from the scratch, across growth", () => {
  fc.assert(
    fc.property(
      entries,
      fc.integer(),
      fc.array(fc.boolean(), { minLength: 300, maxLength: 300 }),
      (values, seed, apart) => {
        const chunk = new Uint8Array(values.length * 20 + 8), scratch = new Uint8Array(values.length * 20 + 8);
        const views = [new DataView(chunk.buffer), new DataView(scratch.buffer)];
        const staged = new Int32Array(3 * values.length), ids = new Int32Array(2 * values.length);
        values.forEach((bytes, i) => {
          const inScratch = apart[i] ? 1 : 0, start = 20 * i;
          [chunk, scratch][inScratch].set(bytes, start);
          const hash = hashWords(views[inScratch], start, bytes.length, seed);
          staged.set([hash, apart[i] ? ~start : start, bytes.length], 3 * i);
        });
        const table = new InternTable(seed), single = new InternTable(seed);
        const half = values.length >> 1;
        table.internBatch(views[0], views[1], staged, 3, 0, 0, half, ids, 2, 1);
        table.internBatch(views[0], views[1], staged, 3, 0, half, values.length - half, ids, 2, 1);
        values.forEach((bytes, i) => assertEquals(ids[2 * i + 1], single.intern(bytes, 0, bytes.length)));
        values.forEach((bytes, i) => assertEquals(table.entry(ids[2 * i + 1]), bytes));
        assertEquals(table.bytes, single.bytes);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("short entries that come again and again, longer ones between them, keep their ids until the table is cleared", () => {
  // With this seed, nothing has the hash 0.
  const table = new InternTable(0), bytes = new Uint8Array(16), view = new DataView(bytes.buffer);
  const lookUp = (text: string): number => {
    const { written } = new TextEncoder().encodeInto(text, bytes);
    const ids = new Int32Array(1);
    table.internBatch(view, view, Int32Array.of(hashWords(view, 0, written, 0), 0, written), 3, 0, 0, 1, ids, 1, 0);
    return ids[0];
  };
  // More than there are places for, so that they push one another out.
  const values = Array.from(
    { length: 200 },
    (_, i) => ["", "GET", "POST", "200", "\0", "\0\0", "\0\0\0\0", "OPTIONS"].at(i) ?? `${i * 7}`,
  );
  for (const table0 of ["first", "cleared"]) {
    const ids = values.map(lookUp);
    assertEquals(ids, values.map((_, i) => i + 1), table0);
    for (let i = 0; i < 2000; i++) assertEquals(lookUp(values[i * i % 200]), ids[i * i % 200]);
    values.reverse();
    table.clear();
  }
});

Deno.test("entries made to collide cost linear time: they are crowded out of the slots, and still found, across growth", () => {
  const table = new InternTable(0x1234567), entry = collidingEntry, length = COLLIDING_BYTES;
  const hashes = new Set(
    Array.from({ length: 1024 }, (_, n) => hashWords(new DataView(entry(n).buffer), 0, length, 1)),
  );
  assertEquals(hashes.size, 1, "the entries do collide");
  for (let n = 0; n < 1024; n++) assertEquals(table.intern(entry(n), 0, length), n + 1);
  assert(table.crowdedOut > 900, `${table.crowdedOut} were crowded out`);
  for (let n = 0; n < 5000; n++) table.intern(new TextEncoder().encode(`/other-${n}`), 0, 10);
  for (let n = 0; n < 1024; n++) assertEquals(table.intern(entry(n), 0, length), n + 1);
});

Deno.test("values that follow one another, as networks and numbered paths do, have hashes of their own", () => {
  const view = new DataView(new ArrayBuffer(64)), bytes = new Uint8Array(view.buffer), count = 20_000;
  const text = (value: string): number => new TextEncoder().encodeInto(value, bytes.fill(0)).written;
  const kinds: Record<string, (i: number) => number> = {
    "IPv4 networks": (i) => (bytes.set([4, 24, 11, i >> 8, i]), 5),
    "IPv6 networks": (i) => (bytes.set([6, 48, 0x20, 1, 0x0d, 0xb8, i >> 8, i]), 8),
    "IPv6 networks of many providers": (i) => (bytes.set([6, 48, 0x2a, i >> 8, i, 0xb8, 0, 1]), 8),
    "numbered pages": (i) => text(`/page/${i}`),
    "pages of numbered folders": (i) => text(`/archive/${i % 250}/item-${i / 250 | 0}.html`),
  };
  for (const [kind, write] of Object.entries(kinds)) {
    for (const seed of [1, -77_777]) {
      const hashes = Array.from({ length: count }, (_, i) => hashWords(view, 0, write(i), seed));
      const slots = new Set(hashes.map((hash) => hash & 0xffff)).size,
        spread = 65_536 * (1 - Math.exp(-count / 65_536));
      assert(new Set(hashes).size > 0.999 * count, `${kind}: ${new Set(hashes).size} hashes`);
      assert(slots > 0.98 * spread, `${kind}: ${slots} slots, ${spread} of random ones`);
    }
  }
});
