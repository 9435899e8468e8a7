/**
 * One collector as the aggregator follows it: connects, takes its deltas, and comes back after a failure.
 *
 * Backoff begins at 100 ms and doubles to 30 s, with jitter so that a fleet does not return in step; a delta that
 * arrives begins it anew.
 */
import { RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from "@/core/bounds.ts";
import type { TargetInfo, TargetState } from "@/core/answer.ts";
import type { Delta } from "@/core/bucket.ts";
import type { Log } from "@/core/host/log.ts";
import { type Client, type DeltaGap, RemoteError } from "@/proto/client.ts";

/** Failures in a row after which a source counts as degraded. */
const FAILURES_DEGRADED = 3;

export interface FollowedSourceOptions {
  readonly address: string;
  readonly connect: (address: string) => Client;
  readonly log: Log;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  /** Waits, and rejects as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly onDelta: (delta: Delta) => void;
}

export class FollowedSource {
  #name = "";
  #state: TargetState = "connecting";
  #newestS = 0;
  #problem = "";
  #failures = 0;
  readonly #stop = new AbortController();

  constructor(readonly options: FollowedSourceOptions) {}

  /** Follows until `stop`. Never rejects. */
  async run(): Promise<void> {
    const { address, connect, log } = this.options;
    const client = connect(address);
    while (!this.#stop.signal.aborted) {
      const why = await this.#followOnce(client);
      if (this.#stop.signal.aborted) break;
      this.#failures++;
      this.#problem = why;
      this.#state = this.#failures >= FAILURES_DEGRADED ? "degraded" : "connecting";
      const delayMs = this.#retryDelayMs();
      log.warn(`a source cannot be followed: ${why}`, { address, failures: this.#failures, retry_ms: delayMs });
      await this.options.sleep(delayMs, this.#stop.signal).catch(() => {});
    }
    client.close();
  }

  stop(): void {
    this.#stop.abort();
  }

  target(): TargetInfo {
    const { address } = this.options;
    return { name: this.#name, address, state: this.#state, newestS: this.#newestS, problem: this.#problem };
  }

  /** Takes deltas until the stream ends; returns why it did. */
  async #followOnce(client: Client): Promise<string> {
    try {
      for await (const item of client.deltas(this.#stop.signal)) {
        if ("dropped" in item) this.#tellGap(item);
        else this.#take(item);
      }
      return "the source ended the stream";
    } catch (error) {
      if (error instanceof RemoteError) return error.message;
      throw error;
    }
  }

  #take(delta: Delta): void {
    const { address, log, onDelta } = this.options;
    if (this.#state !== "connected") log.info("following a source", { address, source: delta.identity.source });
    this.#name = delta.identity.source;
    this.#state = "connected";
    this.#failures = 0;
    this.#problem = "";
    this.#newestS = Math.max(this.#newestS, delta.bucket.startS + delta.bucket.lengthS);
    onDelta(delta);
  }

  /** Buckets that are not here: numbers are too small until they come by another way. */
  #tellGap({ dropped, problem }: DeltaGap): void {
    const { address, log } = this.options;
    const why = problem ?? "this aggregator reads too slowly";
    log.warn("buckets of a source are missing", { address, dropped, why });
    this.#problem = `${dropped} missing: ${why}`;
  }

  #retryDelayMs(): number {
    const delayMs = Math.min(RETRY_DELAY_MS_MIN * 2 ** (this.#failures - 1), RETRY_DELAY_MS_MAX);
    return Math.round(delayMs * (0.5 + 0.5 * this.options.random()));
  }
}
