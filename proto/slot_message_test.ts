import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { DELTA_RANGES_MAX } from "@/core/bounds.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import type { MergedSlot } from "@/core/store.ts";
import { NO_CAPS, trafficBucket } from "@/core/test_buckets.ts";
import { type MergedSlotMessage, STREAM_BUCKETS } from "./schema.ts";
import { rangesMessages, readRanges, readSlot, slotMessage } from "./slot_message.ts";

const TRAFFIC = { rows: 300, sites: 5, prefixes: 40, uris: 60 };
const IDENTITIES: readonly IdentityRanges[] = [
  { source: "col-1", instance: "0123456789abcdef", ranges: [[1, 6], [9, 9]] },
  { source: "é\n", instance: "fedcba9876543210", ranges: [[2 ** 53 - 2, 2 ** 53 - 1]] },
];

function slot(changes: Partial<MergedSlot> = {}): MergedSlot {
  return {
    tier: 1,
    startS: 1_700_006_400,
    known: 0b101101,
    identities: IDENTITIES,
    bucket: trafficBucket(5, TRAFFIC, 1_700_006_400, 60, NO_CAPS),
    ...changes,
  };
}

/** Over the wire. */
function sent(message: MergedSlotMessage): MergedSlotMessage {
  const { slot } = STREAM_BUCKETS.responseDeserialize(STREAM_BUCKETS.responseSerialize({ slot: message }));
  assert(slot);
  return slot;
}

function problem(changes: Partial<MergedSlotMessage>, of = slot()): string {
  const reading = readSlot({ ...sent(slotMessage(of)), ...changes });
  return "problem" in reading ? reading.problem : "read";
}

Deno.test("a slot arrives as it was sent", () => {
  const reading = readSlot(sent(slotMessage(slot())));
  assert("slot" in reading, "problem" in reading ? reading.problem : "");
  const { tier, startS, known, identities, bucket } = reading.slot;
  assertEquals([tier, startS, known, identities], [1, 1_700_006_400, 0b101101, IDENTITIES]);
  assertEquals([bucket.totals, bucket.rows], [slot().bucket.totals, slot().bucket.rows]);
});

Deno.test("what a slot says of itself must hold", () => {
  assertEquals(problem({}), "read");
  assertEquals(problem({ bucket: null }), "it is empty");
  assertEquals(problem({ identities: [] }), "nothing was merged into it");
  assertStringIncludes(problem({ checksum: 1 }), "checksum");
  for (const known of [0, 64, 2 ** 31]) assertStringIncludes(problem({ known }), "of 6 slices");
  const fine = slot({ tier: 0, bucket: trafficBucket(5, TRAFFIC, 1_700_006_400, 10, NO_CAPS) });
  assertStringIncludes(problem({ known: 1 }, fine), "a delta's");
});

Deno.test("ranges grow, are in bounds, and are not more than there may be", () => {
  const of = (bounds: readonly number[], source = "a", instance = "0".repeat(16)): ReturnType<typeof readRanges> =>
    readRanges([{ source, instance, bounds }]);
  assertEquals(of([1, 1, 3, 9]), [{ source: "a", instance: "0".repeat(16), ranges: [[1, 1], [3, 9]] }]);
  for (const bad of [[1], [0, 1], [2, 1], [1, 5, 5, 6], [-3, 4], [1, 2 ** 53], [1.5, 2], [NaN, NaN]]) {
    assertEquals(typeof of(bad), "string", `${bad}`);
  }
  for (const [source, instance] of [["", "0".repeat(16)], ["x".repeat(300), "0".repeat(16)], ["a", "A".repeat(16)]]) {
    assertEquals(typeof of([1, 1], source, instance), "string");
  }
  const many = Array.from({ length: 2 * DELTA_RANGES_MAX + 2 }, (_, i) => 1 + i);
  assertStringIncludes(String(of(many)), `more than ${DELTA_RANGES_MAX}`);
});

Deno.test("of more ranges than may be said, the newest are", () => {
  const ranges = Array.from({ length: DELTA_RANGES_MAX }, (_, i) => [3 * i + 1, 3 * i + 1] as const);
  const old = { source: "old", instance: "1".repeat(16), ranges },
    now = { ...old, source: "now", ranges: ranges.slice(0, 2) };
  const messages = rangesMessages([old, now]);
  assertEquals(messages.map(({ source, bounds }) => [source, bounds.length / 2]), [["now", 2], [
    "old",
    DELTA_RANGES_MAX - 2,
  ]]);
  assertEquals(messages[1].bounds.at(-1), ranges.at(-1)![1]);
  assertEquals(typeof readRanges(messages), "object");
});

Deno.test("any message is read or refused, never thrown on", () => {
  const bound = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, 2, 2 ** 53));
  const ranges = fc.record({ source: fc.string(), instance: fc.string(), bounds: fc.array(bound, { maxLength: 6 }) });
  const anything = fc.record({
    identities: fc.array(ranges, { maxLength: 3 }),
    known: fc.integer(),
    checksum: fc.integer(),
    bucket: fc.constantFrom(null, slotMessage(slot()).bucket),
  });
  fc.assert(fc.property(anything, (message) => void readSlot(message)));
});
