/**
 * How a source is, besides what it delivers: for how long it has been in its state, how far its clock is off, how many lines
 * it reads, how much memory it takes.
 */
import { DELTA_SECONDS_MAX, LATE_SECONDS_MAX } from "@/core/bounds.ts";
import type { TargetInfo, TargetState } from "@/core/answer.ts";
import { RateMeter } from "@/core/rate_meter.ts";
import type { SenderStatus } from "@/proto/client.ts";

/** Failures in a row after which a source counts as degraded. */
const FAILURES_DEGRADED = 3;

/**
 * Milliseconds after which the smallest difference of clocks seen is forgotten. A message says when it was sent: what it took on
 * its way makes a clock look slow, so of several the largest lead is nearest the truth.
 */
const SKEW_MS_KEPT = 60_000;

export interface HealthClocks {
  /** Milliseconds since an arbitrary start; never goes back. */
  readonly nowMs: () => number;
  /** Seconds since 1970. */
  readonly nowS: () => number;
  /** As this machine has it, whether that is believed or not; the same when absent. */
  readonly ownS?: () => number;
}

export class SourceHealth {
  #connected = false;
  #failures = 0;
  /** Seconds since 1970. */
  #connectedS = 0;
  #failedS = 0;
  #heardMs: number;
  /** It has not been heard of since the former process. */
  #isAway: boolean;
  #skew: { readonly ms: number; readonly atMs: number } | undefined;
  #memoryBytes = 0;
  readonly #lines = new RateMeter();

  /** @param heardS when a former process heard of it last, seconds since 1970 */
  constructor(readonly clocks: HealthClocks, heardS?: number) {
    const nowS = clocks.nowS();
    this.#isAway = heardS !== undefined;
    this.#failedS = Math.min(nowS, heardS ?? nowS);
    this.#heardMs = clocks.nowMs() - 1000 * (nowS - this.#failedS);
  }

  /** When it was heard of last, seconds since 1970. */
  get heardS(): number {
    return this.clocks.nowS() - (this.clocks.nowMs() - this.#heardMs) / 1000;
  }

  /** Something came. */
  heard(): void {
    this.#heardMs = this.clocks.nowMs();
    if (this.#connected) return;
    this.#isAway = false;
    this.#connected = true;
    this.#connectedS = this.clocks.nowS();
  }

  /** It cannot be reached, or its stream has ended, for the n-th time in a row. */
  failed(failures: number): void {
    const changes = this.#connected || failures === 1 || failures === FAILURES_DEGRADED;
    if (changes && !this.#isAway) this.#failedS = this.clocks.nowS();
    this.#connected = false;
    this.#failures = failures;
  }

  told({ sentMs, memoryBytes }: SenderStatus): void {
    const { nowS, ownS = nowS } = this.clocks, ms = sentMs - 1000 * ownS(), atMs = this.clocks.nowMs();
    this.#memoryBytes = memoryBytes;
    if (this.#skew === undefined || ms >= this.#skew.ms || atMs - this.#skew.atMs > SKEW_MS_KEPT) {
      this.#skew = { ms, atMs };
    }
  }

  /** It has read lines, as it says in what has just come. */
  read(lines: number): void {
    this.#lines.add(this.clocks.nowMs() / 1000, lines);
  }

  /** @param newestS end of its newest slice; 0 when none. */
  state(newestS: number): TargetState {
    if (!this.#connected) {
      if (this.clocks.nowMs() - this.#heardMs > 1000 * DELTA_SECONDS_MAX) return "gone";
      return this.#failures >= FAILURES_DEGRADED ? "degraded" : "connecting";
    }
    return newestS > 0 && this.clocks.nowS() - newestS > LATE_SECONDS_MAX ? "lagging" : "connected";
  }

  /** What is known of it. */
  facts(newestS: number): Pick<TargetInfo, "state" | "sinceS" | "skewMs" | "linesPerS" | "memoryBytes"> {
    const state = this.state(newestS), linesPerS = this.#lines.perSecond(this.clocks.nowMs() / 1000);
    const connectedS = state === "lagging" ? newestS : this.#connectedS;
    return {
      state,
      sinceS: Math.floor(this.#connected ? connectedS : this.#failedS),
      ...(this.#skew === undefined ? {} : { skewMs: Math.round(this.#skew.ms) }),
      ...(linesPerS === undefined || !this.#connected ? {} : { linesPerS }),
      ...(this.#memoryBytes === 0 ? {} : { memoryBytes: this.#memoryBytes }),
    };
  }
}
