/**
 * What a page costs beside the question behind it: 100 rows with their trends over an hour of full buckets. And how large
 * it is: more than PAGE_BYTES_MAX, compressed, fails.
 *
 *   deno task bench                LOGTAIL_BENCH_LINES sets the size; `deno task ok` runs it small
 */
import { gzipSync } from "node:zlib";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import type { Filter } from "@/core/filter_tree.ts";
import { LiveView } from "@/core/live_view.ts";
import type { DimensionName } from "@/core/dimensions.ts";
import { REQUESTS } from "@/core/measures.ts";
import { hourOfTraffic } from "@/core/test_traffic.ts";
import type { Answers } from "./answers.ts";
import { renderPage } from "./page.tsx";
import { readRequest } from "./request.ts";
import type { View } from "./view.ts";

/** The default makes all of an hour. */
const SHARE = Math.min(1, Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 400_000) / 400_000);

/** Bytes of a page on the wire. */
const PAGE_BYTES_MAX = 60_000;

const ROWS = 100;
const DEFAULTS = { n: 25, refreshS: 30, target: "agg:9091" };

const view = new LiveView({ source: "agg", seed: 3, regex: linearRegex, targets: () => [] });
const hour = hourOfTraffic(7, Math.ceil(60 * SHARE));
hour.forEach((bucket, i) => {
  view.advance(bucket.startS + bucket.lengthS);
  const identity = { source: "col-1", instance: "0123456789abcdef", sequence: i + 1, checksum: bucketChecksum(bucket) };
  view.accept({ identity, bucket }, bucket.startS);
});

for (const [by, q] of [["prefix", ""], ["uri", "website=www.customer-3.example"], ["prefix", "status>=400"]] as const) {
  const filter = filterOf(q), group = `${ROWS} rows of ${by}${q && ` under ${q}`}, an hour of ${hour.length} buckets`;
  const page = pageOf(by, q, ask(by, filter, true));
  const html = renderPage(page, "./style.css?v=00000000"), bytes = gzipSync(html).length;
  if (bytes > PAGE_BYTES_MAX) throw new Error(`Cannot measure ${group}: the page has ${bytes} bytes compressed`);
  const size = `${Math.round(html.length / 1000)} kB, ${Math.round(bytes / 100) / 10} kB compressed`;
  Deno.bench({ name: `the ranking and trend alone`, group, fn: () => void ask(by, filter, false) });
  Deno.bench({ name: "the question behind a page", group, baseline: true, fn: () => void ask(by, filter, true) });
  Deno.bench({ name: `drawing the page (${size})`, group, fn: () => void renderPage(page, "./style.css") });
}

function ask(groupBy: DimensionName, filter: Filter, detail: boolean): Answers {
  return {
    topN: view.topN({ window: "60m", groupBy, n: ROWS, sort: REQUESTS, filter, detail }),
    trend: view.trend({ window: "60m", filter, detail }),
  };
}

function pageOf(by: DimensionName, q: string, answers: Answers): View {
  const search = new URLSearchParams({ w: "60m", by, n: String(ROWS), q });
  const { state, typed } = readRequest(search, DEFAULTS, linearRegex);
  const nowS = answers.topN.toS + 4;
  return { page: "traffic", state, defaults: DEFAULTS, typed, nowS, tookMs: 10, outcome: { kind: "answers", answers } };
}

function filterOf(q: string): Filter {
  const parsed = parseFilter(q);
  if ("mistake" in parsed) throw new Error(`Cannot measure ${q}: ${parsed.mistake.message}`);
  return parsed.filter;
}
