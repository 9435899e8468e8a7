import { assert, assertEquals } from "@std/assert";
import { COUNTED, emptyLedger, READ } from "./ledger.ts";
import { mergeValues, REQUESTS, zeroValues } from "./measures.ts";
import { CounterTable } from "./counter_table.ts";
import type { Bucket } from "./bucket.ts";
import { bucketChecksum, bucketProblem } from "./bucket_check.ts";
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

Deno.test("the checksum changes with any column, and not with where the bucket was built", () => {
  const bucket = randomBucket(4, 50, 20);
  assertEquals(bucketChecksum(randomBucket(4, 50, 20)), bucketChecksum(bucket));
  const requests = bucket.measures[REQUESTS].slice();
  requests[0]++;
  assert(bucketChecksum({ ...bucket, measures: bucket.measures.with(REQUESTS, requests) }) !== bucketChecksum(bucket));
  assert(bucketChecksum({ ...bucket, startS: 10 }) !== bucketChecksum(bucket));
});

Deno.test("a bucket whose columns, indexes or sums do not agree is refused with the reason", () => {
  const bucket = randomBucket(4, 50, 20);
  const problems = [
    { ...bucket, lengthS: 7 },
    { ...bucket, startS: 5 },
    { ...bucket, startS: NaN },
    { ...bucket, rows: bucket.rows + 1 },
    { ...bucket, indexes: bucket.indexes.with(1, bucket.indexes[1].slice().fill(255)) },
    { ...bucket, measures: bucket.measures.with(REQUESTS, bucket.measures[REQUESTS].slice().fill(9)) },
    { ...bucket, totals: zeroValues() },
    { ...bucket, dictionaries: bucket.dictionaries.slice(1) },
  ].map(bucketProblem);
  assertEquals(problems.filter((problem) => problem === undefined), []);
});

/** Entries and their requests, whatever the order of equal ones. */
function entriesOf({ size, offsets, bytes, marginals }: Bucket["dictionaries"][number]): string[] {
  const decoder = new TextDecoder();
  return Array.from(
    { length: size },
    (_, entry) => `${decoder.decode(bytes.subarray(offsets[entry], offsets[entry + 1]))}=${marginals[REQUESTS][entry]}`,
  ).sort();
}
