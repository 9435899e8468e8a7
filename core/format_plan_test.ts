/**
 * Random formats, and random values written into them as nginx writes them: whatever is compiled finds each value again,
 * and the fast path finds what the slow one finds.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LINE_BYTES_MAX } from "./bounds.ts";
import { METHOD, STATUS, URI, WEBSITE } from "./dimensions.ts";
import type { Escape } from "./escapes.ts";
import { formatOf, isFormatMistake } from "./formats.ts";
import type { LineFormat } from "./line_batch.ts";
import { BYTES, TIME_MAX } from "./measures.ts";
import { stageLine } from "./test_lines.ts";

const MASKS = { v4Bits: 24, v6Bits: 48 };
const TIME_S = 1_700_000_000;

/** What a client can send in a header: anything but line ends and NUL. */
const free = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 12, unit: "binary-ascii" }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("Mozilla/5.0 (X11) a", "a b", "", ' [x] "', "1.2.3.4 - -", "] ", "\\x41", "\\"),
  },
  { weight: 1, arbitrary: fc.constantFrom('" 200 1 "', "a\tb", "[14/Nov/2023:22:13:20 +0000] ", "é", "0.1, 0.2 : 3") },
).map((text) => text.replace(/[\n\r\0]/g, "_"));
const list = fc.constantFrom("0.040", "0.040, 0.100", "0.1 : 0.2, 0.3", "-", "[::1]:80, unix:/a");
const path = fc.constantFrom("/", "/a/b.html", "/?q=1", "/é|x", "/a,b;c[d]", "*", '/"\\', "/" + "long".repeat(9));

const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  host: fc.constantFrom("shop.example", "a", "b|c", "[::1]", 'a"b', "long-name.of.a.site.example"),
  remote_addr: fc.constantFrom("192.0.2.7", "10.0.0.1", "2001:db8::1", "unix:"),
  msec: fc.constant(`${TIME_S}.123`),
  time_iso8601: fc.constant("2023-11-14T22:13:20+00:00"),
  time_local: fc.constant("14/Nov/2023:23:13:20 +0100"),
  request_method: fc.constantFrom("GET", "POST", "M-SEARCH", "OPTIONS"),
  request_uri: path,
  request: path.map((path) => `GET ${path} HTTP/1.1`),
  status: fc.constantFrom("200", "404", "009"),
  body_bytes_sent: fc.constantFrom("0", "7", "1234567", "12345678901"),
  request_time: fc.constantFrom("0.000", "0.042", "12.345", "1234.567"),
  remote_user: free,
  http_referer: free,
  http_user_agent: free,
  scheme: fc.constantFrom("http", "https"),
  upstream_response_time: list,
  upstream_status: list,
  pipe: fc.constantFrom("p", "."),
  is_tor: fc.constantFrom("0", "1"),
  asn: fc.constantFrom("64500", "-"),
  source_tag: fc.constantFrom("edge", "direct"),
};

const separator = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(" ", "\t", '"', '" "', " - ", " [", "] ", '] "', '" ', ' "') },
  { weight: 2, arbitrary: fc.constantFrom("|", ":", "", "://", ", ", "; ", '","x":"', " : ", "»", "\\") },
);

interface Case {
  readonly text: string;
  readonly escape: Escape;
  readonly format: LineFormat;
  readonly values: ReadonlyMap<string, string>;
  readonly line: Uint8Array;
}

const anyCase: fc.Arbitrary<Case | undefined> = fc.record({
  names: fc.uniqueArray(fc.constantFrom(...Object.keys(VALUES)), { minLength: 1, maxLength: 12 }),
  separators: fc.array(separator, { minLength: 13, maxLength: 13 }),
  // Most formats are of one kind throughout.
  same: fc.option(fc.constantFrom("\t", " ", '" "', "|"), { freq: 2 }),
  ends: fc.constantFrom("", '"'),
  values: fc.record(VALUES),
  escape: fc.constantFrom<Escape>("default", "json", "none"),
}).map(({ names, separators, same, ends, values, escape }) => {
  const between = separators.map((each) => same ?? each);
  let text = ends, logged = ends;
  names.forEach((name, i) => {
    const last = i === names.length - 1;
    text += `$\{${name}}${last ? ends : between[i]}`;
    logged += written(values[name], escape) + (last ? ends : between[i]);
  });
  const format = formatOf({ text, configured: escape });
  if (isFormatMistake(format) || isOneWord(text, values.request_uri, escape)) return undefined;
  const used = new Map(names.map((name) => [name, values[name]]));
  return { text, escape, format, values: used, line: Uint8Array.from([...logged].flatMap(bytesOf)) };
});

/**
 * Whether the path `*`, right behind the host, is followed by what a host can hold: `a*|200` may be a host as a whole, and
 * nothing in the line says otherwise. A path that begins with a slash does.
 */
function isOneWord(text: string, path: string, escape: Escape): boolean {
  const [, behind] = text.split("${host}${request_uri}");
  return path === "*" && behind !== undefined && !(escape === "none" ? /^($|[ \t»])/ : /^($|[ \t"»])/).test(behind);
}

/** Bytes above 0x7f stand for themselves here: an escaped value is made of bytes, not of characters. */
function bytesOf(character: string): number[] {
  return character === "»" ? [0xc2, 0xbb] : [character.charCodeAt(0)];
}

/** As nginx writes a value: each character of the result is a byte. */
function written(value: string, escape: Escape): string {
  const bytes = Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte));
  if (escape === "none") return bytes.join("");
  if (escape === "json") {
    return bytes.map((byte) =>
      byte > "\x1f" && byte !== '"' && byte !== "\\" ? byte : JSON.stringify(byte).slice(1, -1)
    )
      .join("");
  }
  const hex = (byte: string): string => `\\x${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  const shown = bytes.map((byte) => byte >= " " && byte <= "~" && byte !== '"' && byte !== "\\" ? byte : hex(byte))
    .join("");
  return shown === "" ? "-" : shown;
}

Deno.test("what nginx writes into a format is found again, whatever clients send", () => {
  let checked = 0;
  fc.assert(
    fc.property(anyCase, (one) => {
      if (one === undefined) return;
      const { text, format, values, line } = one, shown = `${text}  ${new TextDecoder().decode(line)}`;
      const { reason, entries, timeS, measures } = stageLine(format, "parse", line, MASKS, 9)!;
      assertEquals(reason, "counted", shown);
      const entry = (d: number): string => new TextDecoder().decode(entries[d]);
      const has = (name: string): boolean => values.has(name);
      if (has("host")) assertEquals(entry(WEBSITE), values.get("host"), shown);
      const path = values.get("request_uri") ?? values.get("request")?.split(" ")[1];
      if (path !== undefined) assertEquals(entry(URI), path.split("?")[0], shown);
      if (has("request_method")) assertEquals(entry(METHOD), values.get("request_method"), shown);
      if (has("status")) assertEquals(entry(STATUS), values.get("status"), shown);
      if (has("msec") || has("time_iso8601") || has("time_local")) assertEquals(timeS, TIME_S, shown);
      if (has("body_bytes_sent")) assertEquals(measures[BYTES], Number(values.get("body_bytes_sent")), shown);
      if (has("request_time")) assertEquals(measures[TIME_MAX], Math.round(1000 * Number(values.get("request_time"))));
      checked++;
    }),
    { numRuns: 8000 },
  );
  assert(checked > 2000, `only ${checked} formats were compiled`);
});

Deno.test("the fast path of any format finds what the slow one finds, hashes included", () => {
  let taken = 0;
  const damage = fc.record({ at: fc.nat(200), by: fc.constantFrom(...' \t"\\-,:/?.0xA\r\x01') });
  fc.assert(
    fc.property(anyCase, fc.option(damage, { freq: 2 }), (one, damage) => {
      if (one === undefined) return;
      const line = Uint8Array.from(one.line);
      if (damage !== null && line.length > 0) line[damage.at % line.length] = damage.by.charCodeAt(0);
      const scanned = stageLine(one.format, "scan", line, MASKS, 9);
      if (scanned === undefined) return;
      taken++;
      assertEquals(
        scanned,
        stageLine(one.format, "parse", line, MASKS, 9),
        `${one.text}  ${new TextDecoder().decode(line)}`,
      );
    }),
    { numRuns: 20_000 },
  );
  assert(taken > 1000, `only ${taken} lines were taken`);
});

Deno.test("any bytes give a reason, never an exception, from any format", () => {
  const bytes = fc.array(
    fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(...' \t"[]-{}:,\\').map((c) => bytesOf(c))),
    { maxLength: 20 },
  ).map((pieces) => Uint8Array.from(pieces.flatMap((piece) => [...piece]).filter((byte) => byte !== 10)));
  const names = ["combined", "common", "v1", "json", "logtail"].map((text) => formatOf({ text }) as LineFormat);
  const format = fc.oneof(fc.constantFrom(...names), anyCase.map((one) => one?.format ?? names[0]));
  fc.assert(
    fc.property(format, bytes, fc.nat({ max: 5 }), (format, line, before) => {
      const { reason, measures } = stageLine(format, "parse", line, MASKS, before)!;
      assert(reason !== "read");
      for (const value of measures) assert(Number.isSafeInteger(value) && value >= 0);
      const scanned = stageLine(format, "scan", line, MASKS, before);
      if (scanned !== undefined) assertEquals(scanned, stageLine(format, "parse", line, MASKS, before));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("a line of any length is read in linear time", () => {
  const formats = [
    ...["combined", "common", "v1", "json"].map((text) => formatOf({ text }) as LineFormat),
    formatOf({ text: "$http_a $upstream_addr $upstream_status $status $request_time" }) as LineFormat,
  ];
  const pieces = ["\\", '"', " ", "\t", ", ", " : ", '{"a":', "[", '\\"', "0"];
  // Looking at every byte once for each takes half a minute; once, a millisecond.
  for (const format of formats) {
    for (const piece of pieces) {
      const line = new TextEncoder().encode(piece.repeat(LINE_BYTES_MAX / piece.length)), from = performance.now();
      stageLine(format, "parse", line, MASKS);
      const ms = performance.now() - from;
      assert(ms < 3000, `${format.name} ${piece}: ${ms} ms`);
    }
  }
});
