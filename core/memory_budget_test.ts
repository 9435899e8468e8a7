import { assert, assertEquals } from "@std/assert";
import {
  DELTA_BYTES_MAX,
  OPEN_BYTES_MAX,
  OPEN_ENTRIES_MAX,
  OPEN_ENTRY_BYTES_MAX,
  OPEN_ROWS_MAX,
  STATE_QUEUE_BYTES_MAX,
} from "./bounds.ts";
import { CounterTable } from "./counter_table.ts";
import { DIMENSION_COUNT, DIMENSIONS, SOURCE, STATUS, TOR } from "./dimensions.ts";
import { CROWDED_OUT_BYTES } from "./intern.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { budgetFacts, type BudgetOptions, memoryBudget, tableBytes } from "./memory_budget.ts";
import { Newcomers } from "./newcomers.ts";
import { TIERS } from "./slices.ts";

const COLLECTOR = { ingestThreads: 1, followsSources: false }, AGGREGATOR = { ingestThreads: 0, followsSources: true };

Deno.test("the terms of a budget add up to its data, and every one is a finite number above zero", () => {
  for (const options of [COLLECTOR, AGGREGATOR, { ...COLLECTOR, ingestThreads: 4 }]) {
    const { terms, dataBytes, runtimeBytes } = memoryBudget(options);
    assertEquals(terms.reduce((sum, { bytes }) => sum + bytes, 0), dataBytes);
    for (const { name, bytes } of terms) assert(Number.isFinite(bytes) && bytes > 0, name);
    assertEquals(new Set(terms.map(({ name }) => name)).size, terms.length);
    assert(runtimeBytes > 0);
  }
});

Deno.test("rings hold every slot at its caps, with room for those that are fresh", () => {
  const terms = new Map(memoryBudget(COLLECTOR).terms.map(({ name, bytes }) => [name, bytes]));
  for (const { sliceS, slots, caps, freshCaps } of TIERS) {
    const bytes = terms.get(`${sliceS} s slots`) ?? 0;
    assert(bytes >= slots * caps.bytesMax!, `${sliceS} s`);
    assert(bytes <= (slots + 12) * freshCaps.bytesMax! * 1.1, `${sliceS} s`);
  }
  assertEquals(terms.get("delta log"), DELTA_BYTES_MAX);
});

Deno.test("each ingest thread has slices of its own; an aggregator has none", () => {
  const open = (ingestThreads: number): number =>
    memoryBudget({ ...COLLECTOR, ingestThreads }).terms.find(({ name }) => name === "open slices")?.bytes ?? 0;
  assertEquals([open(0), open(3)], [0, 3 * open(1)]);
  assert(open(1) > OPEN_BYTES_MAX);
  const [one, two] = [1, 2].map((ingestThreads) => memoryBudget({ ...COLLECTOR, ingestThreads }).runtimeBytes);
  assert(two > one);
});

Deno.test("no table takes more than the budget says, however full, and it says less than one and a half times that", () => {
  const table = new CounterTable(7), text = new Uint8Array(40), view = new DataView(text.buffer);
  const ids = new Int32Array(DIMENSION_COUNT), values = new Float64Array(MEASURE_COUNT).fill(1);
  const flooded = DIMENSIONS.map((_, d) => d).filter((d) => d !== STATUS && d !== TOR && d !== SOURCE);
  for (let i = 1; i < OPEN_ENTRIES_MAX; i++) {
    view.setUint32(0, i);
    for (const d of flooded) ids[d] = table.dictionaries[d].intern(text, 0, OPEN_ENTRY_BYTES_MAX / OPEN_ENTRIES_MAX);
    table.addBatch(ids, values, 0, 1);
  }
  for (const d of flooded) {
    table.givenUpFor(d, OPEN_ENTRIES_MAX - 1);
    table.newcomers[d] = new Newcomers();
  }
  // But for entries that are made to collide: they would take this much more.
  const crowdedOut = flooded.length * (OPEN_ENTRIES_MAX * CROWDED_OUT_BYTES + OPEN_ENTRY_BYTES_MAX);
  const most = tableBytes(OPEN_ROWS_MAX, true) - crowdedOut;
  assert(table.memoryBytes <= most, `${table.memoryBytes} of at most ${most} bytes`);
  assert(most < 1.5 * table.memoryBytes, `${table.memoryBytes} of at most ${most} bytes`);
});

Deno.test("what the flags add is in the budget: inputs that are no files, and a state that is saved", () => {
  const bytes = (more: Partial<BudgetOptions>, term: string): number | undefined =>
    memoryBudget({ ...COLLECTOR, ...more }).terms.find(({ name }) => name === term)?.bytes;
  assertEquals([bytes({}, "received batches"), bytes({}, "waiting to be saved")], [undefined, undefined]);
  assertEquals(bytes({ sockets: 3 }, "received batches"), 3 * bytes({ sockets: 1 }, "received batches")!);
  assert(bytes({ savesState: true }, "waiting to be saved")! > STATE_QUEUE_BYTES_MAX);
});

Deno.test("a follower of sources holds slices whose time has not come", () => {
  const [own, followed] = [COLLECTOR, AGGREGATOR].map((options) =>
    memoryBudget(options).terms.find(({ name }) => name === "10 s slots")!.bytes
  );
  assert(followed > own);
});

Deno.test("the facts of a budget are the same in megabytes, the sum first", () => {
  const budget = memoryBudget(COLLECTOR), facts = budgetFacts(budget);
  assertEquals(Object.keys(facts).slice(0, 3), ["data_mb", "runtime_mb", "open_slices_mb"]);
  assertEquals([facts.data_mb, facts.delta_log_mb], [Math.round(budget.dataBytes / 1e6), 34]);
  assertEquals(Object.keys(facts).length, budget.terms.length + 2);
});
