/** Packed rows beside wide ones: whatever is merged, the bucket is the same. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BATCH_LINES } from "./bounds.ts";
import { DIMENSION_COUNT, METHOD, OTHER, SOURCE } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { BYTES, MEASURE_COUNT, mergeValues, REQUESTS, TIME_MAX, TIME_SUM, zeroValues } from "./measures.ts";
import { CounterTable, TABLE_ROWS_MAX } from "./counter_table.ts";
import { PackedRows } from "./packed_rows.ts";
import type { InternTable } from "./intern.ts";
import { blockOf } from "./bucket_block.ts";
import { seal } from "./seal.ts";
import { type Caps, TIERS } from "./slices.ts";
import { randomFrom } from "./test_lines.ts";

const NO_CAPS: Caps = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };

/** The same rows in two tables, of which one begins with packed rows. */
class Both {
  readonly packed = new CounterTable(11);
  readonly wide = new CounterTable(11);

  constructor(readonly random: () => number) {
    this.packed.bePacked(10);
  }

  /** Adds a batch of rows, some of them equal, with up to `spread` values in a dimension; one of 32 values is OTHER. */
  add(spread: number): void {
    const ids = new Int32Array(BATCH_LINES * DIMENSION_COUNT), values = new Float64Array(BATCH_LINES * MEASURE_COUNT);
    const totals = zeroValues();
    for (let i = 0; i < BATCH_LINES; i++) {
      const page = Math.floor(spread * this.random());
      for (let d = 0; d < DIMENSION_COUNT; d++) {
        const number = d % 3 === 0 ? page : page % 4, isOther = this.random() < 1 / 32;
        const text = new TextEncoder().encode(`v${number}`);
        const [id] = [this.packed, this.wide].map(({ dictionaries }) => dictionaries[d].intern(text, 0, text.length));
        ids[i * DIMENSION_COUNT + d] = isOther ? OTHER : id;
      }
      values.set([1, Math.floor(2 ** (45 * this.random())), 1000 * i, i], i * MEASURE_COUNT);
      mergeValues(totals, values, i * MEASURE_COUNT);
    }
    for (const table of [this.packed, this.wide]) {
      table.addTotals(totals, 0);
      if (table.packed?.makeRoom(table.dictionaries, table.totals) === false) table.beWide();
      if (table.packed === undefined) table.addBatch(ids, values, 0, BATCH_LINES);
      else {
        table.packed.stageIds(ids, BATCH_LINES);
        table.packed.add(values, BATCH_LINES);
      }
    }
  }

  assertSame(caps: Caps): void {
    const [packed, wide] = [this.packed, this.wide].map((table) => blockOf(seal(table, 0, 10, emptyLedger(), caps)));
    assertEquals(new Uint8Array(packed), new Uint8Array(wide));
  }
}

Deno.test("packed rows become the same bucket as wide ones, however often a dictionary outgrows its bits", () => {
  for (let seed = 1; seed <= 4; seed++) {
    const both = new Both(randomFrom(seed)), bits = both.packed.packed!.places.map((place) => place.bits);
    for (const spread of [1, 2, 9, 30, 300, 300, 3000, 20, 3000]) both.add(spread);
    assert(both.packed.packed!.places.some((place, d) => place.bits > bits[d] + 4));
    both.assertSame(NO_CAPS);
    assert(both.packed.packed !== undefined, "sealed as they are");
  }
});

Deno.test("a table that becomes wide has the rows that were packed, takes more, and is cut like others", () => {
  const both = new Both(randomFrom(5));
  for (const spread of [50, 50, 500]) both.add(spread);
  both.packed.beWide();
  assertEquals([both.packed.packed, both.packed.rows], [undefined, both.wide.rows]);
  for (const spread of [50, 500]) both.add(spread);
  both.assertSame(NO_CAPS);

  const cut = new Both(randomFrom(6));
  for (const spread of [50, 500]) cut.add(spread);
  cut.assertSame({ rowsMax: 300, entriesMax: 40, entryBytesMax: 200 });
  assertEquals(cut.packed.packed, undefined, "what has to be cut is wide by then");
});

Deno.test("the longest dictionaries that there may be fit; longer ones and larger sums do not", () => {
  const { entriesMax } = TIERS[0].freshCaps, packed = new PackedRows(1, 10);
  const sized = (sizes: readonly number[]): InternTable[] => sizes.map((size) => ({ size }) as InternTable);
  const usual = [entriesMax, 131_072, 131_072, 64, 8, entriesMax, 16, 2, 256];
  assert(packed.makeRoom(sized(usual), zeroValues()));
  assert(packed.places.every(({ bits, shift, word }, d) => 2 ** bits >= usual[d] && shift + bits <= 32 && word < 3));
  assert(!packed.makeRoom(sized(usual.with(SOURCE, 131_072).with(METHOD, 131_072)), zeroValues()));
  for (const measure of [REQUESTS, TIME_SUM, TIME_MAX]) {
    assert(packed.makeRoom(sized(usual), zeroValues().fill(2 ** 31 - 1, measure, measure + 1)));
    assert(!packed.makeRoom(sized(usual), zeroValues().fill(2 ** 31, measure, measure + 1)));
  }
  assert(packed.makeRoom(sized(usual), zeroValues().fill(2 ** 52, BYTES, BYTES + 1)), "bytes are a double");
});

Deno.test("as many packed rows fit as a table may have, and not one more", () => {
  const packed = new PackedRows(3, TABLE_ROWS_MAX), values = new Float64Array(BATCH_LINES * MEASURE_COUNT).fill(1);
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) packed.keys[0][i] = packed.rows + i;
    packed.add(values, count);
  };
  while (packed.rows + BATCH_LINES <= TABLE_ROWS_MAX) add(BATCH_LINES);
  add(TABLE_ROWS_MAX - packed.rows);
  assertEquals(packed.rows, TABLE_ROWS_MAX);
  assertThrows(() => add(1), Error, "more than an index entry can hold");
});
