import { assert, assertEquals } from "@std/assert";
import { PREFIX, URI } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { MEASURE_COUNT, mergeValues, REQUESTS, zeroValues } from "./measures.ts";
import { CounterTable, ROW_DOUBLES, ROW_WORDS, VALUES_AT } from "./counter_table.ts";
import { bucketProblem } from "./bucket_check.ts";
import { seal } from "./seal.ts";
import type { Caps } from "./slices.ts";
import { prepareBatch } from "./withhold.ts";
import { Batches } from "./test_batches.ts";
import { randomFrom, randomRequest, type Request } from "./test_lines.ts";
import { tableMarginals } from "./test_tables.ts";

const ENCODER = new TextEncoder();
const TIGHT: Caps = { rowsMax: 900, entriesMax: 700, entryBytesMax: Infinity };

/** A table that has counted these requests as the pipeline does, batch by batch. */
function tableOf(requests: readonly Request[], caps: Caps): CounterTable {
  const table = new CounterTable(5);
  countAll(table, requests, caps);
  return table;
}

function countAll(table: CounterTable, requests: readonly Request[], caps: Caps): void {
  const batches = new Batches(table, caps);
  for (const { values, measures } of requests) {
    batches.add((d, into) => ENCODER.encodeInto(values[d], into).written, measures);
  }
  batches.flush();
}

function flood(seed: number): Request[] {
  const random = randomFrom(seed);
  return Array.from({ length: 12_000 }, (_, i) => {
    const request = randomRequest(random, 400);
    if (i % 3 === 0) return request;
    return { ...request, values: request.values.with(URI, `/unique-${i}`).with(PREFIX, i % 2 ? `n${i}` : "attacker") };
  });
}

Deno.test("in a flood totals stay exact, and the bucket that comes of it is sound", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const requests = flood(seed), table = tableOf(requests, TIGHT), total = zeroValues(), rows = zeroValues();
    for (const { measures } of requests) mergeValues(total, measures);
    for (let row = 0; row < table.rows; row++) mergeValues(rows, table.doubles, row * ROW_DOUBLES + VALUES_AT);
    assert(table.flooded);
    assertEquals([table.totals, rows], [total, total]);
    const bucket = seal(table, 0, 10, emptyLedger(), { ...TIGHT, rowsMax: 300, entriesMax: 200 });
    assertEquals(bucketProblem(bucket), undefined);
  }
});

Deno.test("a value's true count lies between its marginal and that plus what folding took, and its rows lost lostMax at most", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const requests = flood(seed), table = tableOf(requests, TIGHT), marginals = tableMarginals(table);
    for (const d of [PREFIX, URI]) {
      const truth = new Map<string, number>();
      for (const { values } of requests) truth.set(values[d], (truth.get(values[d]) ?? 0) + 1);
      const size = table.dictionaries[d].size;
      for (const [value, count] of truth) {
        const bytes = ENCODER.encode(value), id = table.dictionaries[d].intern(bytes, 0, bytes.length);
        const marginal = id < size ? marginals[d][id * MEASURE_COUNT + REQUESTS] : 0;
        let held = 0;
        for (let row = 0; row < table.rows && id < size; row++) {
          if (table.words[row * ROW_WORDS + d] === id) held += table.doubles[row * ROW_DOUBLES + VALUES_AT + REQUESTS];
        }
        assert(marginal <= count && count <= marginal + table.foldedMax[d][REQUESTS], `seed ${seed}: ${value}`);
        assert(
          count - held <= table.lostMax[d][REQUESTS] + table.foldedMax[d][REQUESTS],
          `seed ${seed}: ${value} lost`,
        );
      }
    }
  }
});

Deno.test("the attacker's prefix keeps its exact count while its URIs take no rows", () => {
  const requests = flood(9), table = tableOf(requests, TIGHT), bytes = ENCODER.encode("attacker");
  const id = table.dictionaries[PREFIX].intern(bytes, 0, bytes.length);
  const truth = requests.filter(({ values }) => values[PREFIX] === "attacker").length;
  assertEquals(tableMarginals(table)[PREFIX][id * MEASURE_COUNT + REQUESTS], truth);
});

Deno.test("before a table has overflowed, nothing is withheld", () => {
  const requests = flood(3).slice(0, 600), table = tableOf(requests, { ...TIGHT, rowsMax: 5000, entriesMax: 5000 });
  assertEquals(table.flooded, false);
  assert(table.givenUp.every((column) => column.every((value) => value === 0)));
});

Deno.test("a value gives up its first line, and once more when it comes back after a fold: lostMax says so", () => {
  const line = (uri: string, bytes: number): Request => ({
    values: ["w", "p", uri, "200", "GET", "", "", "", "c"],
    measures: [1, bytes, 0, 0],
  });
  const table = tableOf([line("/known", 1)], TIGHT), roomy = { ...TIGHT, rowsMax: 5000, entriesMax: 5000 };
  table.flooded = true;
  countAll(table, [line("/a", 5), line("/b", 9), line("/a", 20)], roomy);
  countAll(table, [line("/c", 2), line("/a", 1)], roomy);
  assertEquals([...table.lostMax[URI]], [1, 9, 0, 0], "the largest line that one value gave up");
  assertEquals(table.rows, 3, "/known, /a and what was withheld");
  countAll(table, Array.from({ length: 500 }, (_, i) => line(`/${i}`, 1)), roomy);
  prepareBatch(table, { ...TIGHT, entriesMax: 300 }); // a fold
  const before = table.lostMax[URI].slice();
  countAll(table, [line("/once more", 3)], roomy);
  assertEquals(table.lostMax[URI][REQUESTS], before[REQUESTS] + 1);
});
