/**
 * Bounds under any filter: whatever was cut and merged and whatever is asked, the truth lies within what the answer says.
 * And the two ways to rank, with candidates and one bucket after the other, agree.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DIMENSION_COUNT, dimensionIndex, type DimensionName, DIMENSIONS } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { MEASURE_COUNT, MEASURES, REQUESTS } from "./measures.ts";
import { CounterTable } from "./counter_table.ts";
import type { Bucket } from "./bucket.ts";
import { parsePrefixText } from "./client_prefix.ts";
import { seal } from "./seal.ts";
import { valueIds } from "./value_ids.ts";
import { mergeBuckets } from "./merge.ts";
import { compileFilter, type RegexEngine } from "./filter_match.ts";
import { parseFilter } from "./filter_parse.ts";
import { type Comparison, type FilterNode, filterText } from "./filter_tree.ts";
import { type Query, type Ranking, topN, TopNBuilder } from "./top_n.ts";
import { matchingRequests } from "./matching_total.ts";
import { Batches } from "./test_batches.ts";
import { randomFrom, randomRequest, type Request } from "./test_lines.ts";
import { countRow } from "./test_tables.ts";
import { hourOfTraffic } from "./test_traffic.ts";

/** The runtime's own engine will do for patterns of these tests. */
const regex: RegexEngine = (pattern) => new RegExp(pattern, "u");
const HARD = { rowsMax: 250, entriesMax: 100, entryBytesMax: Infinity };
const LINES = 1500;
const OVERFLOWING = { rowsMax: 800, entriesMax: 450, entryBytesMax: Infinity };
const ROOMY = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };

/** Three buckets that lost most of their rows, and what was true of them. */
interface Traffic {
  readonly requests: readonly Request[];
  readonly lists: readonly (readonly Bucket[])[];
}

const TRAFFIC: readonly Traffic[] = [1, 2, 3, 4].map((seed) => {
  const parts = [1, 2, 3].map((part) => requestsOf(100 * seed + part)),
    cut = parts.map((part) => bucketOf(part, seed % 2 === 0));
  const merged = [mergeBuckets(cut.slice(0, 2), 0, 60, HARD, 5), cut[2]];
  return { requests: parts.flat(), lists: [cut, merged, [mergeBuckets(merged, 0, 300, HARD, 6)]] };
});

function requestsOf(seed: number): Request[] {
  const random = randomFrom(seed);
  return Array.from({ length: LINES }, () => {
    const { values, measures } = randomRequest(random, 700), net = Number(values[1].slice(1));
    return { values: values.with(1, `10.${net >> 6}.${net & 63}.0/24`), measures };
  });
}

/** Counted as the pipeline does: in a flood values that come for the first time are withheld. */
function bucketOf(requests: readonly Request[], isFlood: boolean): Bucket {
  const table = new CounterTable(17), encoder = new TextEncoder();
  const batches = new Batches(table, isFlood ? OVERFLOWING : ROOMY);
  for (const { values, measures } of requests) {
    batches.add((d, into) => {
      const entry = DIMENSIONS[d].kind === "prefix" ? parsePrefixText(values[d])! : encoder.encode(values[d]);
      into.set(entry);
      return entry.length;
    }, measures);
  }
  batches.flush();
  assert(table.flooded === isFlood);
  return seal(table, 0, 10, emptyLedger(), HARD);
}

function leaf(text: string): Comparison {
  const parsed = parseFilter(text);
  assert("filter" in parsed && parsed.filter?.kind === "compare", text);
  return parsed.filter;
}

const LEAVES = [
  ..."website=w0 website!=w1 website~=^w[0-4]$ website!~=w1 uri=u0 uri!=u2 uri=u400 uri~=^u[0-9]$ uri~=5".split(" "),
  ..."prefix=10.0.0.0/24 prefix=10.1.0.0/16 prefix!=10.0.0.0/16 prefix=10.0.3.7 prefix=0.0.0.0/0".split(" "),
  ..."status=200 status>=400 status<300 status=3xx status!=404 method=GET method!=POST".split(" "),
  ..."asn=64496 asn>64510 asn<=64500 asn!=- tor=yes tor!=yes tag=- source=c source!=c".split(" "),
].map(leaf);

const { node } = fc.letrec<{ node: FilterNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...LEAVES),
    fc.record({ kind: fc.constant("not" as const), part: tie("node") }),
    fc.record({ kind: fc.constantFrom("and", "or"), parts: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) }),
  ),
}));

/** Naive: on the text of a request. */
function isTrue(filter: FilterNode, values: readonly string[]): boolean {
  switch (filter.kind) {
    case "not":
      return !isTrue(filter.part, values);
    case "and":
      return filter.parts.every((part) => isTrue(part, values));
    case "or":
      return filter.parts.some((part) => isTrue(part, values));
    case "compare":
      return compares(filter, values[dimensionIndex(filter.dimension)]);
  }
}

function compares({ dimension, operator, value }: Comparison, own: string): boolean {
  if (operator.startsWith("!")) {
    return !compares({ kind: "compare", dimension, operator: operator === "!=" ? "=" : "~=", value }, own);
  }
  if (operator === "~=") return new RegExp(value, "u").test(own);
  if (operator !== "=") {
    const [a, b] = [Number(own), Number(value)];
    return operator === ">" ? a > b : operator === ">=" ? a >= b : operator === "<" ? a < b : a <= b;
  }
  if (value === "-") return own === "";
  if (dimension === "status" && value.endsWith("xx")) return own[0] === value[0];
  if (dimension === "tor") return own === (value === "yes" ? "1" : "0");
  if (dimension !== "prefix") return own === value;
  const [address, length] = value.split("/"), bits = Math.min(24, Number(length ?? 32));
  const binary = (text: string): string =>
    text.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0")).join("").slice(0, bits);
  return binary(own.split("/")[0]) === binary(address);
}

/** Full minutes, of more values than are joined one by one. */
const MINUTES = hourOfTraffic(5, 3);

const GROUPED: readonly DimensionName[] = ["website", "prefix", "uri", "status", "method", "asn", "tor"];

Deno.test("the truth lies within the bounds of any answer: of those listed, of those not, and of the total", () => {
  let closer = 0, open = 0, openTotals = 0;
  fc.assert(
    fc.property(
      node,
      fc.constantFrom(...TRAFFIC),
      fc.nat(2),
      fc.constantFrom(...GROUPED),
      fc.constantFrom(3, 1000),
      fc.nat(MEASURE_COUNT - 1),
      fc.constantFrom("joined", "candidates", "built"),
      (filter, { requests, lists }, list, groupBy, n, sort, way) => {
        const d = dimensionIndex(groupBy),
          where = `${filterText(filter)} by ${groupBy}`,
          compiled = compileFilter(filter, regex);
        const truth = new Map<string, number>();
        for (const { values } of requests) {
          if (!isTrue(filter, values)) continue;
          const label = groupBy === "tor" ? values[d] === "1" ? "yes" : "no" : values[d];
          truth.set(label, (truth.get(label) ?? 0) + 1);
        }
        const query: Query = { window: "5m", groupBy, n, sort, filter: compiled };
        const { entries, total, totalMax, other, unlistedMax } = way === "built"
          ? built(lists[list], query)
          : topN(lists[list], query, 7, way === "joined" ? Infinity : 0);
        for (const { label, values, countMax } of entries) {
          const count = truth.get(label) ?? 0, least = values[REQUESTS];
          assert(least <= count && count <= countMax, `${where}: ${label}: ${count} not in [${least}, ${countMax}]`);
          truth.delete(label);
          if (least === countMax) closer++;
          else open++;
        }
        for (const [label, count] of truth) {
          assert(count <= unlistedMax, `${where}: ${label} is not listed and has ${count}, not ${unlistedMax} at most`);
        }
        const all = requests.filter(({ values }) => isTrue(filter, values)).length;
        assert(
          total[REQUESTS] <= all && all <= totalMax,
          `${where}: a total of ${all} not in [${total[REQUESTS]}, ${totalMax}]`,
        );
        if (total[REQUESTS] < totalMax && totalMax < requests.length) openTotals++;
        const summed = lists[list].reduce((sum, bucket) => sum + matchingRequests(bucket, compiled), 0);
        assertEquals(summed, total[REQUESTS], `${where}: the trend says the same`);
        assertEquals(
          entries.reduce((sum, { values }) => sum + values[REQUESTS], other[REQUESTS]),
          total[REQUESTS],
          where,
        );
      },
    ),
    { numRuns: 600 },
  );
  assert(closer > 0 && open > 500, `${closer} exact and ${open} open counts: the test shows nothing`);
  assert(openTotals > 50, `${openTotals} totals are bounded: the test shows nothing`);
});

function built(buckets: readonly Bucket[], query: Query): Ranking {
  const builder = new TopNBuilder(query, 3);
  for (const bucket of buckets) builder.add(bucket);
  return builder.ranking();
}

Deno.test("candidates find what joining everything finds, by every measure, and whatever the seed", () => {
  const buckets = MINUTES,
    filters = [
      "",
      "website=www.customer-3.example",
      "status>=400",
      "method=GET",
      "prefix=40.0.0.0/8",
      "status>=400 AND method=GET",
      "status=429 OR website=www.customer-3.example",
      "uri~=html$",
      "NOT (status=200 OR tor=yes)",
    ];
  for (const text of filters) {
    const parsed = parseFilter(text);
    assert("filter" in parsed);
    for (const groupBy of ["prefix", "uri", "asn"] as const) {
      for (let sort = 0; sort < MEASURE_COUNT; sort++) {
        const filter = parsed.filter && compileFilter(parsed.filter, regex), where = `${text} by ${groupBy}`;
        const query: Query = { window: "60m", groupBy, n: 10, sort, filter };
        const ranking = topN(buckets, query, 1);
        assertEquals(topN(buckets, query, 99), ranking, `${where} by ${MEASURES[sort].sort}, with another seed`);
        assertEquals(certain(ranking), certain(built(buckets, query)), `${where} by ${MEASURES[sort].sort}`);
      }
    }
  }
});

Deno.test("where fewer values match than are asked for, those that only may are bounded and not listed", () => {
  const buckets = MINUTES;
  for (const text of ["prefix=40.0.0.0/8", "website=www.customer-250.example AND status=404", "status=999"]) {
    const parsed = parseFilter(text);
    assert("filter" in parsed);
    const filter = compileFilter(parsed.filter!, regex);
    for (let sort = 0; sort < MEASURE_COUNT; sort++) {
      const query: Query = { window: "60m", groupBy: "asn", n: 1000, sort, filter };
      const joined = topN(buckets, query, 1, Infinity), found = topN(buckets, query, 1, 0);
      assert(found.entries.length < 1000 && found.unlistedMax > 0, text);
      assertEquals(found.entries, joined.entries, text);
      assertEquals(certain(found), certain(joined), text);
    }
  }
});

Deno.test("candidates also find the first of values that all have the same", () => {
  const requests = Array.from({ length: 30_000 }, (_, i): Request => ({
    values: ["w", "10.0.0.0/24", `u${i}`, "200", "GET", "", "", "0", "c"],
    measures: [1, i % 7, 0, 5],
  }));
  const table = new CounterTable(3, requests.length),
    encoder = new TextEncoder(),
    ids = new Int32Array(DIMENSION_COUNT);
  for (const { values, measures } of requests) {
    values.forEach((value, d) => {
      const entry = d === 1 ? parsePrefixText(value)! : encoder.encode(value);
      ids[d] = table.dictionaries[d].intern(entry, 0, entry.length);
    });
    countRow(table, ids, measures);
  }
  const bucket = seal(table, 0, 60, emptyLedger(), { rowsMax: 50_000, entriesMax: 50_000, entryBytesMax: Infinity });
  for (let sort = 0; sort < MEASURE_COUNT; sort++) {
    const query: Query = { window: "60m", groupBy: "uri", n: 5, sort, filter: undefined };
    assertEquals(topN([bucket], query, 1), built([bucket], query), MEASURES[sort].sort);
  }
});

Deno.test("values that share numbers, as in a flood, are told apart where it matters: the answer is the same", () => {
  const buckets = hourOfTraffic(6, 3), { valuesMax } = valueIds;
  const answers = (): Ranking[] =>
    ["", "status>=400", "website=www.customer-3.example", "uri~=html$ AND NOT method=GET", "prefix=40.0.0.0/8"]
      .flatMap((text) => {
        const parsed = parseFilter(text);
        assert("filter" in parsed);
        const filter = parsed.filter && compileFilter(parsed.filter, regex);
        return (["prefix", "uri", "website"] as const).map((groupBy) =>
          topN(buckets, { window: "60m", groupBy, n: 10, sort: REQUESTS, filter }, 1)
        );
      });
  const expected = answers();
  try {
    for (const few of [0, 100, 20_000]) {
      valueIds.valuesMax = few;
      valueIds.begin([], few + 2); // another seed: the tables begin again
      answers().forEach((answer, i) => {
        assertEquals(certain(answer), certain(expected[i]));
        assertEquals(
          answer.entries.map(({ countMax }) => countMax),
          expected[i].entries.map(({ countMax }) => countMax),
        );
      });
    }
  } finally {
    valueIds.valuesMax = valuesMax;
    valueIds.begin([], 0);
  }
});

/** The parts of an answer that bounds do not touch. */
function certain({ total, other, entries }: Ranking): unknown {
  return [total, other, entries.map(({ label, values }) => [label, values])];
}
