import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import {
  type Bucket,
  type Delta,
  type Dictionary,
  emptyBucket,
  type IndexColumn,
  indexColumn,
  numberColumn,
} from "@/core/bucket.ts";
import { blockOf } from "@/core/bucket_block.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { DIMENSION_COUNT } from "@/core/dimensions.ts";
import { LEDGER_COUNT } from "@/core/ledger.ts";
import { MEASURE_COUNT, MEASURES, mergeColumns, mergeValues, zeroValues } from "@/core/measures.ts";
import { TIERS } from "@/core/slices.ts";
import { deltaMessage, type DeltaReading, readDelta } from "./bucket_message.ts";
import { type BucketDeltaMessage, type BucketMessage, STREAM_BUCKETS } from "./schema.ts";

const value = fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, fc.nat(2 ** 31 - 1), fc.constant(2 ** 40));

/** Entries and, per row, which one it has: a bucket that adds up is made of these. */
const bucket: fc.Arbitrary<Bucket> = fc.record({
  tier: fc.nat(TIERS.length - 1),
  slice: fc.nat(5_000_000),
  sizes: fc.tuple(...Array.from({ length: DIMENSION_COUNT }, () => fc.integer({ min: 1, max: 400 }))),
  rows: fc.array(fc.tuple(fc.nat(), fc.array(value, { minLength: MEASURE_COUNT, maxLength: MEASURE_COUNT })), {
    maxLength: 30,
  }),
  entryBytes: fc.array(fc.uint8Array({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 }),
  lost: fc.array(fc.boolean(), { minLength: DIMENSION_COUNT, maxLength: DIMENSION_COUNT }),
  ledger: fc.array(fc.nat(), { minLength: LEDGER_COUNT, maxLength: LEDGER_COUNT }),
}).map(({ tier, slice, sizes: minSizes, rows, entryBytes, lost, ledger }) => {
  const { sliceS } = TIERS[tier];
  // Of website every row has another: two rows are never the same.
  const sizes = minSizes.map((size, d) => Math.max(size, d === 0 ? rows.length + 1 : lost[d] ? 1 : 2));
  const indexes = sizes.map((size) => indexColumn(rows.length, size));
  // Where nothing was lost, no row has OTHER.
  indexes.forEach((column, d) =>
    rows.forEach(([seed], row) =>
      column[row] = d === 0 ? row + 1 : lost[d] ? (seed + d) % sizes[d] : 1 + (seed + d) % (sizes[d] - 1)
    )
  );
  const measures = MEASURES.map((_, m) => rows.map(([, values]) => values[m]));
  const totals = zeroValues();
  for (const [, values] of rows) mergeValues(totals, values);
  return {
    startS: slice * sliceS,
    lengthS: sliceS,
    rows: rows.length,
    dictionaries: sizes.map((size, d) => dictionaryOf(size, indexes[d], measures, entryBytes, lost[d])),
    indexes,
    measures: measures.map((column) => numberColumn(column)),
    totals,
    ledger: Float64Array.from(ledger),
  };
});

const delta: fc.Arbitrary<Delta> = fc.record({
  bucket,
  source: fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }),
  instance: fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: 16, maxLength: 16 }).map((digits) =>
    digits.join("")
  ),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
}).map(({ bucket, ...identity }) => ({ bucket, identity: { ...identity, checksum: bucketChecksum(bucket) } }));

Deno.test("a delta that has travelled is the same delta, to the last byte", () => {
  fc.assert(fc.property(delta, (delta) => assertSame(readDelta(travelled(delta)), delta)));
});

Deno.test("a delta that was read shares no memory with the message it came in", () => {
  fc.assert(fc.property(delta, (delta) => {
    const message = travelled(delta);
    const reading = readDelta(message);
    for (const measure of message.bucket?.measures ?? []) measure.values.fill(0xff);
    for (const dimension of message.bucket?.dimensions ?? []) {
      for (const bytes of [dimension.indexes, dimension.lengths, dimension.entries]) bytes.fill(0xff);
    }
    assertSame(reading, delta);
  }));
});

Deno.test("any bytes on the wire are a delta or a reason, never a crash", () => {
  fc.assert(fc.property(delta, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), (delta, changes) => {
    const bytes = STREAM_BUCKETS.responseSerialize({ delta: deltaMessage(delta) });
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    let message;
    try {
      message = STREAM_BUCKETS.responseDeserialize(bytes);
    } catch {
      return; // not a message at all: gRPC ends the call
    }
    if (message.delta) readDelta(message.delta);
  }));
});

Deno.test("a single changed byte in a column is refused", () => {
  fc.assert(
    fc.property(
      delta.filter(({ bucket }) => bucket.totals[0] > 0),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (delta, at, change) => {
        const message = travelled(delta);
        const { values } = message.bucket!.measures[0];
        values[at % values.length] ^= change;
        assert("problem" in readDelta(message));
      },
    ),
  );
});

Deno.test("dimensions and measures are found by name, in any order", () => {
  fc.assert(fc.property(delta, (delta) => {
    const message = travelled(delta);
    const shuffled = changed(message, ({ dimensions, measures, ledger }) => ({
      dimensions: dimensions.toReversed(),
      measures: measures.toReversed(),
      ledger: ledger.toReversed(),
    }));
    assertSame(readDelta(shuffled), delta);
  }));
});

Deno.test("a newer sender's dimensions and measures are skipped", () => {
  const delta = oneRow();
  const message = changed(travelled(delta), ({ dimensions, measures }) => ({
    dimensions: [...dimensions, { ...dimensions[0], name: "country" }],
    measures: [...measures, { ...measures[0], name: "upstream_time" }],
  }));
  assertSame(readDelta(message), delta);
});

Deno.test("an older sender's missing dimension is absent in every row, its missing measure zero", () => {
  const reading = readDelta(changed(travelled(oneRow()), ({ dimensions, measures }) => ({
    dimensions: dimensions.filter(({ name }) => name !== "source").map((dimension) => ({
      ...dimension,
      measures: dimension.measures.filter(({ name }) => name !== "time_max"),
    })),
    measures: measures.filter(({ name }) => name !== "time_max"),
  })));
  assert("delta" in reading);
  const { dictionaries, indexes, measures, totals } = reading.delta.bucket;
  assertEquals([...indexes[8]], [1]);
  assertEquals([...dictionaries[8].offsets], [0, 0, 0]);
  assertEquals(dictionaries[8].marginals.map((column) => column[1]), [1, 1, 1, 0]);
  assertEquals([[...measures[3]], totals[3]], [[0], 0]);
});

const refused: Record<string, (message: BucketDeltaMessage) => BucketDeltaMessage> = {
  "no bucket": (message) => ({ ...message, bucket: null }),
  "a source without a name": (message) => ({ ...message, source: "" }),
  "a source with an endless name": (message) => ({ ...message, source: "ü".repeat(128) }),
  "an instance that is none": (message) => ({ ...message, instance: "0123456789ABCDEF" }),
  "sequence number 0": (message) => ({ ...message, sequence: 0 }),
  "a sequence number beyond 2^53": (message) => ({ ...message, sequence: 2 ** 60 }),
  "a checksum that does not match": (message) => ({ ...message, checksum: message.checksum ^ 1 }),
  "a length that no tier has": (message) => changed(message, () => ({ length: 20 })),
  "a length of zero": (message) => changed(message, () => ({ length: 0 })),
  "a start between two slices": (message) => changed(message, ({ start }) => ({ start: start + 1 })),
  "a start before 1970": (message) => changed(message, () => ({ start: -10 })),
  "four billion rows": (message) => changed(message, () => ({ rows: 2 ** 32 - 1 })),
  "one row too many": (message) => changed(message, () => ({ rows: 2 })),
  "no rows but values": (message) => changed(message, () => ({ rows: 0 })),
  "a dimension twice": (message) =>
    changed(message, ({ dimensions }) => ({ dimensions: [...dimensions, dimensions[0]] })),
  "a measure twice": (message) => changed(message, ({ measures }) => ({ measures: [...measures, measures[0]] })),
  "an index outside the dictionary": (message) => firstDimension(message, { indexes: Uint8Array.of(9) }),
  "indexes of an odd width": (message) => firstDimension(message, { indexes: new Uint8Array(3) }),
  "a dictionary without OTHER": (message) => firstDimension(message, { size: 0 }),
  "four billion entries": (message) => firstDimension(message, { size: 2 ** 32 - 1 }),
  "an OTHER with a name": (message) => firstDimension(message, { lengths: Uint8Array.of(1, 1) }),
  "lengths that say more than there is": (message) => firstDimension(message, { lengths: Uint8Array.of(0, 200) }),
  "an entry of a megabyte": (message) =>
    firstDimension(message, { lengths: wide(0, 1 << 20), entries: new Uint8Array(1 << 20) }),
  "a negative total": (message) => firstMeasure(message, { total: -1 }),
  "half a request": (message) => firstMeasure(message, { values: bytesOf(Float64Array.of(0.5)) }),
  "an infinite value": (message) => firstMeasure(message, { values: bytesOf(Float64Array.of(Infinity)) }),
  "a value that is no number": (message) => firstMeasure(message, { values: bytesOf(Float64Array.of(NaN)) }),
  "minus zero": (message) => firstMeasure(message, { values: bytesOf(Float64Array.of(-0)) }),
  "rows that do not add up": (message) => firstMeasure(message, { total: 2 }),
  "a ledger with negative lines": (message) =>
    changed(message, ({ ledger }) => ({ ledger: [{ ...ledger[0], lines: -1 }, ...ledger.slice(1)] })),
};

/** Of a bucket whose website has lost something. Some are told only by the numbers themselves. */
interface RefusedAfterLoss {
  readonly change: (message: BucketDeltaMessage) => BucketDeltaMessage;
  readonly problem: string;
}

const refusedAfterLoss: Record<string, RefusedAfterLoss> = {
  "values that gave up more than rows without one have": {
    change: (message) => websiteMeasure(message, { given_up: Uint8Array.of(0, 2) }),
    problem: "website: requests given up by values are not those of the rows without one",
  },
  "values that gave up less": {
    change: (message) => websiteMeasure(message, { given_up: new Uint8Array(0) }),
    problem: "website: requests given up by values are not those of the rows without one",
  },
  "more given up than there are entries": {
    change: (message) => websiteMeasure(message, { given_up: Uint8Array.of(0, 1, 0) }),
    problem: "given_up of website are 3 bytes for 2 elements",
  },
  "a column of a width that is none": {
    change: (message) => websiteMeasure(message, { given_up: Uint8Array.of(0, 1, 0), width: 3 }),
    problem: "given_up of website are 3 bytes",
  },
  "a negative bound": {
    change: (message) => websiteMeasure(message, { lost_max: -1 }),
    problem: "lost_max of website",
  },
  "a row without its value where none was lost": {
    change: (message) => websiteMeasure(message, { lost_max: 0 }, true),
    problem: "website: rows gave up their value, but no value lost any",
  },
  "an index outside the dictionary": {
    change: (message) => firstDimension(message, { indexes: Uint8Array.of(2, 0) }),
    problem: "index 2 is outside the dictionary",
  },
  "an OTHER with a name": {
    change: (message) => firstDimension(message, { lengths: Uint8Array.of(1, 0) }),
    problem: "OTHER is not empty",
  },
  "a thousand rows that are all the same": {
    change: (message) => firstDimension(changed(message, () => ({ rows: 1000 })), { indexes: Uint8Array.of(1) }),
    problem: "its 1000 rows are all the same",
  },
  "a thousand entries that are all the same": {
    change: (message) => firstDimension(message, { size: 1000, lengths: new Uint8Array(0) }),
    problem: "entries of website are all the same",
  },
};

for (const [what, change] of Object.entries(refused)) {
  Deno.test(`a delta with ${what} is refused with a reason`, () => {
    const reading = readDelta(change(travelled(oneRow())));
    assert("problem" in reading && reading.problem.length > 0);
  });
}

for (const [what, { change, problem }] of Object.entries(refusedAfterLoss)) {
  Deno.test(`a delta with ${what} is refused, and told so`, () => {
    const reading = readDelta(change(travelled(afterLoss())));
    assert("problem" in reading);
    assertStringIncludes(reading.problem, problem);
  });
}

Deno.test("a delta after a loss travels with what its values gave up, and says the same of each", () => {
  const reading = readDelta(travelled(afterLoss()));
  assertSame(reading, afterLoss());
  assert("delta" in reading);
  const { marginals } = reading.delta.bucket.dictionaries[0];
  assertEquals(marginals.map((column) => [...column]), [[0, 6], [0, 0], [0, 0], [0, 7]]);
});

Deno.test("an empty bucket travels: the slice is known and nothing was counted in it", () => {
  const empty = emptyBucket(600, 300);
  const delta = { bucket: empty, identity: { ...oneRow().identity, checksum: bucketChecksum(empty) } };
  assertSame(readDelta(travelled(delta)), delta);
});

Deno.test("a column that says one thing, and the end of one that does, take no room on the wire", () => {
  const message = travelled(oneRow(3, [5, 1, 1]));
  assert(message.bucket);
  const { dimensions, measures } = message.bucket;
  assertEquals(dimensions.map(({ indexes }) => [...indexes]), [[1, 2, 3], ...Array.from({ length: 8 }, () => [1])]);
  assertEquals(measures.map(({ values, width }) => [[...values], width]), [[[5, 1], 1], [[], 1], [[], 1], [[7], 1]]);
  assertSame(readDelta(message), oneRow(3, [5, 1, 1]));
});

Deno.test("what entries have counted is sent only where something was lost, and is the same without", () => {
  const delta = oneRow(3, [5, 1, 1]), message = travelled(delta), reading = readDelta(message);
  assert(message.bucket && "delta" in reading);
  assertEquals(message.bucket.dimensions.map(({ measures }) => measures.length), new Array(DIMENSION_COUNT).fill(0));
  reading.delta.bucket.dictionaries.forEach(({ marginals }, d) =>
    assertEquals(marginals.map((column) => [...column]), delta.bucket.dictionaries[d].marginals.map((c) => [...c]))
  );
});

Deno.test("columns without a width are as wide as their bytes say", () => {
  const delta = oneRow();
  const message = changed(travelled(delta), ({ dimensions, measures }) => ({
    dimensions: dimensions.map((dimension) => ({ ...dimension, index_width: 0, length_width: 0 })),
    measures: measures.map((measure) => ({ ...measure, width: 0 })),
  }));
  assertSame(readDelta(message), delta);
});

/** Rows of another website each, all else being entry 1, one byte long. */
function oneRow(rows = 1, requests: readonly number[] = [1]): Delta {
  const measures = [requests, [0], [0], [7]].map((column, m) =>
    numberColumn(Array.from({ length: rows }, (_, row) => rows === 1 ? 1 : column[m === 0 ? row : 0]))
  );
  const indexes = Array.from(
    { length: DIMENSION_COUNT },
    (_, d) => Uint8Array.from({ length: rows }, (_, row) => d === 0 ? row + 1 : 1),
  );
  const totals = zeroValues();
  for (let row = 0; row < rows; row++) mergeColumns(totals, measures, row);
  const bucket: Bucket = {
    ...emptyBucket(1_700_000_000, 10),
    rows,
    dictionaries: indexes.map((index, d) =>
      dictionaryOf(d === 0 ? rows + 1 : 2, index, measures.map((column) => [...column]), [Uint8Array.of(0x61)], false)
    ),
    indexes,
    measures,
    totals,
  };
  const identity = { source: "nginx1", instance: "0123456789abcdef", sequence: 1, checksum: bucketChecksum(bucket) };
  return { identity, bucket };
}

/** Two rows, of which the second has given up its website. */
function afterLoss(): Delta {
  const { bucket, identity } = oneRow(2, [5, 1]);
  const [website, ...others] = bucket.dictionaries;
  const dictionary: Dictionary = {
    ...website,
    size: 2,
    offsets: Uint32Array.of(0, 0, 1),
    bytes: Uint8Array.of(0x61),
    marginals: [6, 0, 0, 7].map((marginal) => Uint8Array.of(0, marginal)),
    lostMax: Float64Array.of(1, 0, 0, 0),
  };
  const lossy: Bucket = {
    ...bucket,
    dictionaries: [dictionary, ...others],
    indexes: bucket.indexes.with(0, Uint8Array.of(1, 0)),
  };
  return { identity: { ...identity, checksum: bucketChecksum(lossy) }, bucket: lossy };
}

/** Equal in every byte of their blocks. */
function assertSame(reading: DeltaReading, delta: Delta): void {
  assert("delta" in reading, JSON.stringify(reading));
  assertEquals(reading.delta.identity, delta.identity);
  assertEquals(new Uint8Array(blockOf(reading.delta.bucket)), new Uint8Array(blockOf(delta.bucket)));
}

function dictionaryOf(
  size: number,
  indexes: IndexColumn,
  measures: readonly number[][],
  entryBytes: readonly Uint8Array[],
  lost: boolean,
): Dictionary {
  const entries = Array.from({ length: size - 1 }, (_, entry) => entryBytes[entry % entryBytes.length]);
  const offsets = new Uint32Array(size + 1);
  entries.forEach((entry, e) => offsets[e + 2] = offsets[e + 1] + entry.length);
  const marginals = MEASURES.map(({ merge }, m) => {
    const sums = new Array<number>(size).fill(0);
    indexes.forEach((entry, row) =>
      sums[entry] = merge === "sum" ? sums[entry] + measures[m][row] : Math.max(sums[entry], measures[m][row])
    );
    return numberColumn(sums);
  });
  return {
    size,
    offsets,
    bytes: Uint8Array.from(entries.flatMap((entry) => [...entry])),
    marginals,
    lostMax: lost ? Float64Array.of(size, 2 ** 40, 0, 0) : zeroValues(),
    foldedMax: lost ? Float64Array.of(0, 1, 2 ** 50, 0) : zeroValues(),
  };
}

/** As a receiver sees it: parsed from bytes, columns at any address. */
function travelled(delta: Delta): BucketDeltaMessage {
  const bytes = STREAM_BUCKETS.responseSerialize({ delta: deltaMessage(delta) });
  const message = STREAM_BUCKETS.responseDeserialize(bytes).delta;
  assert(message);
  return message;
}

function changed(
  message: BucketDeltaMessage,
  change: (bucket: BucketMessage) => Partial<BucketMessage>,
): BucketDeltaMessage {
  assert(message.bucket);
  return { ...message, bucket: { ...message.bucket, ...change(message.bucket) } };
}

function firstDimension(
  message: BucketDeltaMessage,
  change: Partial<BucketMessage["dimensions"][0]>,
): BucketDeltaMessage {
  return changed(message, ({ dimensions: [first, ...rest] }) => ({ dimensions: [{ ...first, ...change }, ...rest] }));
}

function firstMeasure(message: BucketDeltaMessage, change: Partial<BucketMessage["measures"][0]>): BucketDeltaMessage {
  return changed(message, ({ measures: [first, ...rest] }) => ({ measures: [{ ...first, ...change }, ...rest] }));
}

/** Of website: its first measure, or all of them. */
function websiteMeasure(
  message: BucketDeltaMessage,
  change: Partial<BucketMessage["dimensions"][0]["measures"][0]>,
  all = false,
): BucketDeltaMessage {
  const [website] = message.bucket?.dimensions ?? [];
  return firstDimension(message, {
    measures: website.measures.map((measure, m) => m === 0 || all ? { ...measure, ...change } : measure),
  });
}

function wide(...numbers: readonly number[]): Uint8Array {
  return bytesOf(Uint32Array.from(numbers));
}

function bytesOf(column: Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(column.buffer);
}
