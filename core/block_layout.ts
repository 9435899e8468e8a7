/**
 * What lies where in the block of a bucket (`bucket_block.ts`):
 *
 *   head       doubles, see the constants below: slice, rows, totals, ledger; form of every column; size and bounds of
 *              every dictionary
 *   columns    each at a multiple of 8, zeros between:
 *                measures[m]                       rows elements each
 *                per dimension: index              rows elements
 *                               lengths            size elements, bytes of each entry
 *                               givenUp[m]         size elements each: what roll-up took from the entry's rows, of
 *                                                  entry 0 nothing; none where nothing was lost
 *                               entries            bytes
 *   8 zeros    so that readers by words may look past the last entry
 *
 * A column whose elements are all 0 or all 1 takes no bytes. Where nothing was lost, `lostMax` and `foldedMax` are zero.
 */
import { MEASURE_COUNT, type Values } from "./measures.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import { type Ledger, LEDGER_COUNT } from "./ledger.ts";
import type { NumberColumn } from "./bucket.ts";

/** How a column lies in a block: bytes of an element (8 is a double), or what all elements are. */
export type Form = 1 | 2 | 4 | 8 | typeof ALL_ZERO | typeof ALL_ONE;
export const ALL_ZERO = 0, ALL_ONE = -1;

/** All that is known of a bucket before its columns are. */
export interface BlockPlan {
  readonly startS: number;
  readonly lengthS: number;
  readonly rows: number;
  readonly totals: Values;
  readonly ledger: Ledger;
  readonly measures: readonly Form[];
  readonly dimensions: readonly DimensionPlan[];
}

export interface DimensionPlan {
  /** Entries, OTHER included. */
  readonly size: number;
  /** Bytes of all entries. */
  readonly bytes: number;
  readonly index: Form;
  readonly lengths: Form;
  /** Per measure; empty when nothing was lost. */
  readonly givenUp: readonly Form[];
  /** What entries that folded into OTHER had counted: far more than any entry gave up, so it stands beside the columns. */
  readonly folded: Values;
  readonly lostMax: Values;
  readonly foldedMax: Values;
}

// ---------------------------------------------------------------- forms

/** The narrowest form for integers up to `most`, none below `least`. */
export function formFor(least: number, most: number): Form {
  if (most === 0) return ALL_ZERO;
  if (least === 1 && most === 1) return ALL_ONE;
  return most < 0x100 ? 1 : most < 0x10000 ? 2 : most < 2 ** 32 ? 4 : 8;
}

/** The narrowest form for the first `count` of `values`, each a whole number that is not negative. */
export function formOf(values: ArrayLike<number>, count: number): Form {
  let least = Infinity, most = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (value > most) most = value;
    if (value < least) least = value;
  }
  return formFor(least, most);
}

/** The form of an index column: as wide as the dictionary needs, unless all rows are OTHER or all have entry 1. */
export function formOfIndex(column: ArrayLike<number>, rows: number, size: number): Form {
  return formForIndex(rows === 0 || isConstant(column, rows) ? column[0] : undefined, rows, size);
}

/** The same when it is known which entry all rows have, if they all have one. */
export function formForIndex(only: number | undefined, rows: number, size: number): Form {
  if (rows === 0 || only === 0) return ALL_ZERO;
  return only === 1 ? ALL_ONE : formFor(0, size - 1);
}

function isConstant(column: ArrayLike<number>, length: number): boolean {
  let i = 1;
  while (i < length && column[i] === column[0]) i++;
  return i >= length;
}

// ---------------------------------------------------------------- head

/** Changes with the meaning of anything below. */
const LAYOUT = 2;

/** Doubles of the head, in this order: layout, start, length, rows, totals, ledger, forms of measures, dimensions. */
export const START_AT = 1;
const LENGTH_AT = 2, ROWS_AT = 3, TOTALS_AT = 4;
export const LEDGER_AT = TOTALS_AT + MEASURE_COUNT, FORMS_AT = LEDGER_AT + LEDGER_COUNT;
const DIMENSIONS_AT = FORMS_AT + MEASURE_COUNT;
/** Of one dimension: size, bytes, forms of index and lengths, 1 when it has columns of what was given up, their forms, bounds,
 * what folded. */
const BYTES_AT = 1, INDEX_AT = 2, LENGTHS_AT = 3, LOSSY_AT = 4, GIVEN_UP_AT = 5;
const LOST_AT = GIVEN_UP_AT + MEASURE_COUNT, FOLDED_AT = LOST_AT + MEASURE_COUNT;
const HAD_AT = FOLDED_AT + MEASURE_COUNT, DIMENSION_DOUBLES = HAD_AT + MEASURE_COUNT;
export const HEAD_DOUBLES = DIMENSIONS_AT + DIMENSION_COUNT * DIMENSION_DOUBLES;
/** Bytes of the head; and zeros behind the last column. */
export const HEAD_BYTES = 8 * HEAD_DOUBLES, TAIL_BYTES = 8;

/** Writes what is known before the columns are. */
export function writeHead(head: Float64Array, plan: BlockPlan): void {
  head.fill(0);
  head.set([LAYOUT, plan.startS, plan.lengthS, plan.rows]);
  head.set(plan.totals, TOTALS_AT);
  head.set(plan.ledger, LEDGER_AT);
  head.set(plan.measures, FORMS_AT);
  plan.dimensions.forEach(({ size, bytes, index, lengths, givenUp, folded, lostMax, foldedMax }, d) => {
    const at = DIMENSIONS_AT + d * DIMENSION_DOUBLES;
    head.set([size, bytes, index, lengths, givenUp.length === 0 ? 0 : 1], at);
    head.set(givenUp, at + GIVEN_UP_AT);
    head.set(lostMax, at + LOST_AT);
    head.set(foldedMax, at + FOLDED_AT);
    head.set(folded, at + HAD_AT);
  });
}

/** The plan of a head that `writeHead` has written; its values are views. */
function readHead(head: Float64Array<ArrayBuffer>): BlockPlan {
  if (head[0] !== LAYOUT) throw new Error(`Cannot open a block of layout ${head[0]}: this program knows ${LAYOUT}`);
  const forms = (at: number): Form[] => Array.from({ length: MEASURE_COUNT }, (_, m) => head[at + m] as Form);
  return {
    startS: head[START_AT],
    lengthS: head[LENGTH_AT],
    rows: head[ROWS_AT],
    totals: head.subarray(TOTALS_AT, LEDGER_AT),
    ledger: head.subarray(LEDGER_AT, FORMS_AT),
    measures: forms(FORMS_AT),
    dimensions: Array.from({ length: DIMENSION_COUNT }, (_, d) => {
      const at = DIMENSIONS_AT + d * DIMENSION_DOUBLES;
      return {
        size: head[at],
        bytes: head[at + BYTES_AT],
        index: head[at + INDEX_AT] as Form,
        lengths: head[at + LENGTHS_AT] as Form,
        givenUp: head[at + LOSSY_AT] === 0 ? [] : forms(at + GIVEN_UP_AT),
        lostMax: head.subarray(at + LOST_AT, at + FOLDED_AT),
        foldedMax: head.subarray(at + FOLDED_AT, at + HAD_AT),
        folded: head.subarray(at + HAD_AT, at + DIMENSION_DOUBLES),
      };
    }),
  };
}

// ---------------------------------------------------------------- columns

/** The columns of a dimension begin with its index; behind what was given up come the entries. */
export const LENGTHS_COLUMN = 1, GIVEN_UP_COLUMN = 2;

/** One column of a block. */
export interface ColumnPlace {
  readonly form: Form;
  /** Elements. */
  readonly length: number;
  /** In bytes from the block's start. */
  readonly at: number;
}

function columnPlaces({ rows, measures, dimensions }: BlockPlan): ColumnPlace[] {
  const places: ColumnPlace[] = [];
  let at = HEAD_BYTES;
  const add = (form: Form, length: number): void => {
    places.push({ form, length, at });
    at += columnBytes(form, length);
  };
  for (const form of measures) add(form, rows);
  for (const { size, bytes, index, lengths, givenUp } of dimensions) {
    add(index, rows);
    add(lengths, size);
    for (const form of givenUp) add(form, size);
    add(1, bytes);
  }
  return places;
}

/** All columns of a block, in the order of the layout. */
export function columnsOfBlock(block: ArrayBuffer): readonly ColumnPlace[] {
  return columnPlaces(headOf(block));
}

/** The plan of a block; its values are views. */
export function headOf(block: ArrayBuffer): BlockPlan {
  return readHead(new Float64Array(block, 0, HEAD_DOUBLES));
}

/** Bytes of the block of such a bucket. */
export function blockBytes({ rows, measures, dimensions }: BlockPlan): number {
  let bytes = HEAD_BYTES + TAIL_BYTES;
  for (const form of measures) bytes += columnBytes(form, rows);
  for (const dimension of dimensions) {
    bytes += columnBytes(dimension.index, rows) + columnBytes(dimension.lengths, dimension.size);
    for (const form of dimension.givenUp) bytes += columnBytes(form, dimension.size);
    bytes += columnBytes(1, dimension.bytes);
  }
  return bytes;
}

/** Bytes of a column in a block. */
export function columnBytes(form: Form, length: number): number {
  return form > 0 ? form * length + 7 & ~7 : 0;
}

/** The column of a form that lies there; what takes no bytes is shared. */
export function columnAt(block: ArrayBuffer, at: number, form: Form, length: number): NumberColumn {
  switch (form) {
    case 1:
      return new Uint8Array(block, at, length);
    case 2:
      return new Uint16Array(block, at, length);
    case 4:
      return new Uint32Array(block, at, length);
    case 8:
      return new Float64Array(block, at, length);
    case ALL_ZERO:
      return (zeros = filled(zeros, 0, length)).subarray(0, length);
    case ALL_ONE:
      return (ones = filled(ones, 1, length)).subarray(0, length);
  }
}

/** The columns that all buckets share; never written. */
let zeros = new Uint8Array(1024), ones = new Uint8Array(1024).fill(1);

function filled(column: Uint8Array<ArrayBuffer>, value: number, length: number): Uint8Array<ArrayBuffer> {
  return length <= column.length ? column : new Uint8Array(2 * length).fill(value);
}
