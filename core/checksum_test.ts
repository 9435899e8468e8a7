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
