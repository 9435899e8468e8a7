/**
 * The engine over the lines of one thread: counted in slices of ten seconds and sealed as a collector does, and each sealed
 * bucket goes straight into the rankings that were asked for. So memory is bounded, whatever is read.
 */
import { compileFilter, type RegexEngine } from "@/core/filter_match.ts";
import { FormatChoice, formatOfLine } from "@/core/format_choice.ts";
import { autoFormats, formatOf, type FormatSpec, isFormatMistake } from "@/core/formats.ts";
import { addLedger, COUNTED, emptyLedger, type Ledger, READ } from "@/core/ledger.ts";
import type { LineFormat } from "@/core/line_batch.ts";
import { Pipeline, type PipelineOptions, type Sample } from "@/core/pipeline.ts";
import { FINEST_S, sliceStart } from "@/core/slices.ts";
import { TopNBuilder, type TopNState } from "@/core/top_n.ts";
import { TimelessFormat } from "./count_format.ts";
import type { LineSink } from "./count_feed.ts";
import type { Job, Part } from "./count_job.ts";

/** A line that was not counted. */
export interface FirstSample extends Sample {
  /** Of the part in which it stands. */
  readonly order: number;
}

/** What a thread has counted. Plain data: it can be posted. */
export interface TallyState {
  /** One a question of the job. */
  readonly rankings: readonly TopNState[];
  readonly ledger: Ledger;
  /** Span of all slices, seconds since 1970; Infinity and -Infinity when there is none. */
  readonly fromS: number;
  readonly toS: number;
  /** For each reason why lines were not counted, the first such line. */
  readonly samples: readonly FirstSample[];
  /** A format that the first line would have been of, when no line was of the one it should be. */
  readonly wouldMatch: string | undefined;
}

/** Slices open at once: one, and those of late lines, since logs are in order but for what their writers buffer. Every table more
 * is memory, 20 MB of it when it is full. */
const SLICES_MAX = 3;

/** Lines of a slice below which sealing costs more than a tenth of counting. */
const SLICE_LINES_MIN = 4096;

/** Counted lines of a block, and bytes of its lines: with the rest of a chunk, hardly more than a bucket may hold entries and bytes
 * of entries, so that none is cut. */
const BLOCK_LINES = 8192, BLOCK_BYTES = 1536 * 1024;

/** Seconds of a block that would make slices of more than SLICE_LINES_MIN. */
const BLOCK_SECONDS_DENSE = FINEST_S * BLOCK_LINES / SLICE_LINES_MIN / 2;

const NO_TAG = new Uint8Array(0);

/**
 * Lines are counted in slices of ten seconds, as a collector does, while slices hold enough of them; where they do not, or
 * where lines have no time, in blocks whatever their time. Rankings do not depend on it, as long as no slice has more values
 * than a bucket holds (16 000 in a dimension): then it is cut, and counts are what is certain, as a collector's are.
 */
export class Tally implements LineSink {
  readonly builders: readonly TopNBuilder[];
  readonly ledger = emptyLedger();
  fromS = Infinity;
  toS = -Infinity;
  /** See `TallyState`. */
  wouldMatch: string | undefined;
  #looked = false;
  /** Of lines since the last seal. */
  #bytes = 0;
  readonly #slices: Pipeline;
  /** Made when it is needed: many logs never do. */
  #blocks: Pipeline | undefined;
  readonly #options: Omit<PipelineOptions, "format">;
  readonly #format: FormatChoice;
  readonly #timeless: TimelessFormat;
  /** One of the two. */
  #pipeline: Pipeline;
  readonly #samples = new Map<number, FirstSample>();
  /** Of the part at hand, in the order of its lines. */
  readonly #partSamples: Sample[] = [];

  /** @param regex what `regexFor` gives for this job */
  constructor(job: Job, regex: RegexEngine = withoutRegex) {
    const { questions, filter, masks, seed, format } = job;
    const compiled = filter && compileFilter(filter, regex);
    this.builders = questions.map((question) =>
      new TopNBuilder({ ...question, window: "24h", filter: compiled }, seed)
    );
    // Not fixed by the first lines: those of a thread are any part of a file, and what they are must not change the answer.
    this.#format = new FormatChoice(format?.text ?? "auto", formatsOf(format), false);
    this.#timeless = new TimelessFormat(this.#format);
    this.#options = {
      masks,
      source: "count",
      seed,
      anyTime: true,
      lendsBuckets: true,
      openSlicesMax: SLICES_MAX,
      oneByOne: true,
    };
    this.#slices = this.#pipeline = new Pipeline({ ...this.#options, format: this.#format });
  }

  /** See `LineSink`: slices are what most logs are counted in. */
  get room(): Uint8Array {
    return this.#slices.room;
  }

  /** Lines read so far. */
  get lineCount(): number {
    return this.ledger[READ] + this.#pipeline.ledger[READ];
  }

  lines(bytes: Uint8Array, start: number, end: number): void {
    for (let p = start; p < end;) {
      p = this.#pipeline.count(bytes, p, end, NO_TAG);
      if (p < end) this.#sealSlices();
    }
    this.#lookAtNone(bytes, start);
    this.#bytes += end - start;
    if (this.#pipeline.ledger[COUNTED] >= BLOCK_LINES || this.#bytes >= BLOCK_BYTES) this.#endBlock();
  }

  tooLong(): void {
    this.#pipeline.tooLong();
  }

  /** All lines of a part were handed over. */
  partDone({ order }: Part): void {
    this.#takeSamples();
    for (const sample of this.#partSamples.splice(0)) keepFirst(this.#samples, { ...sample, order });
  }

  /** What the lines should be, for whoever gave something else. */
  get expects(): string {
    return this.#format.expects;
  }

  /** Everything so far, to be added to another's. */
  state(): TallyState {
    this.#seal();
    const { ledger, fromS, toS } = this;
    const rankings = this.builders.map((builder) => builder.state());
    return { rankings, ledger, fromS, toS, samples: this.samples(), wouldMatch: this.wouldMatch };
  }

  /** Adds what another thread has counted for the same job. */
  add({ rankings, ledger, fromS, toS, samples, wouldMatch }: TallyState): void {
    this.#seal();
    this.wouldMatch ??= wouldMatch;
    rankings.forEach((ranking, index) => this.builders[index].addState(ranking));
    addLedger(this.ledger, ledger);
    this.#span(fromS, toS);
    for (const sample of samples) keepFirst(this.#samples, sample);
  }

  /** By reason. */
  samples(): readonly FirstSample[] {
    return [...this.#samples.values()].sort((a, b) => a.reason - b.reason);
  }

  /** What is still open enters the rankings. */
  finish(): void {
    this.#seal();
  }

  /** Too many slices are open. If that took few lines, blocks are better. */
  #sealSlices(): void {
    const lines = this.#pipeline.ledger[COUNTED], buckets = this.#seal();
    if (lines < buckets * SLICE_LINES_MIN) this.#countInBlocks();
  }

  /** A block is complete, if these are blocks or begin to be. If it was made in a short time, slices are possible again. */
  #endBlock(): void {
    const { earliestS, latestS } = this.#timeless;
    if (this.#pipeline === this.#slices) {
      // Without times all would be one slice, the first there is.
      if (this.#slices.latestS === 0) this.#countInBlocks();
      return;
    }
    this.#seal();
    if (earliestS <= latestS && latestS - earliestS < BLOCK_SECONDS_DENSE) this.#pipeline = this.#slices;
  }

  #countInBlocks(): void {
    this.#seal();
    this.#pipeline = this.#blocks ??= new Pipeline({ ...this.#options, format: this.#timeless });
  }

  /** Returns the number of buckets that this made. */
  #seal(): number {
    let buckets = 0;
    this.#bytes = 0;
    this.#takeSamples();
    for (const bucket of this.#pipeline.seal()) {
      addLedger(this.ledger, bucket.ledger);
      if (bucket.rows === 0) continue;
      buckets++;
      if (this.#pipeline === this.#slices) this.#span(bucket.startS, bucket.startS + bucket.lengthS);
      for (const builder of this.builders) builder.add(bucket);
    }
    const { earliestS, latestS } = this.#timeless;
    if (earliestS <= latestS) this.#span(sliceStart(earliestS, FINEST_S), sliceStart(latestS, FINEST_S) + FINEST_S);
    this.#timeless.forget();
    return buckets;
  }

  #takeSamples(): void {
    for (const sample of this.#pipeline.takeSamples()) {
      if (!this.#partSamples.some(({ reason }) => reason === sample.reason)) this.#partSamples.push(sample);
    }
  }

  /** Once: when no line so far is of the format, which would the first be of? */
  #lookAtNone(bytes: Uint8Array, start: number): void {
    const { matched, refused } = this.#format;
    if (this.#looked || refused === 0) return;
    this.#looked = true;
    if (matched.some((lines) => lines > 0)) return;
    this.wouldMatch = formatOfLine(autoFormats([]), bytes, start, bytes.indexOf(NEWLINE, start))?.name;
  }

  #span(fromS: number, toS: number): void {
    if (toS <= FINEST_S) return; // their format has no time
    this.fromS = Math.min(this.fromS, fromS);
    this.toS = Math.max(this.toS, toS);
  }
}

/** The formats that lines may be of. A mistake is told where flags are read. */
function formatsOf(spec: FormatSpec | undefined): readonly LineFormat[] {
  if (spec === undefined || spec.text === "auto") return autoFormats([], spec?.client);
  const format = formatOf(spec);
  if (isFormatMistake(format)) throw new Error(`Cannot compile the format ${spec.text}: ${format.message}`);
  return [format];
}

const NEWLINE = 0x0a;

/**
 * What a job's filter searches with: only loaded where there is a filter. Whoever counts files waits for them, on a machine
 * of their own: a search may take the time that it takes.
 */
export async function regexFor({ filter }: Job): Promise<RegexEngine> {
  if (filter === undefined) return withoutRegex;
  const { linearRegex } = await import("@/core/host/regex.ts");
  return (pattern) => linearRegex(pattern, () => 0);
}

function withoutRegex(pattern: string): never {
  throw new Error(`Cannot search for ${pattern}: its engine was not loaded (regexFor)`);
}

function keepFirst(samples: Map<number, FirstSample>, sample: FirstSample): void {
  const there = samples.get(sample.reason);
  if (there === undefined || sample.order < there.order) samples.set(sample.reason, sample);
}
