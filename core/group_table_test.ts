import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { GROUP_BATCH, GroupTable } from "./group_table.ts";
import { hashWords } from "./hash.ts";
import { COLLIDING_BYTES, collidingEntry } from "./test_collisions.ts";

/** Values one behind the other, as in a bucket's dictionary. */
function joined(values: readonly Uint8Array[]): { readonly view: DataView; readonly offsets: Uint32Array } {
  const offsets = new Uint32Array(values.length + 1);
  values.forEach(({ length }, i) => offsets[i + 1] = offsets[i] + length);
  const bytes = new Uint8Array(offsets[values.length] + 8).fill(0xff);
  values.forEach((value, i) => bytes.set(value, offsets[i]));
  return { view: new DataView(bytes.buffer), offsets };
}

/** The numbers of all values, looked up in batches. */
function numbersOf(table: GroupTable, values: readonly Uint8Array[]): number[] {
  const { view, offsets } = joined(values), numbers: number[] = [], into = new Int32Array(GROUP_BATCH);
  for (let from = 0; from < values.length; from += GROUP_BATCH) {
    const count = Math.min(GROUP_BATCH, values.length - from);
    table.numbersOf(view, offsets, from, count, into);
    numbers.push(...into.subarray(0, count));
  }
  return numbers;
}

/** Few different bytes, so that values share beginnings and many are equal; short ones and long ones. */
const values = fc.array(fc.array(fc.constantFrom(0, 1, 0x61, 0xff), { maxLength: 12 }), { maxLength: 700 })
  .map((arrays) => arrays.map((bytes) => Uint8Array.from(bytes)));

Deno.test("equal bytes have one number, others another, in batches as one by one, and numbers give the bytes back", () => {
  fc.assert(
    fc.property(values, fc.integer(), (values, seed) => {
      const table = new GroupTable(seed), single = new GroupTable(seed), model = new Map<string, number>();
      const expected = values.map((value) => {
        const key = value.join();
        if (!model.has(key)) model.set(key, model.size);
        return model.get(key)!;
      });
      assertEquals(numbersOf(table, values), expected);
      assertEquals(numbersOf(table, values), expected);
      assertEquals(values.map((value) => single.numberOf(value, 0, value.length)), expected);
      assertEquals(table.size, model.size);
      values.forEach((value, i) => assertEquals(table.entry(expected[i]), value));
    }),
    { numRuns: 60 },
  );
});

Deno.test("values that differ in one byte are different, wherever it stands", () => {
  const values = Array.from({ length: 11 }, (_, length) => length).flatMap((length) =>
    Array.from({ length }, (_, at) => at).flatMap((at) =>
      [1, 2, 3, 128, 255].map((byte) => new Uint8Array(length).fill(byte, at, at + 1))
    )
  );
  const networks = Array.from({ length: 2000 }, (_, i) => Uint8Array.of(4, 24, 10, 1, i >> 8, i));
  const all = [...values, ...networks], table = new GroupTable(9);
  assertEquals(numbersOf(table, all), all.map((_, i) => i));
  assertEquals(numbersOf(table, all), all.map((_, i) => i));
});

Deno.test("values that are kept are numbered anew in their order, and the others are forgotten", () => {
  fc.assert(
    fc.property(values, fc.array(fc.boolean(), { minLength: 700, maxLength: 700 }), (values, keeps) => {
      const table = new GroupTable(5);
      numbersOf(table, values);
      const kept = Uint8Array.from({ length: table.size }, (_, number) => keeps[number] ? 1 : 0);
      const left = Array.from(kept.keys()).filter((number) => kept[number] === 1).map((number) =>
        table.entry(number).slice()
      );
      table.keepOnly(kept);
      assertEquals(table.size, left.length);
      assertEquals(numbersOf(table, left), left.map((_, i) => i));
      assertEquals(table.bytes, left.reduce((bytes, { length }) => bytes + length, 0));
      const more = new Uint8Array(13);
      assertEquals(table.numberOf(more, 0, 13), left.length);
    }),
    { numRuns: 60 },
  );
});

Deno.test("values made to collide are told apart by their bytes, and those that find no slot stand aside, across growth", () => {
  const colliding = Array.from({ length: 500 }, (_, n) => collidingEntry(n));
  const hashes = new Set(colliding.map((bytes) => hashWords(new DataView(bytes.buffer), 0, COLLIDING_BYTES, 77)));
  assertEquals(hashes.size, 1, "the values do collide");
  const others = Array.from({ length: 3000 }, (_, n) => new TextEncoder().encode(`/other-${n}`));
  const table = new GroupTable(77), numbers = colliding.map((_, n) => n);
  assertEquals(numbersOf(table, colliding), numbers);
  assert(table.crowdedOut > 400, `${table.crowdedOut} were crowded out`);
  assertEquals(numbersOf(table, others), others.map((_, n) => 500 + n));
  assertEquals(numbersOf(table, colliding), numbers);
  table.keepOnly(Uint8Array.from({ length: 3500 }, (_, n) => n % 2));
  const odd = colliding.filter((_, n) => n % 2 === 1);
  assertEquals(numbersOf(table, odd), odd.map((_, n) => n));
  assertEquals(numbersOf(table, colliding.slice(400, 401)), [1750]);
});
