/**
 * A bucket in one block of memory: what a thread hands to another, what is kept for followers, and what the checksum is
 * about. The columns of an open bucket are views of its block, so that opening copies nothing.
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
 * What can be computed is not in the block and is computed when somebody asks: offsets (from lengths) and marginals (what
 * was given up, and what the rows have). So a bucket is checked and merged without adding up its rows by entry, which took
 * longer than all else. Where nothing was lost, `lostMax` and `foldedMax` are zero. A column whose elements are all 0 or
 * all 1 takes no bytes: it is a view of one that all buckets share.
 *
 * The block of a bucket is canonical: equal buckets have equal blocks. Little-endian, as every machine Deno runs on.
 */
import { IS_SUM, MEASURE_COUNT, type Values, zeroValues } from "./measures.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import { type Ledger, LEDGER_COUNT, LEDGER_REASONS } from "./ledger.ts";
import { free } from "./free.ts";
import {
  type Bucket,
  type Dictionary,
  type IndexColumn,
  mergeByEntry,
  type NumberColumn,
  numberColumn,
  widened,
  widenedIndex,
} from "./bucket.ts";
import { Kept } from "./derived.ts";

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

/**
 * A bucket over a new block whose columns are still zero: fill them before anybody else sees it, wholly where memory is
 * borrowed.
 *
 * @param memory that it borrows: nobody may look at it any more once that has been taken back
 */
export function blankBucket(plan: BlockPlan, memory?: BlockMemory): BlockBucket {
  const bytes = blockBytes(plan), block = memory === undefined ? new ArrayBuffer(bytes) : memory.lend(bytes);
  writeHead(new Float64Array(block, 0, HEAD_DOUBLES), plan);
  return memory === undefined ? bucketOver(block) : viewsOf(block);
}

/**
 * Memory for bucket after bucket, for a thread that is done with some before it makes the next: to get new memory and to give
 * it back takes longer than to fill it. What is in it has no block of its own: `blockOf` makes a copy.
 */
export class BlockMemory {
  readonly #blocks: ArrayBuffer[] = [];
  #lent = 0;

  /** Nobody looks any more at what has been lent. */
  takeBack(): void {
    this.#lent = 0;
  }

  /** So many bytes at least, with whatever they hold. */
  lend(bytes: number): ArrayBuffer {
    const at = this.#lent++, block = this.#blocks.at(at);
    if (block !== undefined && bytes <= block.byteLength) return block;
    if (block !== undefined) free(new Uint8Array(block));
    return this.#blocks[at] = new ArrayBuffer(bytes + (bytes >> 5 << 3));
  }
}

/** The bucket in a block that `blockOf` returned, here or in another thread. Copies nothing. */
export function openBlock(block: ArrayBuffer): Bucket {
  return bucketOver(block);
}

/** The same bucket of another slice of the same length, in a block of its own. */
export function bucketAt(bucket: Bucket, startS: number): Bucket {
  const block = blockOf(bucket).slice(0);
  new Float64Array(block, 0, HEAD_DOUBLES)[START_AT] = startS;
  return bucketOver(block);
}

/**
 * The bucket in a block whose ledger has other reasons: those that are in both keep their counts. For blocks that were kept
 * by a program that knew fewer, or more.
 *
 * @param reasons of the block's ledger, in its order.
 */
export function openBlockWithLedger(block: ArrayBuffer, reasons: readonly string[]): Bucket {
  const from = new Float64Array(block), columnsAt = LEDGER_AT + reasons.length;
  const into = new Float64Array(from.length - reasons.length + LEDGER_COUNT);
  into.set(from.subarray(0, LEDGER_AT));
  for (const [i, reason] of reasons.entries()) {
    const place = LEDGER_REASONS.indexOf(reason as typeof LEDGER_REASONS[number]);
    if (place >= 0) into[LEDGER_AT + place] = from[LEDGER_AT + i];
  }
  new Uint8Array(into.buffer).set(new Uint8Array(block, 8 * columnsAt), 8 * FORMS_AT);
  return bucketOver(into.buffer);
}

/** The block of a bucket: that which it was opened from, or a new one. */
export function blockOf(bucket: Bucket): ArrayBuffer {
  let columns = COLUMNS.get(bucket);
  if (columns === undefined) COLUMNS.set(bucket, columns = pack(bucket));
  return columns.block();
}

/** Frees the memory of a bucket. It is empty from now on: be sure that nobody looks at it any more. */
export function freeBlock(bucket: Bucket): void {
  free(new Uint8Array(blockOf(bucket)));
}

/** The bucket itself when its columns lie in a block, else one whose columns do. */
export function inBlock(bucket: Bucket): BlockBucket {
  const isOpen = COLUMNS.has(bucket) &&
    bucket.dictionaries.every((dictionary) => dictionary instanceof BlockDictionary);
  return isOpen ? bucket as BlockBucket : bucketOver(blockOf(bucket));
}

/** Bytes of one open bucket in memory, the runtime's own included; not what questions compute of it (`derived.ts`). */
export function bucketBytes(bucket: Bucket): number {
  return (COLUMNS.get(bucket)?.bytes ?? blockOf(bucket).byteLength) + VIEWS_BYTES;
}

/** Bytes of the runtime for a block, and for the views of an open one (about 90; measured on Deno 2.9). */
export const BLOCK_OVERHEAD_BYTES = 2048, VIEWS_BYTES = 12 * 1024;

/** What each entry has counted of one measure; of a block, without computing those of the others. */
export function marginalOfEach(dictionary: Dictionary, m: number): NumberColumn {
  return dictionary instanceof BlockDictionary ? dictionary.marginal(m) : dictionary.marginals[m];
}

/** The entry of dimension `d` that all rows of a bucket have, where its block says so; else undefined. */
export function constantIndex({ rows, indexes, dictionaries }: Bucket, d: number): number | undefined {
  const dictionary = dictionaries[d], isConstant = dictionary instanceof BlockDictionary && dictionary.isConstant;
  return rows > 0 && isConstant ? indexes[d][0] : undefined;
}

/** Whether no value of this dimension has lost anything to OTHER: then its marginals are what its rows add up to. */
export function isWhole({ lostMax, foldedMax }: Pick<Dictionary, "lostMax" | "foldedMax">): boolean {
  for (let m = 0; m < MEASURE_COUNT; m++) if (lostMax[m] !== 0 || foldedMax[m] !== 0) return false;
  return true;
}

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

/** An open bucket as the writers of its columns see it. */
export interface BlockBucket extends Bucket {
  readonly dictionaries: readonly BlockDictionary[];
}

/** Where the columns of a bucket are: views of its block, or made anew when somebody looks (`resting.ts`). */
export interface Columns {
  /** Column `i` of the layout. */
  one(i: number): NumberColumn;
  /** Some of them. */
  some(numbers: readonly number[]): readonly NumberColumn[];
  /** All of them. */
  block(): ArrayBuffer;
  /** Bytes in memory. */
  readonly bytes: number;
}

/** A dictionary over a block: offsets and marginals are computed when they are asked for and not there (any more). */
export class BlockDictionary implements Dictionary {
  readonly size: number;
  /** What entries that folded into OTHER had counted. */
  readonly folded: Values;
  readonly lostMax: Values;
  readonly foldedMax: Values;
  /** Per measure: what roll-up took from each entry's rows; empty when nothing was lost. */
  readonly givenUp: readonly NumberColumn[];
  /** Whether the block says that all rows have one entry. */
  readonly isConstant: boolean;
  #offsets: Kept<Uint32Array<ArrayBuffer>> | undefined;
  readonly #marginals: (Kept<NumberColumn> | undefined)[] = [];
  readonly #measures: readonly NumberColumn[];

  /** @param first its first column, which is its index */
  constructor(
    plan: DimensionPlan,
    readonly home: Columns,
    readonly first: number,
    measures: readonly NumberColumn[],
  ) {
    this.size = plan.size;
    this.folded = plan.folded;
    this.lostMax = plan.lostMax;
    this.foldedMax = plan.foldedMax;
    this.isConstant = plan.index <= 0;
    this.givenUp = home.some(plan.givenUp.map((_, m) => first + GIVEN_UP_COLUMN + m));
    this.#measures = measures;
  }

  /** Bytes of each entry. */
  get lengths(): IndexColumn {
    return this.home.one(this.first + LENGTHS_COLUMN) as IndexColumn;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.home.one(this.first + GIVEN_UP_COLUMN + this.givenUp.length) as Uint8Array<ArrayBuffer>;
  }

  get offsets(): Uint32Array<ArrayBuffer> {
    const kept = this.#offsets ??= new Kept(this.home), made = kept.get();
    if (made !== undefined) return made;
    const offsets = offsetsOf(this.lengths);
    return kept.set(offsets, [offsets.buffer]);
  }

  get marginals(): readonly NumberColumn[] {
    return this.#measures.map((_, m) => this.marginal(m));
  }

  /** One of them: each costs a pass over the rows, and mostly one or two are wanted. */
  marginal(m: number): NumberColumn {
    const kept = this.#marginals[m] ??= new Kept(this.home), made = kept.get();
    if (made !== undefined) return made;
    const index = this.home.one(this.first) as IndexColumn;
    const column = marginalOf(index, this.#measures[m], this.size, this.givenUp[m], this.folded[m], m);
    return kept.set(column, [column.buffer]);
  }
}

// ---------------------------------------------------------------- layout

/** Changes with the meaning of anything below. */
const LAYOUT = 2;

/** Doubles of the head, in this order: layout, start, length, rows, totals, ledger, forms of measures, dimensions. */
const START_AT = 1, LENGTH_AT = 2, ROWS_AT = 3, TOTALS_AT = 4;
const LEDGER_AT = TOTALS_AT + MEASURE_COUNT, FORMS_AT = LEDGER_AT + LEDGER_COUNT;
const DIMENSIONS_AT = FORMS_AT + MEASURE_COUNT;
/** Of one dimension: size, bytes, forms of index and lengths, 1 when it has columns of what was given up, their forms, bounds,
 * what folded. */
const BYTES_AT = 1, INDEX_AT = 2, LENGTHS_AT = 3, LOSSY_AT = 4, GIVEN_UP_AT = 5;
const LOST_AT = GIVEN_UP_AT + MEASURE_COUNT, FOLDED_AT = LOST_AT + MEASURE_COUNT;
const HAD_AT = FOLDED_AT + MEASURE_COUNT, DIMENSION_DOUBLES = HAD_AT + MEASURE_COUNT;
const HEAD_DOUBLES = DIMENSIONS_AT + DIMENSION_COUNT * DIMENSION_DOUBLES;
/** Bytes of the head; and zeros behind the last column. */
export const HEAD_BYTES = 8 * HEAD_DOUBLES, TAIL_BYTES = 8;

function writeHead(head: Float64Array, plan: BlockPlan): void {
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

/** The columns of a dimension begin with its index; behind what was given up come the entries. */
const LENGTHS_COLUMN = 1, GIVEN_UP_COLUMN = 2;

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

/** The columns of an open bucket: views of its block. */
export class OpenColumns implements Columns {
  readonly #views: readonly NumberColumn[];

  constructor(readonly of: ArrayBuffer, places = columnsOfBlock(of)) {
    this.#views = places.map(({ form, length, at }) => columnAt(of, at, form, length));
  }

  one(i: number): NumberColumn {
    return this.#views[i];
  }

  some(numbers: readonly number[]): readonly NumberColumn[] {
    return numbers.map((i) => this.#views[i]);
  }

  block(): ArrayBuffer {
    return this.of;
  }

  get bytes(): number {
    return this.of.byteLength;
  }
}

/** The bucket in a block that is its own. */
function bucketOver(block: ArrayBuffer): BlockBucket {
  return bucketIn(block, new OpenColumns(block));
}

/** Views of all columns. */
function viewsOf(block: ArrayBuffer): BlockBucket {
  return bucketWith(headOf(block), new OpenColumns(block));
}

/** A bucket whose columns are elsewhere. @param head begins as its block does, and is kept */
export function bucketIn(head: ArrayBuffer, columns: Columns): BlockBucket {
  const bucket = bucketWith(headOf(head), columns);
  COLUMNS.set(bucket, columns);
  return bucket;
}

/** Where the columns of a bucket in a block are; undefined for one that is in none. */
export function columnsOf(bucket: Bucket): Columns | undefined {
  return COLUMNS.get(bucket);
}

/** All columns of a block, in the order of the layout. */
export function columnsOfBlock(block: ArrayBuffer): readonly ColumnPlace[] {
  return columnPlaces(headOf(block));
}

function bucketWith(plan: BlockPlan, columns: Columns): BlockBucket {
  const { startS, lengthS, rows, totals, ledger } = plan, firsts: number[] = [];
  const measures = columns.some(plan.measures.map((_, m) => m));
  let first = MEASURE_COUNT;
  const dictionaries = plan.dimensions.map((dimension) => {
    firsts.push(first);
    const dictionary = new BlockDictionary(dimension, columns, first, measures);
    first += GIVEN_UP_COLUMN + dimension.givenUp.length + 1;
    return dictionary;
  });
  const indexes = columns.some(firsts) as readonly IndexColumn[];
  return { startS, lengthS, rows, dictionaries, indexes, measures, totals, ledger };
}

function headOf(block: ArrayBuffer): BlockPlan {
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

/** Where the columns of each bucket in a block are. */
const COLUMNS = new WeakMap<Bucket, Columns>();

function isConstant(column: ArrayLike<number>, length: number): boolean {
  let i = 1;
  while (i < length && column[i] === column[0]) i++;
  return i >= length;
}

// ---------------------------------------------------------------- what is computed

function offsetsOf(lengths: IndexColumn): Uint32Array<ArrayBuffer> {
  const offsets = new Uint32Array(lengths.length + 1);
  let end = 0;
  for (let entry = 0; entry < lengths.length; entry++) offsets[entry + 1] = end += lengths[entry];
  return offsets;
}

/** What was given up and what the rows have; of OTHER, only what folded entries had. */
function marginalOf(
  index: IndexColumn,
  measure: NumberColumn,
  size: number,
  givenUp: NumberColumn | undefined,
  folded: number,
  m: number,
): NumberColumn {
  const wide = givenUp === undefined ? new Float64Array(size) : widened(givenUp);
  const wideIndex = widenedIndex(index), wideMeasure = widened(measure);
  mergeByEntry(wide, wideIndex, wideMeasure, IS_SUM[m]);
  wide[OTHER] = folded;
  const narrow = numberColumn(wide);
  for (const column of [wide, wideIndex, wideMeasure]) free(column);
  return narrow;
}

/** What entries have counted beyond what their rows have: nothing for a maximum, unless something was given up. */
function givenUpOf({ rows, indexes, measures, dictionaries }: Bucket, d: number): readonly Float64Array[] {
  const dictionary = dictionaries[d], { size } = dictionary, index = widenedIndex(indexes[d]);
  if (rows === 0 || isWhole(dictionary)) return isWhole(dictionary) ? [] : dictionary.marginals.map(widened);
  const given = dictionary.marginals.map((column, m) => {
    const held = new Float64Array(size);
    mergeByEntry(held, index, widened(measures[m]), IS_SUM[m]);
    return Float64Array.from(
      column,
      (marginal, entry) => entry === OTHER || !IS_SUM[m] ? marginal : marginal - held[entry],
    );
  });
  for (let entry = OTHER + 1; entry < size; entry++) {
    const some = given.some((column, m) => IS_SUM[m] && column[entry] > 0);
    if (!some) given.forEach((column) => column[entry] = 0);
  }
  return given;
}

/** A block for columns that stand elsewhere. */
function pack(bucket: Bucket): Columns {
  const { startS, lengthS, rows, totals, ledger, measures, indexes, dictionaries } = bucket;
  const givenUp = dictionaries.map((_, d) => givenUpOf(bucket, d));
  const folded = givenUp.map((columns) => zeroValues().map((_, m) => columns[m]?.[OTHER] ?? 0));
  for (const columns of givenUp) for (const column of columns) column[OTHER] = 0;
  const dimensions = dictionaries.map((dictionary, d): DimensionPlan => {
    const { size, bytes, lostMax, foldedMax } = dictionary;
    return {
      size,
      bytes: bytes.length,
      index: formOfIndex(indexes[d], rows, size),
      lengths: formOf(lengthsOf(dictionary), size),
      givenUp: givenUp[d].map((column) => formOf(column, size)),
      folded: folded[d],
      lostMax,
      foldedMax,
    };
  });
  const forms = measures.map((column) => formOf(column, rows));
  const blank = blankBucket({ startS, lengthS, rows, totals, ledger, measures: forms, dimensions });
  const fill = (form: Form, into: NumberColumn, from: ArrayLike<number>): void => {
    if (form > 0) into.set(from);
  };
  blank.measures.forEach((column, m) => fill(forms[m], column, measures[m]));
  blank.dictionaries.forEach((dictionary, d) => {
    fill(dimensions[d].index, blank.indexes[d], indexes[d]);
    fill(dimensions[d].lengths, dictionary.lengths, lengthsOf(dictionaries[d]));
    dictionary.givenUp.forEach((column, m) => fill(dimensions[d].givenUp[m], column, givenUp[d][m]));
    dictionary.bytes.set(dictionaries[d].bytes);
  });
  return COLUMNS.get(blank)!;
}

/** Bytes of every entry. */
function lengthsOf({ size, offsets }: Dictionary): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: size }, (_, entry) => offsets[entry + 1] - offsets[entry]);
}
