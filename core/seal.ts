/**
 * Sealing: a table becomes an immutable bucket, cut to its caps, rows sorted, with columns as narrow as they fit.
 *
 * A thread with a backlog seals every few milliseconds, so this is counted in nanoseconds a row: sorting is counting,
 * entries stay in the order in which they came, and every loop runs over typed arrays of one kind.
 */
import * as measures from "./measures.ts";
import { type Values, zeroValues } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import { free } from "./free.ts";
import { OWN_MEMORY } from "./column_memory.ts";
import type { Ledger } from "./ledger.ts";
import type { Caps } from "./slices.ts";
import * as tables from "./counter_table.ts";
import type { CounterTable } from "./counter_table.ts";
import * as slimRows from "./slim_rows.ts";
import type { SlimRows } from "./slim_rows.ts";
import type { PackedRows } from "./packed_rows.ts";
import { cutTable } from "./roll_up.ts";
import { forgetNewcomers } from "./withhold.ts";
import type { Bucket, NumberColumn } from "./bucket.ts";
import { blockBytes, type BlockPlan, type DimensionPlan, type Form, formFor, formForIndex } from "./block_layout.ts";
import { blankBucket, type BlockMemory, isWhole } from "./bucket_block.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BYTES, MEASURE_COUNT, REQUESTS, saturated } = measures;
const { DIMENSION_COUNT } = dimensions;
const { ROW_DOUBLES, ROW_WORDS, VALUES_AT } = tables;
const { SLIM_IDS, SLIM_VALUES, SLIM_WORDS } = slimRows;

/**
 * Cuts the table to `caps` and makes a bucket of it. The table is used up: clear or drop it.
 *
 * @param memory that the bucket borrows, see `blankBucket`
 */
export function seal(
  table: CounterTable,
  startS: number,
  lengthS: number,
  ledger: Ledger,
  caps: Caps,
  memory?: BlockMemory,
): Bucket {
  const { bytesMax = Infinity } = caps;
  forgetNewcomers(table);
  let plan = planWithin(table, startS, lengthS, ledger, caps);
  for (let cut = 1; blockBytes(plan) > bytesMax && cut <= CUTS_MAX; cut++) {
    plan = planWithin(table, startS, lengthS, ledger, lessThan(caps, cut));
  }
  return bucketOf(table, plan, memory);
}

/** Long values give way first, in three steps; then rows and entries, each time by three tenths. */
function lessThan({ rowsMax, entriesMax, entryBytesMax }: Caps, cut: number): Caps {
  const part = 0.7 ** Math.max(0, cut - 3);
  return { rowsMax: rowsMax * part, entriesMax: entriesMax * part, entryBytesMax: entryBytesMax / 2 ** cut };
}

/** Enough to come down from any caps to a single row. */
const CUTS_MAX = 40;

/** Cuts the table; returns what the bucket of all that is left will be. */
function planWithin(table: CounterTable, startS: number, lengthS: number, ledger: Ledger, caps: Caps): BlockPlan {
  if (!isWithin(table, caps)) table.beWide(true);
  if (narrowOf(table) === undefined) cutTable(table, caps);
  const { rows } = narrowOf(table) ?? table, ids = idsOf(table);
  return {
    startS,
    lengthS,
    rows,
    totals: table.totals.map(saturated) as Values,
    ledger,
    measures: formsOf(table, rows),
    dimensions: table.dictionaries.map((_, d) => planDimension(table, d, rows, ids[d])),
  };
}

function bucketOf(table: CounterTable, plan: BlockPlan, memory: BlockMemory | undefined): Bucket {
  const values = valuesOf(table),
    ids = idsOf(table),
    order = table.slim?.ordered() ?? rowsByRequests(plan.rows, values[REQUESTS]);
  const bucket = blankBucket(plan, memory);
  // Rows of a stretch are looked at for one column after the other while they are in the processor's first cache.
  for (let from = 0; from < plan.rows; from += STRETCH_ROWS) {
    const to = Math.min(from + STRETCH_ROWS, plan.rows);
    for (let m = 0; m < MEASURE_COUNT; m++) {
      if (plan.measures[m] > 0) gatherValues(bucket.measures[m], values[m], order, from, to);
    }
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      if (plan.dimensions[d].index > 0) gatherWords(bucket.indexes[d], ids[d], order, from, to);
    }
  }
  plan.dimensions.forEach(({ lengths: lengthsForm, givenUp: forms }, d) => {
    const { lengths, bytes, givenUp } = bucket.dictionaries[d];
    if (lengthsForm > 0) table.dictionaries[d].copyLengths(lengths);
    table.dictionaries[d].copyEntries(bytes);
    givenUp.forEach((column, m) => {
      if (forms[m] > 0) copyValues(column, table.givenUp[d], m);
    });
  });
  (table.kernel ?? OWN_MEMORY).free(order);
  return bucket;
}

/** Rows of a stretch: so many slim ones are 16 kB. */
const STRETCH_ROWS = 512;

// ---------------------------------------------------------------- order

/** Requests up to here are sorted by counting; the few rows with more by comparing. */
const COUNTED_MAX = 1023;

/** Rows by requests, heaviest first; of equal ones the one that came first. */
function rowsByRequests(rows: number, from: MeasureAt): Int32Array<ArrayBuffer> {
  const order = new Int32Array(rows), ends = new Uint32Array(COUNTED_MAX + 1), { column, stride, at } = from;
  const requestsOf = (row: number): number => column[row * stride + at];
  // Requests of each row, and COUNTED_MAX + 1 for more than that.
  const counts = new Uint16Array(rows), heavy: number[] = [];
  copyCounts(counts, from);
  // Most rows have one request. They are taken out first: without a branch, which nobody could guess, and without counting
  // them in one place, where each would wait for the one before.
  const ones = new Uint32Array(rows), others = new Uint32Array(rows);
  let oneCount = 0, otherCount = 0;
  for (let row = 0; row < rows; row++) {
    ones[oneCount] = others[otherCount] = row;
    const isOne = (counts[row] ^ 1) - 1 >>> 31;
    oneCount = oneCount + isOne | 0;
    otherCount = otherCount + 1 - isOne | 0;
  }
  let most = 1;
  for (let i = 0; i < otherCount; i++) {
    const row = others[i], requests = counts[row];
    if (requests > COUNTED_MAX) heavy.push(row);
    else {
      ends[requests]++;
      if (requests > most) most = requests;
    }
  }
  ends[1] = oneCount;
  heavy.sort((a, b) => requestsOf(b) - requestsOf(a) || a - b);
  order.set(heavy);
  for (let requests = most, at = heavy.length; requests >= 0; requests--) {
    const count = ends[requests];
    ends[requests] = at;
    at += count;
  }
  order.set(ones.subarray(0, oneCount), ends[1]);
  for (let i = 0; i < otherCount; i++) {
    const row = others[i];
    if (counts[row] <= COUNTED_MAX) order[ends[counts[row]]++] = row;
  }
  for (const column of [counts, ones, others]) free(column);
  return order;
}

function copyCounts(counts: Uint16Array, { column, stride, at }: MeasureAt): void {
  const rows = counts.length;
  if (column instanceof Int32Array) {
    for (let row = 0, o = at; row < rows; row++, o += stride) counts[row] = Math.min(column[o], COUNTED_MAX + 1);
  } else for (let row = 0, o = at; row < rows; row++, o += stride) counts[row] = Math.min(column[o], COUNTED_MAX + 1);
}

// ---------------------------------------------------------------- where rows have what

/** A measure of row r is `column[r * stride + at]`. */
interface MeasureAt {
  readonly column: Int32Array | Float64Array;
  readonly stride: number;
  readonly at: number;
}

/** An entry of row r is `words[r * stride + at] >>> shift & mask`. */
interface EntryAt {
  readonly words: Int32Array;
  readonly stride: number;
  readonly at: number;
  readonly shift: number;
  readonly mask: number;
}

/** By measure. */
function valuesOf(table: CounterTable): MeasureAt[] {
  const narrow = narrowOf(table);
  if (narrow === undefined) {
    return perMeasure((m) => ({ column: table.doubles, stride: ROW_DOUBLES, at: VALUES_AT + m }));
  }
  return perMeasure((m) =>
    m === BYTES
      ? { column: narrow.doubles, stride: SLIM_WORDS / 2, at: SLIM_WORDS / 2 + SLIM_VALUES[m] / 2 }
      : { column: narrow.words, stride: SLIM_WORDS, at: SLIM_WORDS + SLIM_VALUES[m] }
  );
}

/** By dimension. */
function idsOf(table: CounterTable): EntryAt[] {
  const narrow = narrowOf(table), places = table.packed?.places ?? SLIM_IDS;
  return table.dictionaries.map((_, d) => {
    if (narrow === undefined) return { words: table.words, stride: ROW_WORDS, at: d, shift: 0, mask: -1 };
    const { word, shift, bits } = places[d];
    return { words: narrow.words, stride: SLIM_WORDS, at: SLIM_WORDS + word, shift, mask: (1 << bits) - 1 };
  });
}

/** The rows of a table that are not wide. */
function narrowOf({ slim, packed }: CounterTable): SlimRows | PackedRows | undefined {
  return slim ?? packed;
}

/** Whether a table is within caps as it is. */
function isWithin(table: CounterTable, { rowsMax, entriesMax, entryBytesMax }: Caps): boolean {
  return (narrowOf(table) ?? table).rows <= rowsMax &&
    table.dictionaries.every(({ size, bytes }) => size <= entriesMax && bytes <= entryBytesMax);
}

/** Whether surely no row is OTHER in any dimension: nothing was rolled up, and nothing withheld. */
function isNeverOther({ slim, flooded }: CounterTable): boolean {
  return slim !== undefined && !flooded;
}

// ---------------------------------------------------------------- forms

function planDimension(table: CounterTable, d: number, rows: number, ids: EntryAt): DimensionPlan {
  const { size, bytes } = table.dictionaries[d], given = table.givenUp[d];
  const lostMax = table.lostMax[d].map(saturated), foldedMax = table.foldedMax[d].map(saturated);
  const there = Math.min(size, given.length / MEASURE_COUNT), whole = isWhole({ lostMax, foldedMax });
  return {
    size,
    bytes,
    // With one entry besides OTHER, that is what all have.
    index: formForIndex(isNeverOther(table) && size === 2 ? 1 : onlyEntry(rows, ids), rows, size),
    lengths: formFor(0, table.dictionaries[d].longestEntry()),
    // Of entry 0 nothing is in the columns, so that what folded does not make them wider.
    givenUp: whole ? [] : perMeasure((m) => formOf(given, there - 1, there, MEASURE_COUNT, MEASURE_COUNT + m)),
    folded: zeroValues().map((_, m) => whole || there === 0 ? 0 : saturated(given[m])),
    lostMax,
    foldedMax,
  };
}

/** The entry that all rows have in common, if there is one. Looks only as far as they agree: mostly the second differs. */
function onlyEntry(rows: number, { words, stride, at, shift, mask }: EntryAt): number | undefined {
  const id = words[at] >>> shift & mask;
  let row = 1, o = at + stride;
  while (row < rows && (words[o] >>> shift & mask) === id) {
    row++;
    o += stride;
  }
  return row >= rows ? id : undefined;
}

/** Of each measure of the rows. */
function formsOf(table: CounterTable, rows: number): Form[] {
  if (table.slim !== undefined) {
    const extents = table.slim.extents();
    return perMeasure((m) => formFor(extents[2 * m], extents[2 * m + 1]));
  }
  return valuesOf(table).map(({ column, stride, at }) => formOf(column, rows, rows, stride, at));
}

/** The form of `values[at]`, `values[at + stride]` …, `count` of them, and zeros up to `length`. */
function formOf(values: Int32Array | Float64Array, count: number, length: number, stride: number, at: number): Form {
  let least = count < length ? 0 : Infinity, most = 0;
  for (let i = 0, o = at; i < count; i++, o += stride) {
    const value = values[o];
    if (value > most) most = value;
    if (value < least) least = value;
  }
  return formFor(least, most);
}

// ---------------------------------------------------------------- columns

/** Values of rows `from … to` in their order: a loop for each kind of column, since one over all kinds is slower. */
function gatherValues(column: NumberColumn, values: MeasureAt, order: Int32Array, from: number, to: number): void {
  if (values.column instanceof Int32Array) {
    gatherWords(column, { ...values, words: values.column, shift: 0, mask: -1 }, order, from, to);
  } else gatherDoubles(column, values.column, values.stride, values.at, order, from, to);
}

function gatherDoubles(
  column: NumberColumn,
  values: Float64Array,
  stride: number,
  at: number,
  order: Int32Array,
  from: number,
  to: number,
): void {
  if (column instanceof Uint8Array) { for (let r = from; r < to; r++) column[r] = values[order[r] * stride + at]; }
  else if (column instanceof Uint16Array) {
    for (let r = from; r < to; r++) {
      column[r] = values[order[r] * stride + at];
    }
  } else if (column instanceof Uint32Array) {
    for (let r = from; r < to; r++) column[r] = values[order[r] * stride + at];
  } else for (let r = from; r < to; r++) column[r] = saturated(values[order[r] * stride + at]);
}

/** The same for what stands in words: measures and entries. */
function gatherWords(
  column: NumberColumn,
  { words, stride, at, shift, mask }: EntryAt,
  order: Int32Array,
  from: number,
  to: number,
): void {
  if (column instanceof Uint8Array) {
    for (let r = from; r < to; r++) column[r] = words[order[r] * stride + at] >>> shift & mask;
  } else if (column instanceof Uint16Array) {
    for (let r = from; r < to; r++) column[r] = words[order[r] * stride + at] >>> shift & mask;
  } else for (let r = from; r < to; r++) column[r] = words[order[r] * stride + at] >>> shift & mask;
}

/** `column[entry] = values[entry * MEASURE_COUNT + m]` from entry 1 on, and 0 where there is no such value. */
function copyValues(column: NumberColumn, values: Float64Array, m: number): void {
  column.fill(0);
  for (
    let entry = 1, at = MEASURE_COUNT + m;
    entry < column.length && at < values.length;
    entry++, at += MEASURE_COUNT
  ) {
    column[entry] = saturated(values[at]);
  }
}

function perMeasure<Item>(make: (m: number) => Item): Item[] {
  return Array.from({ length: MEASURE_COUNT }, (_, m) => make(m));
}
