import { assert, assertEquals } from "@std/assert";
import { ASN, METHOD, PREFIX, STATUS, TAG, TOR, URI, WEBSITE } from "./dimensions.ts";
import { prefixLabel } from "./client_prefix.ts";
import { formatOf, formatProblem, type FormatSpec, isFormatMistake } from "./formats.ts";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import type { LineFormat } from "./line_batch.ts";
import { type StagedLine, stageLine } from "./test_lines.ts";

const MASKS = { v4Bits: 24, v6Bits: 48 };
const ENCODER = new TextEncoder();

/** Where it may be read fast, it is, and has to be the same. */
function parse(format: LineFormat, line: string): StagedLine {
  const bytes = ENCODER.encode(line), parsed = stageLine(format, "parse", bytes, MASKS, 8)!;
  const scanned = stageLine(format, "scan", bytes, MASKS, 8);
  if (scanned !== undefined) assertEquals(scanned, parsed, line);
  return parsed;
}

function compile(spec: FormatSpec | string): LineFormat {
  const format = formatOf(typeof spec === "string" ? { text: spec } : spec);
  if (isFormatMistake(format)) throw new Error(`${format.column}: ${format.message}`);
  return format;
}

/** Values by name; `reason` alone when the line is not counted. */
function read(format: FormatSpec | string, line: string): Record<string, string | number> {
  const { reason, entries, timeS, measures } = parse(compile(format), line);
  if (reason !== "counted") return { reason };
  const text = (d: number): string => new TextDecoder().decode(entries[d]);
  const values: Record<string, string | number> = { host: text(WEBSITE), uri: text(URI), method: text(METHOD) };
  const prefix = entries[PREFIX]!;
  Object.assign(values, { client: prefix.length === 0 ? "" : prefixLabel(prefix), status: text(STATUS), timeS });
  Object.assign(values, { bytes: measures[1], ms: measures[2] });
  for (const [name, d] of [["tor", TOR], ["asn", ASN], ["tag", TAG]] as const) {
    if (entries[d]?.length) values[name] = text(d);
  }
  return values;
}

const REQUEST = {
  uri: "/cart",
  method: "GET",
  client: "192.0.2.0/24",
  status: "200",
  timeS: 1_700_000_000,
  bytes: 512,
};
const COMBINED = '192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] "GET /cart?id=7 HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11)"';

Deno.test("combined and common are read with and without the virtual host in front", () => {
  assertEquals(read("combined", COMBINED), { ...REQUEST, host: "", ms: 0 });
  assertEquals(read("combined", `shop.example ${COMBINED}`), { ...REQUEST, host: "shop.example", ms: 0 });
  assertEquals(read("combined", `shop.example:8080 ${COMBINED}`), { ...REQUEST, host: "shop.example", ms: 0 });
  assertEquals(read("combined", `[2001:db8::1]:80 ${COMBINED}`).host, "[2001:db8::1]");
  const common = COMBINED.slice(0, COMBINED.indexOf(' "-"'));
  assertEquals(read("common", common), { ...REQUEST, host: "", ms: 0 });
  assertEquals(read("common", `shop.example ${common}`), { ...REQUEST, host: "shop.example", ms: 0 });
  assertEquals(read("common", COMBINED), { reason: "malformed_fields" });
  assertEquals(read("combined", common), { reason: "malformed_fields" });
});

Deno.test("whatever a user is called, it cannot forge the fields behind it", () => {
  const user = COMBINED.replace("- -", '- a b [01/Jan/2020:00:00:00 +0000] x "GET'.replaceAll('"', "\\x22"));
  assertEquals(read("combined", user), { ...REQUEST, host: "", ms: 0 });
  const apache = COMBINED.replace("- -", '- \\"GET / HTTP/1.1\\" 200');
  assertEquals(read("combined", apache), { ...REQUEST, host: "", ms: 0 });
  const referrer = COMBINED.replace('"-"', '"\\" 500 9 \\"x"');
  assertEquals(read("combined", referrer), { ...REQUEST, host: "", ms: 0 });
});

Deno.test("a request line gives method and path; what is none gives neither", () => {
  const request = (text: string): unknown[] => {
    const { method, uri } = read("combined", COMBINED.replace("GET /cart?id=7 HTTP/1.1", text));
    return [method, uri];
  };
  assertEquals(request("POST / HTTP/2.0"), ["POST", "/"]);
  assertEquals(request("GET /"), ["GET", "/"], "HTTP/0.9");
  assertEquals(request("GET /a b/c?d e HTTP/1.1"), ["GET", "/a b/c"]);
  assertEquals(request("GET http://shop.example/a?b HTTP/1.1"), ["GET", "/a"]);
  assertEquals(request("GET http://shop.example HTTP/1.1"), ["GET", "http://shop.example"]);
  assertEquals(request("OPTIONS * HTTP/1.1"), ["OPTIONS", "*"]);
  assertEquals(request("CONNECT shop.example:443 HTTP/1.1"), ["CONNECT", "shop.example:443"]);
  assertEquals(request("GET /caf\\xC3\\xA9 HTTP/1.1"), ["GET", "/café"]);
  for (const none of ["-", "", "\\x16\\x03\\x01\\x02", "GET", "GET  /", " / HTTP/1.1"]) {
    assertEquals(request(none), ["", ""], none);
  }
});

const V1 = "v1\tshop.example\t192.0.2.7\tGET\t/cart?id=7\t200\t512\t0.042\t0\t64500\tedge\t203.0.113.1\thttps";
const V2 =
  "v2\tshop.example\t192.0.2.7\tGET\t/cart?id=7\t200\t512\t0.042\t1\t-\t-\t203.0.113.1\thttps\t77\t0.040, 0.1\t502, 200";

Deno.test("v1 and v2 stand in one stream, and name the tag of their lines; their time is that of their arrival", () => {
  const counted = { ...REQUEST, timeS: 0, host: "shop.example", ms: 42 };
  for (const name of ["v1", "v2"]) {
    assertEquals(read(name, V1), { ...counted, tor: "0", asn: "64500", tag: "edge" });
    assertEquals(read(name, V2), { ...counted, tor: "1" });
  }
  assertEquals(read("v1", V1.replace("v1", "v3")), { reason: "malformed_fields" });
  assertEquals(read("v1", V1.replace("\tedge", "")), { reason: "malformed_fields" });
  assertEquals(read("v1", V1 + "\tmore"), { reason: "malformed_fields" });
  assertEquals(read("v1", V1.replace("\t200\t", "\t2000\t")), { reason: "malformed_status" });
});

Deno.test("the order of v1's fields is a template: a text of its own", () => {
  const template = "v1\\t$status\\t$remote_addr\\t$source_tag\\t$request_uri";
  const { host, status, client, tag, uri } = read(template, "v1\t404\t192.0.2.7\tedge\t/cart");
  assertEquals([host, status, client, tag, uri], ["", "404", "192.0.2.0/24", "edge", "/cart"]);
  const both = `${template}\\nv2\\t$host\\t$status`;
  assertEquals(read(both, "v2\tshop.example\t200").host, "shop.example");
  assertEquals(read(both, "v1\t404\t192.0.2.7\tedge\t/cart").status, "404");
});

Deno.test("JSON is read by nginx's names and by usual others, in any order, and what is not known is skipped", () => {
  const line =
    '{"x": {"host": ["]", "\\"}"]}, "msec":1700000000.123,"host":"shop.example", "remote_addr" : "192.0.2.7",' +
    '"request":"GET /cart?id=7 HTTP/1.1","status":"200","body_bytes_sent": 512 ,"request_time":0.042,"y":null}';
  assertEquals(read("json", line), { ...REQUEST, host: "shop.example", ms: 42 });
  const other =
    '{"@timestamp":"2023-11-14T22:13:20.5Z","vhost":"shop.example:443","clientip":"192.0.2.7","verb":"GET",' +
    '"path":"/caf\\u00e9\\ud83d\\ude00","response":404,"bytes":"-","tag":"edge","asn":64500,"is_tor":"1"}';
  assertEquals(read("json", other), {
    ...REQUEST,
    ...{ host: "shop.example", uri: "/café😀", status: "404", bytes: 0, ms: 0, tag: "edge", asn: "64500", tor: "1" },
  });
  assertEquals(read("json", '{"bytes_sent":7,"body_bytes_sent":5,"host":"h"}').bytes, 5, "the best known counts");
  for (const none of ["", "{}", "[]", "null", '{"a":1}', '{"host":"a"', '{"host" "a"}', '{"host":"a"}x', '{"host":}']) {
    assertEquals(read("json", none), { reason: "malformed_fields" }, none);
  }
  assertEquals(read("json", '{"host":"a","status":20}'), { reason: "malformed_status" });
  assertEquals(read("json", '{"host":"a","msec":"now"}'), { reason: "malformed_time" });
});

Deno.test("a text of log_format is a format, with adjacent variables and quoted fields", () => {
  const counted = { ...REQUEST, host: "shop.example", ms: 42 };
  const cases: readonly (readonly [text: string, line: string])[] = [
    [
      '[$time_iso8601] $remote_addr $scheme://$host$request_uri "$http_user_agent" $request_method $status ' +
      "$body_bytes_sent $request_time $upstream_response_time $upstream_addr",
      '[2023-11-14T22:13:20+00:00] 192.0.2.7 https://shop.example/cart?id=7 "a b" GET 200 512 0.042 0.1, 0.2 u:1, v:2',
    ],
    [
      "$msec|$remote_addr|$request_method|$status|$body_bytes_sent|$request_time|$scheme://$host$request_uri",
      "1700000000.123|192.0.2.7|GET|200|512|0.042|http://shop.example/cart",
    ],
    [
      "$remote_addr:$remote_port $host $request_method $request_uri $http_user_agent $status $body_bytes_sent $request_time $msec",
      "192.0.2.7:4711 shop.example GET /cart a 200 b 200 512 0.042 1700000000.123",
    ],
    [
      'escape=json {"t":"$time_local","c":"$remote_addr","h":"$host","r":"$request","s":$status,"b":$bytes_sent,"d":$request_time}',
      '{"t":"14/Nov/2023:23:13:20 +0100","c":"192.0.2.7","h":"shop.example","r":"GET /cart?\\" HTTP/1.1","s":200,"b":512,"d":0.042}',
    ],
    [
      "escape=none $msec $host $remote_addr $request_method $http_referer $http_user_agent $status $body_bytes_sent " +
      "$request_time $request_uri",
      '1700000000.123 shop.example 192.0.2.7 GET " a " \\ 200 512 0.042 /cart',
    ],
  ];
  for (const [text, line] of cases) assertEquals(read(text, line), counted, text);
});

Deno.test("the client is any variable of the format", () => {
  const text = '$host [$http_x_forwarded_for] $remote_addr "$request" $status';
  const line = 'shop.example [198.51.100.9, 10.0.0.1] 192.0.2.7 "GET / HTTP/1.1" 200';
  assertEquals(read({ text, client: "http_x_forwarded_for" }, line).client, "198.51.100.0/24");
  assertEquals(read(text, line).client, "192.0.2.0/24");
  assertEquals(
    read({ text: "json", client: "edge_ip" }, '{"edge_ip":"2001:db8:1::7","remote_addr":"x"}').client,
    "2001:db8:1::/48",
  );
  const mistake = formatOf({ text, client: "http_forwarded" });
  assert(isFormatMistake(mistake));
  assertEquals(mistake.message.includes("$http_forwarded"), true);
});

Deno.test("a text with the fields of logtail is read as logtail", () => {
  const text =
    "$host\\t$remote_addr\\t$msec\\t$request_method\\t${request_uri}\\t$status\\t$body_bytes_sent\\t$request_time";
  assertEquals(compile(text).scan, LOGTAIL_FORMAT.scan);
  assertEquals(
    compile({ text: text.replaceAll("\\t", "\t"), configured: "default", name: "main" }).scan,
    LOGTAIL_FORMAT.scan,
  );
});

Deno.test("an ambiguous format is refused with the place and the reason", () => {
  const refused: readonly (readonly [text: string, mistake: string])[] = [
    ["$host$remote_addr $status", "column 1: nothing tells where $host ends and $remote_addr begins"],
    ["$remote_addr $remote_user $http_referer $request", 'column 14: $remote_user can hold " "'],
    ["$host|$request_uri|$status", 'column 1: $host can hold "|"'],
    ["$request $http_user_agent $status", 'column 1: $request can hold " "'],
    ['escape=none $remote_addr "$request" "$http_user_agent"', 'column 27: $request can hold "" ""'],
    ["$host \\\\ $status", "column 6: a backslash"],
    ["$host $", "column 7: a variable's name follows a $"],
    ["$host ${a", "column 7: a variable's name follows a $"],
    ["combind", "column 1: no format has this name"],
    ["$http_referer", "column 1: there is nothing to count by"],
    ["", "column 1: no format has this name"],
  ];
  for (const [text, mistake] of refused) {
    assertEquals(formatProblem(text)?.startsWith(mistake), true, `${text}: ${formatProblem(text)}`);
  }
  for (const good of ["auto", "@main", "logtail", "v1", "v2", "combined", "common", "json", "$host $request_uri"]) {
    assertEquals(formatProblem(good), undefined, good);
  }
});
