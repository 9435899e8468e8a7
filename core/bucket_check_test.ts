import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { BYTES, REQUESTS, VALUE_MAX, zeroValues } from "./measures.ts";
import { PREFIX, URI } from "./dimensions.ts";
import type { Bucket, Dictionary, NumberColumn } from "./bucket.ts";
import { bucketChecksum, bucketProblem } from "./bucket_check.ts";
import { NO_CAPS, trafficBucket } from "./test_buckets.ts";

const TRAFFIC = { rows: 300, sites: 5, prefixes: 200, uris: 100 };

/** Nothing lost; and the same cut, so that URI and others have marginals of their own. */
const WHOLE = trafficBucket(1, TRAFFIC, 1_700_000_000, 10);
const CUT = trafficBucket(1, TRAFFIC, 1_700_000_000, 10, { ...NO_CAPS, rowsMax: 60 });

Deno.test("a sealed bucket has no problem, cut or not", () => {
  assert(CUT.dictionaries[URI].lostMax[REQUESTS] > 0 && WHOLE.dictionaries[URI].lostMax[REQUESTS] === 0);
  assertEquals([bucketProblem(WHOLE), bucketProblem(CUT)], [undefined, undefined]);
});

Deno.test("the checksum changes with any column, and not with where the bucket was built", () => {
  assertEquals(bucketChecksum(trafficBucket(1, TRAFFIC, 1_700_000_000, 10)), bucketChecksum(WHOLE));
  const others = [
    { ...WHOLE, startS: WHOLE.startS + 10 },
    measured(WHOLE, REQUESTS, (column) => column[0]++),
    indexed(WHOLE, PREFIX, (column) => column[0]++),
    worded(WHOLE, URI, ({ bytes }) => bytes[5]++),
    marginalled(CUT, URI, REQUESTS, (column) => column[1]++),
    CUT,
  ];
  const checksums = [WHOLE, ...others].map(bucketChecksum);
  assertEquals(new Set(checksums).size, checksums.length);
});

const refused: Record<string, readonly [Bucket, problem: string]> = {
  "a length that no tier has": [{ ...WHOLE, lengthS: 7 }, "no tier has slices of 7 s"],
  "a start within a slice": [{ ...WHOLE, startS: 5 }, "slice start 5 is not aligned"],
  "a start that is no number": [{ ...WHOLE, startS: NaN }, "slice start NaN is not aligned"],
  "one row more than its columns": [{ ...WHOLE, rows: WHOLE.rows + 1 }, "measure columns do not match the rows"],
  "a dimension too few": [{ ...WHOLE, dictionaries: WHOLE.dictionaries.slice(1) }, "dimensions are missing"],
  "an index column too short": [
    { ...WHOLE, indexes: WHOLE.indexes.with(URI, WHOLE.indexes[URI].slice(1)) },
    "uri: column does not match the rows",
  ],
  "an index beyond the dictionary": [
    indexed(WHOLE, PREFIX, (column) => column[7] = WHOLE.dictionaries[PREFIX].size),
    "is outside the dictionary",
  ],
  "a row without a value where none was lost": [
    indexed(WHOLE, URI, (column) => column[7] = 0),
    "uri: a row gave up its value, but no value lost a row",
  ],
  "rows that are not the total": [
    { ...WHOLE, totals: WHOLE.totals.with(BYTES, 1) },
    "bytes of the rows do not add up to the total",
  ],
  "half a request": [measured(WHOLE, REQUESTS, (column) => column[0] -= 0.5), "requests of the rows"],
  "values that cancel out": [
    measured(WHOLE, REQUESTS, (column) => {
      column[0] += column[1] + 10;
      column[1] = -10;
    }),
    "requests of the rows",
  ],
  "a value that is no number": [measured(WHOLE, REQUESTS, (column) => column[0] = NaN), "requests of the rows"],
  "a value beyond the largest sum": [
    { ...measured(WHOLE, BYTES, (column) => column[0] = 2 ** 54), totals: WHOLE.totals.with(BYTES, VALUE_MAX) },
    "bytes of the rows",
  ],
  "entries that are not the total": [
    marginalled(CUT, URI, BYTES, (column) => column[1]++),
    "uri: bytes of the entries do not add up to the total",
  ],
  "an entry whose rows hold more than it has counted": [
    marginalled(CUT, URI, BYTES, (column) => {
      const entry = CUT.indexes[URI].find((index) => index > 0) ?? 0;
      column[0] += column[entry];
      column[entry] = 0;
    }),
    "uri: rows of an entry hold more bytes than it has counted",
  ],
  "marginals too short": [
    withDictionary(CUT, URI, (dictionary) => ({ ...dictionary, marginals: dictionary.marginals.slice(1) })),
    "uri: marginals do not match the dictionary",
  ],
  "an OTHER with a name": [worded(WHOLE, URI, ({ offsets }) => offsets[1] = 1), "uri: OTHER is not empty"],
  "an entry longer than any": [
    withDictionary(WHOLE, URI, (dictionary) => {
      const { offsets, bytes } = own(dictionary), more = ENTRY_BYTES_MAX + 1;
      const moved = offsets.map((offset, place) => place > 1 ? offset + more : offset);
      return { ...own(dictionary), offsets: moved, bytes: new Uint8Array(bytes.length + more) };
    }),
    `uri: entry 1 is`,
  ],
  "offsets that run backwards": [
    worded(WHOLE, URI, ({ offsets }) => offsets[3] = 0),
    "uri: entry 2 is -",
  ],
  "bytes that are no entry's": [
    withDictionary(WHOLE, URI, (dictionary) => ({ ...own(dictionary), bytes: new Uint8Array(1) })),
    "uri: entries are 1 bytes, their lengths say",
  ],
};

for (const [what, [bucket, problem]] of Object.entries(refused)) {
  Deno.test(`a bucket with ${what} is refused, and told so`, () => {
    assertStringIncludes(bucketProblem(bucket) ?? "no problem", problem);
  });
}

Deno.test("a bucket of nothing but zeros is accepted", () => {
  assertEquals(
    bucketProblem({ ...WHOLE, measures: WHOLE.measures.map((c) => c.slice().fill(0)), totals: zeroValues() }),
    undefined,
  );
});

/** The bucket with a measure changed, as doubles. */
function measured(bucket: Bucket, m: number, change: (column: Float64Array) => void): Bucket {
  const column = new Float64Array(bucket.measures[m]);
  change(column);
  return { ...bucket, measures: bucket.measures.with(m, column) };
}

function indexed(bucket: Bucket, d: number, change: (column: Uint32Array) => void): Bucket {
  const column = new Uint32Array(bucket.indexes[d]);
  change(column);
  return { ...bucket, indexes: bucket.indexes.with(d, column) };
}

function worded(bucket: Bucket, d: number, change: (dictionary: Dictionary) => void): Bucket {
  return withDictionary(bucket, d, (dictionary) => {
    const changed = own(dictionary);
    change(changed);
    return changed;
  });
}

function marginalled(bucket: Bucket, d: number, m: number, change: (column: NumberColumn) => void): Bucket {
  return withDictionary(bucket, d, (dictionary) => {
    const column = new Float64Array(dictionary.marginals[m]);
    change(column);
    return { ...own(dictionary), marginals: dictionary.marginals.with(m, column) };
  });
}

function withDictionary(bucket: Bucket, d: number, change: (dictionary: Dictionary) => Dictionary): Bucket {
  return { ...bucket, dictionaries: bucket.dictionaries.with(d, change(own(bucket.dictionaries[d]))) };
}

/** A copy outside of any block. */
function own({ size, offsets, bytes, marginals, lostMax, foldedMax }: Dictionary): Dictionary {
  return { size, offsets: offsets.slice(), bytes: bytes.slice(), marginals, lostMax, foldedMax };
}
