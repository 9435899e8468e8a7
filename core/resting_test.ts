import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { GIVE_BACK_AFTER_SECONDS, REST_AFTER_SECONDS } from "./bounds.ts";
import { MEASURE_COUNT, REQUESTS } from "./measures.ts";
import { PREFIX, URI } from "./dimensions.ts";
import { TIERS, type WindowName } from "./slices.ts";
import type { Delta } from "./bucket.ts";
import { blockOf, bucketBytes, constantIndex, inBlock, openBlock } from "./bucket_block.ts";
import { derived, unpacked } from "./derived.ts";
import { parseFilter } from "./filter_parse.ts";
import { LiveView } from "./live_view.ts";
import { isResting, opened, type Packer, resting, wake } from "./resting.ts";
import { Slot } from "./ring.ts";
import { NO_CAPS, trafficBucket } from "./test_buckets.ts";
import { packerOfTests } from "./test_packer.ts";

const TRAFFIC = { rows: 1500, sites: 20, prefixes: 400, uris: 600, asn: true }, START_S = 1_700_006_400;

Deno.test("a bucket at rest has every column that it had, and wakes as the same block", () => {
  const shape = fc.record({
    seed: fc.nat(1000),
    rows: fc.integer({ min: 600, max: 2000 }),
    rowsMax: fc.constantFrom(400, 9e9),
  });
  fc.assert(
    fc.property(shape, ({ seed, rows, rowsMax }) => {
      const bucket = inBlock(trafficBucket(seed, { ...TRAFFIC, rows }, 60, 10, { ...NO_CAPS, rowsMax }));
      const before = unpacked.bytes;
      const rest = inBlock(resting(bucket, packerOfTests())!);
      for (let m = 0; m < MEASURE_COUNT; m++) assertEquals(rest.measures[m], bucket.measures[m]);
      bucket.dictionaries.forEach((dictionary, d) => {
        const other = rest.dictionaries[d];
        assertEquals(rest.indexes[d], bucket.indexes[d]);
        assertEquals([...other.lengths, ...other.bytes], [...dictionary.lengths, ...dictionary.bytes]);
        assertEquals(other.givenUp.map((column) => [...column]), dictionary.givenUp.map((column) => [...column]));
        assertEquals([other.marginals, other.offsets], [dictionary.marginals, dictionary.offsets]);
        assertEquals([other.size, other.lostMax, other.folded], [
          dictionary.size,
          dictionary.lostMax,
          dictionary.folded,
        ]);
        assertEquals(constantIndex(rest, d), constantIndex(bucket, d));
      });
      const { rows: count, totals, ledger, startS, lengthS } = rest;
      assertEquals([count, totals, ledger, startS, lengthS], [
        bucket.rows,
        bucket.totals,
        bucket.ledger,
        bucket.startS,
        bucket.lengthS,
      ]);
      assertEquals(new Uint8Array(blockOf(opened(rest))), new Uint8Array(blockOf(bucket)));
      assert([isResting(rest), isResting(bucket), isResting(opened(rest))].join() === "true,false,false");
      assert(bucketBytes(rest) < bucketBytes(bucket));
      const { offsets } = rest.dictionaries[URI];
      wake(rest);
      assertEquals(unpacked.bytes, before);
      assertEquals([isResting(rest), bucketBytes(rest)], [false, bucketBytes(bucket)]);
      assertEquals(rest.dictionaries[URI].bytes, bucket.dictionaries[URI].bytes);
      assert(resting(rest, packerOfTests()) === rest && isResting(rest), "it is the same bucket");
      assert(rest.dictionaries[URI].offsets === offsets, "what was computed of it lasts");
    }),
    { numRuns: 20 },
  );
});

Deno.test("a bucket stays as it is where little is gained, and a column where nothing is", () => {
  const bucket = trafficBucket(1, TRAFFIC, 60, 10), whole = packerOfTests();
  assertEquals(resting(bucket, packerOfTests(false)), undefined);
  // Texts alone can be packed.
  const onlyText: Packer = { ...whole, pack: (bytes) => bytes.length > 8000 ? whole.pack(bytes) : bytes.slice() };
  const rest = resting(bucket, onlyText)!;
  assertEquals(rest.measures[REQUESTS], bucket.measures[REQUESTS]);
  assertEquals(rest.dictionaries[URI].bytes, bucket.dictionaries[URI].bytes);
});

Deno.test("what is unpacked stays within its bound, and of the bucket at hand everything stays", () => {
  const { bytesMax } = unpacked, packer = packerOfTests();
  const [first, second] = [1, 2].map((seed) => resting(trafficBucket(seed, TRAFFIC, 60, 10), packer)!);
  try {
    derived.begin();
    unpacked.bytesMax = 1000;
    const index = first.indexes[PREFIX], text = first.dictionaries[URI].bytes;
    assert(index.length > 0 && text.length > 0, "both are there");
    assert(first.indexes[PREFIX] === index, "and not unpacked again");
    assert(second.indexes[PREFIX].length > 0);
    assertEquals([index.length, text.length], [0, 0], "another bucket's are freed");
    assertEquals(first.indexes[PREFIX].length, first.rows, "and unpacked again");
  } finally {
    unpacked.bytesMax = bytesMax;
  }
});

Deno.test("answers over slots at rest are the same, even when nothing that is unpacked may stay", () => {
  const regex = (pattern: string): RegExp => new RegExp(pattern, "u"), packer = packerOfTests();
  const options = { source: "a", seed: 3, regex, targets: () => [] };
  const awakeView = new LiveView(options), restingView = new LiveView({ ...options, packer });
  const minutes = 80, endS = START_S + minutes * 60;
  for (let i = 0; i < minutes; i++) {
    const startS = START_S + i * 60, bucket = trafficBucket(i + 1, TRAFFIC, startS, 60);
    for (const view of [awakeView, restingView]) {
      view.advance(startS + 60);
      assertEquals(view.accept({ identity: identity(i + 1), bucket: openBlock(blockOf(bucket)) }, startS), "merged");
      view.tick(startS + 60);
    }
  }
  const slots = restingView.store.rings.map((ring) =>
    ring.slots().filter((slot) => isResting(slot.bucketNow())).length
  );
  assert(slots[1] >= 50 && slots[2] >= 14, `${slots} rest`);
  const { bytesMax } = unpacked;
  try {
    unpacked.bytesMax = 0;
    for (const window of ["60m", "6h"] as const) {
      for (const text of ["", "uri~=1 AND NOT method=GET", "prefix=40.0.0.0/8 OR status=404"]) {
        const expected = allAnswers(awakeView, window, text);
        assertEquals(allAnswers(restingView, window, text), expected);
        assertEquals(allAnswers(restingView, window, text), expected, "and again");
      }
    }
  } finally {
    unpacked.bytesMax = bytesMax;
  }
  const late: Delta = { identity: identity(minutes + 1), bucket: trafficBucket(999, TRAFFIC, endS - 3000, 60) };
  for (const view of [awakeView, restingView]) assertEquals(view.accept(late, endS), "merged");
  assertEquals(allAnswers(restingView, "60m", ""), allAnswers(awakeView, "60m", ""), "what comes late is there too");
});

function identity(sequence: number): Delta["identity"] {
  return { source: "a", instance: "i", sequence, checksum: 0 };
}

/** What a page asks, grouped by every dimension that differs in the fixture. */
function allAnswers(view: LiveView, window: WindowName, text: string): unknown[] {
  const parsed = parseFilter(text);
  if ("mistake" in parsed) throw new Error(parsed.mistake.message);
  const { filter } = parsed;
  const rankings = (["website", "prefix", "uri", "status", "asn"] as const).map((groupBy) =>
    view.topN({ window, groupBy, n: 10, sort: MEASURE_COUNT - 1, filter, detail: true })
  );
  return [...rankings, view.trend({ window, filter, detail: true })];
}

Deno.test("a slot rests when nothing has come for a while, once, and wakes with what comes late", () => {
  const packer = packerOfTests(), slot = new Slot(START_S, 1, 3), bucket = trafficBucket(1, TRAFFIC, START_S, 60);
  slot.put(bucket);
  assertEquals(slot.rest(1000, packer), 0, "it waits to be merged");
  slot.bucket();
  assertEquals(slot.rest(1000, packer), 0);
  assertEquals(slot.rest(999 + REST_AFTER_SECONDS, packer), 0);
  const bytes = slot.bytes;
  assertEquals(slot.rest(1000 + REST_AFTER_SECONDS, packer), bucket.rows);
  assert(slot.bytes < bytes);
  assertEquals(slot.rest(2000 + REST_AFTER_SECONDS, packer), 0);
  assert(!isResting(slot.bucket()), "who is no question gets a bucket of its own");
  const asked = slot.bucketNow();
  assert(isResting(asked));
  assertEquals(slot.rest(3000, packer), bucket.rows, "it is woken by who asks");
  assertEquals([isResting(asked), slot.bytes, slot.rest(3001, packer)], [false, bytes, 0]);
  assertEquals(slot.rest(2999 + GIVE_BACK_AFTER_SECONDS, packer), 0);
  assertEquals(slot.rest(3000 + GIVE_BACK_AFTER_SECONDS, packer), bucket.rows, "and rests again when nobody does");
  assert(slot.bucketNow() === asked && isResting(asked));
  const late = trafficBucket(2, TRAFFIC, START_S + 30, 10);
  slot.put(late);
  assertEquals(slot.bucket().totals[REQUESTS], bucket.totals[REQUESTS] + late.totals[REQUESTS]);
  assert(!isResting(slot.bucketNow()));
});

Deno.test("a slot of the coarsest tier rests at once; one that is not worth it is not tried again", () => {
  const slot = new Slot(START_S, TIERS.length - 1, 3), bucket = trafficBucket(1, TRAFFIC, START_S, 300);
  slot.put(bucket);
  slot.bucket();
  assertEquals(slot.rest(1000, packerOfTests(false)), bucket.rows);
  assert(!isResting(slot.bucketNow()));
  assertEquals(slot.rest(1000, packerOfTests()), 0);
});
