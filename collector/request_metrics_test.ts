import { assert, assertEquals } from "@std/assert";
import { METRICS_WEBSITES_MAX } from "@/core/bounds.ts";
import { MetricsPage } from "@/core/host/metrics_page.ts";
import { emptyLedger } from "@/core/ledger.ts";
import { LineSpread } from "@/core/line_spread.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { Pipeline } from "@/core/pipeline.ts";
import { emptyBucket } from "@/core/bucket.ts";
import { RequestMetrics } from "./request_metrics.ts";

const NOW = 1_700_000_000, ENCODER = new TextEncoder();

interface Request {
  readonly host: string;
  readonly method?: string;
  readonly status?: number;
  readonly bytes?: number;
  readonly seconds?: string;
}

/** Counts and seals lines as a thread does, which begins with this, and adds them. */
function add(metrics: RequestMetrics, requests: readonly Request[], tag = ""): void {
  const spread = new LineSpread(3), masks = { v4Bits: 24, v6Bits: 48 };
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "s", seed: 3, spread });
  pipeline.nowS = NOW;
  const text = requests.map(({ host, method = "GET", status = 200, bytes = 1, seconds = "0.000" }) =>
    `${host}\t10.0.0.1\t${NOW}.5\t${method}\t/\t${status}\t${bytes}\t${seconds}\n`
  ).join("");
  const lines = ENCODER.encode(text);
  pipeline.count(lines, 0, lines.length, ENCODER.encode(tag));
  metrics.add({ buckets: pipeline.seal(NOW), spread: spread.take() });
}

/** Series by name and labels. */
function shown(metrics: RequestMetrics): Map<string, number> {
  const page = new MetricsPage();
  metrics.addTo(page);
  const lines = page.text().split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

function sumOf(series: ReadonlyMap<string, number>, name: string): number {
  return [...series].reduce((sum, [key, value]) => key.startsWith(`${name}{`) ? sum + value : sum, 0);
}

Deno.test("requests are counted by website, method and status; their bytes and times are spread by website and tag", () => {
  const metrics = new RequestMetrics();
  const get = { host: "a.example", bytes: 300, seconds: "0.030" };
  add(metrics, [get, get, { ...get, bytes: 256 }, { ...get, method: "POST", status: 503, seconds: "12.000" }], "eu");
  add(metrics, [{ host: "b.example" }]);
  const series = shown(metrics);
  for (
    const [key, value] of Object.entries({
      'nginx_http_requests_total{host="a.example",method="GET",status="200"}': 3,
      'nginx_http_requests_total{host="a.example",method="POST",status="503"}': 1,
      'nginx_http_requests_by_source_total{source_tag="eu",status_class="2xx"}': 3,
      'nginx_http_requests_by_source_total{source_tag="-",status_class="2xx"}': 1,
      'nginx_http_bytes_sent_bucket{host="a.example",source_tag="eu",le="256"}': 1,
      'nginx_http_bytes_sent_bucket{host="a.example",source_tag="eu",le="1024"}': 4,
      'nginx_http_bytes_sent_sum{host="a.example",source_tag="eu"}': 1156,
      'nginx_http_request_duration_seconds_bucket{host="a.example",source_tag="eu",le="0.025"}': 0,
      'nginx_http_request_duration_seconds_bucket{host="a.example",source_tag="eu",le="0.05"}': 3,
      'nginx_http_request_duration_seconds_bucket{host="a.example",source_tag="eu",le="10"}': 3,
      'nginx_http_request_duration_seconds_bucket{host="a.example",source_tag="eu",le="+Inf"}': 4,
      'nginx_http_request_duration_seconds_sum{host="a.example",source_tag="eu"}': 12.09,
      'nginx_http_bytes_sent_count{host="b.example",source_tag="-"}': 1,
    })
  ) assertEquals(series.get(key), value, key);
  assertEquals(series.has('nginx_http_request_duration_seconds_count{host="b.example",source_tag="-"}'), false);
});

Deno.test("series go on when another thread begins, and never fall", () => {
  const metrics = new RequestMetrics(), requests = [{ host: "a", seconds: "1.000" }, { host: "b", status: 404 }];
  let before = new Map<string, number>();
  for (let thread = 1; thread <= 3; thread++) {
    add(metrics, requests);
    metrics.add({ buckets: [emptyBucket(NOW, 10, emptyLedger())], spread: undefined });
    const now = shown(metrics);
    for (const [key, value] of before) assert(now.get(key)! >= value, key);
    assertEquals(now.get('nginx_http_requests_total{host="b",method="GET",status="404"}'), thread);
    for (const end of ["bytes_sent_count", "bytes_sent_sum", "request_duration_seconds_sum"]) {
      assertEquals(now.get(`nginx_http_${end}{host="a",source_tag="-"}`), thread);
    }
    before = now;
  }
});

Deno.test("names that clients make up fill half of the places; the others are for websites that are asked for", () => {
  const metrics = new RequestMetrics();
  const flood = Array.from({ length: 4000 }, (_, i) => ({ host: `x${i}`, method: `M${i}`, status: 400 }));
  add(metrics, flood);
  add(metrics, Array.from({ length: 100 }, () => ({ host: "late.example" })));
  add(metrics, [{ host: "y".repeat(300) }, { host: "rare.example" }]);
  const series = shown(metrics), hosts = new Set([...series.keys()].map((key) => /host="([^"]*)"/.exec(key)?.[1]));
  assertEquals(hosts.has("late.example"), true);
  assertEquals(hosts.has("rare.example"), false);
  assert(hosts.size <= METRICS_WEBSITES_MAX / 2 + 3, `${hosts.size}`);
  assertEquals([...series.keys()].some((key) => key.includes('method="M')), false, "nor does a made-up method");
  assertEquals(sumOf(series, "nginx_http_requests_total"), 4102, "nothing is missing from the sum");
  assertEquals(sumOf(series, "nginx_http_bytes_sent_count"), 4102);
  assertEquals(sumOf(series, "nginx_http_requests_by_source_total"), 4102);
});

Deno.test("there are never more websites than places, however much each is asked for", () => {
  const metrics = new RequestMetrics();
  for (let round = 0; round < 15; round++) {
    const busy = Array.from({ length: 10_000 }, (_, i) => ({ host: `r${round}-${i % 100}` }));
    add(metrics, busy);
  }
  const series = shown(metrics), hosts = new Set([...series.keys()].map((key) => /host="([^"]*)"/.exec(key)?.[1]));
  hosts.delete(undefined);
  assertEquals(hosts.size, METRICS_WEBSITES_MAX + 1);
  assertEquals(sumOf(series, "nginx_http_requests_total"), 150_000);
});
