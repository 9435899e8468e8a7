/**
 * One collector as the aggregator follows it: connects, takes its deltas, and comes back after a failure.
 *
 * Backoff begins at 100 ms and doubles to 30 s, with jitter so that a fleet does not return in step. It begins anew when
 * a stream has brought something new or has lasted; a replay of what we have does not count, or a stream that breaks
 * at the same place each time would be opened again without end.
 */
import { GAP_NOTICE_SECONDS, RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from "@/core/bounds.ts";
import type { TargetInfo } from "@/core/answer.ts";
import type { Bucket, Delta } from "@/core/bucket.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import type { Log } from "@/core/host/log.ts";
import { addLedger, emptyLedger, READ } from "@/core/ledger.ts";
import type { MergedSlot, Outcome } from "@/core/store.ts";
import { type BucketItem, type Client, RemoteError } from "@/proto/client.ts";
import { SourceHealth } from "./source_health.ts";

/** Milliseconds after which a stream has lasted: the longest wait of the backoff. */
const STEADY_MS_MIN = RETRY_DELAY_MS_MAX;

/** What takes what a source delivers. */
export interface Receiver {
  /** What is here already, and need not be sent. */
  has(): readonly IdentityRanges[];
  onDelta(delta: Delta): Outcome;
  onSlot(slot: MergedSlot): Outcome;
  /** Deltas of a source that are missing between those that are here. */
  missing(source: string): number;
}

export interface FollowedSourceOptions {
  readonly address: string;
  readonly connect: (address: string) => Client;
  readonly log: Log;
  /** Milliseconds since an arbitrary start; never goes back. */
  readonly nowMs: () => number;
  /** Seconds since 1970. */
  readonly nowS: () => number;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  /** Waits, and rejects as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly receiver: Receiver;
}

export class FollowedSource {
  #name = "";
  #instance = "";
  #newestS = 0;
  readonly #ledger = emptyLedger();
  /** Why it is not connected. */
  #trouble = "";
  #failures = 0;
  #gap = { text: "", untilMs: -Infinity };
  /** Whose deltas came by this address, and how many of theirs were missing when it had last been caught up with. */
  readonly #sources = new Set<string>();
  #missing = 0;
  #stream = newStream();
  readonly #stop = new AbortController();

  readonly #health: SourceHealth;

  constructor(readonly options: FollowedSourceOptions) {
    this.#health = new SourceHealth(options);
  }

  /** Follows until `stop`. Never rejects. */
  async run(): Promise<void> {
    const { address, connect, log } = this.options;
    const client = connect(address);
    while (!this.#stop.signal.aborted) {
      const why = await this.#followOnce(client);
      if (this.#stop.signal.aborted) break;
      this.#failures++;
      this.#trouble = why;
      this.#health.failed(this.#failures);
      const delayMs = this.#retryDelayMs();
      log.warn(`a source cannot be followed: ${why}`, { address, failures: this.#failures, retry_ms: delayMs });
      await this.options.sleep(delayMs, this.#stop.signal).catch(() => {});
    }
    client.close();
  }

  /** As it calls itself; empty before it has. */
  get name(): string {
    return this.#name;
  }

  /** Of the last delta of its own; empty before the first. */
  get instance(): string {
    return this.#instance;
  }

  stop(): void {
    this.#stop.abort();
  }

  target(): TargetInfo {
    const { address, nowMs } = this.options;
    const gap = nowMs() < this.#gap.untilMs ? this.#gap.text : "";
    const problem = [this.#trouble, gap].filter((text) => text !== "").join("; ");
    const ledger = this.#ledger;
    const facts = this.#health.facts(this.#newestS), delivers = this.#sources;
    return { name: this.#name, address, newestS: this.#newestS, problem, ledger, delivers, ...facts };
  }

  /** Takes what comes until the stream ends; returns why it did. */
  async #followOnce(client: Client): Promise<string> {
    const { address, log, nowMs, receiver } = this.options;
    const stream = this.#stream = newStream();
    try {
      for await (const item of client.deltas(this.#stop.signal, receiver.has())) this.#take(item);
      return "the source ended the stream";
    } catch (error) {
      if (error instanceof RemoteError) return error.message;
      log.error("a source could not be followed: this is a bug", { address, reason: String(error) });
      return "a bug, which the log describes";
    } finally {
      if (nowMs() - stream.beginMs >= STEADY_MS_MIN) this.#failures = 0;
    }
  }

  #take(item: BucketItem): void {
    // A relay has buckets of other sources too, so what it calls itself comes first.
    if ("newestS" in item) this.#name = this.#stream.name = item.source;
    else if ("identity" in item && this.#stream.name === "") this.#name = item.identity.source;
    this.#health.heard();
    if ("sentMs" in item) return this.#health.told(item);
    if (this.#stream.beginMs === Infinity) this.#connected();
    if ("identity" in item) this.#takeDelta(item);
    else if ("tier" in item) this.#takeSlot(item);
    else if ("caughtUp" in item) this.#caughtUp();
    else if ("dropped" in item) {
      this.#missing += item.dropped; // told now, and not once more when this source has been caught up with
      this.#tellGap(item.dropped, item.problem ?? "this aggregator reads too slowly");
    }
  }

  /** The first item, whatever it is, shows that the stream stands. */
  #connected(): void {
    const { address, log, nowMs } = this.options;
    this.#stream.beginMs = nowMs();
    this.#trouble = "";
    log.info("following a source", { address, source: this.#name });
  }

  #takeDelta(delta: Delta): void {
    this.#sources.add(delta.identity.source);
    if (delta.identity.source === this.#name) this.#instance = delta.identity.instance;
    const outcome = this.options.receiver.onDelta(delta);
    if (outcome === "merged") this.#failures = 0;
    this.#taken(outcome, delta.bucket);
  }

  #takeSlot(slot: MergedSlot): void {
    for (const { source } of slot.identities) this.#sources.add(source);
    this.#taken(this.options.receiver.onSlot(slot), slot.bucket);
  }

  /** What was refused says nothing about how far this source has come. */
  #taken(outcome: Outcome, { startS, lengthS, ledger }: Bucket): void {
    if (outcome === "merged") {
      addLedger(this.#ledger, ledger);
      // What is filled in from the past says nothing about how fast lines come now.
      if (this.#newestS === 0 || startS + lengthS >= this.#newestS) this.#health.read(ledger[READ]);
    }
    if (outcome === "merged" || outcome === "duplicate") this.#newestS = Math.max(this.#newestS, startS + lengthS);
  }

  /** What is missing now has been forgotten where it came from. It is told once. */
  #caughtUp(): void {
    const { missing } = this.options.receiver;
    const gone = [...this.#sources].reduce((sum, source) => sum + missing(source), 0), more = gone - this.#missing;
    this.#missing = gone;
    if (more > 0) this.#tellGap(more, "the source had forgotten them before it could be followed again");
  }

  /** Buckets that are not here: numbers are too small until they come by another way. */
  #tellGap(missing: number, why: string): void {
    const { address, log, nowMs } = this.options;
    log.warn("buckets of a source are missing", { address, missing, why });
    const text = `${missing} ${missing === 1 ? "bucket is" : "buckets are"} missing: ${why}`;
    this.#gap = { text, untilMs: nowMs() + 1000 * GAP_NOTICE_SECONDS };
  }

  #retryDelayMs(): number {
    const delayMs = Math.min(RETRY_DELAY_MS_MIN * 2 ** (this.#failures - 1), RETRY_DELAY_MS_MAX);
    return Math.round(delayMs * (0.5 + 0.5 * this.options.random()));
  }
}

/** What is known of one stream. */
interface Stream {
  /** When its first item came; Infinity before. */
  beginMs: number;
  /** As its hello says; empty without one. */
  name: string;
}

function newStream(): Stream {
  return { beginMs: Infinity, name: "" };
}
