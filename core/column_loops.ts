/**
 * The innermost loops over the columns of rows. Columns come in four widths, and a loop that has met them all is two to
 * three times slower than one that knows its arrays (measured: 9 against 3 ms over three million rows); so there is one
 * loop a width where every row is looked at, and numbers are gathered or widened before anything else is done to them.
 *
 * That makes this file long; none of its loops needs another.
 *
 * Counters end in `| 0`: they are integers then without a check in each step.
 */
import { IS_SUM, MEASURE_COUNT } from "./measures.ts";
import type { IndexColumn, NumberColumn } from "./bucket.ts";

/**
 * Writes down the rows whose entry has this bit of truth (0: they may satisfy a filter, 1: they do), and returns how many.
 * Without a branch: every row is written, and stays where the count moves on.
 *
 * @param picked longer than the rows
 */
export function pickByEntry(
  table: Uint8Array,
  bit: number,
  index: IndexColumn,
  rows: number,
  picked: Int32Array,
): number {
  if (index instanceof Uint8Array) return pick8(table, bit, index, rows, picked);
  if (index instanceof Uint16Array) return pick16(table, bit, index, rows, picked);
  return pick32(table, bit, index, rows, picked);
}

function pick8(table: Uint8Array, bit: number, index: Uint8Array, rows: number, picked: Int32Array): number {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    picked[count] = row;
    count = count + (table[index[row]] >> bit & 1) | 0;
  }
  return count;
}

function pick16(table: Uint8Array, bit: number, index: Uint16Array, rows: number, picked: Int32Array): number {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    picked[count] = row;
    count = count + (table[index[row]] >> bit & 1) | 0;
  }
  return count;
}

function pick32(table: Uint8Array, bit: number, index: Uint32Array, rows: number, picked: Int32Array): number {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    picked[count] = row;
    count = count + (table[index[row]] >> bit & 1) | 0;
  }
  return count;
}

/** Writes down the rows that satisfy a filter, by the truth of all rows. */
export function pickByRow(truths: Uint8Array, rows: number, picked: Int32Array): number {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    picked[count] = row;
    count = count + (truths[row] >> 1) | 0;
  }
  return count;
}

/**
 * The same, and those that only may satisfy it, in one pass: bit 0 of their truth is set, and bit 1 is not.
 *
 * @returns how many certainly do; `unknown.count` says how many may
 */
export function splitByRow(
  truths: Uint8Array,
  rows: number,
  certain: Int32Array,
  unknown: { readonly rows: Int32Array; count: number },
): number {
  const { rows: uncertain } = unknown;
  let yes = 0, perhaps = 0;
  for (let row = 0; row < rows; row++) {
    const truth = truths[row], is = truth >> 1;
    certain[yes] = uncertain[perhaps] = row;
    yes = yes + is | 0;
    perhaps = perhaps + (truth & 1) - is | 0;
  }
  unknown.count = perhaps;
  return yes;
}

/** The same where truths are only complete with those of one more comparison: `truths[row] | table[index[row]]`, or `&`. */
export function splitByBoth(
  truths: Uint8Array,
  table: Uint8Array,
  index: IndexColumn,
  isAnd: boolean,
  rows: number,
  certain: Int32Array,
  unknown: { readonly rows: Int32Array; count: number },
): number {
  if (index instanceof Uint16Array) return splitByBoth16(truths, table, index, isAnd, rows, certain, unknown);
  combineLookUp(table, index, rows, truths, isAnd);
  return splitByRow(truths, rows, certain, unknown);
}

function splitByBoth16(
  truths: Uint8Array,
  table: Uint8Array,
  index: Uint16Array,
  isAnd: boolean,
  rows: number,
  certain: Int32Array,
  unknown: { readonly rows: Int32Array; count: number },
): number {
  const { rows: uncertain } = unknown;
  let yes = 0, perhaps = 0;
  for (let row = 0; row < rows; row++) {
    const own = table[index[row]], truth = isAnd ? truths[row] & own : truths[row] | own, is = truth >> 1;
    certain[yes] = uncertain[perhaps] = row;
    yes = yes + is | 0;
    perhaps = perhaps + (truth & 1) - is | 0;
  }
  unknown.count = perhaps;
  return yes;
}

/** One comparison over a column: `table[index[row]]`. */
export interface LookedUp<Column> {
  readonly table: Uint8Array;
  readonly index: Column;
}

/** The same for two comparisons, of columns of one and of two bytes, without truths in between: a pass less. */
export function splitByTwo(
  { table: first, index: bytes }: LookedUp<Uint8Array>,
  { table: second, index: words }: LookedUp<Uint16Array>,
  isAnd: boolean,
  rows: number,
  certain: Int32Array,
  unknown: { readonly rows: Int32Array; count: number },
): number {
  const { rows: uncertain } = unknown;
  let yes = 0, perhaps = 0;
  for (let row = 0; row < rows; row++) {
    const one = first[bytes[row]], other = second[words[row]], truth = isAnd ? one & other : one | other;
    const is = truth >> 1;
    certain[yes] = uncertain[perhaps] = row;
    yes = yes + is | 0;
    perhaps = perhaps + (truth & 1) - is | 0;
  }
  unknown.count = perhaps;
  return yes;
}

/** Writes down rows that follow one another, those whose entry is marked, behind the first `count`. */
export function pickRange(
  marks: Uint8Array,
  index: IndexColumn,
  from: number,
  to: number,
  picked: Int32Array,
  count: number,
): number {
  for (let row = from; row < to; row++) {
    picked[count] = row;
    count = count + marks[index[row]] | 0;
  }
  return count;
}

/** Writes down those of `rows[from … to)` whose entry is marked; `picked` may be `rows`. */
export function keepMarked(
  marks: Uint8Array,
  index: IndexColumn,
  rows: Int32Array,
  from: number,
  to: number,
  picked: Int32Array,
): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    const row = rows[i];
    picked[count] = row;
    count = count + marks[index[row]] | 0;
  }
  return count;
}

/** Moves the rows that may satisfy the filter together, with their truths, and returns how many they are. */
export function keepPossible(truths: Uint8Array, rows: Int32Array, count: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const truth = truths[i];
    rows[kept] = rows[i];
    truths[kept] = truth;
    kept = kept + (truth & 1) | 0;
  }
  return kept;
}

/**
 * Moves those of `rows` that only may satisfy the filter to `unknown`, by the truth of each.
 *
 * @returns how many are left; the others are unknown
 */
export function splitUnknown(truths: Uint8Array, rows: Int32Array, count: number, unknown: Int32Array): number {
  let certain = 0, uncertain = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i], isCertain = truths[i] >> 1;
    rows[certain] = unknown[uncertain] = row;
    certain = certain + isCertain | 0;
    uncertain = uncertain + 1 - isCertain | 0;
  }
  return certain;
}

/** `into[i] = table[index[i]]`. */
export function lookUp(table: Uint8Array, index: IndexColumn | Int32Array, count: number, into: Uint8Array): void {
  if (index instanceof Uint8Array) lookUp8(table, index, count, into);
  else if (index instanceof Uint16Array) lookUp16(table, index, count, into);
  else for (let i = 0; i < count; i++) into[i] = table[index[i]];
}

function lookUp8(table: Uint8Array, index: Uint8Array, count: number, into: Uint8Array): void {
  for (let i = 0; i < count; i++) into[i] = table[index[i]];
}

function lookUp16(table: Uint8Array, index: Uint16Array, count: number, into: Uint8Array): void {
  for (let i = 0; i < count; i++) into[i] = table[index[i]];
}

/** `into[i] &= table[index[i]]`, or `|=`. */
export function combineLookUp(
  table: Uint8Array,
  index: IndexColumn | Int32Array,
  count: number,
  into: Uint8Array,
  isAnd: boolean,
): void {
  if (index instanceof Uint8Array) combine8(table, index, count, into, isAnd);
  else if (index instanceof Uint16Array) combine16(table, index, count, into, isAnd);
  else if (isAnd) { for (let i = 0; i < count; i++) into[i] &= table[index[i]]; }
  else for (let i = 0; i < count; i++) into[i] |= table[index[i]];
}

function combine8(table: Uint8Array, index: Uint8Array, count: number, into: Uint8Array, isAnd: boolean): void {
  if (isAnd) { for (let i = 0; i < count; i++) into[i] &= table[index[i]]; }
  else for (let i = 0; i < count; i++) into[i] |= table[index[i]];
}

function combine16(table: Uint8Array, index: Uint16Array, count: number, into: Uint8Array, isAnd: boolean): void {
  if (isAnd) { for (let i = 0; i < count; i++) into[i] &= table[index[i]]; }
  else for (let i = 0; i < count; i++) into[i] |= table[index[i]];
}

/** `into[i] = column[rows[i]]`. */
export function gatherIndex(column: IndexColumn, rows: Int32Array, count: number, into: Int32Array): void {
  if (column instanceof Uint8Array) gatherIndex8(column, rows, count, into);
  else if (column instanceof Uint16Array) gatherIndex16(column, rows, count, into);
  else for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

function gatherIndex8(column: Uint8Array, rows: Int32Array, count: number, into: Int32Array): void {
  for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

function gatherIndex16(column: Uint16Array, rows: Int32Array, count: number, into: Int32Array): void {
  for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

/** The same for numbers. */
export function gatherNumbers(
  column: NumberColumn,
  rows: Int32Array,
  count: number,
  into: Float64Array,
): void {
  if (column instanceof Uint8Array) gatherNumbers8(column, rows, count, into);
  else if (column instanceof Uint16Array) gatherNumbers16(column, rows, count, into);
  else if (column instanceof Uint32Array) gatherNumbers32(column, rows, count, into);
  else for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

function gatherNumbers8(column: Uint8Array, rows: Int32Array, count: number, into: Float64Array): void {
  for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

function gatherNumbers16(column: Uint16Array, rows: Int32Array, count: number, into: Float64Array): void {
  for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

function gatherNumbers32(column: Uint32Array, rows: Int32Array, count: number, into: Float64Array): void {
  for (let i = 0; i < count; i++) into[i] = column[rows[i]];
}

/**
 * `into[index[rows[i]]] += numbers[rows[i]]` for columns as they are; false, and nothing is done, for rare widths.
 */
export function mergeNarrow(
  numbers: NumberColumn,
  index: IndexColumn,
  rows: Int32Array,
  count: number,
  into: Float64Array,
): boolean {
  if (!(index instanceof Uint16Array)) return false;
  if (numbers instanceof Uint16Array) mergeNarrow16(numbers, index, rows, count, into);
  else if (numbers instanceof Uint32Array) mergeNarrow32(numbers, index, rows, count, into);
  else return false;
  return true;
}

function mergeNarrow16(
  numbers: Uint16Array,
  index: Uint16Array,
  rows: Int32Array,
  count: number,
  into: Float64Array,
): void {
  for (let i = 0; i < count; i++) {
    const row = rows[i];
    into[index[row]] += numbers[row];
  }
}

function mergeNarrow32(
  numbers: Uint32Array,
  index: Uint16Array,
  rows: Int32Array,
  count: number,
  into: Float64Array,
): void {
  for (let i = 0; i < count; i++) {
    const row = rows[i];
    into[index[row]] += numbers[row];
  }
}

/** `into[index[rows[i]]] += numbers[rows[i]]`, or the larger of both. */
export function merge(
  numbers: Float64Array,
  index: Int32Array,
  rows: Int32Array,
  count: number,
  into: Float64Array,
  isSum: boolean,
): void {
  if (isSum) {
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      into[index[row]] += numbers[row];
    }
  } else {
    for (let i = 0; i < count; i++) {
      const row = rows[i], value = numbers[row], place = index[row];
      if (value > into[place]) into[place] = value;
    }
  }
}

/** The same for columns that were gathered: `into[places[i]] += numbers[i]`. */
export function mergeGathered(
  numbers: Float64Array,
  places: Int32Array,
  count: number,
  into: Float64Array,
  isSum: boolean,
): void {
  if (isSum) { for (let i = 0; i < count; i++) into[places[i]] += numbers[i]; }
  else for (let i = 0; i < count; i++) if (numbers[i] > into[places[i]]) into[places[i]] = numbers[i];
}

export function sumOf(numbers: Float64Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += numbers[i];
  return sum;
}

const SUMS = IS_SUM.flatMap((isSum, m) => isSum ? [m] : []), MAXIMA = IS_SUM.flatMap((isSum, m) => isSum ? [] : [m]);

/**
 * Merges all measures: `numbers[m][rows[i]]` into `into[places[i] * MEASURE_COUNT + m]`.
 *
 * All at once, since where most rows fall on one place each addition waits for the one before it, but not for those of
 * other measures.
 */
export function mergeAll(
  numbers: readonly Float64Array[],
  rows: Int32Array,
  places: Int32Array,
  count: number,
  into: Float64Array,
): void {
  if (SUMS.length === 3 && MAXIMA.length === 1) return mergeFour(numbers, rows, places, count, into);
  for (let i = 0; i < count; i++) {
    const row = rows[i], place = places[i] * MEASURE_COUNT;
    for (const m of SUMS) into[place + m] += numbers[m][row];
    for (const m of MAXIMA) into[place + m] = Math.max(into[place + m], numbers[m][row]);
  }
}

function mergeFour(
  numbers: readonly Float64Array[],
  rows: Int32Array,
  places: Int32Array,
  count: number,
  into: Float64Array,
): void {
  const [p, q, r] = SUMS, [s] = MAXIMA, a = numbers[p], b = numbers[q], c = numbers[r], d = numbers[s];
  for (let i = 0; i < count; i++) {
    const row = rows[i], place = Math.imul(places[i], MEASURE_COUNT), most = d[row];
    into[place + p | 0] += a[row];
    into[place + q | 0] += b[row];
    into[place + r | 0] += c[row];
    if (most > into[place + s | 0]) into[place + s | 0] = most;
  }
}

/** The same for rows that follow one another, of columns as they are; the place of an entry is `placeOf[entry]`. */
export function mergeRange(
  numbers: readonly (NumberColumn | Float64Array)[],
  index: IndexColumn | Int32Array,
  from: number,
  to: number,
  placeOf: Int32Array,
  into: Float64Array,
): void {
  if (SUMS.length !== 3 || MAXIMA.length !== 1) {
    for (let row = from; row < to; row++) {
      const place = placeOf[index[row]] * MEASURE_COUNT;
      for (const m of SUMS) into[place + m] += numbers[m][row];
      for (const m of MAXIMA) into[place + m] = Math.max(into[place + m], numbers[m][row]);
    }
    return;
  }
  const [p, q, r] = SUMS, [s] = MAXIMA, a = numbers[p], b = numbers[q], c = numbers[r], d = numbers[s];
  for (let row = from; row < to; row++) {
    const place = Math.imul(placeOf[index[row]], MEASURE_COUNT), most = d[row];
    into[place + p | 0] += a[row];
    into[place + q | 0] += b[row];
    into[place + r | 0] += c[row];
    if (most > into[place + s | 0]) into[place + s | 0] = most;
  }
}
