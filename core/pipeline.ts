/**
 * The straight line from bytes to bucket, on one screen. Read this first.
 *
 *   complete lines                       (lines.ts: a chunk of bytes that ends with a newline)
 *     → stage     256 lines at a time    (format_*.ts fills a line_batch.ts: scan_*.ts, kernel/scan.ts for usual lines)
 *     → place     the open slice         (slices.ts: the finest tier that still holds the line's time)
 *     → resolve   bytes to entry ids     (intern.ts, one dictionary per dimension and slice; kernel/look_up.ts)
 *     → count     ids to row             (slim_rows.ts, kernel/rows.ts; counter_table.ts, bounded by roll_up.ts)
 *     → seal      table to bucket        (seal.ts, bucket.ts)
 *
 * What follows is ring.ts, merge.ts and store.ts on the main thread, and there the query.
 *
 * The ledger is kept on the way: a line is read, then counted, or not counted for one reason.
 */
import {
  FUTURE_SECONDS_MAX,
  OPEN_BYTES_MAX,
  OPEN_ENTRIES_MAX,
  OPEN_ENTRY_BYTES_MAX,
  OPEN_ROWS_MAX,
  OPEN_SLICES_MAX,
  SAMPLE_BYTES_MAX,
  SPARE_TABLES_MAX,
} from "./bounds.ts";
import * as measures from "./measures.ts";
import { type Values, zeroValues } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import {
  COUNTED,
  emptyLedger,
  FUTURE,
  LATE,
  type Ledger,
  LOGS_CUT,
  READ,
  TOO_LONG,
  TOO_OLD,
  UNREAD_BYTES,
} from "./ledger.ts";
import { type Caps, FINEST_S, sliceStart, tierHolding, TIERS } from "./slices.ts";
import { CHUNK_PADDING, type ClientMasks, LineBatch, type LineFormat, OPTIONAL } from "./line_batch.ts";
import { CounterTable } from "./counter_table.ts";
import { isFlood, prepareBatch, withholdNew } from "./withhold.ts";
import type { LineSpread } from "./line_spread.ts";
import { type Bucket, emptyBucket } from "./bucket.ts";
import { BlockMemory } from "./bucket_block.ts";
import { Kernel } from "./kernel.ts";
import { seal } from "./seal.ts";
import * as bounds from "./bounds.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { BATCH_LINES } = bounds;
const { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } = measures;
const { DIMENSION_COUNT, SOURCE, TAG } = dimensions;

export interface PipelineOptions {
  /** The format of lines for which `count` is given no other. */
  readonly format: LineFormat;
  readonly masks: ClientMasks;
  /** Name of this collector: the SOURCE entry of every row. */
  readonly source: string;
  /** For all hashes; random per process. */
  readonly seed: number;
  /** Every line goes into the fine slice of its own time, however old: for whole files that are counted once. */
  readonly anyTime?: boolean;
  /**
   * A slice later than all that are open waits until these are sealed, as if they were too many: for lines that are nearly
   * in order. Then one table is used for slice after slice while it is in the caches, and late lines get a small one.
   */
  readonly oneByOne?: boolean;
  /** Sees every line that is counted; absent where nobody asks how they are spread. */
  readonly spread?: LineSpread;
  /** Buckets that `seal` returns are valid until it is called again: for whoever keeps nothing of them. */
  readonly lendsBuckets?: boolean;
  /** Slices open at once; OPEN_SLICES_MAX unless given. Each holds a table of its own in memory. */
  readonly openSlicesMax?: number;
  /** Bytes of their tables together; OPEN_BYTES_MAX unless given. */
  readonly openBytesMax?: number;
}

/** A line that was not counted. */
export interface Sample {
  /** Index into LEDGER_REASONS. */
  readonly reason: number;
  /** At most SAMPLE_BYTES_MAX bytes of it. */
  readonly line: Uint8Array;
}

/** A slice that is still being counted. */
interface OpenSlice {
  readonly tier: number;
  readonly startS: number;
  readonly table: CounterTable;
}

/** Counts lines into open slices, for one thread. Time is the caller's: set `nowS` before each chunk. */
export class Pipeline {
  /** Seconds since 1970. */
  nowS = 0;
  /** Seconds since 1970: lines of a slice that was over by then are `late`. Set it before each chunk, where it matters. */
  notBeforeS = -Infinity;
  /** The first line not counted for each reason since the last `takeSamples`. */
  #samples: Sample[] = [];
  #ledger = emptyLedger();
  /** Per tier, by start: a log that is not in order looks for another slice with every line. */
  readonly #open: readonly Map<number, OpenSlice>[] = TIERS.map(() => new Map());
  #openCount = 0;
  /** Start of the latest open slice. */
  #latestS = -Infinity;
  /** Tables of slices that have been sealed, empty, to be used again: growing one takes as long as counting into it. */
  readonly #spare: CounterTable[] = [];
  /** The open slice of the line counted last. */
  #last: OpenSlice | undefined;
  /** Whether the slice of the line before the last seal was in a flood. */
  #flooded = false;
  readonly #kernel: Kernel;
  readonly #batch: LineBatch;
  /** Per dimension: the id that stands in its whole column of the kernel's ids; -1 when there are several. */
  readonly #filled = new Int32Array(DIMENSION_COUNT).fill(-1);
  readonly #totals: Values = zeroValues();
  readonly #source: Uint8Array;
  readonly #memory: BlockMemory | undefined;

  /** @param kernel of its own */
  constructor(readonly options: PipelineOptions, kernel = new Kernel()) {
    this.#kernel = kernel;
    this.#batch = new LineBatch(options.seed, options.masks, kernel);
    this.#source = new TextEncoder().encode(options.source);
    this.#memory = options.lendsBuckets === true ? new BlockMemory() : undefined;
  }

  /**
   * Counts the lines in `bytes[start … end)`; the last byte is a newline. Returns where it stopped: `end`, or the start
   * of a line for which too many slices are open, or `start` when they take too much memory together. Then seal and call
   * again from there. Lines are copied into the kernel's chunk, some at a time, if they do not stand in it (`room`).
   *
   * @param tag of these lines, but for those that name one themselves; empty for none.
   * @param format of these lines: inputs of several formats share one pipeline.
   */
  count(bytes: Uint8Array, start: number, end: number, tag: Uint8Array, format = this.options.format): number {
    if (this.#isCrowded()) return start;
    this.#batch.arrivalS = this.nowS;
    this.#batch.tag = tag;
    const { chunk } = this.#kernel;
    if (bytes === chunk) {
      const stopped = this.#countChunk(start, end, tag, format);
      return stopped < 0 ? end : stopped;
    }
    let p = start;
    while (p < end) {
      const next = this.#windowEnd(bytes, p, end);
      if (next - p > chunk.length - CHUNK_PADDING) this.tooLong();
      else {
        chunk.set(bytes.subarray(p, next));
        const stopped = this.#countChunk(0, next - p, tag, format);
        if (stopped >= 0) return p + stopped;
      }
      p = next;
    }
    return p;
  }

  /** Where the lines end that are counted next: as many as stay in the caches, one at least. */
  #windowEnd(bytes: Uint8Array, from: number, end: number): number {
    if (end - from <= WINDOW_BYTES) return end;
    const newline = bytes.lastIndexOf(NEWLINE, from + WINDOW_BYTES - 1);
    return (newline >= from ? newline : bytes.indexOf(NEWLINE, from)) + 1;
  }

  /** Counts the lines of the chunk from `start` to `end`. Returns -1, or the start of the first that was not counted. */
  #countChunk(start: number, end: number, tag: Uint8Array, format: LineFormat): number {
    this.#kernel.beginChunk();
    for (let p = start; p < end;) {
      const next = this.#stageBatch(format, p, end), stopped = this.#countBatch(tag);
      if (stopped >= 0) return stopped;
      p = next;
    }
    return -1;
  }

  /** Where lines may be read to that are counted next: what stands here need not be copied. Keep CHUNK_PADDING bytes free at the end. */
  get room(): Uint8Array {
    return this.#kernel.chunk;
  }

  /** A log was truncated, or is gone, before it was surely read to its end. @param unreadBytes seen and not read. */
  logCut(unreadBytes: number): void {
    this.#ledger[LOGS_CUT]++;
    this.#ledger[UNREAD_BYTES] += unreadBytes;
  }

  /** A line that was skipped because it is longer than LINE_BYTES_MAX. */
  tooLong(): void {
    this.#ledger[READ]++;
    this.#ledger[TOO_LONG]++;
  }

  /**
   * Closes all open slices. The first bucket is that of the fine slice `arrivalStartS` and carries the ledger, even when
   * nothing was counted in it: a slice in which nothing happened is known, not missing.
   */
  seal(arrivalStartS?: number): Bucket[] {
    const ledger = this.#ledger;
    this.#ledger = emptyLedger();
    this.#memory?.takeBack();
    const buckets: Bucket[] = [];
    for (const { tier, startS, table } of this.#takeOpen()) {
      const { sliceS, freshCaps } = TIERS[tier];
      const arrival = arrivalStartS === undefined ? buckets.length === 0 : tier === 0 && startS === arrivalStartS;
      const bucket = seal(table, startS, sliceS, arrival ? ledger : emptyLedger(), freshCaps, this.#memory);
      this.#spareIfSmall(table);
      if (arrival) buckets.unshift(bucket);
      else buckets.push(bucket);
    }
    const first = buckets.at(0);
    const hasLedger = arrivalStartS === undefined
      ? first !== undefined
      : first?.startS === arrivalStartS && first.lengthS === FINEST_S;
    if (!hasLedger) buckets.unshift(emptyBucket(arrivalStartS ?? 0, FINEST_S, ledger));
    return buckets;
  }

  /** Start of the latest open slice, seconds since 1970; -Infinity when none is open. */
  get latestS(): number {
    return this.#latestS;
  }

  /** What became of the lines since the last seal. */
  get ledger(): Ledger {
    return this.#ledger;
  }

  /** For each reason why a line was not counted since the last call, the first such line: for the log. */
  takeSamples(): readonly Sample[] {
    return this.#samples.length === 0 ? this.#samples : this.#samples.splice(0);
  }

  /** Stages lines until the batch or the chunk is full; returns the start of the next. */
  #stageBatch(format: LineFormat, start: number, end: number): number {
    const batch = this.#batch, { chunk: bytes, chunkView: view } = this.#kernel;
    batch.clear();
    let p = start;
    while (p < end && !batch.isFull) {
      p = format.scan(bytes, view, p, end, batch);
      if (p === end || batch.isFull) break;
      const newline = bytes.indexOf(NEWLINE, p), scratchLength = batch.scratchLength;
      const outcome = format.parse(bytes, p, newline, batch);
      if (outcome === COUNTED) batch.starts[batch.count++] = p;
      else {
        batch.scratchLength = scratchLength;
        batch.refuse(outcome, p);
      }
      p = newline + 1;
    }
    batch.hashRest(view);
    return p;
  }

  /** Counts the batch, run by run of lines of one slice. Returns -1, or the start of the first line that has no slice yet. */
  #countBatch(tag: Uint8Array): number {
    const { count, starts, times } = this.#batch;
    let stopped = -1, line = 0;
    while (line < count && stopped < 0) {
      const slice = this.#sliceOf(times[line]), from = line;
      if (slice === "full") stopped = starts[line];
      else if (typeof slice === "number") this.#refuse(slice, starts[line++]);
      else {
        line = this.#countRun(slice, from, tag);
        this.#ledger[READ] += line - from;
        this.#ledger[COUNTED] += line - from;
      }
    }
    this.#enterRefused(line);
    return stopped;
  }

  /** Counts the lines from `from` on that belong to `slice`; returns the first that does not. */
  #countRun({ table, startS, tier }: OpenSlice, from: number, tag: Uint8Array): number {
    const { count, times, values } = this.#batch;
    const endS = startS + TIERS[tier].sliceS;
    let to = from + 1;
    while (to < count && times[to] >= startS && times[to] < endS) to++;
    prepareBatch(table, OPEN_CAPS);
    this.#resolve(table, from, to - from, tag);
    if (table.flooded) {
      withholdNew(table, this.#batch, this.#kernel.chunkView, this.#kernel.ids, from, to - from);
      this.#filled.fill(-1); // single lines may hold OTHER now
    }
    const totals = this.#sum(from, to), { dictionaries } = table;
    if (table.slim?.fits(to - from, dictionaries, table.totals, totals) === false) table.beWide();
    if (table.slim === undefined) table.addBatch(this.#kernel.ids, values, from, to - from);
    else table.slim.addBatch(from, to - from);
    table.addTotals(totals, 0);
    this.options.spread?.add(dictionaries, this.#kernel.ids, values, from, to);
    return to;
  }

  /** Looks up the entries of a run of lines, one dictionary after the other. */
  #resolve({ dictionaries }: CounterTable, from: number, count: number, tag: Uint8Array): void {
    const { hasOptional, hasTag } = this.#batch, ids = this.#kernel.ids, view = this.#kernel.chunkView;
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      const dictionary = dictionaries[d];
      const entry = d === TAG && !hasTag
        ? tag
        : d === SOURCE
        ? this.#source
        : OPTIONAL.includes(d) && !hasOptional
        ? ABSENT
        : null;
      if (entry === null) {
        dictionary.internLines(this.#batch, view, d, from, count, ids);
        this.#filled[d] = -1;
        continue;
      }
      // The same for all of these lines, and nearly always for those before them.
      const id = dictionary.internAgain(entry);
      if (this.#filled[d] === id) continue;
      for (let i = 0; i < BATCH_LINES; i++) ids[i * DIMENSION_COUNT + d] = id;
      this.#filled[d] = id;
    }
  }

  /** The measures of a run of lines together; valid until the next call. */
  #sum(from: number, to: number): Values {
    const { values } = this.#batch, totals = this.#totals, last = to * MEASURE_COUNT;
    let requests = 0, bytes = 0, timeSum = 0, timeMax = 0;
    for (let v = from * MEASURE_COUNT; v < last; v += MEASURE_COUNT) {
      requests += values[v + REQUESTS];
      bytes += values[v + BYTES];
      timeSum += values[v + TIME_SUM];
      if (values[v + TIME_MAX] > timeMax) timeMax = values[v + TIME_MAX];
    }
    totals[REQUESTS] = requests;
    totals[BYTES] = bytes;
    totals[TIME_SUM] = timeSum;
    totals[TIME_MAX] = timeMax;
    return totals;
  }

  /** Enters the lines that the format refused before staged line `line` in the ledger. */
  #enterRefused(line: number): void {
    const { refused, refusedBefore, refusedReasons, refusedStarts } = this.#batch;
    for (let r = 0; r < refused && refusedBefore[r] <= line; r++) {
      this.#refuse(refusedReasons[r], refusedStarts[r]);
    }
  }

  /** Enters a line that is not counted in the ledger; keeps the first for each reason as a sample. */
  #refuse(reason: number, start: number): void {
    this.#ledger[READ]++;
    this.#ledger[reason]++;
    if (this.#samples.some((sample) => sample.reason === reason)) return;
    const { chunk } = this.#kernel, end = Math.min(chunk.indexOf(NEWLINE, start), start + SAMPLE_BYTES_MAX);
    this.#samples.push({ reason, line: chunk.slice(start, end) });
  }

  /** The open slice that a time belongs to; the ledger reason why it has none, or "full" when one more would be too many. */
  #sliceOf(timeS: number): OpenSlice | number | "full" {
    if (timeS < this.notBeforeS && timeS < sliceStart(this.notBeforeS, FINEST_S)) return LATE;
    const last = this.#last;
    if (last !== undefined && timeS >= last.startS && timeS < last.startS + TIERS[last.tier].sliceS) return last;
    const { anyTime = false } = this.options;
    if (!anyTime && timeS > this.nowS + FUTURE_SECONDS_MAX) return FUTURE;
    const tier = anyTime ? 0 : tierHolding(timeS, sliceStart(this.nowS, FINEST_S));
    if (tier < 0) return TOO_OLD;
    const startS = sliceStart(timeS, TIERS[tier].sliceS);
    const there = this.#open[tier].get(startS);
    if (there !== undefined) return this.#last = there;
    return this.#isFull(startS) ? "full" : this.#last = this.#openSlice(tier, startS);
  }

  #openSlice(tier: number, startS: number): OpenSlice {
    const slice = { tier, startS, table: this.#spare.pop() ?? this.#newTable() };
    slice.table.floodExpected = this.#inFlood();
    slice.table.beSlim();
    this.#open[tier].set(startS, slice);
    this.#openCount++;
    if (startS > this.#latestS) this.#latestS = startS;
    return slice;
  }

  #newTable(): CounterTable {
    return new CounterTable(this.options.seed, TABLE_ROWS_MIN, this.#kernel);
  }

  #inFlood(): boolean {
    return this.#last === undefined ? this.#flooded : isFlood(this.#last.table);
  }

  /** All open slices, in the order of tiers and, within each, in which they were opened. None is open from now on. */
  #takeOpen(): OpenSlice[] {
    const slices = this.#openSlices();
    for (const ring of this.#open) ring.clear();
    this.#openCount = 0;
    this.#latestS = -Infinity;
    this.#flooded = this.#inFlood();
    this.#last = undefined;
    return slices;
  }

  #openSlices(): OpenSlice[] {
    return this.#open.flatMap((ring) => [...ring.values()]);
  }

  /** Whether open slices take too much memory together; one alone rolls up instead. */
  #isCrowded(): boolean {
    const { openBytesMax = OPEN_BYTES_MAX } = this.options;
    return this.#openCount > 1 && this.#openBytes() > openBytesMax;
  }

  /** Whether this slice may not be opened: there would be too many, or in a flood not enough room for it to grow. */
  #isFull(startS: number): boolean {
    const { openSlicesMax = OPEN_SLICES_MAX, openBytesMax = OPEN_BYTES_MAX, oneByOne = false } = this.options;
    const open = this.#openCount;
    if (open === 0) return false;
    return open >= openSlicesMax || oneByOne && startS > this.#latestS || this.#openBytes() > openBytesMax / 2;
  }

  #openBytes(): number {
    return this.#bytesOf(this.#openSlices().map(({ table }) => table));
  }

  #bytesOf(tables: readonly CounterTable[]): number {
    return tables.reduce((bytes, table) => bytes + table.memoryBytes, 0);
  }

  /**
   * Keeps a table for the next slice, but not what a flood has made large, nor as many as a backlog has opened: spare
   * tables are half of the bound at most.
   */
  #spareIfSmall(table: CounterTable): void {
    const { openBytesMax = OPEN_BYTES_MAX } = this.options;
    if (this.#spare.length === SPARE_TABLES_MAX) return table.free();
    if (this.#bytesOf(this.#spare) + table.memoryBytes > openBytesMax / 2) return table.free();
    table.clear();
    this.#spare.unshift(table); // that of the slice opened first is the next: it is the largest, and in the caches
  }
}

const NEWLINE = 10;

/** Bytes of lines that are copied into the kernel at a time, if they are not longer. */
const WINDOW_BYTES = 64 * 1024;

const ABSENT = new Uint8Array(0);

/** Rows for which a table has room from the start: of the many slices that a backlog opens, most hold few. */
const TABLE_ROWS_MIN = 128;

/** What an open slice may hold. */
const OPEN_CAPS: Caps = { rowsMax: OPEN_ROWS_MAX, entriesMax: OPEN_ENTRIES_MAX, entryBytesMax: OPEN_ENTRY_BYTES_MAX };
