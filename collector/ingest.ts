/**
 * One ingest thread's work without the thread: lines from the follower go through the pipeline, and what was counted is
 * sealed when a slice is over, or sooner when too many are open.
 *
 * Every slice gets a bucket, an empty one if need be: what is not there is a gap, and a gap is not a zero.
 */
import { type Bucket, emptyBucket } from "@/core/bucket.ts";
import { FINEST_S, sliceStart, TIERS } from "@/core/slices.ts";
import { LATE_ARRIVAL_SECONDS_MAX } from "@/core/bounds.ts";
import { emptyLedger, LEDGER_COUNT, LEDGER_REASONS, LOST, READ, reportKernelDrops } from "@/core/ledger.ts";
import { type MachineClock, STEP_HOLD_MS_MIN, STEP_MS_MAX } from "@/core/host/clock.ts";
import { type OncePerMinute, sampleText } from "@/core/host/log.ts";
import type { LineFormat } from "@/core/line_batch.ts";
import type { LineSpread } from "@/core/line_spread.ts";
import type { Pipeline } from "@/core/pipeline.ts";
import type { LineConsumer, Origin, Position } from "./followed_file.ts";
import type { InputFormats } from "./input_formats.ts";
import type { Sealed } from "./thread_message.ts";

/** Seconds after the end of a slice at which it is sealed: its last lines have been read by then. */
const SEAL_DELAY_S = 0.5;

/** Slices that are made up for at once: as many as the finest ring holds. */
const SKIPPED_MAX = TIERS[0].slots;

const NO_TAG = new Uint8Array(0);

export interface IngestOptions {
  readonly pipeline: Pipeline;
  readonly clock: MachineClock;
  /** Where a former thread stopped sealing, seconds since 1970; absent or 0 for the first. */
  readonly endS?: number;
  /** Positions of all followed files; of the one at hand, `handedBytes` behind what was handed over last. */
  readonly positions: (of?: Origin, handedBytes?: number) => readonly Position[];
  readonly post: (sealed: Sealed) => void;
  /** Why not every log can be read, in words; empty when all can. */
  readonly trouble?: () => string;
  /** For samples of lines that were not counted. */
  readonly samples: OncePerMinute;
  /** That of the pipeline, if it has one. */
  readonly spread?: LineSpread;
  /** The format of each input; when absent, all are of the pipeline's. */
  readonly formats?: InputFormats;
}

export class Ingest implements LineConsumer {
  /** End of the newest slice sealed as over, and when that was (monotonic). */
  #endS: number;
  #endedMs: number;
  readonly #before = emptyLedger();

  constructor(readonly options: IngestOptions) {
    const { clock, endS = 0 } = options, nowS = clock.nowS();
    this.#endS = endS > 0 ? endS : sliceStart(nowS, FINEST_S);
    this.#endedMs = clock.monotonicMs() - 1000 * Math.max(0, nowS - this.#endS);
  }

  /** Counts a chunk of lines. */
  lines(bytes: Uint8Array, start: number, end: number, origin: Origin): void {
    const { pipeline, clock, formats } = this.options;
    pipeline.nowS = clock.nowS();
    pipeline.notBeforeS = isRemote(origin) ? pipeline.nowS - LATE_ARRIVAL_SECONDS_MAX : -Infinity;
    const format = formats?.of(origin);
    for (let p = start; p < end;) {
      this.#tallied(origin, () => p = pipeline.count(bytes, p, end, NO_TAG, format));
      if (p < end) this.#seal(this.#nowSliceS(), this.options.positions(origin, p - start));
    }
    if (format !== undefined) formats?.seen(origin, format, bytes, start, end);
    this.#logSamples(origin, format ?? pipeline.options.format);
  }

  /** Lines were received and lost before they were counted, or before what counted them was sealed. */
  lost(lines: number, origin: Origin): void {
    this.#tallied(origin, () => {
      const { ledger } = this.options.pipeline;
      ledger[READ] += lines;
      ledger[LOST] += lines;
    });
  }

  /** The kernel told how many datagrams it dropped since it last told; 0 is worth telling. */
  kernelDropped(datagrams: number): void {
    reportKernelDrops(this.options.pipeline.ledger, datagrams);
  }

  tooLong(origin: Origin): void {
    this.#tallied(origin, () => this.options.pipeline.tooLong());
    const { samples, clock } = this.options;
    samples.warn("too_long", clock.nowS(), "a line was not counted: it is longer than 256 KiB", () => ({
      reason: "too_long",
      path: origin.path,
    }));
  }

  cut(_origin: Origin, unreadBytes: number): void {
    this.options.pipeline.logCut(unreadBytes);
  }

  /** Seals when a slice is over, or when the clock has gone back. Call it at least once a second. */
  tick(): void {
    const overS = sliceStart(this.options.clock.nowS() - SEAL_DELAY_S, FINEST_S);
    // Slices begin again only when a large step back has held. A slice's first moments are no such step.
    const wentBack = overS < this.#endS - FINEST_S;
    if (overS <= this.#endS && !wentBack) return;
    const skipped = wentBack ? [] : this.#skipped(overS - FINEST_S);
    this.#endS = overS;
    this.#endedMs = this.options.clock.monotonicMs();
    this.#seal(overS - FINEST_S, this.options.positions(), skipped);
  }

  /** Seals what is open, whatever the time: the last word before a stop. */
  finish(): void {
    this.#seal(this.#nowSliceS(), this.options.positions());
  }

  /**
   * Slices that ended since the last seal, before `untilS`: after a stall, or when the clock went on by up to a minute.
   * Nothing happened in them that was not read. That cannot be said of the time a larger step has left out.
   */
  #skipped(untilS: number): readonly number[] {
    const { clock } = this.options;
    const passedS = (clock.monotonicMs() - this.#endedMs + STEP_MS_MAX) / 1000;
    const fromS = Math.max(this.#endS, sliceStart(clock.nowS() - passedS, FINEST_S), untilS - SKIPPED_MAX * FINEST_S);
    const starts: number[] = [];
    for (let startS = fromS; startS < untilS; startS += FINEST_S) starts.push(startS);
    return starts;
  }

  /**
   * @param arrivalStartS the slice whose bucket carries the ledger.
   * @param known other slices that are over, and get an empty bucket when nothing was counted in them.
   */
  #seal(arrivalStartS: number, positions: readonly Position[], known: readonly number[] = []): void {
    const { pipeline, clock, post } = this.options;
    const buckets: Bucket[] = pipeline.seal(arrivalStartS);
    const counted = new Set(buckets.filter(({ lengthS }) => lengthS === FINEST_S).map(({ startS }) => startS));
    for (const startS of known) if (!counted.has(startS)) buckets.push(emptyBucket(startS, FINEST_S));
    const spread = this.options.spread?.take();
    post({
      kind: "sealed",
      endS: this.#endS,
      nowS: clock.nowS(),
      problem: this.#problem(),
      buckets,
      positions,
      spread,
    });
  }

  #problem(): string {
    const stepS = Math.round(this.options.clock.pendingStepS());
    const step = `this machine's clock was set ${Math.abs(stepS)} s ${stepS > 0 ? "forward" : "back"}; ` +
      `it is followed when that has held for ${STEP_HOLD_MS_MIN / 60_000} minutes`;
    return [stepS === 0 ? "" : step, this.options.trouble?.() ?? ""].filter((part) => part !== "").join("; ");
  }

  /** Adds to the origin's own tally what some counting, without a seal in it, adds to the ledger. */
  #tallied({ tally }: Origin, count: () => void): void {
    if (tally === undefined) return count();
    const { ledger } = this.options.pipeline, before = this.#before;
    before.set(ledger);
    count();
    for (let reason = 0; reason < LEDGER_COUNT; reason++) tally[reason] += ledger[reason] - before[reason];
  }

  #nowSliceS(): number {
    return sliceStart(this.options.clock.nowS(), FINEST_S);
  }

  #logSamples(origin: Origin, { expects }: LineFormat): void {
    const { pipeline, samples, clock } = this.options;
    for (const { reason: index, line } of pipeline.takeSamples()) {
      const reason = LEDGER_REASONS[index];
      samples.warn(reason, clock.nowS(), `a line was not counted: ${WHAT_IS_WRONG[reason] ?? reason}`, () => ({
        reason,
        path: origin.path,
        ...reason.startsWith("malformed") ? { expected: expects } : {},
        line: sampleText(line, 0, line.length),
      }));
    }
  }
}

/** Whether anybody on the network may have sent these lines, with any time in them. */
function isRemote({ kind }: Origin): boolean {
  return kind === "udp" || kind === "syslog";
}

/** Why lines are not counted. */
const WHAT_IS_WRONG: Readonly<Record<string, string>> = {
  malformed_fields: "its fields are not those of the format",
  malformed_address: "what should be the client is no address",
  malformed_time: "what should be the time is none ($msec, $time_iso8601 or $time_local)",
  malformed_status: "what should be the status is not three digits",
  malformed_bytes: "what should be the bytes sent is no number below 10^12",
  malformed_request_time: "what should be the request time is no number of seconds",
  too_old: "it is older than the 24 hours that are kept",
  future: "its time is more than a minute ahead of this machine's clock",
  late: "it came over the network more than a minute after its own time; a file may bring older lines",
};
