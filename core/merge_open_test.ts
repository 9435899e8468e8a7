import { assert, assertEquals } from "@std/assert";
import { emptyLedger, READ } from "./ledger.ts";
import { mergeValues, REQUESTS, zeroValues } from "./measures.ts";
import { DIMENSION_COUNT, OTHER, PREFIX, SOURCE, URI, WEBSITE } from "./dimensions.ts";
import { CounterTable } from "./counter_table.ts";
import type { Bucket } from "./bucket.ts";
import { bucketProblem } from "./bucket_check.ts";
import { OpenMerges, Slot } from "./ring.ts";
import { type Caps, TIERS } from "./slices.ts";
import { seal } from "./seal.ts";
import { Merge, type Outlook } from "./merge.ts";
import { countRequest, randomFrom, randomRequest, type Request } from "./test_lines.ts";

const NO_CAPS: Caps = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };
const CAPS: Caps = { rowsMax: 300, entriesMax: 100, entryBytesMax: Infinity };
/** What a merge has while it goes on, so small that it overflows many times. */
const ROOM: Caps = { rowsMax: 1200, entriesMax: 500, entryBytesMax: Infinity };

/** What one of many sources has counted: some of it everybody has, much of it nobody else. */
function requestsOf(source: number, seed: number): Request[] {
  const random = randomFrom(seed * 1000 + source + 1);
  return Array.from({ length: 400 }, (_, i) => {
    const { values, measures } = randomRequest(random, 200), named = values.with(SOURCE, `s${source}`);
    if (i % 4 !== 0) return { values: named, measures };
    return {
      values: named.with(URI, `/lone-${source}-${i}`).with(PREFIX, i % 8 ? `n${source}-${i}` : "attacker"),
      measures,
    };
  });
}

function bucketOf(requests: readonly Request[]): Bucket {
  const table = new CounterTable(3), ledger = emptyLedger();
  for (const request of requests) countRequest(table, request);
  ledger[READ] = requests.length;
  return seal(table, 0, 10, ledger, NO_CAPS);
}

/** Requests of every value of a dimension. */
function truthOf(requests: readonly Request[], d: number): Map<string, number> {
  const truth = new Map<string, number>();
  for (const { values } of requests) truth.set(values[d], (truth.get(values[d]) ?? 0) + 1);
  return truth;
}

/** Marginal and sum of the rows of every entry of a dimension, by its text. */
function heldOf(
  { dictionaries, indexes, measures, rows }: Bucket,
  d: number,
): Map<string, { marginal: number; rows: number }> {
  const { size, offsets, bytes, marginals } = dictionaries[d], sums = new Float64Array(size);
  for (let row = 0; row < rows; row++) sums[indexes[d][row]] += measures[REQUESTS][row];
  const held = new Map<string, { marginal: number; rows: number }>();
  for (let entry = 1; entry < size; entry++) {
    const text = new TextDecoder().decode(bytes.subarray(offsets[entry], offsets[entry + 1]));
    held.set(text, { marginal: marginals[REQUESTS][entry], rows: sums[entry] });
  }
  return held;
}

function assertSound(bucket: Bucket, requests: readonly Request[]): void {
  const total = zeroValues();
  for (const { measures } of requests) mergeValues(total, measures);
  assertEquals([bucketProblem(bucket), bucket.totals], [undefined, total]);
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const { lostMax, foldedMax } = bucket.dictionaries[d], held = heldOf(bucket, d);
    for (const [value, count] of truthOf(requests, d)) {
      const { marginal, rows } = held.get(value) ?? { marginal: 0, rows: 0 };
      assert(marginal <= count && count <= marginal + foldedMax[REQUESTS], `${value}: ${count}, not ${marginal}`);
      assert(rows <= count && count <= rows + lostMax[REQUESTS] + foldedMax[REQUESTS], `rows of ${value}: ${rows}`);
    }
  }
}

Deno.test("whatever is let go while a merge goes on, totals are exact and every bound holds, at each look and at the end", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const merge = new Merge(CAPS, seed, 1000, ROOM, {}), all: Request[] = [];
    for (let source = 0; source < 40; source++) {
      const requests = requestsOf(source, seed);
      merge.add(bucketOf(requests));
      all.push(...requests);
      if (source % 13 === 12) assertSound(merge.soFar(0, 10), all);
    }
    const ended = merge.end(0, 10);
    assertSound(ended, all);
    assertEquals([ended.rows <= CAPS.rowsMax, ended.ledger[READ]], [true, all.length]);
    const { marginal } = heldOf(ended, PREFIX).get("attacker")!;
    assertEquals(
      marginal,
      truthOf(all, PREFIX).get("attacker"),
      "one that every source has a little of keeps its count",
    );
  }
});

Deno.test("a merge that knows what to expect lets go from the start, and totals and bounds are as true", () => {
  const outlook: Outlook = {}, rowsOf: number[] = [];
  for (let slice = 1; slice <= 5; slice++) {
    const merge = new Merge(CAPS, 7, 1000, ROOM, outlook), all: Request[] = [];
    for (let source = 0; source < 40; source++) {
      const requests = requestsOf(source, slice % 3);
      merge.add(bucketOf(requests));
      all.push(...requests);
      if (source === 20 && slice % 2 === 0) {
        const looked = merge.soFar(0, 10);
        assertSound(looked, all);
        rowsOf.push(looked.rows);
      }
    }
    const ended = merge.end(0, 10);
    assertSound(ended, all);
    assertEquals([outlook.foresight === undefined, ended.rows <= CAPS.rowsMax], [false, true]);
    const { marginal } = heldOf(ended, PREFIX).get("attacker")!;
    assertEquals(marginal, truthOf(all, PREFIX).get("attacker"), "what everybody has a little of keeps its count");
  }
  assert(rowsOf.every((rows) => rows > 100 && rows < ROOM.rowsMax), `${rowsOf} rows`);
});

Deno.test("whatever was expected, a slice that fits loses nothing, and one that nearly does is not held to it again", () => {
  const outlook: Outlook = {};
  const mergeOf = (sources: number, requests: number): { merged: Bucket; all: Request[] } => {
    const merge = new Merge(CAPS, 7, 1000, ROOM, outlook), all: Request[] = [];
    for (let source = 0; source < sources; source++) {
      const some = requestsOf(source, 4).slice(0, requests);
      merge.add(bucketOf(some));
      all.push(...some);
      if (source === 0) assertSound(merge.soFar(0, 10), all); // somebody looks early
    }
    return { merged: merge.end(0, 10), all };
  };
  mergeOf(40, 400);
  assert(outlook.foresight !== undefined);
  const { merged, all } = mergeOf(2, 30);
  assertSound(merged, all);
  for (const { lostMax, foldedMax } of merged.dictionaries) {
    assertEquals([...lostMax, ...foldedMax].every((n) => n === 0), true);
  }
  assert(outlook.foresight !== undefined, "a quiet slice says nothing about the next");
  mergeOf(3, 300);
  assertEquals(outlook.foresight, undefined);
});

Deno.test("a bucket that was cut by its sender merges into a crowded merge with what it had given up", () => {
  const merge = new Merge(CAPS, 5, 1000, ROOM, {}), all: Request[] = [];
  for (let source = 0; source < 40; source++) {
    const requests = requestsOf(source, 9), table = new CounterTable(3);
    for (const request of requests) countRequest(table, request);
    merge.add(seal(table, 0, 10, emptyLedger(), { rowsMax: 150, entriesMax: 60, entryBytesMax: Infinity }));
    all.push(...requests);
  }
  assertSound(merge.soFar(0, 10), all);
  assertSound(merge.end(0, 10), all);
});

Deno.test("a slot of many sources shows each question all that has come, and has the same in the end", () => {
  const open = new OpenMerges(1), slot = new Slot(0, 0, 7, open), other = new Slot(10, 0, 7, open), all: Request[] = [];
  for (let source = 0; source < 300; source++) {
    const requests = requestsOf(source, 3).slice(0, 40);
    slot.put(bucketOf(requests));
    all.push(...requests);
    if (source % 100 === 99) assertSound(slot.bucketNow(), all);
  }
  const before = heldOf(slot.bucketNow(), WEBSITE);
  for (let source = 0; source < 300; source++) other.put(bucketOf(requestsOf(source, 4).slice(0, 40))); // takes its place
  assertEquals(heldOf(slot.bucket(), WEBSITE), before);
  assertEquals(slot.bucketNow(), slot.bucket());
  slot.put(bucketOf(requestsOf(1, 8)));
  assertSound(slot.bucket(), [...all, ...requestsOf(1, 8)]);
  assertEquals(bucketProblem(other.bucket()), undefined);
});

Deno.test("entries that fold when no row has them any more take with them what they had given up", () => {
  const merge = new Merge(CAPS, 2, 1000, { rowsMax: 400, entriesMax: 400, entryBytesMax: Infinity }, {}),
    all: Request[] = [];
  for (let source = 0; source < 30; source++) {
    const requests = requestsOf(source, 6);
    merge.add(bucketOf(requests));
    all.push(...requests);
    assertSound(merge.soFar(0, 10), all);
  }
  assert(merge.end(0, 10).dictionaries[URI].marginals[REQUESTS][OTHER] > 0);
});

Deno.test("where many deliver, slots that need fewer rows are cut one at a time and later; elsewhere at once", () => {
  const bucket = bucketOf(
    [1, 2, 3, 4, 5].flatMap((seed) => requestsOf(seed, seed).flatMap((one, i) => lone(one, i, seed))),
  );
  const { rowsMax } = TIERS[0].caps, atOnce = new Slot(0, 0, 7), open = new OpenMerges(1);
  atOnce.put(bucket);
  atOnce.setMade();
  const slots = [0, 10].map((startS) => new Slot(startS, 0, 7, open));
  for (const slot of slots) {
    slot.put(bucket);
    slot.bucket();
    slot.setMade();
    assertEquals(slot.bucketNow().totals, bucket.totals);
  }
  assert(bucket.rows > rowsMax && atOnce.bucket().rows <= rowsMax);
  const fits = (): boolean[] => slots.map((slot) => slot.bucketNow().rows <= rowsMax);
  assertEquals(fits(), [false, false]);
  open.tidyOne();
  assertEquals(fits(), [true, false]);
  open.tidyOne();
  open.tidyOne();
  assertEquals(fits(), [true, true]);
});

/** Three requests that nobody else makes. */
function lone(request: Request, i: number, seed: number): Request[] {
  return [1, 2, 3].map((n) => ({ ...request, values: request.values.with(URI, `/${seed}/${i}/${n}`) }));
}
