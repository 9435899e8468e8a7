/** The page of metrics, the dashboard and the alerts speak of what the roles have, and of nothing else. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Metric } from "@/core/host/metrics_page.ts";
import { metricPage, ROLES } from "./metric_page.ts";

function read(path: string): string {
  return Deno.readTextFileSync(fromFileUrl(new URL(`../../${path}`, import.meta.url)));
}

/** Names of series, as a scraper sees them. */
const SERIES = new Map<string, Metric>();
for (const metric of Object.values(ROLES).flat()) {
  if (metric.type !== "histogram") SERIES.set(metric.name, metric);
  else for (const end of ["_bucket", "_sum", "_count"]) SERIES.set(`${metric.name}${end}`, metric);
}

/** Names in an expression or a text, and the labels that stand with them in braces. */
function mentions(text: string): readonly (readonly [name: string, labels: readonly string[]])[] {
  return [...text.matchAll(/\b((?:logtail|nginx_http|process)_[a-z_]+)(?:\{([^}]*)\})?/g)].map((
    [, name, braces = ""],
  ) => [name, [...braces.matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label)] as const);
}

/** Labels that whoever scrapes adds. */
const SCRAPED = ["job", "instance", "le"];

function complaints(text: string): readonly string[] {
  return mentions(text).flatMap(([name, labels]) => {
    const metric = SERIES.get(name);
    if (metric === undefined) return [`nobody has ${name}`];
    return labels.filter((label) => !metric.labels.includes(label) && !SCRAPED.includes(label))
      .map((label) => `${name} has no label ${label}`);
  });
}

Deno.test("docs/metrics.md is what the tables of the roles say; deno task metrics writes it", () => {
  assertEquals(read("docs/metrics.md"), metricPage());
});

Deno.test("names follow the style: the role's, unless the original or everybody has them; units are base units", () => {
  for (const [role, metrics] of Object.entries(ROLES)) {
    assertEquals(new Set(metrics.map(({ name }) => name)).size, metrics.length, role);
    for (const { name, type, help } of metrics) {
      assert(new RegExp(`^(logtail_${role}|logtail_udp|nginx_http|process)_[a-z_]+$`).test(name), name);
      assertEquals(name.endsWith("_total"), type === "counter", name);
      assert(!/_(ms|milliseconds|kb|mb|minutes|percent)(_|$)/.test(name), name);
      assert(/^[A-Zg].*\.$/.test(help), `${name}: ${help}`);
    }
  }
});

Deno.test("the dashboard asks for what the roles have, and each of its panels has a place", () => {
  const text = read("packaging/grafana/nginx-logtail.json");
  const board = JSON.parse(text) as {
    panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
  };
  assertEquals(complaints(text.replaceAll('\\"', '"')), []);
  assertEquals(new Set(board.panels.map(({ id }) => id)).size, board.panels.length);
  const taken = new Set<string>();
  for (const { gridPos: { x, y, w, h } } of board.panels) {
    assert(x + w <= 24);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assert(!taken.has(`${column} ${line}`), `two panels at ${column}, ${line}`);
        taken.add(`${column} ${line}`);
      }
    }
  }
});

Deno.test("the alerts ask for what the roles have, and the guide says of each what to do", () => {
  const rules = read("packaging/prometheus/nginx-logtail.rules.yml"), guide = read("docs/guide.md");
  assertEquals(complaints(rules), []);
  assertEquals(complaints(read("packaging/prometheus/nginx-logtail.rules.test.yml")), []);
  const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  assert(alerts.length > 10);
  for (const alert of alerts) assert(guide.includes(`\`${alert}\``), `the guide says nothing of ${alert}`);
});

Deno.test("what nobody has is complained of", () => {
  assertEquals(complaints('rate(logtail_collector_linse_read_total{job="x"}[5m])'), [
    "nobody has logtail_collector_linse_read_total",
  ]);
  assertEquals(complaints('nginx_http_requests_total{site="x"}'), ["nginx_http_requests_total has no label site"]);
  assertEquals(complaints('nginx_http_bytes_sent_bucket{host=~"a",le="1"}'), []);
});
