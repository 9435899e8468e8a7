import { assert, assertEquals } from "@std/assert";
import { DIMENSIONS, PREFIX, STATUS, URI, WEBSITE } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import type { Bucket } from "./bucket.ts";
import { seal } from "./seal.ts";
import { CounterTable } from "./counter_table.ts";
import { compileFilter } from "./filter_match.ts";
import type { FilterNode } from "./filter_tree.ts";
import { rowSeries } from "./row_series.ts";
import { addByStatusClass, classOfStatus, STATUS_CLASSES } from "./status_class.ts";
import { LiveView } from "./live_view.ts";
import { topN } from "./top_n.ts";
import { matchingRequests } from "./matching_total.ts";
import { NO_CAPS, trafficBucket } from "./test_buckets.ts";
import { countRequest, randomFrom, randomRequest, type Request } from "./test_lines.ts";

const START = 1_700_006_400, SEED = 5;
const NO_REGEX = (): { test(text: string): boolean } => ({ test: () => false });
const HARD = { rowsMax: 60, entriesMax: 24, entryBytesMax: 2000 };

/** Requests of some points, and buckets of them. */
function traffic(seed: number): { readonly points: readonly (readonly Request[])[]; readonly buckets: Bucket[][] } {
  const random = randomFrom(seed);
  const points = Array.from({ length: 4 }, (_, point) =>
    Array.from({ length: point === 2 ? 0 : 150 }, () => {
      const request = randomRequest(random, 40), status = ["200", "404", "503", "", "99", "101", "301"];
      const values = request.values.with(STATUS, status[Math.floor(7 * random())]).with(PREFIX, "");
      return { ...request, values };
    }));
  const buckets = points.map((requests, point) => {
    const table = new CounterTable(seed);
    for (const request of requests) countRequest(table, request);
    return requests.length === 0 ? [] : [seal(table, START + 10 * point, 10, emptyLedger(), NO_CAPS)];
  });
  return { points, buckets };
}

const FILTERS: Readonly<Record<string, FilterNode | undefined>> = {
  "everything": undefined,
  "website=w0": { kind: "compare", dimension: "website", operator: "=", value: "w0" },
  "status=404": { kind: "compare", dimension: "status", operator: "=", value: "404" },
  "status>=400 AND method=GET": {
    kind: "and",
    parts: [
      { kind: "compare", dimension: "status", operator: ">=", value: "400" },
      { kind: "compare", dimension: "method", operator: "=", value: "GET" },
    ],
  },
};

function matches(name: string, { values }: Request): boolean {
  if (name === "website=w0") return values[WEBSITE] === "w0";
  if (name === "status=404") return values[STATUS] === "404";
  if (name === "everything") return true;
  return /^\d+$/.test(values[STATUS]) && Number(values[STATUS]) >= 400 && values[4] === "GET";
}

function classCounts(requests: readonly Request[]): number[] {
  return STATUS_CLASSES.map((_, at) =>
    requests.filter(({ values }) => values[STATUS].length === 3 && values[STATUS][0] === String(at + 1)).length
  );
}

Deno.test("points and classes of every listed value equal a naive count, whatever the filter and the dimension", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const { points, buckets } = traffic(seed);
    for (const [name, node] of Object.entries(FILTERS)) {
      const filter = node && compileFilter(node, NO_REGEX);
      for (const d of [WEBSITE, URI, STATUS, 4, 5]) {
        const { name: groupBy } = DIMENSIONS[d];
        const query = { window: "1m" as const, groupBy, n: 20, sort: REQUESTS, filter };
        const { entries } = topN(buckets.flat(), query, SEED);
        const labels = entries.map(({ label }) => label);
        const { series, byStatus } = rowSeries(buckets, d, labels, filter, SEED);
        labels.forEach((label, i) => {
          const of = (request: Request): boolean => (request.values[d] || "-") === label && matches(name, request);
          const expected = points.map((requests) => requests.filter(of));
          assertEquals([...series[i]], expected.map(({ length }) => length), `${label} of ${groupBy} under ${name}`);
          assertEquals([...byStatus[i]], classCounts(expected.flat()), `${label} of ${groupBy} under ${name}`);
          assertEquals(series[i].reduce((sum, count) => sum + count, 0), entries[i].values[REQUESTS]);
        });
      }
    }
  }
});

Deno.test("a label that is in no bucket, or can be no entry, has nothing", () => {
  const { buckets } = traffic(1);
  const { series, byStatus } = rowSeries(buckets, STATUS, ["418", "no number", "404"], undefined, SEED);
  assertEquals([...series[0], ...series[1], ...byStatus[0], ...byStatus[1]].every((count) => count === 0), true);
  assert(series[2][0] > 0);
});

Deno.test("after hard roll-up the points still add up to the count, and classes to no more", () => {
  const buckets = [1, 2, 3].map((seed) => [
    trafficBucket(seed, { rows: 3000, sites: 30, prefixes: 2000, uris: 2000 }, START + 10 * seed, 10, HARD),
  ]);
  for (const { name } of DIMENSIONS) {
    const query = { window: "1m" as const, groupBy: name, n: 10, sort: REQUESTS, filter: undefined };
    const { entries } = topN(buckets.flat(), query, SEED), d = DIMENSIONS.findIndex((each) => each.name === name);
    const { series, byStatus } = rowSeries(buckets, d, entries.map(({ label }) => label), undefined, SEED);
    entries.forEach(({ values }, i) => {
      assertEquals(series[i].reduce((sum, count) => sum + count, 0), values[REQUESTS]);
      assert(byStatus[i].reduce((sum, count) => sum + count, 0) <= values[REQUESTS]);
    });
  }
});

Deno.test("classes of a whole bucket are those of its requests, and their sum is no more than what matches", () => {
  const { points, buckets } = traffic(3);
  for (const [name, node] of Object.entries(FILTERS)) {
    const filter = node && compileFilter(node, NO_REGEX);
    buckets.forEach(([bucket], point) => {
      if (bucket === undefined) return;
      const into = new Float64Array(STATUS_CLASSES.length), matched = points[point].filter((one) => matches(name, one));
      assertEquals(addByStatusClass(bucket, filter, into), matchingRequests(bucket, filter));
      assertEquals([...into], classCounts(matched), name);
    });
  }
});

Deno.test("after hard roll-up all that matches is still what the marginals say", () => {
  const bucket = trafficBucket(1, { rows: 3000, sites: 30, prefixes: 2000, uris: 2000 }, START, 10, HARD);
  const site: FilterNode = { kind: "compare", dimension: "website", operator: "=", value: "www.customer-0.example" };
  const filter = compileFilter(site, NO_REGEX), into = new Float64Array(STATUS_CLASSES.length);
  const matching = addByStatusClass(bucket, filter, into), classed = into.reduce((sum, count) => sum + count, 0);
  assertEquals(matching, matchingRequests(bucket, filter));
  assert(classed > 0 && classed < matching, `${classed} of ${matching}`);
});

Deno.test("a status has the class of its first digit, when it is a number of three digits", () => {
  const classOf = (text: string): string => STATUS_CLASSES[classOfStatus(new TextEncoder().encode(text))] ?? "none";
  assertEquals(["100", "204", "599", "600", "099", "20", "2000", "", "4xx"].map(classOf), [
    ...["1xx", "2xx", "5xx"],
    ...Array(6).fill("none"),
  ]);
});

/** A view with one request a second since `fromS`, in slices of ten seconds, in order. */
function steadyView(fromS: number, toS: number): LiveView {
  const view = new LiveView({ source: "all", seed: SEED, regex: NO_REGEX, targets: () => [] });
  for (let startS = fromS, sequence = 1; startS < toS; startS += 10, sequence++) {
    const table = new CounterTable(SEED), values = ["w", "", "/u", "200", "GET", "", "", "0", "c"];
    for (let i = 0; i < 10; i++) countRequest(table, { values, measures: [1, 1, 1, 1] });
    const bucket = seal(table, startS, 10, emptyLedger(), NO_CAPS);
    view.advance(startS + 10);
    view.accept({ identity: { source: "c", instance: "i", sequence, checksum: 0 }, bucket }, startS + 10);
  }
  return view;
}

Deno.test("details come when they are asked for: points of one length, few enough to draw, that add up to the window", () => {
  const view = steadyView(START, START + 7200);
  for (const [window, stepS, count] of [["1m", 10, 6], ["15m", 20, 45], ["60m", 120, 30]] as const) {
    const question = { window, groupBy: "website" as const, n: 5, sort: REQUESTS, filter: undefined };
    assertEquals([view.topN(question).series, view.topN(question).entries[0].detail], [undefined, undefined]);
    const { series, entries } = view.topN({ ...question, detail: true });
    assertEquals([series?.stepS, series?.secondsKnown.length], [stepS, count]);
    assertEquals(Array.from(entries[0].detail?.counts ?? []), Array(count).fill(stepS), window);
    assertEquals(Array.from(entries[0].detail?.byStatus ?? []), [0, entries[0].values[REQUESTS], 0, 0, 0]);
  }
});

Deno.test("the previous window is as fine as it is held, where it was, and empty when it is not held", () => {
  const view = steadyView(START, START + 7200);
  for (const [window, stepS, lengthS] of [["5m", 10, 300], ["15m", 60, 900], ["60m", 300, 3600]] as const) {
    const { previous, fromS, points } = view.trend({ window, filter: undefined, detail: true });
    assertEquals(previous?.stepS, stepS);
    assert((previous?.points[0].startS ?? 0) <= fromS - lengthS);
    for (const { count } of previous?.points ?? []) assert(count === null || count === stepS, `${count} in ${window}`);
    assert((previous?.points.length ?? 0) >= lengthS / stepS);
    assertEquals(Array.from(points[0].byStatus ?? []), [0, points[0].count, 0, 0, 0]);
  }
  assertEquals(view.trend({ window: "24h", filter: undefined, detail: true }).previous?.points, []);
  assertEquals(view.trend({ window: "5m", filter: undefined }).previous, undefined);
});
