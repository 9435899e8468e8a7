/** Slim rows beside wide ones: whatever is counted, the bucket is the same. */
import { assert, assertEquals } from "@std/assert";
import { BATCH_LINES } from "./bounds.ts";
import { DIMENSION_COUNT, METHOD, SOURCE, STATUS, TAG, TOR, URI } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import {
  BYTES,
  MEASURE_COUNT,
  mergeValues,
  REQUESTS,
  TIME_MAX,
  TIME_SUM,
  type Values,
  zeroValues,
} from "./measures.ts";
import { Kernel } from "./kernel.ts";
import { LineBatch } from "./line_batch.ts";
import { CounterTable } from "./counter_table.ts";
import { blockOf } from "./bucket_block.ts";
import { bucketProblem } from "./bucket_check.ts";
import { seal } from "./seal.ts";
import { type Caps, TIERS } from "./slices.ts";
import { randomFrom } from "./test_lines.ts";

const CAPS = TIERS[0].freshCaps;

/** Counts the same lines into two tables, of which one begins with slim rows. */
class Both {
  readonly kernel = new Kernel();
  readonly slim = new CounterTable(11, 128, this.kernel);
  readonly wide = new CounterTable(11);
  readonly #ids = this.kernel.ids;
  readonly #values = new LineBatch(11, { v4Bits: 24, v6Bits: 48 }, this.kernel).values;
  #count = 0;
  /** Of the table that began with slim ones, when it was sealed. */
  rows = 0;

  constructor() {
    this.slim.beSlim();
  }

  /** One line: a number per dimension stands for a value, -1 for OTHER. */
  add(numbers: ArrayLike<number>, measures: ArrayLike<number>): void {
    const i = this.#count++;
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      this.#ids[i * DIMENSION_COUNT + d] = 0;
      if (numbers[d] < 0) continue;
      const text = new TextEncoder().encode(`v${numbers[d]}`);
      this.#ids[i * DIMENSION_COUNT + d] = this.slim.dictionaries[d].intern(text, 0, text.length);
      this.wide.dictionaries[d].intern(text, 0, text.length);
    }
    this.#values.set(measures, i * MEASURE_COUNT);
    if (this.#count === BATCH_LINES) this.flush();
  }

  flush(): void {
    const { slim, wide } = this, ids = this.#ids, values = this.#values, count = this.#count;
    const totals = zeroValues();
    for (let i = 0; i < count; i++) mergeValues(totals, values, i * MEASURE_COUNT);
    if (slim.slim?.fits(count, slim.dictionaries, slim.totals, totals) === false) slim.beWide();
    if (slim.slim === undefined) slim.addBatch(ids, values, 0, count);
    else slim.slim.addBatch(0, count);
    wide.addBatch(ids, values, 0, count);
    for (const table of [slim, wide]) table.addTotals(totals, 0);
    this.#count = 0;
  }

  /** Whether rows were still slim; both buckets are the same. @param problem that they have */
  sealed(caps: Caps, problem?: string): boolean {
    this.flush();
    const wasSlim = this.slim.slim !== undefined;
    this.rows = (this.slim.slim ?? this.slim).rows;
    const [a, b] = [this.slim, this.wide].map((table) => seal(table, 0, 10, emptyLedger(), caps));
    assertEquals(bucketProblem(a), problem);
    assertEquals(new Uint8Array(blockOf(a)), new Uint8Array(blockOf(b)));
    return wasSlim;
  }
}

/** One value in each dimension but those given. */
function key(values: Readonly<Record<number, number>> = {}): number[] {
  return Array.from({ length: DIMENSION_COUNT }, (_, d) => values[d] ?? 0);
}

Deno.test("slim rows seal to the bucket that wide rows seal to", () => {
  const random = randomFrom(5), kinds = [40, 900, 3000, 12, 4, 30, 3, 3, 2];
  for (let lines = 1; lines < 20_000; lines = 3 * lines + 10) {
    const both = new Both();
    for (let i = 0; i < lines; i++) {
      const numbers = kinds.map((most) => Math.floor(most * random() ** 3));
      both.add(numbers, [
        1,
        Math.floor(2 ** (33 * random())),
        Math.floor(9000 * random() ** 4),
        Math.floor(9000 * random()),
      ]);
    }
    assert(both.sealed(CAPS));
  }
});

Deno.test("rows that differ in status and method alone are as many as there are of both", () => {
  const both = new Both(), caps = { rowsMax: 1e6, entriesMax: 1e6, entryBytesMax: 1e9 };
  for (let i = 0; i < 240_000; i++) {
    both.add(key({ [STATUS]: i % 1000, [METHOD]: Math.floor(i / 1000) % 120, [TOR]: Math.floor(i / 120_000) % 2 }), [
      1,
      i,
      1,
      1,
    ]);
  }
  assert(both.sealed(caps));
  assertEquals(both.rows, 240_000);
});

Deno.test("rows of very many requests stand in order before the others, and of equal ones the first comes first", () => {
  const random = randomFrom(9);
  for (const most of [3, 1022, 1023, 1024, 1025, 5000]) {
    const both = new Both();
    for (let i = 0; i < 2000; i++) {
      const requests = i % 3 === 0 ? most - Math.floor(3 * random()) : 1 + Math.floor(most * random());
      both.add(key({ [URI]: i }), [requests, i, i, i]);
    }
    assert(both.sealed(CAPS));
  }
});

Deno.test("a table with slim rows is cut to its caps as one with wide rows is", () => {
  const random = randomFrom(6);
  for (const caps of [{ ...CAPS, rowsMax: 100 }, { ...CAPS, entriesMax: 50 }, { ...CAPS, bytesMax: 9000 }]) {
    const both = new Both();
    for (let i = 0; i < 3000; i++) both.add(key({ [URI]: Math.floor(400 * random()), [STATUS]: i % 3 }), [1, i, 7, 7]);
    both.sealed(caps);
  }
});

Deno.test("what does not fit into slim rows makes a table wide, and nothing is lost", () => {
  const most: [number, number][] = [[STATUS, 1023], [METHOD, 1023], [TAG, 255], [TOR, 3], [SOURCE, 3]];
  for (const [d, entries] of most) {
    for (const [values, slim] of [[entries, true], [entries + 1, false]] as const) {
      const both = new Both();
      for (let i = 0; i < 2000; i++) both.add(key({ [d]: i % values, [URI]: i % 7 }), [1, i, i, i]);
      assertEquals(both.sealed(CAPS), slim, `${values} values in dimension ${d}`);
    }
  }
});

Deno.test("a table with more entries than slim rows can name goes on with wide ones", () => {
  const both = new Both(), entries = 2 ** 16 - 1;
  for (let i = 0; i < entries; i++) both.add(key({ [URI]: i }), [1, i, 1, 1]);
  both.flush();
  assert(both.slim.slim !== undefined);
  for (let i = 0; i < 999; i++) both.add(key({ [URI]: i * 66 }), [1, i, 1, 1]);
  assertEquals(both.sealed({ ...CAPS, rowsMax: 1e6, entriesMax: 1e6, entryBytesMax: 1e9, bytesMax: 1e9 }), false);
});

Deno.test("rows that were made wide to be rolled up, and are slim again, are counted on, OTHER among them", () => {
  const both = new Both(), { slim, wide } = both, random = randomFrom(8);
  const add = (lines: number): void => {
    for (let i = 0; i < lines; i++) {
      const value = (): number => Math.floor(random() * 40) - 1;
      both.add(key({ [URI]: value(), [STATUS]: value(), [METHOD]: i % 3 - 1, [TOR]: i % 2 - 1 }), [1, i, i % 5, i % 5]);
    }
    both.flush();
  };
  slim.flooded = wide.flooded = true;
  add(3000);
  const { rows } = wide;
  slim.beWide(true);
  assertEquals([slim.slim, slim.rows], [undefined, rows]);
  slim.beSlimAgain();
  assertEquals([slim.slim?.rows, slim.rows], [rows, 0]);
  add(3000);
  slim.beWide();
  add(500);
  slim.beSlimAgain();
  assert(both.sealed(CAPS, "uri: rows gave up their value, but no value lost any"));
});

Deno.test("sums that are too large for a word make a table wide", () => {
  for (const m of [REQUESTS, BYTES, TIME_SUM, TIME_MAX]) {
    const both = new Both(), measures: Values = zeroValues();
    measures[REQUESTS] = 1;
    measures[m] = 2 ** 30;
    for (let i = 0; i < 3; i++) {
      both.add(key(), measures);
      both.flush();
    }
    if (m === TIME_MAX) both.add(key(), measures.map((value, n) => n === TIME_MAX ? 2 ** 31 : value));
    assertEquals(both.sealed(CAPS), m === BYTES);
  }
});

Deno.test("a table that was wide begins with slim rows again", () => {
  const both = new Both(), { slim } = both;
  for (let i = 0; i < 600; i++) both.add(key({ [URI]: i }), [1, 1, 1, 1]);
  both.flush();
  slim.beWide();
  assertEquals([slim.rows, slim.slim], [600, undefined]);
  slim.clear();
  slim.beSlim();
  assertEquals([slim.rows, slim.slim?.rows], [0, 0]);
});

Deno.test("a table that was cleared while its rows were slim has forgotten them", () => {
  const both = new Both();
  for (let i = 0; i < 600; i++) both.add(key({ [URI]: i }), [1, 1, 1, 1]);
  both.flush();
  both.slim.clear();
  both.slim.beSlim();
  both.wide.clear();
  for (let i = 0; i < 99; i++) both.add(key({ [URI]: i }), [1, 1, 1, 1]);
  assert(both.sealed(CAPS));
});
