import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { crc32c } from "./checksum.ts";

Deno.test("the test patterns of RFC 3720 B.4 have their checksums", () => {
  assertEquals(crc32c(new Uint8Array(32)), 0x8A9136AA);
  assertEquals(crc32c(new Uint8Array(32).fill(0xFF)), 0x62A8AB43);
  assertEquals(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46DD794E);
  assertEquals(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113FDB5C);
});

Deno.test("a checksum can be continued over parts", () => {
  fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
    assertEquals(crc32c(b, crc32c(a)), crc32c(Uint8Array.of(...a, ...b)));
  }));
});

/** Up to three pairs of the stretches that are summed up side by side. */
const LONG = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 7000 })).map((
  [some, length],
) => Uint8Array.from({ length }, (_, i) => some[i % some.length] + (i >> 5)));

Deno.test("words, and bytes before and after them, make the same checksum as bytes one by one", () => {
  fc.assert(fc.property(LONG, fc.nat(7), (bytes, shift) => {
    const shifted = new Uint8Array(shift + bytes.length).subarray(shift);
    shifted.set(bytes);
    let crc = 0;
    for (let at = 0; at < bytes.length; at++) crc = crc32c(bytes.subarray(at, at + 1), crc);
    assertEquals(crc32c(shifted), crc);
  }));
});
