/**
 * Questions over an hour of full minutes and a day of full five minutes, on a fixed seed: top 25, with and without filters.
 *
 *   deno task bench                LOGTAIL_BENCH_LINES sets the size; `deno task ok` runs it small
 *   deno task compare:duckdb       the same questions side by side with DuckDB
 */
import { REQUESTS } from "./measures.ts";
import type { DimensionName } from "./dimensions.ts";
import type { Bucket } from "./bucket.ts";
import { derived } from "./derived.ts";
import { compileFilter } from "./filter_match.ts";
import { parseFilter } from "./filter_parse.ts";
import { stretches } from "./stretches.ts";
import { topN } from "./top_n.ts";
import { matchingRequests } from "./matching_total.ts";
import { dayOfTraffic, hourOfTraffic } from "./test_traffic.ts";

/** The default makes all of an hour and of a day. */
const SHARE = Math.min(1, Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 400_000) / 400_000);
const SEED = 3;

const hour = hourOfTraffic(7, Math.ceil(60 * SHARE)), day = dayOfTraffic(8, Math.ceil(288 * SHARE));

const QUESTIONS: readonly (readonly [string, DimensionName])[] = [
  ["", "website"],
  ["", "prefix"],
  ["", "uri"],
  ["website=www.customer-3.example", "uri"],
  ["status>=400", "prefix"],
  ["method=GET", "uri"],
  ["method=GET", "asn"],
  ["prefix=40.0.0.0/8", "status"],
  ["status>=400 AND method=GET", "website"],
  ["status=429 OR website=www.customer-3.example", "prefix"],
  ["uri~=item.*[0-9]5\\.html$", "website"],
];

for (const [name, buckets] of [["an hour", hour], ["a day", day]] as const) {
  const rows = buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
  for (const [filter, groupBy] of QUESTIONS) {
    const expected = ask(buckets, filter, groupBy);
    while (stretches.makeOne(SEED));
    Deno.bench({
      name: `${filter || "everything"} by ${groupBy}, over ${name}`,
      group: `top 25 over ${name}: ${buckets.length} buckets of ${Math.round(rows / buckets.length)} rows`,
      fn: () => {
        const found = ask(buckets, filter, groupBy);
        if (found !== expected) throw new Error(`Cannot measure: ${found} requests were found, not ${expected}`);
      },
    });
  }
  Deno.bench({
    name: `trend of status>=400 AND method=GET over ${name}`,
    group: `trends over ${name}`,
    fn: () => {
      derived.begin();
      const filter = compiled("status>=400 AND method=GET");
      for (const bucket of buckets) matchingRequests(bucket, filter);
    },
  });
}

/** Requests of the values listed: the same whoever asks. Compiled anew: a new question. */
function ask(buckets: readonly Bucket[], filter: string, groupBy: DimensionName): number {
  const query = { window: "60m", groupBy, n: 25, sort: REQUESTS, filter: compiled(filter) } as const;
  return topN(buckets, query, SEED).entries.reduce((sum, { values }) => sum + values[REQUESTS], 0);
}

function compiled(text: string): ReturnType<typeof compileFilter> | undefined {
  const parsed = parseFilter(text);
  if ("mistake" in parsed) throw new Error(`Cannot measure ${text}: ${parsed.mistake.message}`);
  return parsed.filter && compileFilter(parsed.filter, (pattern) => new RegExp(pattern, "u"));
}
