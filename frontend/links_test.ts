import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { MEASURES } from "@/core/measures.ts";
import { WINDOWS } from "@/core/slices.ts";
import {
  drillDown,
  isCanonical,
  linkTo,
  only,
  rowLinks,
  shortLinkTo,
  without,
  withoutFilter,
  withoutPart,
} from "./links.ts";
import { FIELDS, fieldValue, type PageRequest, type PageState, readRequest } from "./request.ts";

const DEFAULTS = { n: 25, refreshS: 30, target: "agg:9091" };

function read(link: string): PageRequest {
  return readRequest(new URL(link, "http://dashboard.test/").searchParams, DEFAULTS, linearRegex);
}

function stateOf(link: string): PageState {
  const { state, mistakes } = read(link);
  assertEquals(mistakes, []);
  return state;
}

/** Values that a field accepts, and text that most do not. */
const VALUE = fc.oneof(
  fc.constantFrom(
    "-",
    "404",
    "4xx",
    ">=400",
    "!=200",
    "192.0.2.0/24",
    "2001:db8::/48",
    "yes",
    "no",
    "a b&c=d#e?f+g%20",
  ),
  fc.string({ unit: "grapheme", minLength: 1 }),
);

/** Any valid state, by way of parameters of which the wrong ones have been left out. */
const STATE = fc.record({
  window: fc.constantFrom(...WINDOWS.map(({ name }) => name)),
  by: fc.constantFrom(...DIMENSIONS.map(({ name }) => name)),
  n: fc.integer({ min: 1, max: 1000 }),
  sort: fc.nat(MEASURES.length - 1),
  q: fc.constantFrom("", "status>=400", 'uri="a b" OR NOT tor=yes', "website~=^a\\."),
  target: fc.oneof(fc.constant(""), fc.string({ unit: "grapheme" }).filter((text) => text.isWellFormed())),
  refreshS: fc.oneof(fc.constant(0), fc.integer({ min: 2, max: 3600 })),
  table: fc.boolean(),
  format: fc.constantFrom("page" as const, "json" as const, "csv" as const),
  values: fc.dictionary(fc.constantFrom(...FIELDS.map(({ parameter }) => parameter)), VALUE),
}).map(({ values, ...rest }): PageState => {
  const filters = Object.entries(values).map(([name, value]) => new URLSearchParams([[name, value]]));
  const search = new URLSearchParams(
    filters.flatMap((pair) => readRequest(pair, DEFAULTS, linearRegex).mistakes.length > 0 ? [] : [...pair]),
  );
  const raw: PageState = { ...rest, filters: readRequest(search, DEFAULTS, linearRegex).state.filters };
  // What q says and a parameter can say as well belongs there.
  return stateOf(linkTo(raw, DEFAULTS));
});

Deno.test("reading a link gives the state it was made from, whatever is in it", () => {
  fc.assert(fc.property(STATE, (state) => assertEquals(stateOf(linkTo(state, DEFAULTS)), state)));
});

Deno.test("a link is where a redirection ends: reading it leads nowhere else", () => {
  fc.assert(fc.property(STATE, (state) => {
    const { searchParams } = new URL(linkTo(state, DEFAULTS), "http://dashboard.test/");
    assert(isCanonical(searchParams, state, DEFAULTS));
  }));
});

Deno.test("there is one address for a filter, however it was written", () => {
  const link = (query: string): string => linkTo(stateOf(`./?${query}`), DEFAULTS);
  const one = link("f_website=a&f_status=>=400&q=NOT uri=/health");
  assertEquals(one, "./?q=NOT+uri%3D%2Fhealth&f_website=a&f_status=%3E%3D400");
  for (
    const query of [
      "q=website=a AND status>=400 AND NOT uri=/health",
      "q=NOT uri=/health AND (status>=400 AND website=a)",
      "q=website=a AND NOT uri=/health AND website=a&f_status=>=400",
    ]
  ) assertEquals(link(query), one, query);
  assertEquals(link("q=website=a AND website=b"), "./?q=website%3Db&f_website=a");
  assertEquals(link("q=website!=a OR tor=yes"), "./?q=website%21%3Da+OR+tor%3Dyes");
});

Deno.test("equal states have equal links, in whatever order they were asked for", () => {
  const link = linkTo(stateOf("./?format=&target=x&f_uri=/a&by=uri&f_website=w&w=1m&n=25"), DEFAULTS);
  assertEquals(link, "./?w=1m&by=uri&f_website=w&f_uri=%2Fa&target=x");
  assertEquals(linkTo(stateOf("./"), DEFAULTS), "./");
});

Deno.test("drilling down leads from website by prefix, URI and status to a dimension not yet fixed", () => {
  let state = stateOf("./");
  const path: string[] = [];
  for (const label of ["shop.example", "192.0.2.0/24", "/login", "429"]) {
    state = { ...state, ...drillDown(state, label) };
    path.push(state.by);
  }
  assertEquals(path, ["prefix", "uri", "status", "method"]);
  assertEquals(
    linkTo(state, DEFAULTS),
    "./?by=method&f_website=shop.example&f_prefix=192.0.2.0%2F24&f_uri=%2Flogin&f_status=429",
  );
});

Deno.test("from status the way goes on to website when that is free", () => {
  const state = stateOf("./?by=status");
  assertEquals(drillDown(state, "429").by, "website");
});

Deno.test("a range of statuses does not count as fixed: its statuses are worth ranking", () => {
  assertEquals(drillDown(stateOf("./?by=uri&f_status=%3E%3D400"), "/x").by, "status");
  assertEquals(drillDown(stateOf("./?by=uri&f_status=4xx"), "/x").by, "status");
});

Deno.test("clicking a value replaces a filter on the same dimension", () => {
  const { filters } = drillDown(stateOf("./?by=status&f_status=%3E%3D400&f_uri=/x"), "503");
  assertEquals(filters?.map(fieldValue), ["/x", "503"]);
});

Deno.test("what a click on any label filters by is that label", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (label) => {
    const clicked = drillDown(stateOf("./?by=uri"), label);
    const again = read(linkTo(stateOf("./?by=uri"), DEFAULTS, clicked));
    if (!label.includes("\0")) assertEquals(again.state.filters.map(({ value }) => value), [label]);
  }));
});

Deno.test("a value can be kept without going on, or left out, and both can be taken back", () => {
  const state = stateOf("./?by=uri&f_website=a&q=NOT uri=/b OR tor=yes");
  const change = only(state, "/x y"), kept = { ...state, ...change }, less = { ...state, ...without(state, "/x y") };
  assertEquals([kept.by, kept.filters.map(fieldValue)], ["uri", ["a", "/x y"]]);
  assertEquals(less.q, '(NOT uri=/b OR tor=yes) AND NOT uri="/x y"');
  assertEquals({ ...less, ...withoutPart(less, 1) }, state);
});

Deno.test("the links of a row are those that would be made for it alone, whatever its label and the page", () => {
  const label = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1 }),
    fc.constantFrom("-", "404", "yes", 'a b"c', "\ud800"),
  );
  fc.assert(fc.property(STATE, label, (state, label) => {
    const links = rowLinks(state, DEFAULTS)(label);
    for (const [kind, change] of [["drill", drillDown], ["only", only], ["without", without]] as const) {
      const link = links[kind], alone = linkTo(state, DEFAULTS, change(state, label));
      if (link === undefined) continue;
      const pairs = (url: string): unknown => [...new URL(url, "http://dashboard.test/").searchParams];
      assertEquals(pairs(link), pairs(alone), kind);
    }
  }));
});

Deno.test("removing a filter removes just that", () => {
  const state = stateOf("./?w=1m&by=uri&f_website=a&f_uri=/b&f_status=500&q=NOT+tor%3Dyes");
  const less = linkTo(state, DEFAULTS, withoutFilter(state, state.filters[1]));
  assertEquals(less, "./?w=1m&by=uri&q=NOT+tor%3Dyes&f_website=a&f_status=500");
});

Deno.test("a link too long to be answered is not made", () => {
  const state = stateOf("./?by=uri");
  assert(shortLinkTo(state, DEFAULTS, drillDown(state, "/".repeat(2500))) !== undefined);
  assertEquals(shortLinkTo(state, DEFAULTS, drillDown(state, "/".repeat(3000))), undefined);
});
