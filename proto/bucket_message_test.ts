import { assert, assertEquals } from "@std/assert";
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
import { bucketChecksum } from "@/core/bucket_check.ts";
import { DIMENSION_COUNT } from "@/core/dimensions.ts";
import { LEDGER_COUNT } from "@/core/ledger.ts";
import { MEASURE_COUNT, MEASURES, mergeValues, zeroValues } from "@/core/measures.ts";
import { TIERS } from "@/core/slices.ts";
import { deltaMessage, readDelta } from "./bucket_message.ts";
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
  entryBytes: fc.array(fc.uint8Array({ maxLength: 12 }), { minLength: 1, maxLength: 8 }),
  ledger: fc.array(fc.nat(), { minLength: LEDGER_COUNT, maxLength: LEDGER_COUNT }),
}).map(({ tier, slice, sizes, rows, entryBytes, ledger }) => {
  const { sliceS } = TIERS[tier];
  const indexes = sizes.map((size) => indexColumn(rows.length, size));
  indexes.forEach((column, d) => rows.forEach(([seed], row) => column[row] = (seed + d) % sizes[d]));
  const measures = MEASURES.map((_, m) => rows.map(([, values]) => values[m]));
  const totals = zeroValues();
  for (const [, values] of rows) mergeValues(totals, values);
  return {
    startS: slice * sliceS,
    lengthS: sliceS,
    rows: rows.length,
    dictionaries: sizes.map((size, d) => dictionaryOf(size, indexes[d], measures, entryBytes)),
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

Deno.test("a delta that has travelled is the same delta, to the width of every column", () => {
  fc.assert(fc.property(delta, (delta) => assertEquals(readDelta(travelled(delta)), { delta })));
});

Deno.test("a delta that was read shares no memory with the message it came in", () => {
  fc.assert(fc.property(delta, (delta) => {
    const message = travelled(delta);
    const reading = readDelta(message);
    for (const measure of message.bucket?.measures ?? []) measure.values.fill(0xff);
    for (const dimension of message.bucket?.dimensions ?? []) {
      for (const bytes of [dimension.indexes, dimension.lengths, dimension.entries]) bytes.fill(0xff);
    }
    assertEquals(reading, { delta });
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
      delta.filter(({ bucket }) => bucket.rows > 0),
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
    assertEquals(readDelta(shuffled), { delta });
  }));
});

Deno.test("a newer sender's dimensions and measures are skipped", () => {
  const delta = oneRow();
  const message = changed(travelled(delta), ({ dimensions, measures }) => ({
    dimensions: [...dimensions, { ...dimensions[0], name: "country" }],
    measures: [...measures, { ...measures[0], name: "upstream_time" }],
  }));
  assertEquals(readDelta(message), { delta });
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

for (const [what, change] of Object.entries(refused)) {
  Deno.test(`a delta with ${what} is refused with a reason`, () => {
    const reading = readDelta(change(travelled(oneRow())));
    assert("problem" in reading && reading.problem.length > 0);
  });
}

Deno.test("an empty bucket travels: the slice is known and nothing was counted in it", () => {
  const empty = emptyBucket(600, 300);
  const delta = { bucket: empty, identity: { ...oneRow().identity, checksum: bucketChecksum(empty) } };
  assertEquals(readDelta(travelled(delta)), { delta });
});

/** One row whose every value is entry 1, one byte long. */
function oneRow(): Delta {
  const dictionary: Dictionary = {
    size: 2,
    offsets: Uint32Array.of(0, 0, 1),
    bytes: Uint8Array.of(0x61),
    marginals: MEASURES.map(() => Uint8Array.of(0, 1)),
    lostMax: zeroValues(),
    foldedMax: zeroValues(),
  };
  const bucket: Bucket = {
    ...emptyBucket(1_700_000_000, 10),
    rows: 1,
    dictionaries: Array.from({ length: DIMENSION_COUNT }, () => dictionary),
    indexes: Array.from({ length: DIMENSION_COUNT }, () => Uint8Array.of(1)),
    measures: MEASURES.map(() => Uint8Array.of(1)),
    totals: zeroValues().fill(1),
  };
  const identity = { source: "nginx1", instance: "0123456789abcdef", sequence: 1, checksum: bucketChecksum(bucket) };
  return { identity, bucket };
}

function dictionaryOf(
  size: number,
  indexes: IndexColumn,
  measures: readonly number[][],
  entryBytes: readonly Uint8Array[],
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
    lostMax: Float64Array.of(size, 2 ** 40, 0, 0),
    foldedMax: Float64Array.of(0, 1, 2 ** 50, 0),
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

function wide(...numbers: readonly number[]): Uint8Array {
  return bytesOf(Uint32Array.from(numbers));
}

function bytesOf(column: Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(column.buffer);
}
