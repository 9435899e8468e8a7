/**
 * One ingest thread's work without the thread: lines from the follower go through the pipeline, and what was counted is
 * sealed when a slice is over, or sooner when too many are open.
 */
import { FINEST_S, sliceStart } from "@/core/slices.ts";
import { LEDGER_REASONS } from "@/core/ledger.ts";
import type { Clock } from "@/core/host/clock.ts";
import { type OncePerMinute, sampleText } from "@/core/host/log.ts";
import type { Pipeline } from "@/core/pipeline.ts";
import type { LineConsumer, Origin, Position } from "./followed_file.ts";
import type { Sealed } from "./thread_message.ts";

/** Seconds after the end of a slice at which it is sealed: its last lines have been read by then. */
const SEAL_DELAY_S = 0.5;

const NO_TAG = new Uint8Array(0);

export interface IngestOptions {
  readonly pipeline: Pipeline;
  readonly clock: Clock;
  /** Positions of all followed files; of the one at hand, `handedBytes` behind what was handed over last. */
  readonly positions: (of?: Origin, handedBytes?: number) => readonly Position[];
  readonly post: (sealed: Sealed) => void;
  /** For samples of lines that were not counted. */
  readonly samples: OncePerMinute;
}

export class Ingest implements LineConsumer {
  /** End of the newest slice sealed as over. */
  #endS: number;

  constructor(readonly options: IngestOptions) {
    this.#endS = sliceStart(options.clock.nowS(), FINEST_S);
  }

  /** Counts a chunk of lines. */
  lines(bytes: Uint8Array, start: number, end: number, origin: Origin): void {
    const { pipeline, clock } = this.options;
    pipeline.nowS = clock.nowS();
    for (let p = start; p < end;) {
      p = pipeline.count(bytes, p, end, NO_TAG);
      if (p < end) this.#seal(this.#nowSliceS(), this.options.positions(origin, p - start));
    }
    this.#logSamples(origin);
  }

  tooLong(origin: Origin): void {
    this.options.pipeline.tooLong();
    const { samples, clock } = this.options;
    samples.warn("too_long", clock.nowS(), "a line was not counted: it is longer than 256 KiB", () => ({
      reason: "too_long",
      path: origin.path,
    }));
  }

  /** Seals when a slice is over. Call it at least once a second. */
  tick(): void {
    const overS = sliceStart(this.options.clock.nowS() - SEAL_DELAY_S, FINEST_S);
    if (overS <= this.#endS) return;
    this.#endS = overS;
    this.#seal(overS - FINEST_S, this.options.positions());
  }

  /** Seals what is open, whatever the time: the last word before a stop. */
  finish(): void {
    this.#seal(this.#nowSliceS(), this.options.positions());
  }

  /** @param arrivalStartS the slice whose bucket carries the ledger. */
  #seal(arrivalStartS: number, positions: readonly Position[]): void {
    const buckets = this.options.pipeline.seal(arrivalStartS);
    this.options.post({ kind: "sealed", endS: this.#endS, buckets, positions });
  }

  #nowSliceS(): number {
    return sliceStart(this.options.clock.nowS(), FINEST_S);
  }

  #logSamples(origin: Origin): void {
    const { pipeline, samples, clock } = this.options;
    for (const { reason: index, line } of pipeline.takeSamples()) {
      const reason = LEDGER_REASONS[index];
      samples.warn(reason, clock.nowS(), `a line was not counted: ${WHAT_TO_DO[reason] ?? reason}`, () => ({
        reason,
        path: origin.path,
        line: sampleText(line, 0, line.length),
      }));
    }
  }
}

const FORMAT = "the logtail format has 8 to 10 fields between tabs: " +
  "host, remote_addr, msec, request_method, request_uri, status, body_bytes_sent, request_time, is_tor, asn";

/** What an operator can do about lines that are not counted. */
const WHAT_TO_DO: Readonly<Record<string, string>> = {
  malformed_fields: FORMAT,
  malformed_address: `field 2 is not an address; ${FORMAT}`,
  malformed_time: `field 3 is not a time in seconds ($msec); ${FORMAT}`,
  malformed_status: `field 6 is not a status of three digits; ${FORMAT}`,
  malformed_bytes: `field 7 is not a number of bytes; ${FORMAT}`,
  malformed_request_time: `field 8 is not a time in seconds ($request_time); ${FORMAT}`,
  too_old: "it is older than the 24 hours that are kept",
  future: "its time is more than a minute ahead of this machine's clock",
};
