import { assert, assertEquals } from "@std/assert";
import type { TopNEntry } from "./answer.ts";
import type { Bucket } from "./bucket.ts";
import { blockOf, bucketAt, freeBlock, openBlock } from "./bucket_block.ts";
import { derived } from "./derived.ts";
import type { DimensionName } from "./dimensions.ts";
import { compileFilter } from "./filter_match.ts";
import { parseFilter } from "./filter_parse.ts";
import { LiveView } from "./live_view.ts";
import { IS_SUM, MEASURE_COUNT, REQUESTS } from "./measures.ts";
import { cutBucket } from "./merge.ts";
import { STRETCH_S, Stretches, stretches } from "./stretches.ts";
import { NO_CAPS, trafficBucket } from "./test_buckets.ts";
import { type Ranking, topN } from "./top_n.ts";

const SEED = 5, SLICE_S = 300, SLOTS = STRETCH_S / SLICE_S, START_S = STRETCH_S * 200_000;
const regex = (pattern: string): RegExp => new RegExp(pattern, "u");

/** `count` five minutes of which nothing is rolled up. */
function wholeSlots(count: number, startS = START_S): Bucket[] {
  const traffic = { rows: 300, sites: 20, prefixes: 400, uris: 400, asn: true };
  return Array.from({ length: count }, (_, i) => trafficBucket(i + 1, traffic, startS + i * SLICE_S, SLICE_S));
}

/** As a ring keeps them: with rows and entries let go. */
function cut(slots: readonly Bucket[]): Bucket[] {
  return slots.map((slot) => cutBucket(slot, { ...NO_CAPS, rowsMax: 150, entriesMax: 60 }, SEED));
}

function ask(
  buckets: readonly Bucket[],
  filter: string,
  groupBy: DimensionName,
  n: number,
): Ranking {
  const parsed = parseFilter(filter);
  if ("mistake" in parsed) throw new Error(parsed.mistake.message);
  const compiled = parsed.filter && compileFilter(parsed.filter, regex);
  return topN(buckets, { window: "24h", groupBy, n, sort: REQUESTS, filter: compiled }, SEED, 20);
}

function makeAll(): void {
  while (stretches.makeOne(SEED));
}

const FILTERS = [
  "",
  "status>=400",
  "website~=1",
  "prefix=40.0.0.0/8",
  "status=404 OR uri~=1",
  "method=GET AND NOT uri~=2",
];

Deno.test("over stretches what certainly matches is the same, and the truth lies within the bounds", () => {
  // Two slots before the stretch and three behind it are read as they are.
  const whole = wholeSlots(SLOTS + 5, START_S - 2 * SLICE_S), slots = cut(whole);
  for (const filter of FILTERS) {
    for (const name of ["website", "prefix", "uri", "status"] as const) {
      const truth = ask(whole, filter, name, 100_000), expected = ask(slots, filter, name, 10);
      makeAll();
      assertEquals(stretches.over(slots).length, 6);
      const found = ask(slots, filter, name, 10), say = `${filter} by ${name}`;
      assertEquals(certain(found), certain(expected), say);
      const trueCounts = new Map(truth.entries.map(({ label, values }) => [label, values[REQUESTS]]));
      for (const { label, values, countMax } of found.entries) {
        const count = trueCounts.get(label) ?? 0;
        assert(values[REQUESTS] <= count && count <= countMax, `${say}: ${label}`);
        trueCounts.delete(label);
      }
      assert(Math.max(0, ...trueCounts.values()) <= found.unlistedMax, say);
      assert(truth.total[REQUESTS] <= found.totalMax, say);
      stretches.over(slots.map((slot) => openBlock(blockOf(slot)))); // other slots: what was made is of no use
    }
  }
});

function certain({ entries, total, other }: Ranking): unknown {
  return [entries.map(({ label, values }: TopNEntry) => [label, ...values]), [...total], [...other]];
}

Deno.test("only slots that are all there, of one length and unchanged make a stretch", () => {
  const slots = cut(wholeSlots(SLOTS)), own = new Stretches();
  const looked = (buckets: readonly Bucket[]): number => own.over(buckets).length;
  const isMade = (buckets: readonly Bucket[]): boolean => {
    assertEquals(looked(buckets), buckets.length);
    return own.makeOne(SEED);
  };
  assert(!isMade(slots.slice(1)) && !isMade(slots.slice(0, -1)) && !isMade(slots.toSpliced(3, 1)));
  assert(!isMade(slots.map((slot) => bucketAt(slot, slot.startS + SLICE_S))), "begins elsewhere");
  assert(!isMade(slots.toSpliced(3, 1, { ...slots[3], lengthS: 60 })), "one is shorter");
  assert(!isMade([]));
  assert(isMade(slots));
  assertEquals(looked(slots), 1);
  assertEquals(looked([...slots, ...cut(wholeSlots(2, START_S + STRETCH_S))]), 3);
  const changed = slots.toSpliced(7, 1, openBlock(blockOf(slots[7])));
  assertEquals(looked(changed), SLOTS, "a slot has changed");
  assertEquals(own.bytes, 0);
  assert(own.makeOne(SEED) && looked(changed) === 1, "it is made again");
});

Deno.test("of more than there is room for, the newest are kept, and the others are not made again and again", () => {
  const slots = cut(wholeSlots(3 * SLOTS)), parts = [0, 1, 2].map((i) => slots.slice(i * SLOTS, (i + 1) * SLOTS));
  const probe = new Stretches();
  probe.over(parts[0]);
  probe.makeOne(SEED);
  const own = new Stretches(2.5 * probe.bytes), looked = (): number[] => parts.map((part) => own.over(part).length);
  own.over(slots);
  let made = 0;
  while (own.makeOne(SEED)) made++;
  assert(own.bytes <= own.bytesMax && own.bytes > 0);
  assertEquals(looked(), [SLOTS, 1, 1]);
  assert(made <= 3 && !own.makeOne(SEED), "it has been seen that the oldest has no room");
});

Deno.test("a stretch stays until the question ends, and gives way to what later questions need", () => {
  // A slot more: when that is at hand, what is of the stretch is not.
  const slots = cut(wholeSlots(SLOTS + 1)), { bytesMax } = derived;
  const expected = FILTERS.map((filter) => certain(ask(slots, filter, "uri", 10)));
  stretches.over(slots);
  makeAll();
  try {
    derived.bytesMax = 0;
    FILTERS.forEach((filter, i) => {
      assertEquals(certain(ask(slots, filter, "uri", 10)), expected[i], filter);
      stretches.over(slots);
      makeAll();
    });
    ask(cut(wholeSlots(1, START_S + 10 * STRETCH_S)), "uri~=1", "prefix", 10);
    assert(stretches.bytes < 1000, "what is not needed has been let go");
  } finally {
    derived.bytesMax = bytesMax;
  }
});

Deno.test("a day's questions are prepared for as the ring goes on, as long as somebody asks", () => {
  const view = new LiveView({ source: "a", seed: SEED, regex, targets: () => [] }), slots = cut(wholeSlots(3 * SLOTS));
  let endS = START_S;
  const goOn = (count: number): void => {
    for (const bucket of slots.splice(0, count)) {
      view.advance(endS += SLICE_S);
      const identity = { source: "a", instance: "0".repeat(16), sequence: endS, checksum: 0 };
      assertEquals(view.accept({ identity, bucket }, endS), "merged");
    }
    view.advance(endS += SLICE_S); // slots are made a little after they are over
    endS -= SLICE_S;
    for (let second = 0; second < 3; second++) view.tick(endS);
  };
  const question = { window: "24h", groupBy: "uri", n: 5, sort: REQUESTS, filter: undefined } as const;
  goOn(SLOTS);
  stretches.over(cut(wholeSlots(SLOTS))); // other slots: what others have left is of no use
  const plain = view.topN(question), before = stretches.bytes;
  view.tick(endS);
  assert(stretches.bytes > before);
  assertEquals(certain(view.topN(question)), certain(plain));
  const one = stretches.bytes;
  goOn(SLOTS);
  assert(stretches.bytes > one, "who asks later finds what came meanwhile");
});

Deno.test("when nobody asks for long no more is merged", () => {
  const slots = cut(wholeSlots(SLOTS)), own = new Stretches();
  own.lookAhead(slots);
  assert(!own.makeOne(SEED), "nobody has asked yet");
  own.over(slots);
  let looks = 0;
  for (; looks < 1000; looks++) {
    const changed = slots.map((slot) => openBlock(blockOf(slot)));
    own.lookAhead(changed);
    if (looks === 0) assert(own.makeOne(SEED));
    if (looks > 0 && own.over(changed.slice(0, 1)).length !== 1) break;
  }
  own.lookAhead(slots);
  assert(looks > 200);
});

Deno.test("what a slot showed may be given back before it is merged: it is left out, and made of what there is then", () => {
  const slots = cut(wholeSlots(2 * SLOTS)), own = new Stretches();
  const gone = openBlock(blockOf(slots[SLOTS + 3]).slice(0));
  own.over(slots.with(SLOTS + 3, gone));
  freeBlock(gone);
  assert(own.makeOne(SEED), "the other two hours");
  assert(!own.makeOne(SEED));
  assertEquals(own.over(slots).length, 1 + SLOTS);
  assert(own.makeOne(SEED));
  assertEquals(own.over(slots).length, 2);
});

Deno.test("a maximum is that of the slots", () => {
  const slots = cut(wholeSlots(SLOTS)), own = new Stretches();
  own.over(slots);
  own.makeOne(SEED);
  const [stretch] = own.over(slots);
  for (let m = 0; m < MEASURE_COUNT; m++) {
    const values = slots.map(({ totals }) => totals[m]);
    assertEquals(stretch.totals[m], IS_SUM[m] ? values.reduce((a, b) => a + b) : Math.max(...values));
  }
});
