import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ASN, DIMENSION_COUNT, METHOD, PREFIX, STATUS, TOR, URI, WEBSITE } from "./dimensions.ts";
import { COUNTED, LEDGER_COUNT, LEDGER_REASONS } from "./ledger.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { prefixLabel } from "./client_prefix.ts";
import { lineBatch } from "./line_batch.ts";
import { parseLogtail } from "./format_logtail.ts";

const MASKS = { v4Bits: 24, v6Bits: 48 };
const GOOD = "shop.example\t192.0.2.77\t1700000000.123\tGET\t/cart?id=7\t200\t512\t0.042";

function parse(line: string): { reason: string; values: Record<number, string>; time: number; measures: number[] } {
  const bytes = new TextEncoder().encode(line + "\n");
  const batch = lineBatch();
  const reason = parseLogtail(bytes, 0, bytes.length - 1, batch, MASKS);
  const staged = (d: number): Uint8Array =>
    (batch.inScratch[d] === 1 ? batch.scratch : bytes).subarray(batch.starts[d], batch.ends[d]);
  const text = (d: number): string => new TextDecoder().decode(staged(d));
  const values: Record<number, string> = {};
  for (const d of [WEBSITE, URI, STATUS, METHOD, ASN, TOR]) values[d] = text(d);
  values[PREFIX] = prefixLabel(staged(PREFIX));
  return {
    reason: LEDGER_REASONS[reason],
    values,
    time: batch.times[0],
    measures: [...batch.values.subarray(0, MEASURE_COUNT)],
  };
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

Deno.test("any bytes give a reason, never an exception, and good lines stay within their own bytes", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.constantFrom("\t", "-", "1.2.3.4", "::1", "200", "0.001", "1700000000.1", "GET", "/", "\r").map((text) =>
      new TextEncoder().encode(text)
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), fc.nat({ max: 5 }), (pieces, before) => {
      const line = pieces.flatMap((bytes) => [...bytes]).filter((byte) => byte !== 10);
      const bytes = Uint8Array.from([...new Array(before).fill(9), ...line, 10, 65, 66]);
      const newline = before + line.length;
      const batch = lineBatch();
      const reason = parseLogtail(bytes, before, newline, batch, MASKS);
      assert(reason > 0 && reason < LEDGER_COUNT);
      if (reason !== COUNTED) return;
      for (let d = 0; d < DIMENSION_COUNT; d++) {
        if (batch.inScratch[d] === 1 || batch.starts[d] === batch.ends[d]) continue;
        assert(batch.starts[d] >= before && batch.ends[d] <= newline && batch.starts[d] < batch.ends[d]);
      }
      for (const value of batch.values.subarray(0, MEASURE_COUNT)) assert(Number.isSafeInteger(value) && value >= 0);
    }),
    { numRuns: 3000 },
  );
});
