/**
 * What details cost beside the ranking that they belong to: 25 and 100 values over an hour and a day of full buckets.
 *
 *   deno task bench                LOGTAIL_BENCH_LINES sets the size; `deno task ok` runs it small
 */
import { dimensionIndex } from "./dimensions.ts";
import { REQUESTS } from "./measures.ts";
import { derived } from "./derived.ts";
import { compileFilter } from "./filter_match.ts";
import { rowSeries } from "./row_series.ts";
import { addByStatusClass, STATUS_CLASS_COUNT } from "./status_class.ts";
import { dayOfTraffic, hourOfTraffic } from "./test_traffic.ts";
import { topN } from "./top_n.ts";
import { matchingRequests } from "./matching_total.ts";

const SHARE = Math.min(1, Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 400_000) / 400_000);
const SEED = 3;

const hour = hourOfTraffic(7, Math.ceil(60 * SHARE)), day = dayOfTraffic(8, Math.ceil(288 * SHARE));

for (const [name, buckets, together] of [["an hour", hour, 2], ["a day", day, 6]] as const) {
  const points = Array.from(
    { length: Math.ceil(buckets.length / together) },
    (_, point) => buckets.slice(point * together, (point + 1) * together),
  );
  for (
    const [groupBy, website, n] of [["prefix", "", 25], ["prefix", "", 100], [
      "uri",
      "www.customer-3.example",
      100,
    ]] as const
  ) {
    const filter = website === "" ? undefined : compileFilter(
      { kind: "compare", dimension: "website", operator: "=", value: website },
      (pattern) => new RegExp(pattern),
    );
    const query = { window: "60m", groupBy, n, sort: REQUESTS, filter } as const;
    const labels = topN(buckets, query, SEED).entries.map(({ label }) => label);
    const group = `${website || "everything"} by ${groupBy}, top ${n}, over ${name}`;
    Deno.bench({ name: "the ranking", group, baseline: true, fn: () => void topN(buckets, query, SEED) });
    Deno.bench({
      name: "its details",
      group,
      fn: () => {
        derived.begin();
        rowSeries(points, dimensionIndex(groupBy), labels, filter, SEED);
      },
    });
    Deno.bench({
      name: "the trend",
      group,
      fn: () => {
        derived.begin();
        for (const bucket of buckets) matchingRequests(bucket, filter);
      },
    });
    Deno.bench({
      name: "the trend by class of status",
      group,
      fn: () => {
        derived.begin();
        const into = new Float64Array(STATUS_CLASS_COUNT);
        for (const bucket of buckets) addByStatusClass(bucket, filter, into);
      },
    });
  }
}
