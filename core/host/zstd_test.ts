import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { zstd } from "./zstd.ts";

Deno.test("what is packed unpacks to the same bytes, with zeros behind them in a buffer of their own", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc.integer({ min: 1, max: 100_000 }).map((length) => Uint8Array.from({ length }, (_, i) => 7 * i + (i >> 5) & 63)),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom(0, 8), (bytes, behind) => {
      const packed = zstd.pack(bytes), unpacked = new Uint8Array(zstd.unpack(packed, bytes.length, behind));
      assertEquals([...unpacked.subarray(0, bytes.length)], [...bytes]);
      assertEquals([...unpacked.subarray(bytes.length)], Array(behind).fill(0));
      assertEquals(packed.byteLength, packed.buffer.byteLength);
    }),
  );
});

Deno.test("text takes a fraction, and what is not what was packed is refused", () => {
  const text = new TextEncoder().encode(Array.from({ length: 1000 }, (_, i) => `/catalogue/item-${i}`).join(""));
  const packed = zstd.pack(text);
  assert(packed.length < text.length / 2, `${packed.length} of ${text.length}`);
  assertThrows(() => zstd.unpack(packed, text.length - 1, 0), Error, "Cannot unpack");
});
