import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DIMENSION_COUNT, OTHER, PREFIX, URI, WEBSITE } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { MEASURE_COUNT, mergeValues, REQUESTS, zeroValues } from "./measures.ts";
import { CounterTable, ROW_DOUBLES, ROW_WORDS, VALUES_AT } from "./counter_table.ts";
import { fold, makeRoom, rollUp } from "./roll_up.ts";
import { seal } from "./seal.ts";
import { bucketProblem } from "./bucket_check.ts";
import { ATTACKED_URI, ATTACKER_PREFIX, FLOODS, FloodTraffic, writeEntry } from "./accuracy_fixture.ts";
import { countRequest, randomFrom, randomRequest, type Request } from "./test_lines.ts";
import { countRow, tableMarginals } from "./test_tables.ts";

const NO_CAPS = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };

/** Exact count per value of every dimension: the truth to compare with. */
function truth(requests: readonly Request[]): Map<string, number>[] {
  const counts = Array.from({ length: DIMENSION_COUNT }, () => new Map<string, number>());
  for (const { values } of requests) {
    values.forEach((value, d) => counts[d].set(value, (counts[d].get(value) ?? 0) + 1));
  }
  return counts;
}

function tableOf(requests: readonly Request[], rowsMax = Infinity, entriesMax = Infinity): CounterTable {
  const table = new CounterTable(99);
  requests.forEach((request, i) => {
    if (i % 256 === 0) makeRoom(table, { rowsMax, entriesMax, entryBytesMax: Infinity });
    countRequest(table, request);
  });
  return table;
}

function assertConserved(table: CounterTable, requests: readonly Request[]): void {
  const total = zeroValues();
  for (const { measures } of requests) mergeValues(total, measures);
  assertEquals(table.totals, total);
  const rows = zeroValues();
  for (let row = 0; row < table.rows; row++) mergeValues(rows, table.doubles, row * ROW_DOUBLES + VALUES_AT);
  assertEquals(rows, total);
  const bucket = seal(table, 0, 10, emptyLedger(), NO_CAPS);
  assertEquals(bucketProblem(bucket), undefined);
}

Deno.test("totals stay exact whatever is rolled up, and bounds hold for rows and entries", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = randomFrom(seed);
    const requests = Array.from({ length: 6000 }, () => randomRequest(random, 5000));
    const table = tableOf(requests, 1500, 900);
    assert(table.rows <= 1500, `seed ${seed}: ${table.rows} rows`);
    for (const dictionary of table.dictionaries) {
      assert(dictionary.size <= 900, `seed ${seed}: ${dictionary.size} entries`);
    }
    assertConserved(table, requests);
  }
});

Deno.test("the true count of every value lies between its marginal and its marginal plus foldedMax", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = randomFrom(seed);
    const requests = Array.from({ length: 5000 }, () => randomRequest(random, 4000));
    const table = tableOf(requests, 1500, 700);
    const marginals = tableMarginals(table);
    truth(requests).forEach((counts, d) => {
      for (const [value, count] of counts) {
        const bytes = new TextEncoder().encode(value);
        const before = table.dictionaries[d].size;
        const id = table.dictionaries[d].intern(bytes, 0, bytes.length);
        const kept = id < before ? marginals[d][id * MEASURE_COUNT + REQUESTS] : 0;
        assert(kept <= count, `seed ${seed}: ${value} kept ${kept} of ${count}`);
        assert(count <= kept + table.foldedMax[d][REQUESTS], `seed ${seed}: ${value} has ${count}, kept ${kept}`);
      }
    });
  }
});

function attack(prefix: string, uri: string, status: string): string[] {
  return ["w3", prefix, uri, status, "GET", "64500", "", "0", "c"];
}

Deno.test("an attacker's prefix with unique URIs, and a URI hit from unique prefixes, are found in rows", () => {
  const random = randomFrom(5);
  const requests: Request[] = [];
  for (let i = 0; i < 20_000; i++) {
    const { values, measures } = randomRequest(random, 3000);
    const late = i > 10_000;
    if (late && i % 50 === 0) requests.push({ values: attack("attacker", `unique${i}`, "429"), measures });
    else if (late && i % 50 === 1) requests.push({ values: attack(`unique${i}`, "/target", "200"), measures });
    else requests.push({ values, measures });
  }
  const table = tableOf(requests, 3000, 65_536);
  const rowsWith = (d: number, value: string): number => {
    const bytes = new TextEncoder().encode(value);
    const id = table.dictionaries[d].intern(bytes, 0, bytes.length);
    let count = 0;
    for (let row = 0; row < table.rows; row++) {
      if (table.words[row * ROW_WORDS + d] === id) count += table.doubles[row * ROW_DOUBLES + VALUES_AT + REQUESTS];
    }
    return count;
  };
  // Truly 199 and 200. What is lost is from before they had stood out, a few requests whatever the size of the table.
  for (const count of [rowsWith(1, "attacker"), rowsWith(2, "/target")]) assert(count >= 185, `${count} left`);
});

Deno.test("rolling up to a single row ends, for rows that share nothing", () => {
  const requests = Array.from({ length: 1000 }, (_, i): Request => ({
    values: Array.from({ length: DIMENSION_COUNT }, (_, d) => `${d}-${i}`),
    measures: [1, i, i, i],
  }));
  const table = tableOf(requests);
  rollUp(table, 1);
  assertEquals(table.rows, 1);
  assertEquals(table.words.slice(0, DIMENSION_COUNT), new Int32Array(DIMENSION_COUNT).fill(OTHER));
  assertConserved(table, requests);
});

Deno.test("folding keeps the heaviest entries and says what one of the others can have had", () => {
  const requests: Request[] = [];
  for (const [value, times] of [["a", 50], ["b", 30], ["c", 7], ["d", 3]] as const) {
    for (let i = 0; i < times; i++) {
      requests.push({ values: [value, "p", "u", "s", "m", "x", "t", "0", "c"], measures: [1, 0, 0, 0] });
    }
  }
  const table = tableOf(requests);
  fold(table, 0, 3, Infinity);
  assertEquals([table.dictionaries[0].size, table.rows], [3, 3]);
  assertEquals(table.foldedMax[0][REQUESTS], 7);
  assertEquals(table.lostMax[0][REQUESTS], 7);
  assertEquals(tableMarginals(table)[0][OTHER * MEASURE_COUNT + REQUESTS], 10);
});

Deno.test("one huge download is not light: its row outlives rows with more requests", () => {
  const requests: Request[] = [];
  for (let i = 0; i < 600; i++) {
    const values = ["w", `p${i % 300}`, `u${i % 300}`, "200", "GET", "", "", "", "c"];
    requests.push({ values, measures: [1, 10, 0, 0] });
  }
  requests.push({ values: ["w", "rare", "/big", "200", "GET", "", "", "", "c"], measures: [1, 1e9, 0, 0] });
  const table = tableOf(requests);
  rollUp(table, 20);
  const bytes = new TextEncoder().encode("/big");
  const id = table.dictionaries[2].intern(bytes, 0, bytes.length);
  const there = Array.from({ length: table.rows }, (_, row) => table.words[row * ROW_WORDS + 2]).includes(id);
  assert(there, "the row of /big was rolled up");
});

// ---------------------------------------------------------------- a naive model

/** Per dimension and value, what its rows hold and what it has counted, of one measure. */
function held(table: CounterTable, m: number): Map<string, { rows: number; marginal: number }>[] {
  const marginals = tableMarginals(table);
  return table.dictionaries.map((dictionary, d) => {
    const values = new Map<string, { rows: number; marginal: number }>();
    const sums = new Float64Array(dictionary.size);
    for (let row = 0; row < table.rows; row++) {
      sums[table.words[row * ROW_WORDS + d]] += table.doubles[row * ROW_DOUBLES + VALUES_AT + m];
    }
    for (let id = 1; id < dictionary.size; id++) {
      const marginal = marginals[d][id * MEASURE_COUNT + m];
      values.set(new TextDecoder().decode(dictionary.entry(id)), { rows: sums[id], marginal });
    }
    return values;
  });
}

Deno.test("random lines into a table with tiny caps: nothing is lost, nothing passes a cap, and every bound holds", () => {
  const value = fc.integer({ min: 0, max: 400 });
  const request = fc.record({
    values: fc.array(value, { minLength: DIMENSION_COUNT, maxLength: DIMENSION_COUNT }),
    // Every line is a request: rows without any would give up nothing that a bound can tell.
    measures: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.constantFrom(0, 1, 1000, 2 ** 40), fc.nat(9), fc.nat(9)),
  });
  const caps = fc.record({
    rowsMax: fc.integer({ min: 257, max: 900 }),
    entriesMax: fc.integer({ min: 258, max: 600 }),
    entryBytesMax: fc.constant(Infinity),
  });
  fc.assert(
    fc.property(fc.array(request, { minLength: 600, maxLength: 2000 }), caps, (lines, caps) => {
      const table = new CounterTable(7),
        counts = Array.from({ length: DIMENSION_COUNT }, () => new Map<string, number[]>());
      lines.forEach(({ values, measures }, i) => {
        if (i % 256 === 0) makeRoom(table, caps);
        countRequest(table, { values: values.map((v, d) => `${d}:${v}`), measures });
        values.forEach((v, d) => {
          const there = counts[d].get(`${d}:${v}`) ?? [0, 0, 0];
          counts[d].set(`${d}:${v}`, there.map((count, m) => count + measures[m]));
        });
        assert(table.rows <= caps.rowsMax, `${table.rows} rows`);
        for (const { size } of table.dictionaries) assert(size <= caps.entriesMax, `${size} entries`);
      });
      for (const target of [caps.rowsMax, 40, 1]) {
        rollUp(table, target);
        assert(table.rows <= target);
        for (const m of [0, 1, 2]) assertBounds(table, counts, m);
        assertConserved(table, lines.map(({ measures }) => ({ values: [], measures })));
      }
    }),
    { numRuns: 30, endOnFailure: true },
  );
});

function assertBounds(table: CounterTable, counts: readonly Map<string, number[]>[], m: number): void {
  held(table, m).forEach((values, d) => {
    for (const [value, truth] of counts[d]) {
      const { rows, marginal } = values.get(value) ?? { rows: 0, marginal: 0 };
      assert(
        rows <= marginal && marginal <= truth[m],
        `${value}: rows ${rows}, marginal ${marginal}, truth ${truth[m]}`,
      );
      assert(truth[m] <= marginal + table.foldedMax[d][m], `${value} is short by more than foldedMax`);
      assert(truth[m] <= rows + table.lostMax[d][m] + table.foldedMax[d][m], `${value} lost more than lostMax`);
    }
  });
}

Deno.test("rows of no weight, or all of the same, still roll up", () => {
  for (const measures of [[0, 0, 0, 0], [0, 0, 0, 5], [1, 1, 1, 1], [2 ** 53 - 1, 2 ** 53 - 1, 0, 0]]) {
    const table = tableOf(Array.from({ length: 1000 }, (_, i): Request => ({
      values: Array.from({ length: DIMENSION_COUNT }, (_, d) => `${d}-${i % (d + 2) ** 3}`),
      measures,
    })));
    for (const target of [500, 100, 7, 1, 0]) {
      rollUp(table, target);
      assert(table.rows <= Math.max(1, target), `${table.rows} rows of ${measures}`);
    }
  }
});

Deno.test("long values give way to short ones of the same weight, and all fit the bytes", () => {
  const table = tableOf(Array.from({ length: 400 }, (_, i): Request => ({
    values: ["w", "p", i % 2 === 0 ? `/${i}` : `/${i}${"x".repeat(500)}`, "200", "GET", "", "", "", "c"],
    measures: [1, 1, 1, 1],
  })));
  fold(table, 2, Infinity, 2000);
  const { size, bytes } = table.dictionaries[2];
  assert(bytes <= 2000, `${bytes} B`);
  assert(size > 190, `${size} entries`);
});

// ---------------------------------------------------------------- floods

Deno.test("in any flood totals are exact, late attackers are found within 0.1 %, and real websites stay", () => {
  const LINES = 120_000, caps = { rowsMax: 8192, entriesMax: 8192, entryBytesMax: 1024 * 1024 };
  for (const [i, flood] of FLOODS.entries()) {
    const seed = 100 + i, traffic = new FloodTraffic(flood, seed, LINES), table = new CounterTable(seed);
    const ids = new Int32Array(DIMENSION_COUNT), entry = new Uint8Array(64), websites = new Map<number, number>();
    const truth = { prefix: 0, uri: 0 };
    for (let line = 0; line < LINES; line++) {
      if (line % 256 === 0) makeRoom(table, caps);
      traffic.next();
      const { values, measures } = traffic;
      for (let d = 0; d < DIMENSION_COUNT; d++) {
        ids[d] = table.dictionaries[d].intern(entry, 0, writeEntry(d, values[d], entry));
      }
      countRow(table, ids, measures);
      if (values[PREFIX] === ATTACKER_PREFIX) truth.prefix++;
      if (values[URI] === ATTACKED_URI) truth.uri++;
      websites.set(values[WEBSITE], (websites.get(values[WEBSITE]) ?? 0) + 1);
    }
    assertEquals(table.totals[REQUESTS], LINES);
    const bucket = seal(table, 0, 10, emptyLedger(), { rowsMax: 2000, entriesMax: 2000, entryBytesMax: 65_536 });
    assertEquals(bucketProblem(bucket), undefined, flood.name);
    const found = (d: number, value: number): number => {
      const id = table.dictionaries[d].intern(entry, 0, writeEntry(d, value, entry));
      return tableMarginals(table)[d][id * MEASURE_COUNT + REQUESTS] ?? 0;
    };
    // The first line of an attacker may come just before a roll-up and be no heavier than the noise.
    for (const [count, is] of [[found(PREFIX, ATTACKER_PREFIX), truth.prefix], [found(URI, ATTACKED_URI), truth.uri]]) {
      assert(is - count <= Math.max(2, is / 1000), `${flood.name}: ${count} of ${is}`);
    }
    const top = [...websites].sort((a, b) => b[1] - a[1]).slice(0, 20);
    for (const [website, count] of top) {
      assert(count - found(WEBSITE, website) <= count / 100, `${flood.name}: website ${website} has ${count}`);
    }
  }
});

Deno.test("a cut keeps the top of what can be seen under a filter", () => {
  const random = randomFrom(3), requests: Request[] = [];
  // 40 000 requests of 2 000 prefixes and 3 000 URIs on 30 websites; 404 is one in fifty, mostly on ten URIs.
  for (let i = 0; i < 40_000; i++) {
    const website = Math.floor(30 * random() ** 2), missing = random() < 0.02;
    const uri = missing
      ? `/missing-${Math.floor(10 * random() ** 2)}`
      : `/${website}/${Math.floor(100 * random() ** 3)}`;
    const prefix = `p${Math.floor(2000 * random() ** 3)}`;
    requests.push({
      values: [`w${website}`, prefix, uri, missing ? "404" : "200", "GET", "", "", "", "c"],
      measures: [1, 0, 0, 0],
    });
  }
  const table = tableOf(requests);
  assert(table.rows > 20_000);
  rollUp(table, 6000);
  const exact = new Map<string, number>();
  for (const { values } of requests) {
    for (const pair of [`404 ${values[3] === "404" ? values[2] : ""}`, `${values[0]} ${values[3]}`]) {
      exact.set(pair, (exact.get(pair) ?? 0) + 1);
    }
  }
  const text = (row: number, d: number): string =>
    new TextDecoder().decode(table.dictionaries[d].entry(table.words[row * ROW_WORDS + d]));
  const kept = new Map<string, number>();
  for (let row = 0; row < table.rows; row++) {
    for (const pair of [`404 ${text(row, 3) === "404" ? text(row, 2) : ""}`, `${text(row, 0)} ${text(row, 3)}`]) {
      kept.set(pair, (kept.get(pair) ?? 0) + table.doubles[row * ROW_DOUBLES + VALUES_AT]);
    }
  }
  const seen = [...exact].filter(([pair]) => /^404 .|^w\d? /.test(pair));
  const error = seen.reduce((sum, [pair, count]) => sum + 1 - (kept.get(pair) ?? 0) / count, 0) / seen.length;
  assert(error < 0.01, `mean error ${error} over ${seen.length} pairs`);
});
