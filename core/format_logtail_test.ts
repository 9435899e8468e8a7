import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ASN, DIMENSIONS, METHOD, PREFIX, STATUS, TOR, URI, WEBSITE } from "./dimensions.ts";
import { prefixLabel } from "./client_prefix.ts";
import { entryLabel, entryOf } from "./label.ts";
import { ENTRY_WORDS, LINE_WORDS, LineBatch } from "./line_batch.ts";
import { Kernel } from "./kernel.ts";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import { stageLine } from "./test_lines.ts";

const ENCODER = new TextEncoder();

const MASKS = { v4Bits: 24, v6Bits: 48 };
const GOOD = "shop.example\t192.0.2.77\t1700000000.123\tGET\t/cart?id=7\t200\t512\t0.042";

function parse(
  line: string,
): { reason: string; values: Record<number, string>; time: number; measures: readonly number[] } {
  const { reason, entries, timeS, measures } = stageLine(LOGTAIL_FORMAT, "parse", ENCODER.encode(line), MASKS)!;
  const text = (d: number): string => new TextDecoder().decode(entries[d]);
  const values: Record<number, string> = {};
  for (const d of [WEBSITE, URI, STATUS, METHOD, ASN, TOR]) values[d] = text(d);
  values[PREFIX] = prefixLabel(entries[PREFIX] ?? new Uint8Array());
  return { reason, values, time: timeS, measures };
}

Deno.test("a line of eight fields is read, its query string cut and its client masked", () => {
  const { reason, values, time, measures } = parse(GOOD);
  assertEquals(reason, "counted");
  assertEquals(time, 1_700_000_000);
  assertEquals(measures, [1, 512, 42, 42]);
  assertEquals([values[WEBSITE], values[PREFIX], values[METHOD], values[URI], values[STATUS]], [
    "shop.example",
    "192.0.2.0/24",
    "GET",
    "/cart",
    "200",
  ]);
  assertEquals([values[TOR], values[ASN]], ["", ""]);
});

Deno.test("the ninth field is the Tor flag, the tenth the ASN, and a carriage return is no part of either", () => {
  assertEquals(parse(GOOD + "\t1").values[TOR], "1");
  const { values } = parse(GOOD + "\t0\t64500\r");
  assertEquals([values[TOR], values[ASN]], ["0", "64500"]);
});

Deno.test("a dash is an absent value", () => {
  const { reason, values, measures } = parse("-\t2001:db8:1:2::3\t1700000000.000\t-\t-\t400\t-\t-\t-\t-");
  assertEquals(reason, "counted");
  assertEquals(measures, [1, 0, 0, 0]);
  assertEquals(values[PREFIX], "2001:db8:1::/48");
  for (const d of [WEBSITE, METHOD, URI, TOR, ASN]) assertEquals(values[d], "", String(d));
});

Deno.test("a Tor flag or an ASN that is none is absent", () => {
  for (const [tor, asn] of [["yes", "AS64500"], ["2", "-1"], ["11", "1e3"], ["\\x31", "\\x31"]]) {
    const { reason, values } = parse(`${GOOD}\t${tor}\t${asn}`);
    assertEquals([reason, values[TOR], values[ASN]], ["counted", "", ""]);
  }
});

Deno.test("nginx's line for a request it could not read, with an empty host, is counted", () => {
  assertEquals(parse("\t192.0.2.1\t1700000000.000\t-\t-\t400\t157\t0.000").reason, "counted");
});

Deno.test("a line that is not one is refused for its first reason", () => {
  const field = (at: number, value: string): string => GOOD.split("\t").with(at, value).join("\t");
  assertEquals(parse("").reason, "malformed_fields");
  assertEquals(parse(GOOD.split("\t").slice(0, 7).join("\t")).reason, "malformed_fields");
  assertEquals(parse(GOOD + "\t0\t64500\tmore").reason, "malformed_fields");
  assertEquals(parse(field(1, "example.org")).reason, "malformed_address");
  assertEquals(parse(field(2, "yesterday")).reason, "malformed_time");
  assertEquals(parse(field(2, "")).reason, "malformed_time");
  assertEquals(parse(field(5, "20")).reason, "malformed_status");
  assertEquals(parse(field(5, "2xx")).reason, "malformed_status");
  assertEquals(parse(field(6, "-1")).reason, "malformed_bytes");
  assertEquals(parse(field(6, "9".repeat(13))).reason, "malformed_bytes");
  assertEquals(parse(field(7, "1.2345")).reason, "malformed_request_time");
});

Deno.test("nginx's escapes are undone: what was asked for is what is shown", () => {
  const { values } = parse(GOOD.replace("/cart", "/caf\\xC3\\xA9/\\x22\\x5Cx41").replace("shop", "a\\x5Cb"));
  assertEquals([values[URI], values[WEBSITE]], ['/café/"\\x41', "a\\b.example"]);
  assertEquals(parse(GOOD.replace("/cart", "/\\x00\\xZZ\\x4")).values[URI], "/\\x00\\xZZ\\x4");
});

/** Lines from pieces of good ones and of anything: most are refused, many are nearly good. */
const anyLine = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.constantFrom("\t", "-", "1.2.3.4", "::1", "200", "0.001", "1700000000.1", "GET", "/", "\r").map((text) =>
      ENCODER.encode(text)
    ),
  ),
  { maxLength: 24 },
).map((pieces) => Uint8Array.from(pieces.flatMap((bytes) => [...bytes]).filter((byte) => byte !== 10)));

/** The usual value mostly, sometimes one of the others, rarely any text. */
const field = (usual: string, ...others: string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constant(usual) },
    { weight: 4, arbitrary: fc.constantFrom(usual, ...others) },
    { weight: 1, arbitrary: fc.string({ maxLength: 12, unit: "binary-ascii" }) },
  );

const octet = fc.oneof(fc.nat({ max: 300 }).map(String), fc.constantFrom("00", "01", "010", "", "1a"));
const group = fc.oneof(
  fc.nat({ max: 0x1ffff }).map((value) => value.toString(16)),
  fc.constantFrom("", "0", "00db", "G"),
);
const address = fc.oneof(
  field(
    "192.0.2.77",
    "10.0.0.1",
    "255.255.255.255",
    "2001:db8::1",
    "2001:DB8:0:1::",
    "1:2:3:4:5:6:7:8",
    "::1",
    "unix:",
  ),
  fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join(".")),
  fc.array(group, { minLength: 2, maxLength: 9 }).map((groups) => groups.join(":")),
);

/** Lines whose fields are mostly good, each sometimes not. */
const likelyLine = fc.tuple(
  field("shop.example", "a", "-", "", "b\\x41c", "\x7f", "long".repeat(600), "\\x2D", "\0", "b\0"),
  address,
  field(
    "1700000000.123",
    "1700000009.999",
    "170000000.123",
    "1700000000",
    "17000000000.123",
    "1700000000.1234",
    "1700:00000.123",
  ),
  field("GET", "POST", "-", "", "GE", "DELETE", "g\\x22t"),
  field("/", "/cart?id=7", "/a/b/c/d.html?", "-", "", "?", "/caf\\xC3\\xA9", "/a\\b?c\\d", "/" + "p".repeat(2100)),
  field("200", "404", "2000", "20", "-", "2/0", "9;9"),
  field("0", "7", "1234567", "12345678", "123456789012", "1234567890123", "-", "", "12a"),
  field("0.000", "0.042", "12.345", "123.456", "1234.567", "12345678.1", "1.2", "-", "", ".5", "1.2345"),
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom("", "\t0", "\t1\t64500", "\t-\t-", "\t\t", "\t0\t") },
    { weight: 1, arbitrary: fc.constantFrom("\t0\t1\t2", "\r", "\t1\t64500\r", "\t\\x30\t1", "\tyes\t1", "\t1\tAS1") },
  ),
).map(([host, client, time, method, uri, status, sent, duration, rest]) =>
  ENCODER.encode([host, client, time, method, uri, status, sent, duration].join("\t").replaceAll("\n", "") + rest)
);

const masks = fc.record({ v4Bits: fc.nat({ max: 32 }), v6Bits: fc.nat({ max: 64 }) });

Deno.test("any bytes give a reason, never an exception, and measures that are counts", () => {
  fc.assert(
    fc.property(fc.oneof(anyLine, likelyLine), fc.nat({ max: 5 }), (line, before) => {
      const staged = stageLine(LOGTAIL_FORMAT, "parse", line, MASKS, before)!;
      assert(staged.reason !== "read");
      for (const value of staged.measures) assert(Number.isSafeInteger(value) && value >= 0);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("what a line counts under can be filtered by", () => {
  fc.assert(
    fc.property(fc.oneof(anyLine, likelyLine), (line) => {
      const { reason, entries } = stageLine(LOGTAIL_FORMAT, "parse", line, MASKS)!;
      if (reason !== "counted") return;
      for (const d of [WEBSITE, PREFIX, URI, STATUS, METHOD, ASN, TOR]) {
        const entry = Uint8Array.from(entries[d] ?? []);
        assertEquals(entryOf(DIMENSIONS[d], entryLabel(DIMENSIONS[d], entry)), entry);
      }
    }),
    { numRuns: 5000 },
  );
});

Deno.test("a line that is not usual in one byte is left to the format, or taken as the format says", () => {
  const lines = [
    "shop.example\t199.19.177.250\t1700000000.123\tGET\t/cart?id=7\t200\t5120\t0.042",
    "a.example\t10.2.33.4\t1799999999.999\tPOST\t/a/b\t404\t1234567\t12.042\t1\t64500",
    "b.example\t2001:db8:12::1\t1700000000.000\tGET\t/\t301\t0\t0.001\t0",
  ];
  const someBytes = [...Array(128).keys(), 0x80, 0xb9, 0xba, 0xff];
  let taken = 0;
  for (const line of lines) {
    for (let at = 0; at < line.length; at++) {
      for (const byte of someBytes) {
        const bytes = ENCODER.encode(line);
        bytes[at] = byte;
        if (byte === 10) continue;
        const scanned = stageLine(LOGTAIL_FORMAT, "scan", bytes, MASKS);
        if (scanned === undefined) continue;
        taken++;
        const parsed = stageLine(LOGTAIL_FORMAT, "parse", bytes, MASKS);
        assertEquals(JSON.stringify(scanned), JSON.stringify(parsed), `byte ${byte} at ${at}`);
      }
    }
  }
  assert(taken > 5000, `only ${taken} lines were taken`);
});

Deno.test("a line is staged the same whatever lines come before it", () => {
  const lines: string[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const time = "1700000000".slice(0, digit) + "3" + "1700000000".slice(digit + 1);
    lines.push(`host${digit}\t10.0.${digit}.1\t${time}.123\tGET\t/${digit}\t200\t5\t0.001`);
    lines.push(`h\t2001:db8:${digit}::1\t1700000000.123\tPUT\t/\t200\t5\t0.001${digit % 3 === 0 ? "\t1" : ""}`);
  }
  const kernel = new Kernel(), { chunk: bytes, chunkView } = kernel, batch = new LineBatch(7, MASKS, kernel);
  const { written } = ENCODER.encodeInto(lines.join("\n") + "\n", bytes);
  LOGTAIL_FORMAT.scan(bytes, chunkView, 0, written, batch);
  assertEquals(batch.count, lines.length);
  lines.forEach((line, i) => {
    const alone = stageLine(LOGTAIL_FORMAT, "parse", ENCODER.encode(line), MASKS)!;
    assertEquals([batch.times[i], batch.starts[i]], [
      alone.timeS,
      ENCODER.encode(lines.slice(0, i).join("\n")).length + (i > 0 ? 1 : 0),
    ]);
    for (const d of [WEBSITE, PREFIX, URI, STATUS, METHOD, TOR]) {
      const [hash, start, length] = batch.staged.subarray(i * LINE_WORDS + d * ENTRY_WORDS);
      const entry = start < 0 ? batch.scratch.slice(~start, ~start + length) : bytes.slice(start, start + length);
      assertEquals([hash, entry], [alone.hashes[d], alone.entries[d]], `${DIMENSIONS[d].name} of ${line}`);
    }
  });
});

Deno.test("what the fast path takes is what the format says, hashes included, for any line and any masks", () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(anyLine, likelyLine, likelyLine), masks, fc.nat({ max: 5 }), (line, masks, before) => {
      const scanned = stageLine(LOGTAIL_FORMAT, "scan", line, masks, before);
      if (scanned === undefined) return;
      taken++;
      assertEquals(scanned, stageLine(LOGTAIL_FORMAT, "parse", line, masks, before));
    }),
    { numRuns: 20_000 },
  );
  assert(taken > 1000, `only ${taken} lines were taken`);
});

Deno.test("the fast path takes the usual lines", () => {
  const usual = [
    GOOD,
    GOOD.replace("192.0.2.77", "2001:db8:1:2::3"),
    GOOD.replace("192.0.2.77", "1.2.3.4"),
    GOOD.replace("192.0.2.77", "2a02:1:2:3:4:5:6:7"),
    GOOD.replace("GET", "POST"),
    GOOD.replace("?id=7", ""),
    GOOD.replace("512", "1234567"),
    GOOD + "\t0\t64500",
    GOOD + "\t-\t-",
    GOOD + "\t1",
  ];
  for (const line of usual) assert(stageLine(LOGTAIL_FORMAT, "scan", ENCODER.encode(line), MASKS) !== undefined, line);
});
