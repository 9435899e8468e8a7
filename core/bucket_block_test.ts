import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { emptyLedger, LEDGER_REASONS } from "./ledger.ts";
import { MEASURE_COUNT, REQUESTS, zeroValues } from "./measures.ts";
import { TIERS } from "./slices.ts";
import { DIMENSION_COUNT, OTHER, TAG, URI } from "./dimensions.ts";
import { type Bucket, emptyBucket } from "./bucket.ts";
import { blockOf, bucketBytes, inBlock, openBlock, openBlockWithLedger } from "./bucket_block.ts";
import { BUSY_MINUTE, BUSY_SLICE, NO_CAPS, trafficBucket } from "./test_buckets.ts";

const shape = fc.record({
  seed: fc.nat(1000),
  rows: fc.integer({ min: 1, max: 700 }),
  rowsMax: fc.constantFrom(40, 9e9),
});

Deno.test("a block opens to the bucket it is of, and a bucket whose columns lie apart has the same block", () => {
  fc.assert(
    fc.property(shape, ({ seed, rows, rowsMax }) => {
      const caps = { ...NO_CAPS, rowsMax };
      const bucket = trafficBucket(seed, { rows, sites: 3, prefixes: 300, uris: 300 }, 60, 10, caps);
      const copy = structuredClone(blockOf(bucket)), opened = openBlock(copy);
      assertEquals(plain(opened), plain(bucket));
      assertEquals(plain(inBlock(apart(bucket))), plain(bucket));
      if (rowsMax > rows) assertEquals(bytesOf(apart(bucket)), bytesOf(bucket));
      assert(blockOf(opened) === copy);
    }),
    { numRuns: 40 },
  );
});

Deno.test("columns that say the same of every row, and what can be computed, take no bytes of a block", () => {
  const bucket = inBlock(trafficBucket(1, { rows: 2000, sites: 3, prefixes: 300, uris: 300 }, 60, 10));
  assertEquals(bucket.dictionaries[URI].givenUp.length, 0);
  const before = bucketBytes(bucket), { size, marginals, offsets } = bucket.dictionaries[URI];
  assertEquals([marginals[0].length, offsets.length], [size, size + 1]);
  assertEquals(bucketBytes(bucket), before);
  const other = { ...bucket, indexes: bucket.indexes.with(TAG, new Uint8Array(bucket.rows).fill(2)) };
  assertEquals(blockOf(apart(other)).byteLength - blockOf(bucket).byteLength, 2000);
});

Deno.test("what entries that folded had makes no column wider, and is OTHER's all the same", () => {
  const traffic = { rows: 3000, sites: 3, prefixes: 300, uris: 2000 };
  const bucket = inBlock(trafficBucket(1, traffic, 60, 10, { ...NO_CAPS, entriesMax: 60 })),
    uri = bucket.dictionaries[URI];
  assert(uri.folded[REQUESTS] > 255, "more than a byte holds");
  assertEquals([uri.givenUp[REQUESTS].BYTES_PER_ELEMENT, uri.givenUp.map((column) => column[OTHER])], [1, [
    0,
    0,
    0,
    0,
  ]]);
  assertEquals(uri.marginals.map((column) => column[OTHER]), [...uri.folded]);
  assertEquals([...uri.marginals[REQUESTS]].reduce((sum, requests) => sum + requests), bucket.totals[REQUESTS]);
});

Deno.test("ordinary traffic takes at most 45 bytes a row, a small bucket at most 4 kB when it is not open", () => {
  const slice = trafficBucket(1, BUSY_SLICE, 60, 10), minute = trafficBucket(1, BUSY_MINUTE, 60, 60, TIERS[1].caps);
  assert(minute.rows > 0.99 * TIERS[1].caps.rowsMax, `${minute.rows} rows`);
  for (const bucket of [slice, minute]) {
    const { byteLength } = blockOf(bucket);
    assert(byteLength <= 45 * bucket.rows, `${byteLength / bucket.rows} bytes a row`);
  }
  assert(blockOf(emptyBucket(60, 10)).byteLength <= 4096);
});

Deno.test("an empty bucket has a block like any other", () => {
  const ledger = emptyLedger().fill(3), bucket = openBlock(blockOf(emptyBucket(120, 60, ledger)));
  assertEquals(plain(bucket), plain(emptyBucket(120, 60, ledger)));
  assertEquals([bucket.totals, bucket.ledger], [zeroValues(), ledger]);
});

Deno.test("a block of another layout is not opened", () => {
  const block = structuredClone(blockOf(emptyBucket(60, 10)));
  new Float64Array(block)[0]++;
  assertThrows(() => openBlock(block), Error, "Cannot open a block of layout 3: this program knows 2");
});

Deno.test("a block with a ledger of other reasons opens to the same bucket, with what both ledgers know", () => {
  fc.assert(fc.property(fc.shuffledSubarray([...LEDGER_REASONS, "of another program", "of yet another"]), (reasons) => {
    const bucket = trafficBucket(3, { rows: 60, sites: 3, prefixes: 30, uris: 30 }, 60, 10), block = blockOf(bucket);
    const own = new Float64Array(block),
      ledgerAt = 4 + MEASURE_COUNT,
      rest = own.subarray(ledgerAt + LEDGER_REASONS.length);
    const other = Float64Array.of(...own.subarray(0, ledgerAt), ...reasons.map((_, i) => i + 1), ...rest);
    new Uint8Array(other.buffer).set(new Uint8Array(block, rest.byteOffset), 8 * (ledgerAt + reasons.length));
    const ledger = Float64Array.from(LEDGER_REASONS, (reason) => reasons.indexOf(reason) + 1);
    assertEquals(plain(openBlockWithLedger(other.buffer, reasons)), plain({ ...bucket, ledger }));
  }));
});

Deno.test("a bucket is as it was after its block was made into another", () => {
  const bucket = trafficBucket(2, { rows: 50, sites: 3, prefixes: 30, uris: 30 }, 60, 10), before = plain(bucket);
  const larger = trafficBucket(2, { rows: 900, sites: 3, prefixes: 300, uris: 300 }, 60, 10);
  assertEquals([larger.rows, plain(bucket)], [900, before]);
});

/** Everything a bucket says, as plain arrays. */
function plain({ startS, lengthS, rows, dictionaries, indexes, measures, totals, ledger }: Bucket): unknown {
  assertEquals([dictionaries.length, measures.length], [DIMENSION_COUNT, MEASURE_COUNT]);
  return {
    slice: [startS, lengthS, rows],
    dictionaries: dictionaries.map((
      { size, offsets, bytes, marginals, lostMax, foldedMax },
    ) => [size, [...offsets], [...bytes], marginals.map((column) => [...column]), [...lostMax], [...foldedMax]]),
    columns: [...indexes, ...measures, totals, ledger].map((column) => [...column]),
  };
}

/** The same bucket with every column in memory of its own, wider than it has to be. */
function apart(bucket: Bucket): Bucket {
  return {
    ...bucket,
    indexes: bucket.indexes.map((column) => new Uint32Array(column)),
    measures: bucket.measures.map((column) => new Float64Array(column)),
    dictionaries: bucket.dictionaries.map(({ size, offsets, bytes, marginals, lostMax, foldedMax }) => (
      { size, offsets: offsets.slice(), bytes: bytes.slice(), marginals, lostMax, foldedMax }
    )),
  };
}

function bytesOf(bucket: Bucket): Uint8Array {
  return new Uint8Array(blockOf(bucket));
}
