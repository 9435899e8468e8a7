/**
 * The straight line from bytes to bucket, on one screen. Read this first.
 *
 *   complete lines                       (lines.ts: a chunk of bytes that ends with a newline)
 *     → stage     256 lines at a time    (format_*.ts fills a line_batch.ts; client_prefix.ts masks addresses;
 *                                         slices.ts: the finest tier that still holds the line's time)
 *     → resolve   bytes to entry ids     (intern.ts, one dictionary per dimension and slice)
 *     → count     ids to row             (counter_table.ts, bounded by roll_up.ts)
 *     → seal      table to bucket        (seal.ts, bucket.ts)
 *
 * What follows is ring.ts, merge.ts and store.ts on the main thread, and there the query.
 *
 * The ledger is kept on the way: a line is read, then counted, or not counted for one reason.
 */
import {
  BATCH_LINES,
  FUTURE_SECONDS_MAX,
  OPEN_ENTRIES_MAX,
  OPEN_ENTRY_BYTES_MAX,
  OPEN_ROWS_MAX,
  OPEN_SLICES_MAX,
  SAMPLE_BYTES_MAX,
} from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT, SOURCE, TAG } from "./dimensions.ts";
import { COUNTED, emptyLedger, FUTURE, type Ledger, READ, TOO_LONG, TOO_OLD } from "./ledger.ts";
import { type Caps, FINEST_S, sliceStart, tierHolding, TIERS } from "./slices.ts";
import { type ClientMasks, type LineBatch, lineBatch, type LineParser } from "./line_batch.ts";
import { CounterTable } from "./counter_table.ts";
import { makeRoom } from "./roll_up.ts";
import { type Bucket, emptyBucket } from "./bucket.ts";
import { seal } from "./seal.ts";

export interface PipelineOptions {
  readonly parse: LineParser;
  readonly masks: ClientMasks;
  /** Name of this collector: the SOURCE entry of every row. */
  readonly source: string;
  /** For all hashes; random per process. */
  readonly seed: number;
  /** Every line goes into the fine slice of its own time, however old: for whole files that are counted once. */
  readonly anyTime?: boolean;
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
  /** The first line not counted for each reason since the last `takeSamples`. */
  #samples: Sample[] = [];
  #ledger = emptyLedger();
  readonly #open: OpenSlice[] = [];
  /** One more slice is needed than may be open. */
  #full = false;
  readonly #batch: LineBatch = lineBatch();
  /** The open slice of each staged line. */
  readonly #slices = new Array<OpenSlice>(BATCH_LINES);
  readonly #ids = new Uint32Array(BATCH_LINES * DIMENSION_COUNT);
  readonly #source: Uint8Array;

  constructor(readonly options: PipelineOptions) {
    this.#source = new TextEncoder().encode(options.source);
  }

  /**
   * Counts the lines in `bytes[start … end)`; the last byte is a newline. Returns where it stopped: `end`, or the start
   * of a line for which too many slices are open. Then seal and call again from there.
   */
  count(bytes: Uint8Array, start: number, end: number, tag: Uint8Array): number {
    let p = start;
    while (p < end && !this.#full) {
      p = this.#stageBatch(bytes, p, end);
      this.#resolveBatch(bytes, tag);
      this.#countBatch();
    }
    return p;
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
  seal(arrivalStartS: number): Bucket[] {
    const ledger = this.#ledger;
    this.#ledger = emptyLedger();
    this.#full = false;
    const buckets: Bucket[] = [];
    for (const { tier, startS, table } of this.#open.splice(0)) {
      const { sliceS, freshCaps } = TIERS[tier];
      const arrival = tier === 0 && startS === arrivalStartS;
      const bucket = seal(table, startS, sliceS, arrival ? ledger : emptyLedger(), freshCaps);
      if (arrival) buckets.unshift(bucket);
      else buckets.push(bucket);
    }
    if (buckets.length === 0 || buckets[0].startS !== arrivalStartS || buckets[0].lengthS !== FINEST_S) {
      buckets.unshift(emptyBucket(arrivalStartS, FINEST_S, ledger));
    }
    return buckets;
  }

  /** What became of the lines since the last seal. */
  get ledger(): Ledger {
    return this.#ledger;
  }

  /** For each reason why a line was not counted since the last call, the first such line: for the log. */
  takeSamples(): readonly Sample[] {
    return this.#samples.length === 0 ? this.#samples : this.#samples.splice(0);
  }

  /**
   * Stages up to BATCH_LINES good lines, each with its open slice; the ledger takes the others. Returns the start of the
   * next line, which is that of the line in hand when one more slice would have to be opened than allowed.
   */
  #stageBatch(bytes: Uint8Array, start: number, end: number): number {
    const { parse, masks } = this.options;
    const batch = this.#batch, ledger = this.#ledger;
    batch.count = batch.scratchLength = 0;
    let p = start;
    while (p < end && batch.count < BATCH_LINES) {
      const newline = bytes.indexOf(NEWLINE, p), scratchLength = batch.scratchLength;
      let outcome = parse(bytes, p, newline, batch, masks);
      if (outcome === COUNTED) {
        outcome = this.#place(batch.count, batch.times[batch.count]);
        if (this.#full) return p;
      }
      ledger[READ]++;
      ledger[outcome]++;
      if (outcome === COUNTED) batch.count++;
      else {
        batch.scratchLength = scratchLength;
        this.#sampleOnce(outcome, bytes, p, newline);
      }
      p = newline + 1;
    }
    return p;
  }

  #sampleOnce(reason: number, bytes: Uint8Array, start: number, newline: number): void {
    if (this.#samples.some((sample) => sample.reason === reason)) return;
    this.#samples.push({ reason, line: bytes.slice(start, Math.min(newline, start + SAMPLE_BYTES_MAX)) });
  }

  /** Finds a line's slice, opening it when it is new. Returns COUNTED, or the reason for which it has none. */
  #place(line: number, timeS: number): number {
    const { anyTime = false } = this.options;
    let slice: OpenSlice | undefined = line > 0 ? this.#slices[line - 1] : this.#open[0];
    if (slice === undefined || timeS < slice.startS || timeS >= slice.startS + TIERS[slice.tier].sliceS) {
      if (!anyTime && timeS > this.nowS + FUTURE_SECONDS_MAX) return FUTURE;
      const tier = anyTime ? 0 : tierHolding(timeS, sliceStart(this.nowS, FINEST_S));
      if (tier < 0) return TOO_OLD;
      slice = this.#openSlice(tier, sliceStart(timeS, TIERS[tier].sliceS));
      if (slice === undefined) {
        this.#full = true;
        return COUNTED; // once there is room again
      }
    }
    this.#slices[line] = slice;
    return COUNTED;
  }

  /** Looks up the entries of every line, slice by slice dictionary. */
  #resolveBatch(bytes: Uint8Array, tag: Uint8Array): void {
    const { starts, ends, inScratch, scratch, count } = this.#batch;
    for (const { table } of this.#open) makeRoom(table, OPEN_CAPS);
    const ids = this.#ids, source = this.#source;
    for (let line = 0; line < count; line++) {
      const dictionaries = this.#slices[line].table.dictionaries, at = line * DIMENSION_COUNT;
      for (let d = 0; d < DIMENSION_COUNT; d++) {
        if (d === TAG) ids[at + d] = dictionaries[d].intern(tag, 0, tag.length);
        else if (d === SOURCE) ids[at + d] = dictionaries[d].intern(source, 0, source.length);
        else {ids[at + d] = dictionaries[d].intern(
            inScratch[at + d] === 1 ? scratch : bytes,
            starts[at + d],
            ends[at + d],
          );}
      }
    }
  }

  #countBatch(): void {
    const { values, count } = this.#batch;
    const ids = this.#ids;
    for (let line = 0; line < count; line++) {
      const table = this.#slices[line].table, at = line * DIMENSION_COUNT, value = line * MEASURE_COUNT;
      table.addRow(ids, at, values, value);
      table.addTotals(values, value);
      for (let d = 0; d < DIMENSION_COUNT; d++) table.addMarginal(d, ids[at + d], values, value);
    }
  }

  /** The open slice of this tier and start, or undefined when one more would be too many. */
  #openSlice(tier: number, startS: number): OpenSlice | undefined {
    const there = this.#open.find((slice) => slice.tier === tier && slice.startS === startS);
    if (there !== undefined || this.#open.length === OPEN_SLICES_MAX) return there;
    const slice = { tier, startS, table: new CounterTable(this.options.seed) };
    this.#open.push(slice);
    return slice;
  }
}

const NEWLINE = 10;

/** What an open slice may hold. */
const OPEN_CAPS: Caps = { rowsMax: OPEN_ROWS_MAX, entriesMax: OPEN_ENTRIES_MAX, entryBytesMax: OPEN_ENTRY_BYTES_MAX };
