import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  isPrefixEntry,
  parseAddress,
  parsePrefixText,
  PREFIX_ENTRY_BYTES_MAX,
  prefixContains,
  prefixLabel,
} from "./client_prefix.ts";

/** The entry of an address by the code under test; undefined when refused. Surrounded by bytes it must not read. */
function entry(text: string, v4Bits = 32, v6Bits = 128): Uint8Array | undefined {
  const bytes = new TextEncoder().encode(`1${text}1`);
  const into = new Uint8Array(PREFIX_ENTRY_BYTES_MAX).fill(0xee);
  const length = parseAddress(bytes, 1, bytes.length - 1, v4Bits, v6Bits, into);
  return length < 0 ? undefined : into.slice(0, length);
}

/** The label of an address masked as by default. */
function masked(text: string): string | undefined {
  const bytes = entry(text, 24, 48);
  return bytes && prefixLabel(bytes);
}

/** Naive: the groups of an address by splitting strings, or undefined. Knows nothing of bytes. */
function naiveBits(text: string): { family: 4 | 6; bits: string } | undefined {
  const quad = (part: string): string | undefined => {
    if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(part)) return undefined;
    const octets = part.split(".").map(Number);
    return octets.some((octet) => octet > 255)
      ? undefined
      : octets.map((octet) => octet.toString(2).padStart(8, "0")).join("");
  };
  const four = quad(text);
  if (four !== undefined) return { family: 4, bits: four };
  const halves = text.split("::");
  if (halves.length > 2 || !/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  const sides: string[] = [];
  for (const [h, half] of halves.entries()) {
    let bits = "";
    const groups = half === "" ? [] : half.split(":");
    if (half === "" && halves.length === 1) return undefined;
    for (const [g, group] of groups.entries()) {
      const last = h === halves.length - 1 && g === groups.length - 1;
      if (last && group.includes(".")) bits += quad(group) ?? "?";
      else if (/^[0-9a-fA-F]{1,4}$/.test(group)) bits += parseInt(group, 16).toString(2).padStart(16, "0");
      else return undefined;
    }
    if (bits.includes("?")) return undefined;
    sides.push(bits);
  }
  const missing = 128 - sides.join("").length;
  if (halves.length === 1 ? missing !== 0 : missing < 16) return undefined;
  const bits = sides[0] + "0".repeat(missing) + (sides[1] ?? "");
  const mapped = "0".repeat(80) + "1".repeat(16);
  return bits.startsWith(mapped) ? { family: 4, bits: bits.slice(96) } : { family: 6, bits };
}

function naiveEntry(text: string, v4Bits: number, v6Bits: number): Uint8Array | undefined {
  const address = naiveBits(text);
  if (address === undefined) return undefined;
  const length = address.family === 4 ? v4Bits : v6Bits;
  const bits = address.bits.slice(0, length).padEnd(Math.ceil(length / 8) * 8, "0");
  return Uint8Array.from([address.family, length, ...(bits.match(/.{8}/g) ?? []).map((octet) => parseInt(octet, 2))]);
}

const v4 = fc.ipV4();
const group = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
const v6 = fc.oneof(
  fc.ipV6(),
  v4.map((address) => `::ffff:${address}`),
  v4.map((address) => `::${address}`),
  fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(":").toUpperCase()),
);
/** Nearly an address. */
const scrap = fc.array(
  fc.constantFrom("0", "1", "255", "256", "01", "abcd", "g", ":", "::", ".", "1.2.3.4", "ffff", "%eth0", " "),
  { maxLength: 16 },
).map((parts) => parts.join(""));

Deno.test("the client is masked to its prefix", () => {
  assertEquals(entry("192.0.2.17", 24, 48), Uint8Array.of(4, 24, 192, 0, 2));
  assertEquals(entry("2001:db8:1:2::3", 24, 48), Uint8Array.of(6, 48, 0x20, 1, 0xd, 0xb8, 0, 1));
  assertEquals(entry("192.0.2.255", 25, 48), Uint8Array.of(4, 25, 192, 0, 2, 128));
  assertEquals(entry("255.255.255.255", 0, 48), Uint8Array.of(4, 0));
  assertEquals(entry("ffff::", 24, 9), Uint8Array.of(6, 9, 0xff, 0x80));
  assertEquals(entry("unix:", 24, 48), Uint8Array.of(0, 0, 0x75, 0x6e, 0x69, 0x78, 0x3a));
});

Deno.test("every form of RFC 4291 section 2.2 is an address", () => {
  const full: Record<string, string> = {
    "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789": "abcd:ef01:2345:6789:abcd:ef01:2345:6789/128",
    "2001:DB8:0:0:8:800:200C:417A": "2001:db8::8:800:200c:417a/128",
    "FF01:0:0:0:0:0:0:101": "ff01::101/128",
    "0:0:0:0:0:0:0:1": "::1/128",
    "0:0:0:0:0:0:0:0": "::/128",
    "2001:DB8::8:800:200C:417A": "2001:db8::8:800:200c:417a/128",
    "::1": "::1/128",
    "::": "::/128",
    "1::": "1::/128",
    "1:2:3:4:5:6:7::": "1:2:3:4:5:6:7:0/128",
    "::2:3:4:5:6:7:8": "0:2:3:4:5:6:7:8/128",
    "0:0:0:0:0:0:13.1.68.3": "::d01:4403/128",
    "::13.1.68.3": "::d01:4403/128",
    "64:ff9b::192.0.2.33": "64:ff9b::c000:221/128",
  };
  for (const [text, label] of Object.entries(full)) assertEquals(prefixLabel(entry(text)!), label);
});

Deno.test("IPv4-mapped IPv6 counts as IPv4, however it is written", () => {
  for (const text of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]) {
    assertEquals(masked(text), "192.0.2.0/24");
  }
  assertEquals(entry("::ffff:192.0.2.1", 32, 0), Uint8Array.of(4, 32, 192, 0, 2, 1));
});

Deno.test("prefixes read as RFC 5952 wants them", () => {
  const labels: Record<string, string> = {
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1/128", // one zero group is not shortened
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1/128", // the longest run
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1/128", // the first of equals
  };
  for (const [text, label] of Object.entries(labels)) assertEquals(prefixLabel(entry(text)!), label);
  assertEquals(masked("2001:db8:0:ffff::1"), "2001:db8::/48");
  assertEquals(prefixLabel(Uint8Array.of(6, 0)), "::/0");
  assertEquals(prefixLabel(Uint8Array.of(4, 0)), "0.0.0.0/0");
  assertEquals(masked("unix:"), "unix:");
});

Deno.test("what is no address is refused", () => {
  const hostile = [
    ..." |-|1|1.2.3|1.2.3.4.5|1.2.3.256|01.2.3.4|1.2.3.04|00.0.0.0|1.2.3.|.1.2.3|1..2.3|1.2.3.4 | 1.2.3.4|1.2.3.1234"
      .split("|"),
    ..."0x1.2.3.4|1.2.3.4:80|1,2,3,4|+1.2.3.4|a.b.c.d|1.2.3.4%lo|1.2.3.4/24|unix|unix:/run/x|UNIX:".split("|"),
    ...":|:::|::1::|1::2::3|1:2:3:4:5:6:7|1:2:3:4:5:6:7:8:9|1:2:3:4:5:6:7:8::|::1:2:3:4:5:6:7:8|1:2:3:4::5:6:7:8".split(
      "|",
    ),
    ...":1|1:|1:2:3:4:5:6:7:|12345::|g::|fe80::1%eth0|[::1]|::1.2.3|::1.2.3.4:5|1.2.3.4::|::256.1.1.1|::01.2.3.4".split(
      "|",
    ),
    ..."1:2:3:4:5:6:7:1.2.3.4|1:2:3:4:5:6:7::1.2.3.4|1:2:3:4:5:6::1.2.3.4|::ffff:1.2.3.4.5|::12345.1.1.1|::1.2.3.4.|: :1|::1\0|::\u00e9"
      .split("|"),
    "0".repeat(46),
    "0000:".repeat(9),
  ];
  for (const text of hostile) assertEquals(entry(text), undefined, JSON.stringify(text));
  assertEquals(entry(""), undefined);
});

Deno.test("any text gives what a naive reader of strings gives, under any mask", () => {
  const text = fc.oneof(v4, v6, scrap, fc.string());
  const bits4 = fc.integer({ min: 0, max: 32 }), bits6 = fc.integer({ min: 0, max: 128 });
  fc.assert(
    fc.property(text, bits4, bits6, (address, v4Bits, v6Bits) => {
      assertEquals(entry(address, v4Bits, v6Bits), naiveEntry(address, v4Bits, v6Bits));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("any bytes between any bounds are read without a throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), fc.nat(64), (bytes, start, end) => {
    const length = parseAddress(bytes, start, Math.min(end, bytes.length), 24, 48, new Uint8Array(18));
    assert(length >= -1 && length <= PREFIX_ENTRY_BYTES_MAX);
  }));
});

Deno.test("a CIDR loses its host bits and a bare address keeps all its bits", () => {
  assertEquals(parsePrefixText("192.0.2.17/24"), Uint8Array.of(4, 24, 192, 0, 2));
  assertEquals(parsePrefixText("192.0.2.17"), Uint8Array.of(4, 32, 192, 0, 2, 17));
  assertEquals(parsePrefixText("2001:db8:1::/33"), Uint8Array.of(6, 33, 0x20, 1, 0xd, 0xb8, 0));
  assertEquals(parsePrefixText("::ffff:192.0.2.17/120"), Uint8Array.of(4, 24, 192, 0, 2));
  assertEquals(parsePrefixText("::ffff:192.0.2.17"), Uint8Array.of(4, 32, 192, 0, 2, 17));
  assertEquals(parsePrefixText("::ffff:0:0/90"), Uint8Array.of(6, 90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xc0));
  assertEquals(parsePrefixText("unix:"), entry("unix:"));
});

Deno.test("what is no prefix is refused", () => {
  for (
    const text
      of "|/|/24|1.2.3.4/|1.2.3.4/33|1.2.3.4/024|1.2.3.4/-1|1.2.3.4/+8|1.2.3.4/8/8|1.2.3.4/ 8|::/129|::/1e1|unix:/0|1.2.3/24|x"
        .split("|")
  ) assertEquals(parsePrefixText(text), undefined, text);
  assertEquals(parsePrefixText("1".repeat(5000) + "/1"), undefined);
});

Deno.test("the text of a prefix reads back as the same prefix", () => {
  fc.assert(fc.property(fc.oneof(v4, v6), fc.nat(32), fc.nat(128), (address, v4Bits, v6Bits) => {
    const bytes = entry(address, v4Bits, v6Bits)!;
    assert(isPrefixEntry(bytes));
    assertEquals(parsePrefixText(prefixLabel(bytes)), bytes);
  }));
});

Deno.test("a prefix contains what shares its bits, in its own family only", () => {
  const contains = (outer: string, inner: string): boolean =>
    prefixContains(parsePrefixText(outer)!, parsePrefixText(inner)!);
  assert(contains("192.0.2.0/24", "192.0.2.128/25"));
  assert(contains("192.0.2.0/24", "192.0.2.0/24"));
  assert(contains("0.0.0.0/0", "192.0.2.0/24"));
  assert(contains("192.0.0.0/13", "192.7.255.255"));
  assert(contains("unix:", "unix:"));
  assert(!contains("192.0.0.0/13", "192.8.0.0"));
  assert(!contains("192.0.2.128/25", "192.0.2.0/24"));
  assert(!contains("::/0", "192.0.2.0/24"));
  assert(!contains("0.0.0.0/0", "unix:"));
  assert(!contains("0.0.0.0/0", "::/0"));
});

Deno.test("containment is a common beginning of bits", () => {
  const low = fc.constantFrom("0.0.0.0", "0.0.1.0", "0.1.0.0", "128.0.0.0", "255.255.255.255", "0.0.0.1");
  fc.assert(fc.property(low, fc.nat(32), low, fc.nat(32), (outer, outerBits, inner, innerBits) => {
    const expected = outerBits <= innerBits &&
      naiveBits(inner)!.bits.slice(0, outerBits) === naiveBits(outer)!.bits.slice(0, outerBits);
    assertEquals(prefixContains(entry(outer, outerBits)!, entry(inner, innerBits)!), expected);
  }));
});

Deno.test("bytes that are no prefix have a label and are in no prefix", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
    assertEquals(typeof prefixLabel(bytes), "string");
    const all = Uint8Array.of(4, 0);
    assertEquals(prefixContains(all, bytes), isPrefixEntry(bytes) && bytes[0] === 4);
  }));
});
