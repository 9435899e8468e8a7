/**
 * A bucket in one block of memory: what a thread hands to another, what is kept for followers, and what the checksum is
 * about. The columns of an open bucket are views of its block, so that opening copies nothing.
 *
 * `block_layout.ts` says what lies where.
 *
 * What can be computed is not in the block and is computed when somebody asks: offsets (from lengths) and marginals (what
 * was given up, and what the rows have). So a bucket is checked and merged without adding up its rows by entry, which took
 * longer than all else. Where nothing was lost, `lostMax` and `foldedMax` are zero. A column whose elements are all 0 or
 * all 1 takes no bytes: it is a view of one that all buckets share.
 *
 * The block of a bucket is canonical: equal buckets have equal blocks. Little-endian, as every machine Deno runs on.
 */
import { IS_SUM, MEASURE_COUNT, type Values, zeroValues } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { LEDGER_COUNT, LEDGER_REASONS } from "./ledger.ts";
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
import {
  blockBytes,
  type BlockPlan,
  columnAt,
  columnsOfBlock,
  type DimensionPlan,
  type Form,
  formOf,
  formOfIndex,
  FORMS_AT,
  GIVEN_UP_COLUMN,
  HEAD_DOUBLES,
  headOf,
  LEDGER_AT,
  LENGTHS_COLUMN,
  START_AT,
  writeHead,
} from "./block_layout.ts";
import { Kept } from "./derived.ts";

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

/** Whether the memory of a bucket was given back: nobody may look at it any more. */
export function isFreed(bucket: Bucket): boolean {
  const columns = COLUMNS.get(bucket);
  return columns instanceof OpenColumns && columns.of.byteLength === 0;
}

/** Where the columns of a bucket in a block are; undefined for one that is in none. */
export function columnsOf(bucket: Bucket): Columns | undefined {
  return COLUMNS.get(bucket);
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

/** Where the columns of each bucket in a block are. */
const COLUMNS = new WeakMap<Bucket, Columns>();

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
