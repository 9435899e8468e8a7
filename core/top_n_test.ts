/**
 * Answers against exact counting, over buckets that were cut hard: the truth lies within [count, countMax], sums are
 * exact, and what was certain stays so.
 */
import { assert, assertEquals } from "@std/assert";
import { type DimensionName, DIMENSIONS } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { BYTES, REQUESTS, TIME_MAX, VALUE_MAX } from "./measures.ts";
import { type Caps, TIERS } from "./slices.ts";
import { CounterTable } from "./counter_table.ts";
import { makeRoom } from "./roll_up.ts";
import type { Bucket } from "./bucket.ts";
import { parsePrefixText, prefixLabel } from "./client_prefix.ts";
import { seal } from "./seal.ts";
import { mergeBuckets } from "./merge.ts";
import { parseFilter } from "./filter_parse.ts";
import { type CompiledFilter, compileFilter } from "./filter_match.ts";
import { type Query, type Ranking, topN, TopNBuilder } from "./top_n.ts";
import { matchingRequests } from "./matching_total.ts";
import { randomFrom, randomRequest, type Request } from "./test_lines.ts";
import { countRow } from "./test_tables.ts";

const NO_REGEX = (): { test(text: string): boolean } => ({ test: () => false });
const HARD: Caps = { rowsMax: 300, entriesMax: 120, entryBytesMax: Infinity };

function compiled(text: string): CompiledFilter | undefined {
  const parsed = parseFilter(text);
  if ("mistake" in parsed) throw new Error(`${text}: ${parsed.mistake.message}`);
  return parsed.filter === undefined ? undefined : compileFilter(parsed.filter, NO_REGEX);
}

function rank(buckets: readonly Bucket[], groupBy: DimensionName, filter = "", n = 1000): Ranking {
  return topN(buckets, { window: "5m", groupBy, n, sort: REQUESTS, filter: compiled(filter) }, 7);
}

/** A table of requests with real prefixes, overflowing on the way and cut at the end. */
function cutBucket(requests: readonly Request[], caps: Caps = HARD, openRowsMax = 1200): Bucket {
  const table = new CounterTable(17), encoder = new TextEncoder();
  const ids = new Int32Array(DIMENSIONS.length);
  requests.forEach(({ values, measures }, i) => {
    if (i % 256 === 0) {
      makeRoom(table, { rowsMax: openRowsMax, entriesMax: 0.6 * openRowsMax, entryBytesMax: Infinity });
    }
    for (let d = 0; d < ids.length; d++) {
      const entry = DIMENSIONS[d].kind === "prefix" ? parsePrefixText(values[d])! : encoder.encode(values[d]);
      ids[d] = table.dictionaries[d].intern(entry, 0, entry.length);
    }
    countRow(table, ids, measures);
  });
  return seal(table, 0, 10, emptyLedger(), caps);
}

function randomRequests(seed: number, count: number): Request[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => {
    const { values, measures } = randomRequest(random, 900);
    const net = Number(values[1].slice(1));
    return { values: values.with(1, `10.${net >> 6}.${net & 63}.0/24`), measures };
  });
}

/** Exact counts of one dimension under a test. */
function exact(
  requests: readonly Request[],
  d: number,
  keep: (values: readonly string[]) => boolean,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { values } of requests) if (keep(values)) counts.set(values[d], (counts.get(values[d]) ?? 0) + 1);
  return counts;
}

const QUESTIONS: readonly { readonly filter: string; readonly keep: (values: readonly string[]) => boolean }[] = [
  { filter: "", keep: () => true },
  { filter: "website=w0", keep: ([website]) => website === "w0" },
  { filter: "website=w3", keep: ([website]) => website === "w3" },
  { filter: "status=200 AND method=GET", keep: (values) => values[3] === "200" && values[4] === "GET" },
  { filter: "prefix=10.1.0.0/16", keep: ([, prefix]) => prefix.startsWith("10.1.") },
  { filter: "prefix=10.0.7.0/24", keep: ([, prefix]) => prefix === "10.0.7.0/24" },
  { filter: "status=4xx OR uri=u1", keep: (values) => values[3].startsWith("4") || values[2] === "u1" },
  { filter: "NOT website=w1", keep: ([website]) => website !== "w1" },
  { filter: "status>=300 AND NOT uri=u0", keep: (values) => Number(values[3]) >= 300 && values[2] !== "u0" },
];

Deno.test("the true count of every listed value lies within [count, countMax], whatever was rolled up and folded", () => {
  let bounded = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const parts = [1, 2, 3, 4].map((part) => randomRequests(10 * seed + part, 2500));
    const requests = parts.flat();
    const cut = parts.map((part) => cutBucket(part));
    const lists = [cut, [mergeBuckets(cut, 0, 60, HARD, 5)], [mergeBuckets(cut.slice(1), 0, 60, HARD, 5), cut[0]]];
    for (const buckets of lists) {
      for (const { filter, keep } of QUESTIONS) {
        for (const groupBy of ["website", "prefix", "uri", "status"] as const) {
          const d = DIMENSIONS.findIndex(({ name }) => name === groupBy);
          const truth = exact(requests, d, keep);
          for (const { label, values, countMax } of rank(buckets, groupBy, filter).entries) {
            const count = truth.get(label) ?? 0, where = `seed ${seed}: ${filter} by ${groupBy}: ${label}`;
            assert(
              values[REQUESTS] <= count && count <= countMax,
              `${where}: ${count} not in [${values[REQUESTS]}, ${countMax}]`,
            );
            if (countMax > values[REQUESTS]) bounded++;
          }
        }
      }
    }
  }
  assert(bounded > 1000, "nothing was rolled up: the test shows nothing");
});

Deno.test("rows and other are the total for every measure, whatever was rolled up", () => {
  const buckets = [1, 2, 3].map((seed) => cutBucket(randomRequests(seed, 3000)));
  for (const { filter } of QUESTIONS) {
    for (const { name } of DIMENSIONS) {
      for (const n of [1, 5, 1000]) {
        const { total, other, entries } = rank(buckets, name, filter, n);
        const listed = entries.reduce((sum, { values }) => sum + values[REQUESTS], 0);
        assertEquals(listed + other[REQUESTS], total[REQUESTS], `${filter} by ${name}`);
        assert(other[REQUESTS] >= 0);
        const largest = entries.reduce((most, { values }) => Math.max(most, values[TIME_MAX]), other[TIME_MAX]);
        assertEquals(largest, total[TIME_MAX], `${filter} by ${name}: maximum`);
      }
    }
  }
});

Deno.test("clicking a row does not change its number: the total of one value is its row", () => {
  const buckets = [1, 2, 3].map((seed) => cutBucket(randomRequests(seed, 3000)));
  for (const groupBy of ["website", "prefix", "uri", "status"] as const) {
    for (const { label, values } of rank(buckets, groupBy, "", 20).entries) {
      const filter = compiled(`${groupBy}="${label}"`);
      const total = buckets.reduce((sum, bucket) => sum + matchingRequests(bucket, filter), 0);
      assertEquals(total, values[REQUESTS], `${groupBy} ${label}`);
    }
  }
});

Deno.test("a network wider than those counted can hide in many values that were folded", () => {
  const measures = [1, 0, 0, 0];
  const request = (net: number, uri: string): Request => ({
    values: ["w", `10.3.${net}.0/24`, uri, "200", "GET", "", "", "", "c"],
    measures,
  });
  const requests = [
    ...Array.from({ length: 50 }, () => request(0, "/login")),
    ...Array.from({ length: 100 }, (_, i) => request(1 + i % 20, "/login")),
    ...Array.from(
      { length: 500 },
      (_, i) => ({
        ...request(0, "/"),
        values: ["w", "10.9.9.0/24", `/u${i % 7}`, "200", "GET", "", "", "", "c"],
        measures,
      }),
    ),
  ];
  const bucket = cutBucket(requests, { rowsMax: 1000, entriesMax: 3, entryBytesMax: Infinity });
  const entry = rank([bucket], "uri", "prefix=10.3.0.0/16").entries.find(({ label }) => label === "/login");
  assert(entry !== undefined && entry.countMax >= 150, `at most ${entry?.countMax}`);
  assertEquals(prefixLabel(parsePrefixText("10.3.0.0/16")!), "10.3.0.0/16");
});

Deno.test("source is given up before anything else", () => {
  const random = randomFrom(4), requests: Request[] = [];
  for (let i = 0; i < 3000; i++) {
    const { values, measures } = randomRequest(random, 900);
    for (const source of ["a", "b", "c"]) {
      requests.push({ values: values.with(1, "10.0.0.0/24").with(8, source), measures });
    }
  }
  const distinct = new Set(requests.map(({ values }) => values.slice(0, 8).join())).size;
  const bucket = cutBucket(requests, { rowsMax: distinct + 10, entriesMax: 5000, entryBytesMax: Infinity }, 100_000);
  const otherOf = (d: number): number => {
    let requests = 0;
    bucket.indexes[d].forEach((entry, row) => requests += entry === 0 ? bucket.measures[REQUESTS][row] : 0);
    return requests;
  };
  assertEquals(otherOf(2), 0, "no URI was given up while sources were left");
  assert(otherOf(8) > 0);
});

Deno.test("a dictionary of long values is bounded in bytes, and its totals stay exact", () => {
  const requests = Array.from({ length: 2000 }, (_, i): Request => ({
    values: ["w", "10.0.0.0/24", `/${"x".repeat(1500)}${i}`, "200", "GET", "", "", "", "c"],
    measures: [1, 0, 0, 0],
  }));
  const bucket = cutBucket(requests, TIERS[0].caps);
  assert(bucket.dictionaries[2].bytes.length <= TIERS[0].caps.entryBytesMax);
  assertEquals(bucket.totals[REQUESTS], 2000);
});

Deno.test("parts counted apart and added rank as the whole does, with bounds no closer, and a state can be posted", () => {
  const buckets = [1, 2, 3, 4].map((seed) => cutBucket(randomRequests(seed, 3000)));
  for (const { filter } of QUESTIONS) {
    for (const groupBy of ["website", "prefix", "uri"] as const) {
      const query: Query = { window: "5m", groupBy, n: 20, sort: REQUESTS, filter: compiled(filter) };
      const parts = [buckets.slice(0, 3), buckets.slice(3)].map((part, seed) => {
        const builder = new TopNBuilder(query, seed);
        for (const bucket of part) builder.add(bucket);
        return structuredClone(builder.state());
      });
      const builder = new TopNBuilder(query, 9), where = `${filter} by ${groupBy}`;
      for (const part of parts) builder.addState(part);
      const built = builder.ranking(), whole = topN(buckets, query, 3);
      const certain = (
        { total, other, entries }: Ranking,
      ): unknown => [total, other, entries.map(({ label, values }) => [label, values])];
      assertEquals(certain(built), certain(whole), where);
      assert(built.unlistedMax >= whole.unlistedMax, where);
      whole.entries.forEach(({ label, countMax }, i) => {
        assert(built.entries[i].countMax >= countMax, `${where}: ${label}`);
      });
    }
  }
});

Deno.test("a builder holds no more values than it may, and its bounds say what that cost", () => {
  const parts = Array.from({ length: 12 }, (_, seed) => randomRequests(seed + 1, 800));
  const buckets = parts.map((part) => cutBucket(part));
  for (const { filter, keep } of [QUESTIONS[0], QUESTIONS[3], QUESTIONS[7]]) {
    const truth = exact(parts.flat(), 2, keep);
    for (const groupsMax of [1, 10, 100]) {
      const query: Query = { window: "5m", groupBy: "uri", n: 50, sort: REQUESTS, filter: compiled(filter) };
      const builder = new TopNBuilder(query, 1, groupsMax);
      for (const bucket of buckets) {
        builder.add(bucket);
        assert(builder.state().extra.length <= groupsMax);
      }
      const { entries, total, other, unlistedMax } = builder.ranking();
      const listed = new Set(entries.map(({ label }) => label));
      for (const [label, count] of truth) if (!listed.has(label)) assert(count <= unlistedMax, `${label}: ${count}`);
      for (const { label, values, countMax } of entries) {
        const count = truth.get(label)!, where = `${filter} ${groupsMax}: ${label}`;
        assert(
          values[REQUESTS] <= count && count <= countMax,
          `${where}: ${count} not in [${values[REQUESTS]}, ${countMax}]`,
        );
      }
      assertEquals(entries.reduce((sum, { values }) => sum + values[REQUESTS], other[REQUESTS]), total[REQUESTS]);
    }
  }
});

Deno.test("two networks that hold one address, as sources mask differently, may both have lost what is asked for", () => {
  const requests = (write: (net: number) => string): Request[] =>
    Array.from({ length: 2000 }, (_, i) => ({
      values: ["w", write(i % 2 === 0 ? 0 : 1 + i % 200), `u${i}`, "200", "GET", "", "", "0", "c"],
      measures: [1, 1, 0, 0],
    }));
  const whole: Caps = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };
  const parts = [requests((net) => `10.${net}.0.0/24`), requests((net) => `10.${net}.0.0/16`)]
    .map((part) => cutBucket(part, whole, 9000));
  const bucket = mergeBuckets(parts, 0, 60, { ...whole, rowsMax: 40 }, 5);
  const { entries } = rank([bucket], "website", "prefix=10.0.0.7");
  assert(entries[0].values[REQUESTS] < 2000 && entries[0].countMax >= 2000, `${entries[0].countMax}`);
});

Deno.test("where a sum is saturated, (other) is what the values that are not listed have, and not zero", () => {
  const requests = Array.from({ length: 900 }, (_, i): Request => ({
    values: [`w${i % 700}`, "10.0.0.0/24", `u${i % 3}`, "200", i % 2 === 0 ? "GET" : "POST", "", "", "0", "c"],
    measures: [1, i % 700 === 1 ? VALUE_MAX : 1000, 0, 0],
  }));
  const bucket = cutBucket(requests, { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity }, 10_000);
  for (const filter of ["", "method=POST", "method=POST OR uri=u0"]) {
    for (const way of ["ranked", "built"]) {
      const query: Query = { window: "5m", groupBy: "website", n: 1, sort: BYTES, filter: compiled(filter) };
      const builder = new TopNBuilder(query, 3);
      builder.add(bucket);
      const { total, other, entries } = way === "built" ? builder.ranking() : topN([bucket], query, 3);
      assertEquals([entries[0].label, total[BYTES]], ["w1", VALUE_MAX], filter);
      assertEquals(other[BYTES], 1000 * (total[REQUESTS] - entries[0].values[REQUESTS]), `${filter} ${way}`);
    }
  }
});
