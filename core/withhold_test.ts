import { assert, assertEquals } from "@std/assert";
import { PREFIX, STATUS, URI } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { MEASURE_COUNT, mergeValues, REQUESTS, zeroValues } from "./measures.ts";
import { Kernel } from "./kernel.ts";
import { CounterTable, ROW_DOUBLES, ROW_WORDS, VALUES_AT } from "./counter_table.ts";
import { bucketProblem } from "./bucket_check.ts";
import { seal } from "./seal.ts";
import type { Caps } from "./slices.ts";
import { forgetNewcomers, isFlood } from "./withhold.ts";
import { Batches } from "./test_batches.ts";
import { randomFrom, randomRequest, type Request } from "./test_lines.ts";
import { tableMarginals } from "./test_tables.ts";

const ENCODER = new TextEncoder();
const TIGHT: Caps = { rowsMax: 900, entriesMax: 700, entryBytesMax: Infinity };

/** A table that has counted these requests as the pipeline does, batch by batch; in the end its rows are wide. */
function tableOf(requests: readonly Request[], caps: Caps, isSlim = false): CounterTable {
  const table = new CounterTable(5, 128, new Kernel());
  if (isSlim) table.beSlim();
  countAll(table, requests, caps);
  assertEquals(table.slim !== undefined, isSlim);
  table.beWide();
  forgetNewcomers(table);
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
    const requests = flood(seed), table = tableOf(requests, TIGHT, seed > 2);
    const total = zeroValues(), rows = zeroValues();
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
    const requests = flood(seed), table = tableOf(requests, TIGHT, seed > 2), marginals = tableMarginals(table);
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

/** A flooded table whose URIs are closed, and a way to count lines into it that differ in URI and bytes. */
function closed(): { table: CounterTable; count: (...lines: [uri: string, bytes: number][]) => void } {
  const caps = { rowsMax: 5000, entriesMax: 1600, entryBytesMax: Infinity }, table = new CounterTable(5);
  const count = (...lines: [uri: string, bytes: number][]): void =>
    countAll(
      table,
      lines.map(([uri, bytes]) => ({
        values: ["w", "p", uri, "200", "GET", "", "", "", "c"],
        measures: [1, bytes, 0, 0],
      })),
      caps,
    );
  count(...Array.from({ length: 101 }, (_, i): [string, number] => [`/known-${i}`, 1]));
  table.flooded = true;
  return { table, count };
}

Deno.test("a value that is seen once takes no entry and no row; the second line brings both", () => {
  const { table, count } = closed(), entries = table.dictionaries[URI].size;
  count(["/a", 5], ["/b", 9]);
  assertEquals([table.dictionaries[URI].size, table.rows], [entries, 102], "the row of what is withheld");
  count(["/a", 20], ["/c", 2]);
  count(["/a", 1]);
  assertEquals([table.dictionaries[URI].size, table.rows], [entries + 1, 103]);
  assertEquals(tableMarginals(table)[URI].slice(-MEASURE_COUNT), Float64Array.of(2, 21, 0, 0));
});

Deno.test("lostMax and foldedMax grow by the largest line that was withheld in a window", () => {
  const { table, count } = closed();
  count(["/a", 5], ["/b", 9], ["/c", 70], ["/c", 1]);
  assertEquals([...table.lostMax[URI], ...table.foldedMax[URI]], [0, 0, 0, 0, 0, 0, 0, 0], "nothing is lost so far");
  forgetNewcomers(table);
  assertEquals([...table.lostMax[URI]], [1, 70, 0, 0]);
  assertEquals([...table.foldedMax[URI]], [1, 70, 0, 0]);
  assertEquals([...tableMarginals(table)[URI].slice(0, MEASURE_COUNT)], [3, 84, 0, 0], "their first lines are OTHER's");
  assertEquals([...tableMarginals(table)[URI].slice(-MEASURE_COUNT)], [1, 1, 0, 0], "/c has the other one");
  count(["/b", 3], ["/b", 4]);
  forgetNewcomers(table);
  assertEquals([...table.lostMax[URI], ...table.foldedMax[URI]], [2, 73, 0, 0, 2, 73, 0, 0], "/b lost one in this one");
  assertEquals([...tableMarginals(table)[URI].slice(-MEASURE_COUNT)], [1, 4, 0, 0]);
});

Deno.test("what had an entry in the slice before loses nothing in a slice that is expected to be a flood", () => {
  const { table, count } = closed();
  count(["/a", 5], ["/a", 9]);
  table.clear();
  table.floodExpected = true;
  count(...Array.from({ length: 90 }, (_, i): [string, number] => [`/once-${i}`, 1]));
  count(["/known-7", 70], ["/a", 3], ["/b", 4]);
  const { dictionaries: { [URI]: uris } } = table, marginals = tableMarginals(table)[URI];
  const found = (uri: string): number[] => {
    const bytes = ENCODER.encode(uri), size = uris.size, id = uris.intern(bytes, 0, bytes.length);
    return id < size ? [...marginals.slice(id * MEASURE_COUNT, (id + 1) * MEASURE_COUNT)] : [];
  };
  assertEquals([found("/known-7"), found("/a"), found("/b")], [[1, 70, 0, 0], [1, 3, 0, 0], []]);
  forgetNewcomers(table);
  assertEquals([...table.foldedMax[URI]], [1, 4, 0, 0]);
});

Deno.test("what had an entry in the slice before keeps it, though as many values as fit are new and heavier", () => {
  const table = new CounterTable(5, 128, new Kernel()), shown = { ...TIGHT, entriesMax: 400 };
  const slice = (first: number): Request[] => {
    const line = (uri: string): Request => ({
      values: ["w", "p", uri, "200", "GET", "", "", "", "c"],
      measures: [1, 0, 0, 0],
    });
    // Of the usual 150 a dozen lines each at first, then two; six of each of 350 that no other slice has, one of a thousand.
    const lines = Array.from({ length: first === 0 ? 1800 : 300 }, (_, i) => line(`/usual-${i % 150}`));
    lines.push(...Array.from({ length: 2100 }, (_, i) => line(`/new-${first + Math.floor(i / 6)}`)));
    return [...lines, ...Array.from({ length: 1000 }, (_, i) => line(`/once-${first + i}`))];
  };
  for (const first of [0, 10_000, 20_000]) {
    table.beSlim();
    countAll(table, slice(first), TIGHT);
    const { dictionaries: { [URI]: { bytes } } } = seal(table, 0, 10, emptyLedger(), shown);
    const usual = new TextDecoder().decode(bytes).match(/usual-/g)?.length ?? 0;
    assertEquals(usual, 150, `slice ${first}`);
    table.clear();
    table.floodExpected = true;
  }
});

Deno.test("dictionaries with few values stay open in a flood: a status that is seen once has its row", () => {
  const { table } = closed(), before = table.dictionaries[STATUS].size;
  const values = ["w", "p", "/known-1", "503", "GET", "", "", "", "c"];
  countAll(table, [{ values, measures: [1, 0, 0, 0] }], TIGHT);
  assertEquals(table.dictionaries[STATUS].size, before + 1);
  assert(Array.from({ length: table.rows }, (_, row) => table.words[row * ROW_WORDS + STATUS]).includes(before));
});

Deno.test("in a flood dictionaries keep less, and so does the next slice from its start; without one they do not", () => {
  const caps = { rowsMax: 60_000, entriesMax: 16_384, entryBytesMax: Infinity },
    line = (i: number): Request => ({
      values: ["w", `p${i % 100}`, `/unique-${i}`, "200", "GET", "", "", "", "c"],
      measures: [1, 0, 0, 0],
    });
  const lines = (n: number): Request[] => Array.from({ length: n }, (_, i) => line(i));
  const calm = tableOf(lines(16_000), caps);
  assertEquals([isFlood(calm), calm.dictionaries[URI].size], [false, 16_001]);
  const flooded = tableOf(lines(30_000), caps);
  assert(isFlood(flooded) && flooded.dictionaries[URI].size < 4096, `${flooded.dictionaries[URI].size} entries`);
  const next = new CounterTable(5);
  next.floodExpected = true;
  countAll(next, lines(5000), caps);
  assertEquals([isFlood(next), next.flooded], [false, true]);
});

Deno.test("what begins in the midst of a flood is short of its first line and no more", () => {
  const caps = { rowsMax: 60_000, entriesMax: 16_384, entryBytesMax: Infinity };
  const requests = Array.from({ length: 60_000 }, (_, i): Request => {
    const uri = i > 30_000 && i % 10 === 0 ? `/late-${i / 10 % 80}` : `/unique-${i}`;
    return { values: ["w", `p${i % 100}`, uri, "200", "GET", "", "", "", "c"], measures: [1, i % 7, 0, 0] };
  });
  const table = tableOf(requests, caps), marginals = tableMarginals(table)[URI], exact = new Map<string, number>();
  for (const { values } of requests) exact.set(values[URI], (exact.get(values[URI]) ?? 0) + 1);
  assert(isFlood(table));
  for (let i = 0; i < 80; i++) {
    const bytes = ENCODER.encode(`/late-${i}`), id = table.dictionaries[URI].intern(bytes, 0, bytes.length);
    assertEquals(marginals[id * MEASURE_COUNT + REQUESTS], exact.get(`/late-${i}`)! - 1, `/late-${i}`);
  }
});
