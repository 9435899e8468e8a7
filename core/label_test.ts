import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { parseAddress } from "./client_prefix.ts";
import { ASN, type Dimension, DIMENSIONS, PREFIX, STATUS, TOR, URI, WEBSITE } from "./dimensions.ts";
import { entryLabel, entryOf } from "./label.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Entries as counting writes them: absent, or of the dimension's kind. */
function validEntry(dimension: Dimension): fc.Arbitrary<Uint8Array> {
  const present: Record<Dimension["kind"], fc.Arbitrary<Uint8Array>> = {
    text: fc.uint8Array({ min: 1, maxLength: 40 }).filter((bytes) => !(bytes.length === 1 && bytes[0] === 0x2d)),
    number: fc.nat().map((n) => ascii(`${n}`)),
    flag: fc.constantFrom("0", "1").map(ascii),
    prefix: fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("unix:")), fc.nat(32), fc.nat(128)).map(
      ([address, v4Bits, v6Bits]) => {
        const bytes = ascii(address), into = new Uint8Array(18);
        return into.slice(0, parseAddress(bytes, 0, bytes.length, v4Bits, v6Bits, into));
      },
    ),
  };
  return fc.oneof(fc.constant(new Uint8Array(0)), present[dimension.kind]);
}

for (const dimension of DIMENSIONS) {
  Deno.test(`the label of a ${dimension.name} leads back to the entry it was made of`, () => {
    fc.assert(fc.property(validEntry(dimension), (entry) => {
      assertEquals(entryOf(dimension, entryLabel(dimension, entry)), Uint8Array.from(entry));
    }));
  });

  Deno.test(`any bytes have a label as ${dimension.name}, and any text is read or refused`, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 24 }), fc.string(), (entry, text) => {
      assertEquals(typeof entryLabel(dimension, entry), "string");
      entryOf(dimension, text);
    }));
  });
}

Deno.test("labels are what people read", () => {
  const label = (d: number, bytes: Uint8Array): string => entryLabel(DIMENSIONS[d], bytes);
  assertEquals(label(WEBSITE, ascii("")), "-");
  assertEquals(label(WEBSITE, ascii("www.example.org")), "www.example.org");
  assertEquals(label(URI, ascii("/a\\x41")), "/a\\x41");
  assertEquals(label(STATUS, ascii("404")), "404");
  assertEquals(label(STATUS, ascii("000")), "000"); // nginx's status of a request that never got one
  assertEquals(label(TOR, ascii("1")), "yes");
  assertEquals(label(TOR, ascii("0")), "no");
  assertEquals(label(PREFIX, Uint8Array.of(4, 24, 192, 0, 2)), "192.0.2.0/24");
  assertEquals(label(PREFIX, Uint8Array.of(4, 24, 192)), "\x04\x18\\xc0"); // no prefix: as its bytes read
});

Deno.test("a label may be written in kinder ways than it is shown", () => {
  const entry = (d: number, text: string): Uint8Array | undefined => entryOf(DIMENSIONS[d], text);
  assertEquals(entry(ASN, "-"), ascii(""));
  assertEquals(entry(ASN, ""), ascii(""));
  assertEquals(entry(TOR, "YES"), ascii("1"));
  assertEquals(entry(TOR, "0"), ascii("0"));
  assertEquals(entry(PREFIX, "192.0.2.17"), Uint8Array.of(4, 32, 192, 0, 2, 17));
});

Deno.test("a label that no entry can have is refused", () => {
  const refused: [number, string][] = [
    [STATUS, "4xx"],
    [STATUS, "-1"],
    [STATUS, "1.5"],
    [STATUS, "٤"],
    [ASN, "AS64496"],
    [ASN, "9".repeat(ENTRY_BYTES_MAX + 1)],
    [TOR, "maybe"],
    [PREFIX, "example.org"],
    [URI, "a\0b"],
    [URI, "\udc00"],
  ];
  for (const [d, text] of refused) assertEquals(entryOf(DIMENSIONS[d], text), undefined, text);
});

Deno.test("text is cut where counting cut it", () => {
  assertEquals(entryOf(DIMENSIONS[URI], "/" + "é".repeat(ENTRY_BYTES_MAX))?.length, ENTRY_BYTES_MAX);
});
