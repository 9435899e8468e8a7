/**
 * Buckets at rest: most of what a ring holds is hardly ever looked at, so its columns are packed, each by itself, to half of
 * their bytes and less. Who looks at one finds all that a bucket has; a column is unpacked when it is read, and kept for the
 * next within a bound of its own (`derived.ts`). A bucket that is looked at again and again is better woken.
 *
 *   directory   four words a column: form, elements, where it is, and its bytes when packed, 0 when it is not
 *   columns     each at a multiple of 8: packed, or as it was where that is not worth it
 *   8 zeros
 *
 * As with everything that questions keep, nobody may hold a column of one bucket while looking at another: it is freed when
 * there is no room.
 */
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import type { Bucket, NumberColumn } from "./bucket.ts";
import {
  columnAt,
  columnBytes,
  type ColumnPlace,
  columnsOfBlock,
  type Form,
  HEAD_BYTES,
  TAIL_BYTES,
} from "./block_layout.ts";
import { blockOf, bucketIn, type Columns, columnsOf, openBlock, OpenColumns } from "./bucket_block.ts";
import { Kept, unpacked } from "./derived.ts";
import { free } from "./free.ts";

/** How bytes are made less. It is the host's: the core knows no format for that. */
export interface Packer {
  /** In memory of its own. */
  pack(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * What was packed.
   *
   * @param bytes how many they were
   * @param behind zeros that follow them in the buffer
   */
  unpack(packed: Uint8Array, bytes: number, behind: number): ArrayBuffer;
}

/** Bytes of a column from which packing is tried: below it, unpacking takes longer than it is worth. */
const PACKED_BYTES_MIN = 512;

/** Share of a block that must be gained. */
const GAIN_MIN = 1 / 4;

/** Share of a column that must be gained. */
const COLUMN_GAIN_MIN = 1 / 16;

const DIRECTORY_WORDS = 4;

/**
 * The bucket at rest: itself when it was so before, so that what questions keep of it lasts; else another, and this one stays
 * what it is. Undefined when too little would be gained. Cost: 0.15 µs a row.
 */
export function resting(bucket: Bucket, packer: Packer): Bucket | undefined {
  const columns = columnsOf(bucket);
  if (columns instanceof RestingColumns) return columns.rest() ? bucket : undefined;
  const block = blockOf(bucket), packed = pack(block, packer);
  return packed && bucketIn(packed.head, new RestingColumns(packed, packer));
}

/** Whether the columns of a bucket are packed. */
export function isResting(bucket: Bucket): boolean {
  const columns = columnsOf(bucket);
  return columns instanceof RestingColumns && columns.isResting;
}

/** Unpacks all columns of a bucket for good; those that are held are freed. Cost: 0.1 µs a row. */
export function wake(bucket: Bucket): void {
  const columns = columnsOf(bucket);
  if (columns instanceof RestingColumns) columns.wake();
}

/** The same bucket with columns that are never freed: for whoever is no question and may hold several. */
export function opened(bucket: Bucket): Bucket {
  return isResting(bucket) ? openBlock(blockOf(bucket)) : bucket;
}

/** The columns of a block, packed. */
interface Packed {
  readonly buffer: ArrayBuffer;
  readonly directory: Int32Array;
  /** The block, its columns left out. */
  readonly head: ArrayBuffer;
  readonly blockBytes: number;
}

function pack(block: ArrayBuffer, packer: Packer): Packed | undefined {
  const places = columnsOfBlock(block), columns = places.map((place) => packedColumn(block, place, packer));
  const directoryWords = places.length * DIRECTORY_WORDS, columnsAt = aligned(directoryWords * 4);
  const bytes = columns.reduce((sum, { bytes }) => sum + aligned(bytes.length), columnsAt + TAIL_BYTES);
  if (bytes > block.byteLength * (1 - GAIN_MIN)) return undefined;
  const buffer = new ArrayBuffer(bytes), into = new Uint8Array(buffer);
  const directory = new Int32Array(buffer, 0, directoryWords);
  let at = columnsAt;
  columns.forEach(({ bytes, isPacked }, i) => {
    const { length } = bytes;
    directory.set([places[i].form, places[i].length, at, isPacked ? length : 0], i * DIRECTORY_WORDS);
    into.set(bytes, at);
    at += aligned(length);
    if (isPacked) free(bytes);
  });
  return { buffer, directory, head: block.slice(0, HEAD_BYTES), blockBytes: block.byteLength };
}

interface PackedColumn {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isPacked: boolean;
}

function packedColumn(block: ArrayBuffer, { form, length, at }: ColumnPlace, packer: Packer): PackedColumn {
  const bytes = new Uint8Array(block, at, form > 0 ? form * length : 0);
  if (bytes.length < PACKED_BYTES_MIN) return { bytes, isPacked: false };
  const packed = packer.pack(bytes), isPacked = packed.length <= bytes.length * (1 - COLUMN_GAIN_MIN);
  return { bytes: isPacked ? packed : bytes, isPacked };
}

/** Columns that are packed, or in a block while they are awake. */
class RestingColumns implements Columns {
  #packed: Packed | undefined;
  #awake: OpenColumns | undefined;
  /** Of columns that have been unpacked. */
  readonly #kept: (Kept<NumberColumn> | undefined)[] = [];

  constructor(packed: Packed, readonly packer: Packer) {
    this.#packed = packed;
  }

  get isResting(): boolean {
    return this.#packed !== undefined;
  }

  one(i: number): NumberColumn {
    const packed = this.#packed;
    if (packed === undefined) return this.#awake!.one(i);
    const { form, length, at, packedBytes } = columnIn(packed, i);
    if (packedBytes === 0) return columnAt(packed.buffer, at, form, length);
    const kept = this.#kept[i] ??= new Kept(this, unpacked), made = kept.get();
    if (made !== undefined) return made;
    const buffer = this.#unpack(packed, i, TAIL_BYTES);
    return kept.set(columnAt(buffer, 0, form, length), [buffer]);
  }

  /** Each is unpacked when it is looked at. */
  some(numbers: readonly number[]): readonly NumberColumn[] {
    return new ColumnList(this, numbers);
  }

  block(): ArrayBuffer {
    const packed = this.#packed;
    if (packed === undefined) return this.#awake!.block();
    const block = new ArrayBuffer(packed.blockBytes), into = new Uint8Array(block);
    into.set(new Uint8Array(packed.head));
    for (let i = 0, to = HEAD_BYTES; i * DIRECTORY_WORDS < packed.directory.length; i++) {
      const { form, length, at, packedBytes } = columnIn(packed, i);
      if (form <= 0) continue;
      const column = packedBytes === 0
        ? new Uint8Array(packed.buffer, at, form * length)
        : new Uint8Array(this.#unpack(packed, i, 0));
      into.set(column, to);
      to += columnBytes(form, length);
    }
    return block;
  }

  get bytes(): number {
    return this.#packed === undefined ? this.#awake!.bytes : this.#packed.buffer.byteLength + HEAD_BYTES;
  }

  wake(): void {
    const packed = this.#packed;
    if (packed === undefined) return;
    this.#awake = new OpenColumns(this.block());
    for (const kept of this.#kept) kept?.release();
    this.#packed = undefined;
    free(new Uint8Array(packed.buffer));
  }

  /** Whether it was worth it. */
  rest(): boolean {
    if (this.#packed === undefined) this.#packed = pack(this.#awake!.block(), this.packer);
    if (this.#packed === undefined) return false;
    this.#awake = undefined;
    return true;
  }

  #unpack(packed: Packed, i: number, behind: number): ArrayBuffer {
    const { form, length, at, packedBytes } = columnIn(packed, i);
    return this.packer.unpack(new Uint8Array(packed.buffer, at, packedBytes), form * length, behind);
  }
}

/** Columns that are unpacked when they are looked at. What gets them is the list's class, since a list with functions of its own
 * takes six times as much. */
class ColumnList extends Array<NumberColumn> {
  readonly #of: Columns;
  readonly #numbers: readonly number[];

  constructor(of: Columns, numbers: readonly number[]) {
    super(numbers.length);
    this.#of = of;
    this.#numbers = numbers;
  }

  /** What is made of such a list is an ordinary one. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  column(k: number): NumberColumn | undefined {
    return k < this.#numbers.length ? this.#of.one(this.#numbers[k]) : undefined;
  }
}

for (let k = 0; k < Math.max(DIMENSION_COUNT, MEASURE_COUNT); k++) {
  Object.defineProperty(ColumnList.prototype, k, {
    get(this: ColumnList): NumberColumn | undefined {
      return this.column(k);
    },
  });
}

interface ColumnIn extends ColumnPlace {
  /** 0 when it is not packed. */
  readonly packedBytes: number;
}

function columnIn({ directory }: Packed, i: number): ColumnIn {
  const at = i * DIRECTORY_WORDS;
  return {
    form: directory[at] as Form,
    length: directory[at + 1],
    at: directory[at + 2],
    packedBytes: directory[at + 3],
  };
}

function aligned(bytes: number): number {
  return bytes + 7 & ~7;
}
