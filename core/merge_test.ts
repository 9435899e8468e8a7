import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { COUNTED, emptyLedger, READ } from "./ledger.ts";
import { mergeColumns, mergeValues, REQUESTS, VALUE_MAX, type Values, zeroValues } from "./measures.ts";
import { DIMENSION_COUNT, OTHER, OTHER_LABEL } from "./dimensions.ts";
import { CounterTable } from "./counter_table.ts";
import type { Bucket } from "./bucket.ts";
import { blockOf } from "./bucket_block.ts";
import { bucketProblem } from "./bucket_check.ts";
import type { Caps } from "./slices.ts";
import { seal } from "./seal.ts";
import { cutBucket, mergeBuckets } from "./merge.ts";
import { countRequest, randomFrom, randomRequest } from "./test_lines.ts";

const NO_CAPS: Caps = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };

function randomBucket(seed: number, requests: number, spread: number, caps = NO_CAPS): Bucket {
  const random = randomFrom(seed), table = new CounterTable(seed), ledger = emptyLedger();
  for (let i = 0; i < requests; i++) countRequest(table, randomRequest(random, spread));
  ledger[READ] = ledger[COUNTED] = requests;
  return seal(table, 0, 10, ledger, caps);
}

Deno.test("merging keeps totals, marginals and ledgers exact, and does not depend on the order", () => {
  const buckets = [1, 2, 3, 4, 5].map((seed) => randomBucket(seed, 400, 300));
  const merged = mergeBuckets(buckets, 0, 60, NO_CAPS, 7);
  const total = zeroValues();
  for (const bucket of buckets) mergeValues(total, bucket.totals);
  assertEquals(merged.totals, total);
  assertEquals([merged.ledger[READ], bucketProblem(merged)], [2000, undefined]);
  const other = mergeBuckets(buckets.toReversed(), 0, 60, NO_CAPS, 8);
  assertEquals(other.rows, merged.rows);
  merged.dictionaries.forEach((dictionary, d) => assertEquals(entriesOf(dictionary), entriesOf(other.dictionaries[d])));
});

Deno.test("rows and marginals of a merge are what a map of texts says", () => {
  const shape = fc.record({
    seed: fc.integer(),
    requests: fc.nat(300),
    spread: fc.integer({ min: 1, max: 300 }),
    cut: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 5 }), (shapes) => {
      const caps = { rowsMax: 60, entriesMax: 40, entryBytesMax: 120 };
      const buckets = shapes.map(({ seed, requests, spread, cut }) =>
        randomBucket(seed, requests, spread, cut ? caps : NO_CAPS)
      );
      const merged = mergeBuckets(buckets, 0, 60, NO_CAPS, 7);
      assertEquals(bucketProblem(merged), undefined);
      assertEquals(rowsOf([merged]), rowsOf(buckets));
      for (let d = 0; d < DIMENSION_COUNT; d++) assertEquals(marginalsOf([merged], d), marginalsOf(buckets, d), `${d}`);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a merge cut to caps keeps the marginal of every value it keeps, and the others' under OTHER", () => {
  const buckets = [1, 2, 3].map((seed) => randomBucket(seed, 800, 400, { ...NO_CAPS, rowsMax: 300 }));
  const merged = mergeBuckets(buckets, 0, 60, { rowsMax: 200, entriesMax: 50, entryBytesMax: 400 }, 7);
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const kept = marginalsOf([merged], d), all = marginalsOf(buckets, d);
    for (const [value, measures] of kept) {
      if (value !== OTHER_LABEL) assertEquals(measures, all.get(value), value);
      all.delete(value);
    }
    const rest = kept.get(OTHER_LABEL) ?? zeroValues(),
      folded = marginalsOf(buckets, d).get(OTHER_LABEL) ?? zeroValues();
    for (const measures of all.values()) mergeValues(folded, measures);
    assertEquals(rest, folded);
  }
});

Deno.test("buckets whose columns lie apart merge as those in a block do", () => {
  const block = randomBucket(3, 300, 100), { dictionaries, indexes } = block;
  const apart = {
    ...block,
    dictionaries: dictionaries.map(({ size, offsets, bytes, marginals, lostMax, foldedMax }) => (
      { size, offsets, bytes: bytes.slice(), marginals, lostMax, foldedMax }
    )),
    indexes: indexes.map((column) => column.slice()),
  };
  assertEquals(
    blockBytes(mergeBuckets([apart, apart], 0, 10, NO_CAPS, 1)),
    blockBytes(mergeBuckets([block, block], 0, 10, NO_CAPS, 1)),
  );
  assertEquals(blockBytes(apart), blockBytes(block));
});

Deno.test("sums that pass 2^53 stay at the largest exact integer, and the bucket is still accepted", () => {
  const table = new CounterTable(1);
  for (const [prefix, uri] of ["aa", "ba", "bb", "bc"]) {
    const { values } = randomRequest(randomFrom(1), 1);
    countRequest(table, { values: values.with(1, prefix).with(2, uri), measures: [1, 2 ** 52 + 1, 2 ** 52, 7] });
  }
  const bucket = seal(table, 0, 10, emptyLedger(), NO_CAPS), merged = mergeBuckets([bucket, bucket], 0, 60, NO_CAPS, 1);
  for (const { totals, dictionaries } of [bucket, merged]) {
    assertEquals([totals[1], totals[2], dictionaries[1].marginals[1][2]], [VALUE_MAX, VALUE_MAX, VALUE_MAX]);
  }
  assertEquals([bucketProblem(bucket), bucketProblem(merged)], [undefined, undefined]);
  assertEquals([merged.totals[REQUESTS], merged.measures[1][0]], [8, VALUE_MAX]);
});

Deno.test("what values gave up stays there as well when it passes 2^53, as whoever receives the bucket expects", () => {
  const table = new CounterTable(1);
  for (let i = 0; i < 2000; i++) {
    const { values } = randomRequest(randomFrom(1), 1);
    countRequest(table, { values: values.with(1, `p${i % 2}`).with(2, `u${i}`), measures: [1, 2 ** 44, 1, 1] });
  }
  const bucket = seal(table, 0, 10, emptyLedger(), { rowsMax: 1, entriesMax: 2, entryBytesMax: 9 });
  const { lostMax, foldedMax } = bucket.dictionaries[1];
  assertEquals([lostMax[1], foldedMax[1], bucketProblem(bucket)], [VALUE_MAX, VALUE_MAX, undefined]);
});

Deno.test("one bucket cut to caps keeps its totals and obeys them; one that fits stays itself", () => {
  const bucket = randomBucket(9, 4000, 4000);
  const cut = cutBucket(bucket, { rowsMax: 500, entriesMax: 200, entryBytesMax: 1000 }, 1);
  assert(cut.rows <= 500 && cut.dictionaries.every(({ size, bytes }) => size <= 200 && bytes.length <= 1000));
  assertEquals(cut.totals, bucket.totals);
  assertEquals(bucketProblem(cut), undefined);
  assert(cutBucket(bucket, NO_CAPS, 1) === bucket);
});

Deno.test("bounds add up over merges: what two cut buckets can have lost, their merge can have lost together", () => {
  const caps = { rowsMax: 100, entriesMax: 50, entryBytesMax: Infinity };
  const [a, b] = [randomBucket(1, 2000, 2000, caps), randomBucket(2, 2000, 2000, caps)];
  const merged = mergeBuckets([a, b], 0, 10, NO_CAPS, 3);
  merged.dictionaries.forEach(({ lostMax, foldedMax }, d) => {
    assertEquals(lostMax[REQUESTS], a.dictionaries[d].lostMax[REQUESTS] + b.dictionaries[d].lostMax[REQUESTS]);
    assertEquals(foldedMax[REQUESTS], a.dictionaries[d].foldedMax[REQUESTS] + b.dictionaries[d].foldedMax[REQUESTS]);
  });
});

/** The measures of every combination of values, whatever the order of rows. */
function rowsOf(buckets: readonly Bucket[]): Map<string, Values> {
  const rows = new Map<string, Values>();
  for (const { rows: count, indexes, dictionaries, measures } of buckets) {
    for (let row = 0; row < count; row++) {
      const key = dictionaries.map((dictionary, d) => valueOf(dictionary, indexes[d][row])).join(" ");
      addTo(rows, key, measures, row);
    }
  }
  return sorted(rows);
}

/** The measures of every value of dimension `d`. */
function marginalsOf(buckets: readonly Bucket[], d: number): Map<string, Values> {
  const marginals = new Map<string, Values>();
  for (const { dictionaries } of buckets) {
    const dictionary = dictionaries[d];
    for (let entry = 0; entry < dictionary.size; entry++) {
      const mass = dictionary.marginals.some((column) => column[entry] !== 0);
      if (mass || entry !== OTHER) addTo(marginals, valueOf(dictionary, entry), dictionary.marginals, entry);
    }
  }
  return sorted(marginals);
}

function addTo(into: Map<string, Values>, key: string, columns: readonly ArrayLike<number>[], at: number): void {
  const values = into.get(key) ?? zeroValues();
  into.set(key, values);
  mergeColumns(values, columns, at);
}

function sorted(map: Map<string, Values>): Map<string, Values> {
  return new Map([...map].sort(([a], [b]) => a < b ? -1 : 1));
}

function valueOf({ offsets, bytes }: Bucket["dictionaries"][number], entry: number): string {
  return entry === OTHER ? OTHER_LABEL : new TextDecoder().decode(bytes.subarray(offsets[entry], offsets[entry + 1]));
}

function blockBytes(bucket: Bucket): Uint8Array {
  return new Uint8Array(blockOf(bucket));
}

/** Entries and their requests, whatever the order of equal ones. */
function entriesOf({ size, offsets, bytes, marginals }: Bucket["dictionaries"][number]): string[] {
  const decoder = new TextDecoder();
  return Array.from(
    { length: size },
    (_, entry) => `${decoder.decode(bytes.subarray(offsets[entry], offsets[entry + 1]))}=${marginals[REQUESTS][entry]}`,
  ).sort();
}
