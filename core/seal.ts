/**
 * Sealing: a table becomes an immutable bucket, cut to its caps, sorted, with columns as narrow as they fit.
 *
 * A thread with a backlog seals every few milliseconds, so this is counted in nanoseconds a row: sorting is counting,
 * and every loop runs over one typed array of one kind.
 */
import { MEASURE_COUNT, REQUESTS, VALUE_MAX, type Values } from "./measures.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import type { Ledger } from "./ledger.ts";
import type { Caps } from "./slices.ts";
import { type CounterTable, perDimension, ROW_DOUBLES, ROW_WORDS, tableMarginals, VALUES_AT } from "./counter_table.ts";
import type { InternTable } from "./intern.ts";
import { fold, rollUp } from "./roll_up.ts";
import type { Bucket, IndexColumn, NumberColumn } from "./bucket.ts";
import { blankBucket, type DimensionPlan, type Form, formFor, formForIndex, formOf, isWhole } from "./bucket_block.ts";

/** Cuts the table to `caps` and makes a bucket of it. The table is used up: clear or drop it. */
export function seal(table: CounterTable, startS: number, lengthS: number, ledger: Ledger, caps: Caps): Bucket {
  for (let d = 0; d < DIMENSION_COUNT; d++) fold(table, d, caps.entriesMax, caps.entryBytesMax);
  rollUp(table, caps.rowsMax);
  const rowRequests = requestsOfRows(table), rows = table.rows;
  const order = heaviestFirst(rowRequests, 0);
  const dimensions = orderDimensions(table, rowRequests);
  const measures = Array.from({ length: MEASURE_COUNT }, (_, m) => formOfMeasure(table, m));
  const bucket = blankBucket({
    startS,
    lengthS,
    rows,
    totals: saturated(table.totals),
    ledger,
    measures,
    dimensions: dimensions.map(({ plan }) => plan),
  });
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (measures[m] > 0) gatherValues(bucket.measures[m], table.doubles, order, ROW_DOUBLES, VALUES_AT + m);
  }
  dimensions.forEach(({ plan, order: entries, places, marginals }, d) => {
    if (plan.index > 0) gatherPlaces(bucket.indexes[d], places, table.words, order, d);
    const { lengths, bytes, stored } = bucket.dictionaries[d];
    if (plan.lengths > 0) gatherLengths(lengths, table.dictionaries[d], entries);
    table.dictionaries[d].copyEntries(entries, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    stored.forEach((column, m) => {
      if (plan.marginals[m] > 0) gatherValues(column, marginals, entries, MEASURE_COUNT, m);
    });
  });
  return bucket;
}

/** A dimension on its way into a bucket. */
interface SealedDimension {
  readonly plan: DimensionPlan;
  /** Ids in the order of the bucket: OTHER, then by requests. */
  readonly order: Uint32Array;
  /** Place in that order, by id. */
  readonly places: Uint32Array;
  /** Per entry and measure; empty when they are not stored. */
  readonly marginals: Float64Array;
}

function orderDimensions(table: CounterTable, rowRequests: Float64Array): SealedDimension[] {
  const whole = perDimension((d) => isWhole({ lostMax: table.lostMax[d], foldedMax: table.foldedMax[d] }));
  const marginals = whole.includes(false) ? tableMarginals(table) : [];
  return whole.map((isWhole, d) => {
    const dictionary = table.dictionaries[d], { size, bytes } = dictionary;
    const requests = isWhole ? requestsOfEntries(table, d, rowRequests) : everyFourth(marginals[d], size);
    const order = heaviestFirst(requests, OTHER + 1), places = new Uint32Array(size);
    for (let place = 0; place < size; place++) places[order[place]] = place;
    const stored = isWhole ? new Float64Array(0) : marginals[d];
    if (!isWhole) saturate(stored);
    const plan: DimensionPlan = {
      size,
      bytes,
      index: formOfPlaces(table, d, places),
      lengths: formOfLengths(dictionary),
      marginals: isWhole ? [] : Array.from({ length: MEASURE_COUNT }, (_, m) => formOfColumn(stored, size, m)),
      lostMax: saturated(table.lostMax[d]),
      foldedMax: saturated(table.foldedMax[d]),
    };
    return { plan, order, places, marginals: stored };
  });
}

// ---------------------------------------------------------------- order

/** Requests up to here are sorted by counting; the few above by comparing. */
const COUNTED_MAX = 4096;

/**
 * The numbers 0 … values.length - 1: those below `first` as they are, then by value, largest first; of equal ones the
 * smaller number first.
 */
export function heaviestFirst(values: Float64Array, first: number): Uint32Array {
  const length = values.length, order = new Uint32Array(length), ends = new Uint32Array(COUNTED_MAX + 1);
  const heavy: number[] = [];
  for (let i = 0; i < first; i++) order[i] = i;
  for (let i = first; i < length; i++) {
    if (values[i] > COUNTED_MAX) heavy.push(i);
    else ends[values[i]]++;
  }
  heavy.sort((a, b) => values[b] - values[a] || a - b);
  let at = first;
  for (const i of heavy) order[at++] = i;
  for (let value = COUNTED_MAX; value >= 0; value--) {
    const count = ends[value];
    ends[value] = at;
    at += count;
  }
  for (let i = first; i < length; i++) if (values[i] <= COUNTED_MAX) order[ends[values[i]]++] = i;
  return order;
}

function requestsOfRows({ rows, doubles }: CounterTable): Float64Array {
  const requests = new Float64Array(rows);
  for (let row = 0, at = VALUES_AT + REQUESTS; row < rows; row++, at += ROW_DOUBLES) requests[row] = doubles[at];
  return requests;
}

/** The same as marginals where nothing was lost. */
function requestsOfEntries(
  { rows, words, dictionaries }: CounterTable,
  d: number,
  rowRequests: Float64Array,
): Float64Array {
  const requests = new Float64Array(dictionaries[d].size);
  for (let row = 0, at = d; row < rows; row++, at += ROW_WORDS) requests[words[at]] += rowRequests[row];
  return requests;
}

function everyFourth(marginals: Float64Array, size: number): Float64Array {
  const requests = new Float64Array(size);
  for (let id = 0; id < size; id++) requests[id] = marginals[id * MEASURE_COUNT + REQUESTS];
  return requests;
}

// ---------------------------------------------------------------- forms

function formOfMeasure({ rows, doubles }: CounterTable, m: number): Form {
  let least = Infinity, most = 0;
  for (let row = 0, at = VALUES_AT + m; row < rows; row++, at += ROW_DOUBLES) {
    const value = doubles[at];
    if (value > most) most = value;
    if (value < least) least = value;
  }
  return formFor(least, most);
}

function formOfColumn(values: Float64Array, size: number, m: number): Form {
  const column = new Float64Array(size);
  for (let id = 0; id < size; id++) column[id] = values[id * MEASURE_COUNT + m];
  return formOf(column, size);
}

function formOfLengths(dictionary: InternTable): Form {
  let most = 0;
  for (let id = 1; id < dictionary.size; id++) most = Math.max(most, dictionary.entryLength(id));
  return formFor(0, most);
}

/** Looks only as far as rows agree: in most dimensions the second differs from the first. */
function formOfPlaces({ rows, words }: CounterTable, d: number, places: Uint32Array): Form {
  const id = words[d];
  let row = 1;
  while (row < rows && words[row * ROW_WORDS + d] === id) row++;
  return formForIndex(row >= rows ? places[id] : undefined, rows, places.length);
}

function saturated(values: Values): Values {
  const saturated = values.slice();
  saturate(saturated);
  return saturated;
}

function saturate(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) if (values[i] > VALUE_MAX) values[i] = VALUE_MAX;
}

// ---------------------------------------------------------------- columns

/** `column[r] = values[order[r] * stride + at]`, saturated. */
function gatherValues(
  column: NumberColumn,
  values: Float64Array,
  order: Uint32Array,
  stride: number,
  at: number,
): void {
  if (column instanceof Uint8Array) {
    for (let r = 0; r < order.length; r++) {
      column[r] = values[order[r] * stride + at];
    }
  } else if (column instanceof Uint16Array) {
    for (let r = 0; r < order.length; r++) column[r] = values[order[r] * stride + at];
  } else if (column instanceof Uint32Array) {
    for (let r = 0; r < order.length; r++) column[r] = values[order[r] * stride + at];
  } else for (let r = 0; r < order.length; r++) column[r] = Math.min(VALUE_MAX, values[order[r] * stride + at]);
}

/** `column[r]` = place of the entry of row `order[r]`. */
function gatherPlaces(
  column: IndexColumn,
  places: Uint32Array,
  words: Int32Array,
  order: Uint32Array,
  d: number,
): void {
  if (column instanceof Uint8Array) {
    for (let r = 0; r < order.length; r++) column[r] = places[words[order[r] * ROW_WORDS + d]];
  } else if (column instanceof Uint16Array) {
    for (let r = 0; r < order.length; r++) column[r] = places[words[order[r] * ROW_WORDS + d]];
  } else for (let r = 0; r < order.length; r++) column[r] = places[words[order[r] * ROW_WORDS + d]];
}

function gatherLengths(lengths: IndexColumn, dictionary: InternTable, order: Uint32Array): void {
  for (let place = 0; place < order.length; place++) lengths[place] = dictionary.entryLength(order[place]);
}
