import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { BYTES, REQUESTS, TIME_MAX, VALUE_MAX, type Values } from "./measures.ts";
import { OTHER, PREFIX, TAG, URI } from "./dimensions.ts";
import { type Bucket, type Dictionary, emptyDictionary } from "./bucket.ts";
import { type BlockBucket, blockOf, constantIndex, inBlock, openBlock } from "./bucket_block.ts";
import { bucketChecksum, bucketProblem } from "./bucket_check.ts";
import { NO_CAPS, trafficBucket } from "./test_buckets.ts";

const TRAFFIC = { rows: 300, sites: 5, prefixes: 200, uris: 100 };

/** Nothing lost; and the same cut, so that URI and others have marginals of their own. */
const WHOLE = trafficBucket(1, TRAFFIC, 1_700_000_000, 10);
const CUT = trafficBucket(1, TRAFFIC, 1_700_000_000, 10, { ...NO_CAPS, rowsMax: 60 });
const FOLDED = trafficBucket(1, TRAFFIC, 1_700_000_000, 10, { ...NO_CAPS, entriesMax: 30 });
/** One row, in which everything is OTHER. */
const NO_VALUES = trafficBucket(1, TRAFFIC, 1_700_000_000, 10, { ...NO_CAPS, rowsMax: 1 });
const BOTH = trafficBucket(1, TRAFFIC, 1_700_000_000, 10, { ...NO_CAPS, rowsMax: 60, entriesMax: 30 });

Deno.test("a sealed bucket has no problem, cut or not", () => {
  assert(CUT.dictionaries[URI].lostMax[REQUESTS] > 0 && WHOLE.dictionaries[URI].lostMax[REQUESTS] === 0);
  for (const bucket of [WHOLE, CUT, FOLDED, BOTH, NO_VALUES]) assertEquals(bucketProblem(bucket), undefined);
  assertEquals(constantIndex(NO_VALUES, URI), OTHER);
  const { size, offsets, bytes, marginals, foldedMax } = WHOLE.dictionaries[TAG], lostMax = WHOLE.totals;
  const bounded = allRows(TAG, 1, { size, offsets, bytes, marginals, lostMax, foldedMax });
  assertEquals(bucketProblem(bounded), undefined, "bounds that are wider than they need be");
});

Deno.test("the checksum changes with any column, and not with where the bucket was built", () => {
  assertEquals(bucketChecksum(trafficBucket(1, TRAFFIC, 1_700_000_000, 10)), bucketChecksum(WHOLE));
  const others = [
    changed(WHOLE, ({ measures }) => measures[BYTES][0]++),
    changed(WHOLE, ({ indexes }) => indexes[PREFIX][0]++),
    changed(WHOLE, ({ dictionaries }) => dictionaries[URI].bytes[5]++),
    changed(WHOLE, ({ dictionaries }) => dictionaries[URI].lengths[5]++),
    changed(WHOLE, ({ ledger }) => ledger[1]++),
    changed(CUT, ({ dictionaries }) => dictionaries[URI].givenUp[BYTES][1]++),
    changed(CUT, ({ dictionaries }) => dictionaries[URI].foldedMax[1]++),
    CUT,
  ];
  const checksums = [WHOLE, ...others].map(bucketChecksum);
  assertEquals(new Set(checksums).size, checksums.length);
});

interface Refused {
  readonly bucket: Bucket;
  readonly problem: string;
}

const refused: Record<string, Refused> = {
  "a length that no tier has": { bucket: { ...WHOLE, lengthS: 7 }, problem: "no tier has slices of 7 s" },
  "a start within a slice": { bucket: { ...WHOLE, startS: 5 }, problem: "slice start 5 is not aligned" },
  "a start that is no number": { bucket: { ...WHOLE, startS: NaN }, problem: "slice start NaN is not aligned" },
  "an index beyond the dictionary": {
    bucket: changed(WHOLE, ({ indexes, dictionaries }) => indexes[PREFIX][7] = dictionaries[PREFIX].size),
    problem: "is outside the dictionary",
  },
  "a row without a value where none was lost": {
    bucket: changed(WHOLE, ({ indexes }) => indexes[URI][7] = 0),
    problem: "uri: rows gave up their value, but no value lost any",
  },
  "no row with a value where none was lost, in a column without bytes": {
    bucket: allRows(TAG, 0, WHOLE.dictionaries[TAG]),
    problem: "tag: rows gave up their value, but no value lost any",
  },
  "a dictionary without the entry of a column without bytes": {
    bucket: allRows(TAG, 1, emptyDictionary()),
    problem: "tag: index 1 is outside the dictionary",
  },
  "no row with a value, and less given up than they have": {
    bucket: changed(NO_VALUES, ({ dictionaries }) => dictionaries[URI].givenUp[REQUESTS][1]--),
    problem: "uri: requests given up by values are not those of the rows without one",
  },
  "a row that has a value again": {
    bucket: changed(CUT, ({ indexes }) => indexes[URI][indexes[URI].indexOf(0)] = 1),
    problem: "uri: requests given up by values are not those of the rows without one",
  },
  "a sum given up that is not the rows'": {
    bucket: changed(CUT, ({ dictionaries }) => dictionaries[URI].givenUp[BYTES][1]++),
    problem: "uri: bytes given up by values are not those of the rows without one",
  },
  "a sum of folded entries that is not the rows'": {
    bucket: changed(FOLDED, ({ dictionaries }) => dictionaries[URI].folded[BYTES]++),
    problem: "uri: bytes given up by values are not those of the rows without one",
  },
  "folded entries that had less than nothing": {
    bucket: changed(FOLDED, ({ dictionaries }) => dictionaries[URI].folded[BYTES] = -1),
    problem: "uri: what folded entries had is no count",
  },
  "folded entries where nothing was lost": {
    bucket: changed(WHOLE, ({ dictionaries }) => dictionaries[URI].folded[BYTES] = 1),
    problem: "uri: rows gave up their value, but no value lost any",
  },
  "something given up by no value": {
    bucket: changed(CUT, ({ dictionaries }) => dictionaries[URI].givenUp[BYTES][0] = 1),
    problem: "uri: bytes given up by no value",
  },
  "a maximum given up beyond the total": {
    bucket: changed(CUT, ({ dictionaries, totals }) => dictionaries[URI].givenUp[TIME_MAX][1] = totals[TIME_MAX] + 1),
    problem: "uri: time_max given up by values are not those",
  },
  "rows that are not the total": {
    bucket: changed(WHOLE, ({ totals }) => totals[BYTES]++),
    problem: "bytes of the rows do not add up to the total",
  },
  "a maximum that no row has": {
    bucket: changed(WHOLE, ({ totals }) => totals[TIME_MAX]++),
    problem: "time_max of the rows do not add up to the total",
  },
  "half a byte": {
    bucket: large(({ measures, totals }) => {
      measures[BYTES][0] -= 0.5;
      totals[BYTES] -= 0.5;
    }),
    problem: "bytes of the rows",
  },
  "values that cancel out": {
    bucket: large(({ measures }) => {
      measures[BYTES][0] += measures[BYTES][1] + 10;
      measures[BYTES][1] = -10;
    }),
    problem: "bytes of the rows",
  },
  "a value that is no number": {
    bucket: large(({ measures, totals }) => measures[BYTES][0] = totals[BYTES] = NaN),
    problem: "bytes of the rows",
  },
  "a value beyond the largest sum": {
    bucket: large(({ measures, totals }) => {
      measures[BYTES][0] = 2 ** 54;
      totals[BYTES] = VALUE_MAX;
    }),
    problem: "bytes of the rows",
  },
  "an OTHER with a name": {
    bucket: changed(WHOLE, ({ dictionaries }) => dictionaries[URI].lengths[0] = 1),
    problem: "uri: OTHER is not empty",
  },
  "an entry longer than any": {
    bucket: changed(wordy(), ({ dictionaries }) => dictionaries[URI].lengths[1] = ENTRY_BYTES_MAX + 1),
    problem: "uri: entry 1 is 2049 bytes long",
  },
  "lengths that say more than there is": {
    bucket: changed(WHOLE, ({ dictionaries }) => dictionaries[URI].lengths[5]++),
    problem: "uri: entries are",
  },
};

for (const [what, { bucket, problem }] of Object.entries(refused)) {
  Deno.test(`a bucket with ${what} is refused, and told so`, () => {
    assertStringIncludes(bucketProblem(bucket) ?? "no problem", problem);
  });
}

Deno.test("a sum that stands at its largest is that of rows that have more", () => {
  const bucket = large(({ measures, totals }) => measures[BYTES][0] = measures[BYTES][1] = totals[BYTES] = VALUE_MAX);
  assertEquals(bucketProblem(bucket), undefined);
});

/** The bucket in a block of its own, changed there: as a peer could have sent it. */
function changed(bucket: Bucket, change: (bucket: BlockBucket) => void): Bucket {
  const copy = inBlock(openBlock(structuredClone(blockOf(bucket))));
  change(copy);
  return copy;
}

/** A bucket whose rows all have one entry of a dictionary: its column takes no bytes. */
function allRows(d: number, entry: number, dictionary: Dictionary): Bucket {
  const indexes = WHOLE.indexes.with(d, new Uint8Array(WHOLE.rows).fill(entry));
  const bucket = inBlock({ ...WHOLE, indexes, dictionaries: WHOLE.dictionaries.with(d, dictionary) });
  assertEquals(constantIndex(bucket, d), entry);
  return bucket;
}

/** A bucket with a byte count beyond 2^32, changed: its column is one of doubles. */
function large(change: (bucket: BlockBucket) => void): Bucket {
  const bytes = new Float64Array(WHOLE.measures[BYTES]), totals: Values = WHOLE.totals.slice();
  bytes[0] += 2 ** 40;
  totals[BYTES] += 2 ** 40;
  return changed({ ...WHOLE, measures: WHOLE.measures.with(BYTES, bytes), totals }, change);
}

/** A bucket whose column of lengths is wide enough for any. */
function wordy(): Bucket {
  const { size, offsets, bytes, marginals, lostMax, foldedMax } = WHOLE.dictionaries[URI], more = 300;
  const longer: Dictionary = {
    size,
    offsets: offsets.map((offset, entry) => entry < size ? offset : offset + more),
    bytes: Uint8Array.from([...bytes, ...new Uint8Array(more)]),
    marginals,
    lostMax,
    foldedMax,
  };
  return { ...WHOLE, dictionaries: WHOLE.dictionaries.with(URI, longer) };
}
