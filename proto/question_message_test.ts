import { assertEquals } from "@std/assert";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { type Filter, filterText } from "@/core/filter_tree.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { MEASURES } from "@/core/measures.ts";
import { WINDOWS } from "@/core/slices.ts";
import { needsOurs, readTopNRequest, readTrendRequest, topNRequest, trendRequest } from "./question_message.ts";
import { TOP_N } from "./schema.ts";

Deno.test("every question that can be asked arrives as it was asked", () => {
  for (const { name: window } of WINDOWS) {
    for (const { name: groupBy } of DIMENSIONS) {
      for (const sort of MEASURES.keys()) {
        const question = { window, groupBy, n: 17, sort, filter: undefined };
        const wire = TOP_N.requestDeserialize(TOP_N.requestSerialize(topNRequest(question)));
        assertEquals(readTopNRequest(wire, linearRegex), question);
      }
    }
  }
});

/** Filter, then what the original's fields say of it and what is left for the expression. */
const splits: [filter: string, fields: object | null, expression: string][] = [
  ["website=example.org", { website: "example.org" }, ""],
  ["prefix=192.0.2.0/24 AND uri=/a", { client_prefix: "192.0.2.0/24", http_request_uri: "/a" }, ""],
  ["status>=400", { http_response: 400, status_op: 3 }, ""],
  ["status=4xx", null, "status=4xx"],
  ["status>=400 AND status<500", { http_response: 400, status_op: 3 }, "status<500"],
  ["website~=^api AND uri~=x AND tor=yes", { website_regex: "^api", uri_regex: "x", tor: 1 }, ""],
  ["tor=no AND asn=64496", { tor: 2 }, "asn=64496"],
  ["website=-", null, "website=-"],
  ["website!=a", null, "website!=a"],
  ["website=a OR uri=/b", null, "website=a OR uri=/b"],
];

for (const [text, fields, expression] of splits) {
  Deno.test(`the filter ${text} is told to the original as far as it has words for it`, () => {
    const filter = filterOf(text);
    const request = trendRequest({ window: "5m", filter });
    assertEquals([request.filter, request.expression], [fields, expression]);
    assertEquals(needsOurs(request) !== undefined, expression !== "");
    const read = readTrendRequest(request, linearRegex).filter;
    assertEquals(conditions(read), conditions(filter));
  });
}

Deno.test("what the original has no words for is named, so that nobody takes its answer for one", () => {
  const question = { window: "5m", groupBy: "asn", n: 1, sort: 0, filter: undefined } as const;
  assertEquals(needsOurs(topNRequest(question)), "grouping by asn");
  assertEquals(needsOurs(topNRequest({ ...question, groupBy: "uri", sort: 1 })), "ranking by bytes");
  assertEquals(needsOurs(topNRequest({ ...question, groupBy: "uri" })), undefined);
});

function filterOf(text: string): Filter {
  const parsed = parseFilter(text);
  if ("mistake" in parsed) throw new Error(parsed.mistake.message);
  return parsed.filter;
}

/** The conditions of a filter whatever their order. */
function conditions(filter: Filter): string[] {
  if (filter === undefined) return [];
  return filter.kind === "and" ? filter.parts.flatMap(conditions).sort() : [filterText(filter)];
}
