/**
 * The engine over the lines of one thread: counted in slices of ten seconds and sealed as a collector does, and each sealed
 * bucket goes straight into the rankings that were asked for. So memory is bounded, whatever is read.
 */
import { compileFilter } from "@/core/filter_match.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { addLedger, emptyLedger, type Ledger, READ } from "@/core/ledger.ts";
import { Pipeline, type Sample } from "@/core/pipeline.ts";
import { TopNBuilder, type TopNState } from "@/core/top_n.ts";
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
}

/** A slice that no line can be in: it gets the ledger's own bucket. */
const NO_SLICE_S = -10;

const NO_TAG = new Uint8Array(0);

export class Tally implements LineSink {
  readonly builders: readonly TopNBuilder[];
  readonly ledger = emptyLedger();
  fromS = Infinity;
  toS = -Infinity;
  readonly #pipeline: Pipeline;
  readonly #samples = new Map<number, FirstSample>();

  constructor(job: Job) {
    const { questions, filter, masks, seed } = job;
    const compiled = filter && compileFilter(filter, unhurriedRegex);
    this.builders = questions.map((question) =>
      new TopNBuilder({ ...question, window: "24h", filter: compiled }, seed)
    );
    this.#pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "count", seed, anyTime: true });
  }

  /** Lines read so far. */
  get lineCount(): number {
    return this.ledger[READ] + this.#pipeline.ledger[READ];
  }

  lines(bytes: Uint8Array, start: number, end: number): void {
    let p = this.#pipeline.count(bytes, start, end, NO_TAG);
    while (p < end) {
      this.#seal();
      p = this.#pipeline.count(bytes, p, end, NO_TAG);
    }
  }

  tooLong(): void {
    this.#pipeline.tooLong();
  }

  /** All lines of a part were handed over. */
  partDone({ order }: Part): void {
    for (const sample of this.#pipeline.takeSamples()) keepFirst(this.#samples, { ...sample, order });
  }

  /** Everything so far, to be added to another's. */
  state(): TallyState {
    this.#seal();
    const { ledger, fromS, toS } = this;
    const rankings = this.builders.map((builder) => builder.state());
    return { rankings, ledger, fromS, toS, samples: this.samples() };
  }

  /** Adds what another thread has counted for the same job. */
  add({ rankings, ledger, fromS, toS, samples }: TallyState): void {
    this.#seal();
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

  #seal(): void {
    for (const bucket of this.#pipeline.seal(NO_SLICE_S)) {
      addLedger(this.ledger, bucket.ledger);
      if (bucket.rows === 0) continue;
      this.#span(bucket.startS, bucket.startS + bucket.lengthS);
      for (const builder of this.builders) builder.add(bucket);
    }
  }

  #span(fromS: number, toS: number): void {
    this.fromS = Math.min(this.fromS, fromS);
    this.toS = Math.max(this.toS, toS);
  }
}

/** Whoever counts files waits for them, on a machine of their own: a search may take the time that it takes. */
function unhurriedRegex(pattern: string): { test(text: string): boolean } {
  return linearRegex(pattern, () => 0);
}

function keepFirst(samples: Map<number, FirstSample>, sample: FirstSample): void {
  const there = samples.get(sample.reason);
  if (there === undefined || sample.order < there.order) samples.set(sample.reason, sample);
}
