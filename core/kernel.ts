/**
 * The kernel: scanning lines, looking up their entries, counting rows and ordering them, compiled to WebAssembly from `kernel/*.ts`, with the memory that it works on.
 *
 * Its sources are AssemblyScript, which is TypeScript with the types of a machine. `host/kernel_build.ts` compiles them into
 * `kernel_bytes.ts`, and a test compiles them again: what runs is what stands there. A kernel belongs to one pipeline. Its
 * memory never grows or moves, so that views of it stay valid; pages that are not touched take no room. From front to back:
 *
 *   tables of the scanner
 *   a batch of lines               the columns of `line_batch.ts`, and the ids of `pipeline.ts`
 *   the chunk                      the lines at hand
 *   the heap                       columns of dictionaries (`intern.ts`) and of slim rows, in blocks of powers of two
 */
import { BATCH_LINES, KERNEL_BYTES_MAX } from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import { type ColumnMemory, OWN_MEMORY } from "./column_memory.ts";
import { KERNEL } from "./kernel_bytes.ts";

/** What the compiled module exports: see `kernel/*.ts`. Addresses and lengths are bytes. */
interface Exports {
  readonly [place: string]: unknown;
  readonly count: WebAssembly.Global;
  readonly scratchLength: WebAssembly.Global;
  readonly sawOptional: WebAssembly.Global;
  readonly size: WebAssembly.Global;
  readonly bytes: WebAssembly.Global;
  readonly beginChunk: () => void;
  readonly prepare: (...entries: number[]) => void;
  readonly scanLogtail: (from: number, end: number, line: number, scratch: number, hasOptional: number) => number;
  readonly hashEntries: (dimensions: number, from: number, to: number) => void;
  readonly lookUp: (...columns: number[]) => number;
  readonly addRows: (...columns: number[]) => number;
  readonly orderRows: (words: number, rows: number, order: number, ones: number, others: number) => number;
  readonly measureRows: (words: number, rows: number) => void;
}

const PAGE_BYTES = 65_536, BLOCK_BITS_MIN = 8;

let compiled: WebAssembly.Module | undefined;

export class Kernel implements ColumnMemory {
  readonly buffer: ArrayBuffer;
  /** The lines at hand, and room behind them that is read and ignored. */
  readonly chunk: Uint8Array<ArrayBuffer>;
  readonly chunkView: DataView<ArrayBuffer>;
  /** Per line of a batch and dimension, the id of its entry: at `line * DIMENSION_COUNT + d`. */
  readonly ids: Int32Array<ArrayBuffer>;
  readonly #extents: Float64Array<ArrayBuffer>;
  readonly #exports: Exports;
  /** Blocks that are free, by the power of two of their size. */
  readonly #free: number[][] = Array.from({ length: 32 }, () => []);
  #top: number;

  constructor() {
    const { memory, exports } = started();
    this.#exports = exports;
    this.buffer = memory.buffer as ArrayBuffer;
    this.chunk = new Uint8Array(this.buffer, this.constant("CHUNK"), this.constant("CHUNK_BYTES"));
    this.chunkView = new DataView(this.buffer, this.chunk.byteOffset, this.chunk.length);
    this.ids = new Int32Array(this.buffer, this.constant("IDS"), BATCH_LINES * DIMENSION_COUNT);
    this.#extents = new Float64Array(this.buffer, this.constant("EXTENTS"), 2 * MEASURE_COUNT);
    this.#top = this.constant("HEAP");
  }

  /** A number that the kernel's sources fix: an address, a length. */
  constant(name: string): number {
    return (this.#exports[name] as WebAssembly.Global).value;
  }

  /** Tells the scanner how clients are masked. Once, before it is used. @param entries see `prepare` in `kernel/scan.ts` */
  prepare(entries: readonly number[]): void {
    this.#exports.prepare(...entries);
  }

  /** There are other lines in the chunk than before. */
  beginChunk(): void {
    this.#exports.beginChunk();
  }

  /**
   * Stages lines of the chunk: see `kernel/scan.ts`. Returns where the next line begins.
   *
   * @param into counters of the batch, read and then updated
   */
  scanLogtail(from: number, end: number, into: { count: number; scratchLength: number; hasOptional: boolean }): number {
    const exports = this.#exports;
    const next = exports.scanLogtail(from, end, into.count, into.scratchLength, into.hasOptional ? 1 : 0);
    into.count = exports.count.value;
    into.scratchLength = exports.scratchLength.value;
    return next;
  }

  /** Whether `scanLogtail` stopped at a line with optional fields, which the batch does not stage yet. */
  get sawOptional(): boolean {
    return this.#exports.sawOptional.value !== 0;
  }

  /** Hashes the entries of staged lines `from … to`, of those dimensions for which there is a bit. */
  hashEntries(dimensions: number, from: number, to: number): void {
    this.#exports.hashEntries(dimensions, from, to);
  }

  /** Looks them up: see `kernel/look_up.ts`. Returns how many are done; of the table, `size` and `bytes` are set. */
  lookUp(
    slots: Int32Array,
    ends: Int32Array,
    hashes: Int32Array,
    text: Uint8Array,
    short: Int32Array,
    table: { readonly closed: boolean; size: number; bytes: number },
    d: number,
    from: number,
    count: number,
    isShort: boolean,
  ): number {
    const exports = this.#exports;
    const done = exports.lookUp(
      slots.byteOffset,
      slots.length - 1,
      ends.byteOffset,
      hashes.byteOffset,
      text.byteOffset,
      text.length,
      short.byteOffset,
      table.closed ? 1 : 0,
      table.size,
      table.bytes,
      d,
      from,
      count,
      isShort ? 1 : 0,
    );
    table.size = exports.size.value;
    table.bytes = exports.bytes.value;
    return done;
  }

  /** Counts staged lines into slim rows: see `kernel/rows.ts`. Returns how many rows there are then. */
  addRows(
    words: Int32Array,
    index: Int32Array,
    rows: number,
    multipliers: readonly [number, number, number],
    from: number,
    count: number,
  ): number {
    const [m0, m1, m2] = multipliers;
    return this.#exports.addRows(
      words.byteOffset,
      index.byteOffset,
      index.length - 1,
      rows,
      m0,
      m1,
      m2,
      from,
      count,
    );
  }

  /**
   * Writes the numbers of slim rows to `order`, heaviest first: see `kernel/order.ts`. Returns how many at its front have yet to be
   * sorted.
   */
  orderRows(words: Int32Array, rows: number, order: Int32Array, ones: Int32Array, others: Int32Array): number {
    return this.#exports.orderRows(words.byteOffset, rows, order.byteOffset, ones.byteOffset, others.byteOffset);
  }

  /** The least and the most of each measure of slim rows: valid until the next call. */
  extentsOf(words: Int32Array, rows: number): Float64Array {
    this.#exports.measureRows(words.byteOffset, rows);
    return this.#extents;
  }

  // ---------------------------------------------------------------- columns on the heap

  /** A column of zeros: on the heap, or in memory of its own when the heap is full. */
  words(length: number): Int32Array<ArrayBuffer> {
    const top = this.#top, at = this.#take(4 * length);
    if (at < 0) return OWN_MEMORY.words(length);
    const column = new Int32Array(this.buffer, at, length);
    // What nobody has used yet is zeros, and takes no pages as long as nobody writes there.
    return at < top ? column.fill(0) : column;
  }

  /** Whether a column lies on the heap. */
  has(column: Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): boolean {
    return column.buffer === this.buffer;
  }

  /** A column of bytes, which need not be zeros: on the heap, or in memory of its own when the heap is full. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length);
    return at < 0 ? OWN_MEMORY.bytes(length) : new Uint8Array(this.buffer, at, length);
  }

  /** Takes a column back: what is on the heap goes to the next that needs a block of this size. */
  free(column: Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): void {
    if (!this.has(column)) OWN_MEMORY.free(column);
    else this.#free[blockBits(column.byteLength)].push(column.byteOffset);
  }

  #take(bytes: number): number {
    const bits = blockBits(bytes), free = this.#free[bits].pop();
    if (free !== undefined) return free;
    const at = this.#top;
    if (at + 2 ** bits > KERNEL_BYTES_MAX) return -1;
    this.#top = at + 2 ** bits;
    return at;
  }
}

/** Why no kernel starts on this machine, as a sentence; undefined where one does, as far as its processor goes. */
export function kernelProblem(): string | undefined {
  try {
    compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(KERNEL));
    return undefined;
  } catch (cause) {
    return problemOf(cause);
  }
}

/** A memory of its own, and the kernel on it. @throws Error when the machine cannot have it */
function started(): { readonly memory: WebAssembly.Memory; readonly exports: Exports } {
  const pages = KERNEL_BYTES_MAX / PAGE_BYTES;
  try {
    compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(KERNEL));
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
    return { memory, exports: exports as unknown as Exports };
  } catch (cause) {
    throw new Error(problemOf(cause), { cause });
  }
}

function problemOf(cause: unknown): string {
  const needs = `a processor with SSE4.1 or NEON, and ${KERNEL_BYTES_MAX / 2 ** 20} MiB of addresses`;
  return `Cannot count lines: the kernel in WebAssembly does not start (${cause}); it needs ${needs}`;
}

/** The least power of two that holds so many bytes. */
function blockBits(bytes: number): number {
  return Math.max(BLOCK_BITS_MIN, 32 - Math.clz32(Math.max(0, bytes - 1)));
}
