/**
 * Sealing: a table becomes an immutable bucket, cut to its caps, rows sorted, with columns as narrow as they fit.
 *
 * A thread with a backlog seals every few milliseconds, so this is counted in nanoseconds a row: sorting is counting,
 * entries stay in the order in which they came, and every loop runs over typed arrays of one kind.
 */
import * as measures from "./measures.ts";
import { type Values, zeroValues } from "./measures.ts";
import { free } from "./free.ts";
import type { Ledger } from "./ledger.ts";
import type { Caps } from "./slices.ts";
import * as tables from "./counter_table.ts";
import type { CounterTable } from "./counter_table.ts";
import type { InternTable } from "./intern.ts";
import { cutTable } from "./roll_up.ts";
import { forgetNewcomers } from "./withhold.ts";
import type { Bucket, IndexColumn, NumberColumn } from "./bucket.ts";
import {
  blankBucket,
  blockOf,
  type DimensionPlan,
  type Form,
  formFor,
  formForIndex,
  freeBlock,
  isWhole,
} from "./bucket_block.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { MEASURE_COUNT, REQUESTS, saturated } = measures;
const { ROW_DOUBLES, ROW_WORDS, VALUES_AT } = tables;

/** Cuts the table to `caps` and makes a bucket of it. The table is used up: clear or drop it. */
export function seal(table: CounterTable, startS: number, lengthS: number, ledger: Ledger, caps: Caps): Bucket {
  const { bytesMax = Infinity } = caps;
  forgetNewcomers(table);
  let bucket = sealWithin(table, startS, lengthS, ledger, caps);
  for (let cut = 1; blockOf(bucket).byteLength > bytesMax && cut <= CUTS_MAX; cut++) {
    freeBlock(bucket); // nobody has seen it
    bucket = sealWithin(table, startS, lengthS, ledger, lessThan(caps, cut));
  }
  return bucket;
}

/** Long values give way first, in three steps; then rows and entries, each time by three tenths. */
function lessThan({ rowsMax, entriesMax, entryBytesMax }: Caps, cut: number): Caps {
  const part = 0.7 ** Math.max(0, cut - 3);
  return { rowsMax: rowsMax * part, entriesMax: entriesMax * part, entryBytesMax: entryBytesMax / 2 ** cut };
}

/** Enough to come down from any caps to a single row. */
const CUTS_MAX = 40;

function sealWithin(table: CounterTable, startS: number, lengthS: number, ledger: Ledger, caps: Caps): Bucket {
  cutTable(table, caps);
  const { rows, words, doubles, totals, dictionaries } = table;
  const order = rowsByRequests(table);
  const forms = perMeasure((m) => formOf(doubles, rows, rows, ROW_DOUBLES, VALUES_AT + m));
  const dimensions = dictionaries.map((_, d) => planDimension(table, d));
  const bucket = blankBucket({
    startS,
    lengthS,
    rows,
    totals: totals.map(saturated) as Values,
    ledger,
    measures: forms,
    dimensions,
  });
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (forms[m] > 0) gatherValues(bucket.measures[m], doubles, order, ROW_DOUBLES, VALUES_AT + m);
  }
  dimensions.forEach((plan, d) => {
    if (plan.index > 0) gatherIds(bucket.indexes[d], words, order, d);
    const { lengths, bytes, givenUp } = bucket.dictionaries[d];
    if (plan.lengths > 0) copyLengths(lengths, dictionaries[d]);
    dictionaries[d].copyEntries(bytes);
    givenUp.forEach((column, m) => {
      if (plan.givenUp[m] > 0) copyValues(column, table.givenUp[d], m);
    });
  });
  free(order);
  return bucket;
}

// ---------------------------------------------------------------- order

/** Requests up to here are sorted by counting; the few rows with more by comparing. */
const COUNTED_MAX = 1023;

/** Rows by requests, heaviest first; of equal ones the one that came first. */
function rowsByRequests({ rows, doubles }: CounterTable): Uint32Array<ArrayBuffer> {
  const order = new Uint32Array(rows), ends = new Uint32Array(COUNTED_MAX + 1), requestsAt = VALUES_AT + REQUESTS;
  const requestsOf = (row: number): number => doubles[row * ROW_DOUBLES + requestsAt];
  const heavy: number[] = [];
  let most = 0;
  for (let row = 0, at = requestsAt; row < rows; row++, at += ROW_DOUBLES) {
    const requests = doubles[at];
    if (requests > COUNTED_MAX) heavy.push(row);
    else {
      ends[requests]++;
      if (requests > most) most = requests;
    }
  }
  heavy.sort((a, b) => requestsOf(b) - requestsOf(a) || a - b);
  order.set(heavy);
  for (let requests = most, at = heavy.length; requests >= 0; requests--) {
    const count = ends[requests];
    ends[requests] = at;
    at += count;
  }
  for (let row = 0, at = requestsAt; row < rows; row++, at += ROW_DOUBLES) {
    const requests = doubles[at];
    if (requests <= COUNTED_MAX) order[ends[requests]++] = row;
  }
  return order;
}

// ---------------------------------------------------------------- forms

function planDimension(table: CounterTable, d: number): DimensionPlan {
  const { size, bytes } = table.dictionaries[d], given = table.givenUp[d];
  const lostMax = table.lostMax[d].map(saturated), foldedMax = table.foldedMax[d].map(saturated);
  const there = Math.min(size, given.length / MEASURE_COUNT), whole = isWhole({ lostMax, foldedMax });
  return {
    size,
    bytes,
    index: formForIndex(onlyEntry(table, d), table.rows, size),
    lengths: formFor(0, longestEntry(table.dictionaries[d])),
    // Of entry 0 nothing is in the columns, so that what folded does not make them wider.
    givenUp: whole ? [] : perMeasure((m) => formOf(given, there - 1, there, MEASURE_COUNT, MEASURE_COUNT + m)),
    folded: zeroValues().map((_, m) => whole || there === 0 ? 0 : saturated(given[m])),
    lostMax,
    foldedMax,
  };
}

/** The entry that all rows have in common, if there is one. Looks only as far as they agree: mostly the second differs. */
function onlyEntry({ rows, words }: CounterTable, d: number): number | undefined {
  const id = words[d];
  let row = 1;
  while (row < rows && words[row * ROW_WORDS + d] === id) row++;
  return row >= rows ? id : undefined;
}

function longestEntry(dictionary: InternTable): number {
  let longest = 0;
  for (let id = 1; id < dictionary.size; id++) longest = Math.max(longest, dictionary.entryLength(id));
  return longest;
}

/** The form of `values[at]`, `values[at + stride]` …, `count` of them, and zeros up to `length`. */
function formOf(values: Float64Array, count: number, length: number, stride: number, at: number): Form {
  let least = count < length ? 0 : Infinity, most = 0;
  for (let i = 0, o = at; i < count; i++, o += stride) {
    const value = values[o];
    if (value > most) most = value;
    if (value < least) least = value;
  }
  return formFor(least, most);
}

// ---------------------------------------------------------------- columns

/** `column[r] = values[order[r] * stride + at]`: a loop for each kind of column, since one over all kinds is slower. */
function gatherValues(
  column: NumberColumn,
  values: Float64Array,
  order: Uint32Array,
  stride: number,
  at: number,
): void {
  const rows = order.length;
  if (column instanceof Uint8Array) { for (let r = 0; r < rows; r++) column[r] = values[order[r] * stride + at]; }
  else if (column instanceof Uint16Array) { for (let r = 0; r < rows; r++) column[r] = values[order[r] * stride + at]; }
  else if (column instanceof Uint32Array) { for (let r = 0; r < rows; r++) column[r] = values[order[r] * stride + at]; }
  else for (let r = 0; r < rows; r++) column[r] = saturated(values[order[r] * stride + at]);
}

/** The same for the entries of dimension `d`. */
function gatherIds(column: IndexColumn, words: Int32Array, order: Uint32Array, d: number): void {
  const rows = order.length;
  if (column instanceof Uint8Array) { for (let r = 0; r < rows; r++) column[r] = words[order[r] * ROW_WORDS + d]; }
  else if (column instanceof Uint16Array) {
    for (let r = 0; r < rows; r++) {
      column[r] = words[order[r] * ROW_WORDS + d];
    }
  } else for (let r = 0; r < rows; r++) column[r] = words[order[r] * ROW_WORDS + d];
}

/** `column[entry] = values[entry * MEASURE_COUNT + m]` from entry 1 on; there may be fewer values than entries. */
function copyValues(column: NumberColumn, values: Float64Array, m: number): void {
  for (
    let entry = 1, at = MEASURE_COUNT + m;
    entry < column.length && at < values.length;
    entry++, at += MEASURE_COUNT
  ) {
    column[entry] = saturated(values[at]);
  }
}

function copyLengths(lengths: IndexColumn, dictionary: InternTable): void {
  for (let id = 0; id < lengths.length; id++) lengths[id] = dictionary.entryLength(id);
}

function perMeasure<Item>(make: (m: number) => Item): Item[] {
  return Array.from({ length: MEASURE_COUNT }, (_, m) => make(m));
}
