import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import protobuf from "protobufjs";
import { checkFields } from "./message_bounds.ts";
import { STREAM_BUCKETS, TOP_N, type TopNResponse, TREND } from "./schema.ts";

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Outer { repeated Inner inner = 1; string text = 2; repeated int32 numbers = 3; }
  message Inner { int32 number = 1; Outer outer = 2; }
`);
const OUTER = root.lookupType("Outer");

/** `{ inner: [{ number: 1 }, {}], text: "inner" }`: two messages, a number, a text. */
const FOUR_FIELDS = [0x0a, 2, 0x08, 1, 0x0a, 0, 0x12, 5, ...new TextEncoder().encode("inner")];

Deno.test("fields are counted through the messages in a message, and texts are not looked into", () => {
  checkFields(OUTER, Uint8Array.from(FOUR_FIELDS), 4);
  assertThrows(() => checkFields(OUTER, Uint8Array.from(FOUR_FIELDS), 3), Error, "more fields");
});

Deno.test("packed numbers count one by one", () => {
  const packed = Uint8Array.from([0x1a, 100, ...new Array(100).fill(1), 0x12, 0]);
  assertThrows(() => checkFields(OUTER, packed, 50), Error, "more fields");
  checkFields(OUTER, packed, 102);
});

Deno.test("a field of another type than it should have is refused: it would be read otherwise than it was counted", () => {
  assertThrows(() => checkFields(OUTER, Uint8Array.of(0x08, 0)), Error, "inner has the wrong type");
  assertThrows(() => checkFields(OUTER, Uint8Array.of(0x0a, 3, 0x0a, 1, 0)), Error, "number has the wrong type");
  checkFields(OUTER, Uint8Array.of(0x48, 0)); // not known: skipped
});

Deno.test("millions of empty messages are refused before one is made", () => {
  const bytes = Buffer.alloc(4 << 20);
  for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x0a;
  for (const { responseDeserialize } of [TOP_N, TREND]) {
    assertThrows(() => responseDeserialize(bytes), Error, "more fields");
  }
});

Deno.test("the largest answer of ours is not too large", () => {
  const values = { count: 1, count_max: 2, bytes: 3, time_sum_ms: 4, time_max_ms: 5 };
  const entries = Array.from({ length: 10_000 }, () => ({ label: "x", ...values }));
  const answer: TopNResponse = {
    entries,
    source: "s",
    from: 1,
    to: 2,
    total: null,
    other: null,
    coverage: null,
    unlisted_max: 0,
    total_max: 0,
  };
  assertEquals(TOP_N.responseDeserialize(TOP_N.responseSerialize(answer)).entries.length, 10_000);
});

Deno.test("any bytes are a message or an error, in no more time than they are long", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // Groups in groups, lengths beyond the end.
    fc.array(fc.constantFrom(0x0b, 0x0c, 0x0a, 0x12, 0x22, 0xff, 1, 0), { maxLength: 200 }),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      for (const read of [TOP_N.requestDeserialize, STREAM_BUCKETS.responseDeserialize]) {
        try {
          read(Buffer.from(bytes));
        } catch (error) {
          if (!(error instanceof Error)) throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
});
