import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Frame, frameOver, frameParts, framesIn, type NoFrame, type Outgoing } from "./state_frame.ts";

const MARK = 0x9f3c2a1b;

const RECORD = fc.record({
  kind: fc.nat(0xFFFF),
  version: fc.nat(0xFFFF),
  text: fc.string({ unit: "binary" }),
  blocks: fc.array(
    fc.uint8Array({ maxLength: 40 }).map((some) =>
      Uint8Array.from({ length: 8 * some.length }, (_, i) => some[i >> 3])
    ),
  ),
});

Deno.test("what was written as records is read as the same records", () => {
  fc.assert(fc.property(fc.array(RECORD, { maxLength: 6 }), (records) => {
    const bytes = segmentOf(records), found = [...framesIn(bytes, MARK)].filter(isFrame);
    assertEquals(found.map(({ number, durable }) => [number, durable]), records.map((_, i) => [i + 1, i]));
    assertEquals(
      found.map(({ kind, version, text }) => [kind, version, text]),
      records.map((r) => [r.kind, r.version, r.text]),
    );
    assertEquals(
      found.map(({ blocksAt, blocksBytes }) => [...bytes.subarray(blocksAt, blocksAt + blocksBytes)]),
      records.map(({ blocks }) => blocks.flatMap((block) => [...block])),
    );
  }));
});

Deno.test("any bytes are read without a throw, and every byte is in a record or in what is none", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
    const bytes = Uint8Array.from(noise);
    let at = 0;
    for (const { from, to } of framesIn(bytes, MARK)) {
      assertEquals(from, at);
      at = to;
    }
    assertEquals(at, bytes.length);
  }));
});

Deno.test("a changed bit makes its record, and no other, no record", () => {
  fc.assert(fc.property(fc.array(RECORD, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat(7), (records, some, bit) => {
    const bytes = segmentOf(records), at = some % bytes.length;
    const before = [...framesIn(bytes, MARK)], hit = before.findIndex(({ from, to }) => from <= at && at < to);
    bytes[at] ^= 1 << bit;
    const after = [...framesIn(bytes, MARK)].filter(isFrame).map(({ number }) => number);
    assertEquals(after, records.map((_, i) => i + 1).filter((number) => number !== hit + 1));
  }));
});

Deno.test("a record of another segment is none in this one, even when it lies within a block", () => {
  const foreign = frameParts(record("forged"), 1, 0, MARK + 1)[0];
  const bytes = segmentOf([{ ...record("true"), blocks: [foreign] }]);
  bytes[0] ^= 1;
  assertEquals([...framesIn(bytes, MARK)], [{ from: 0, to: bytes.length }]);
});

Deno.test("a record takes the place of damaged bytes exactly", () => {
  for (const bytes of [104, 109, 112]) {
    const filler = frameOver(record("lost"), 7, MARK, bytes);
    assertEquals(filler.length, Math.ceil(bytes / 8) * 8);
    assertEquals([...framesIn(filler, MARK)].filter(isFrame).map(({ number, text }) => [number, text.trim()]), [[
      7,
      "lost",
    ]]);
  }
});

function record(text: string): Outgoing {
  return { kind: 20, version: 1, text, blocks: [] };
}

function segmentOf(records: readonly Outgoing[]): Uint8Array<ArrayBuffer> {
  const parts = records.flatMap((record, i) => frameParts(record, i + 1, i, MARK));
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function isFrame(item: Frame | NoFrame): item is Frame {
  return "kind" in item;
}
