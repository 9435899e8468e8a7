import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { linearRegex } from "@/core/host/regex.ts";
import { filterText } from "@/core/filter_tree.ts";
import { BYTES, REQUESTS } from "@/core/measures.ts";
import { type PageRequest, PARAMETERS, readRequest } from "./request.ts";

const DEFAULTS = { n: 25, refreshS: 30, target: "agg:9091" };

function read(query: string): PageRequest {
  return readRequest(new URLSearchParams(query), DEFAULTS, linearRegex);
}

function filterOf(query: string): string {
  const { filter, mistakes } = read(query);
  assertEquals(mistakes, []);
  return filter === undefined ? "" : filterText(filter);
}

function mistakesOf(query: string): readonly string[] {
  return read(query).mistakes.map(({ parameter, message }) => `${parameter}: ${message}`);
}

Deno.test("without parameters the last five minutes are ranked by website", () => {
  assertEquals(read(""), {
    state: {
      window: "5m",
      by: "website",
      n: 25,
      sort: REQUESTS,
      filters: [],
      q: "",
      target: "",
      refreshS: 30,
      table: false,
      format: "page",
    },
    filter: undefined,
    mistakes: [],
    typed: "",
  });
});

Deno.test("every parameter is understood", () => {
  const { state, mistakes } = read(
    "w=24h&by=asn&n=7&sort=bytes&target=col-1&refresh=0&raw=1&q=NOT+method%3DGET&table=1",
  );
  assertEquals(mistakes, []);
  assertEquals(state, {
    window: "24h",
    by: "asn",
    n: 7,
    sort: BYTES,
    filters: [],
    q: "NOT method=GET",
    target: "col-1",
    refreshS: 0,
    table: true,
    format: "json",
  });
});

Deno.test("f_ parameters and q together make one filter", () => {
  assertEquals(
    filterOf(
      "f_website=a.example&f_prefix=192.0.2.0/24&f_uri=/x&f_method=GET&f_asn=64496&f_tag=edge&f_tor=1&f_source=c1",
    ),
    "website=a.example AND prefix=192.0.2.0/24 AND uri=/x AND method=GET AND asn=64496 AND tag=edge AND tor=yes AND source=c1",
  );
  assertEquals(filterOf("f_website_re=^a&f_uri_re=b$"), "website~=^a AND uri~=b$");
  assertEquals(filterOf("f_uri=/x&q=status>=400 OR tor=yes"), "uri=/x AND (status>=400 OR tor=yes)");
});

Deno.test("f_status takes a number, a class, a comparison and the absent value", () => {
  assertEquals(filterOf("f_status=404"), "status=404");
  assertEquals(filterOf("f_status=4XX"), "status=4xx");
  assertEquals(filterOf("f_status=!%3D4xx"), "status!=4xx");
  assertEquals(filterOf("f_status=%3E%3D400"), "status>=400");
  assertEquals(filterOf("f_status=!%3D200"), "status!=200");
  assertEquals(filterOf("f_status=-"), "status=-");
});

Deno.test("a status that is none is refused and told what would do", () => {
  for (const status of ["abc", "4x", ">=4xx", "400 OR 1", "=>400", "9".repeat(40)]) {
    const [mistake] = mistakesOf(`f_status=${encodeURIComponent(status)}`);
    assertStringIncludes(mistake ?? "nothing", "f_status: use a status such as 404, 4xx, >=400 or !=200");
  }
});

Deno.test("an empty parameter counts as not given", () => {
  assertEquals(read("w=&by=&n=&q=&f_website=&f_status=&sort=&target=&refresh=&raw=&format="), read(""));
});

Deno.test("the target of the flags is the default target", () => {
  assertEquals(read("target=agg:9091").state.target, "");
});

Deno.test("every mistake is named at once, and what is right stays", () => {
  const query =
    "table=x&w=7m&by=host&n=0&sort=name&refresh=1&raw=2&format=xml&f_prefix=300.1.2.3&f_uri_re=(&f_tor=maybe" +
    "&f_asn=AS1&q=statuss%3D1&f_websit=x&f_uri=/kept";
  const { state, mistakes } = read(query);
  const named = mistakes.map(({ parameter }) => parameter).toSorted();
  const wrong = "by f_asn f_prefix f_tor f_uri_re f_websit format n q raw refresh sort table w".split(" ");
  assertEquals(named, wrong);
  assertEquals(state.filters.map(({ value }) => value), ["/kept"]);
});

Deno.test("a mistake says what would do", () => {
  assertEquals(mistakesOf("w=7m"), ["w: no such window; use 1m, 5m, 15m, 60m, 6h or 24h"]);
  assertEquals(mistakesOf("f_websit=x"), ["f_websit: no such parameter; did you mean f_website?"]);
  assertEquals(mistakesOf("w=1m&w=5m"), ["w: given more than once; keep one"]);
  assertEquals(mistakesOf("raw=1&format=csv"), ["format: raw=1 asks for JSON at the same time; keep one"]);
  assertStringIncludes(mistakesOf("q=status%3E%3Dfoo")[0], "q: column 9: expected a number");
});

Deno.test("a page shows at most 1000 rows, JSON and CSV ten times as many", () => {
  assertEquals(mistakesOf("n=1001"), ["n: use a whole number from 1 to 1000; raw=1 and format=csv give up to 10000"]);
  assertEquals(read("n=10000&raw=1").state.n, 10000);
  assertEquals(mistakesOf("n=10001&format=csv"), ["n: use a whole number from 1 to 10000"]);
});

Deno.test("filters together have at most as many parts as a filter may have", () => {
  const q = encodeURIComponent(Array.from({ length: 62 }, (_, i) => `asn=${i}`).join(" OR "));
  assertEquals(mistakesOf(`q=${q}`), []);
  assertEquals(mistakesOf(`q=${q}&f_uri=/a&f_tag=b`).length, 1);
});

Deno.test("no query string throws, and mistakes are plain text", () => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("(", "[a", "\0", "%ff", "\ud800", ">=400", "4xx", "1e9"),
  );
  const pairs = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...PARAMETERS), fc.string()), value), { maxLength: 12 });
  fc.assert(fc.property(pairs, (pairs) => {
    const { state, mistakes } = readRequest(new URLSearchParams(pairs), DEFAULTS, linearRegex);
    assert(state.n >= 1 && mistakes.every(({ message }) => message.length > 0));
  }));
  fc.assert(fc.property(fc.string({ unit: "binary" }), (query) => void read(query)));
});
