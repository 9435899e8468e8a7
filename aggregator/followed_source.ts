/**
 * One collector as the aggregator follows it: connects, takes its deltas, and comes back after a failure.
 *
 * Backoff begins at 100 ms and doubles to 30 s, with jitter so that a fleet does not return in step. It begins anew when
 * a stream has brought something new or has lasted; a replay of what we have does not count, or a stream that breaks
 * at the same place each time would be opened again without end.
 */
import {
  AHEAD_SECONDS_MAX,
  FIRST_WORD_MS_MAX,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAY_MS_MIN,
  SOURCE_NAME_BYTES_MAX,
  SOURCE_PIECES_MAX,
  SOURCES_MAX,
} from "@/core/bounds.ts";
import type { SourceBehind, TargetInfo } from "@/core/answer.ts";
import type { Bucket, Delta } from "@/core/bucket.ts";
import { bucketBytes } from "@/core/bucket_block.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { ledgerOf, ledgerText } from "@/core/host/state_record.ts";
import { addLedger, emptyLedger, READ } from "@/core/ledger.ts";
import { TIERS } from "@/core/slices.ts";
import type { MergedSlot, Outcome } from "@/core/store.ts";
import { type BucketItem, type Client, RemoteError, type SenderStatus } from "@/proto/client.ts";
import { SourceHealth } from "./source_health.ts";
import type { SourceText } from "./state_record.ts";
import { SourceNotice } from "./source_notice.ts";
import { SourcePace } from "./source_pace.ts";

/** Milliseconds after which a stream has lasted: the longest wait of the backoff. */
const STEADY_MS_MIN = RETRY_DELAY_MS_MAX;

/** Milliseconds between two times of asking for what came before its time: what is taken ahead lasts a little longer. */
const ASK_AGAIN_MS_MIN = 800 * AHEAD_SECONDS_MAX;

/** What takes what a source delivers. */
export interface Receiver {
  /** What is here already, and need not be sent. */
  has(): readonly IdentityRanges[];
  onDelta(delta: Delta): Outcome;
  onSlot(slot: MergedSlot): Outcome;
  /** Deltas of a source that are missing between those that are here. */
  missing(source: string): number;
  /** The latest slice that would be taken now, seconds since 1970. */
  takesUntilS(): number;
  /** What the clock of the source says, milliseconds since 1970. */
  onClock?(sentMs: number): void;
  /** Resolves when it is known what time it is; undefined when it is. No bucket can be taken before. */
  waiting?(): Promise<void> | undefined;
}

export interface FollowedSourceOptions {
  readonly address: string;
  readonly connect: (address: string) => Client;
  readonly log: Log;
  /** Milliseconds since an arbitrary start; never goes back. */
  readonly nowMs: () => number;
  /** Seconds since 1970. */
  readonly nowS: () => number;
  /** As `HealthClocks`. */
  readonly ownS?: () => number;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  /** Waits, and rejects as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly receiver: Receiver;
  /** What a former process knew of it. */
  readonly former?: SourceText;
}

export class FollowedSource {
  #name = "";
  #instance = "";
  #newestS = 0;
  readonly #ledger = emptyLedger();
  /** Why it is not connected. */
  #trouble = "";
  #failures = 0;
  /** Streams in a row in which a slot overlapped. */
  #overlapped = 0;
  readonly #gap: SourceNotice;
  readonly #refused: SourceNotice;
  readonly #pace: SourcePace;
  readonly #complaints: OncePerMinute;
  /** Whose deltas came by this address, and how many of theirs were missing when it had last been caught up with. */
  readonly #sources = new Set<string>();
  #missing = 0;
  /** Whom it follows itself, when it tells. */
  #behind: readonly SourceBehind[] | undefined;
  /** The earliest that came too far before its time, seconds since 1970; Infinity when nothing did. */
  #aheadS = Infinity;
  #stream = newStream(Infinity);
  readonly #stop = new AbortController();

  readonly #health: SourceHealth;
  #changes = 0;

  constructor(readonly options: FollowedSourceOptions) {
    const { log, nowMs, former } = options;
    this.#health = new SourceHealth(options, former?.heardS);
    this.#gap = new SourceNotice("missing", nowMs);
    this.#refused = new SourceNotice("refused", nowMs);
    this.#pace = new SourcePace(nowMs);
    this.#complaints = new OncePerMinute(log);
    if (former !== undefined) this.#restore(former);
  }

  /** Follows until `stop`. Never rejects. */
  async run(): Promise<void> {
    const { address, connect, log } = this.options;
    const client = connect(address);
    while (!this.#stop.signal.aborted) {
      const why = await this.#followOnce(client);
      if (this.#stop.signal.aborted) break;
      if (this.#stream.asksAgain) continue;
      this.#failures++;
      this.#trouble = why;
      this.#health.failed(this.#failures);
      const delayMs = this.#retryDelayMs(this.#failures);
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

  /** Moves on with every item that changes what is worth knowing after a restart. */
  get changes(): number {
    return this.#changes;
  }

  /** What is worth knowing after a restart. */
  text(): SourceText {
    const left = this.#gap.left();
    return {
      name: this.#name,
      instance: this.#instance,
      newestS: this.#newestS,
      heardS: this.#health.heardS,
      ledger: ledgerText(this.#ledger),
      missing: this.#missing,
      gap: left && { count: left.count, why: left.why, untilS: this.options.nowS() + left.leftMs / 1000 },
      delivers: [...this.#sources],
    };
  }

  #restore({ name, instance, newestS, ledger, missing, gap, delivers }: SourceText): void {
    this.#name = name;
    this.#instance = instance;
    this.#newestS = newestS;
    this.#missing = missing;
    addLedger(this.#ledger, ledgerOf(ledger));
    for (const source of delivers) this.#sources.add(source);
    if (gap !== null) this.#gap.restore({ ...gap, leftMs: 1000 * (gap.untilS - this.options.nowS()) });
  }

  stop(): void {
    this.#stop.abort();
  }

  /**
   * Gives up on a source that has not said a word, and asks again for what came before its time when that has come. Call it every
   * second.
   */
  tick(): void {
    const { openedMs, beginMs, ended } = this.#stream, { nowMs, receiver } = this.options;
    if (beginMs === Infinity && nowMs() - openedMs > FIRST_WORD_MS_MAX) ended.abort();
    if (this.#aheadS <= receiver.takesUntilS() && nowMs() - openedMs >= ASK_AGAIN_MS_MIN) this.askAgain();
  }

  /** It was refused by a clock of ours that was wrong: what it has is asked for anew. */
  wasRefusedWrongly(): void {
    this.#refused.takeBack();
    this.askAgain();
  }

  /** What was here may be lacking now: says anew what is here. Nothing is heard of it meanwhile but what comes then. */
  askAgain(): void {
    this.#aheadS = Infinity;
    this.#stream.asksAgain = true;
    this.#stream.ended.abort();
  }

  /**
   * What is not here of slots that overlapped may still be held delta by delta: now that it can be said what is here, those are
   * sent. Each time in a row is later than the one before.
   */
  async #askForOverlapping(stream: Stream): Promise<void> {
    this.#overlapped = stream.overlaps ? this.#overlapped + 1 : 0;
    if (!stream.overlaps) return;
    await this.options.sleep(this.#retryDelayMs(this.#overlapped), this.#stop.signal).catch(() => {});
    this.askAgain();
  }

  target(): TargetInfo {
    const { address } = this.options;
    const problem = [this.#trouble, this.#gap.text(), this.#refused.text()].filter((text) => text !== "").join("; ");
    const ledger = this.#ledger;
    const facts = this.#health.facts(this.#newestS), delivers = this.#sources;
    const behind = this.#behind === undefined ? {} : { behind: this.#behind };
    return { name: this.#name, address, newestS: this.#newestS, problem, ledger, delivers, ...behind, ...facts };
  }

  /** Takes what comes until the stream ends; returns why it did. */
  async #followOnce(client: Client): Promise<string> {
    const { address, log, nowMs, receiver, sleep } = this.options;
    const stream = this.#stream = newStream(nowMs());
    const signal = AbortSignal.any([this.#stop.signal, stream.ended.signal]);
    try {
      for await (const item of client.deltas(signal, receiver.has())) {
        if ("bucket" in item) await receiver.waiting?.();
        if (this.#stop.signal.aborted) break;
        const isRefused = this.#take(item), bytes = bytesOf(item);
        const waitMs = this.#pace.took(bytes, isRefused);
        if (waitMs > 0) await sleep(waitMs, this.#stop.signal).catch(() => {});
        if ("caughtUp" in item) await this.#askForOverlapping(stream);
      }
      return stream.ended.signal.aborted ? MUTE : "the source ended the stream";
    } catch (error) {
      if (error instanceof RemoteError) return error.message;
      log.error("a source could not be followed: this is a bug", { address, reason: String(error) });
      return "a bug, which the log describes";
    } finally {
      if (nowMs() - stream.beginMs >= STEADY_MS_MIN) this.#failures = 0;
    }
  }

  /** Whether it could not be used. */
  #take(item: BucketItem): boolean {
    // A relay has buckets of other sources too, so what it calls itself comes first.
    if ("newestS" in item) this.#name = this.#stream.name = item.source;
    else if ("identity" in item && this.#stream.name === "") this.#name = item.identity.source;
    if ("newestS" in item) this.#behind = undefined;
    if ("behind" in item) this.#behind = item.behind;
    this.#health.heard();
    if (!("sentMs" in item)) this.#changes++;
    if ("sentMs" in item) this.#told(item);
    else if (this.#stream.beginMs === Infinity) this.#connected();
    if ("identity" in item) return this.#takeDelta(item);
    if ("tier" in item) return this.#takeSlot(item);
    if ("caughtUp" in item) this.#caughtUp();
    else if ("refused" in item) return this.#tellRefused(item.dropped, item.problem ?? "it cannot be used");
    else if ("dropped" in item) {
      this.#missing += item.dropped; // told now, and not once more when this source has been caught up with
      this.#tellGap(item.dropped, item.problem ?? "this aggregator reads too slowly");
    }
    return false;
  }

  #told(status: SenderStatus): void {
    this.options.receiver.onClock?.(status.sentMs);
    this.#health.told(status);
  }

  /** The first item, whatever it is, shows that the stream stands. */
  #connected(): void {
    const { address, log, nowMs } = this.options;
    this.#stream.beginMs = nowMs();
    this.#trouble = "";
    log.info("following a source", { address, source: this.#name });
  }

  #takeDelta(delta: Delta): boolean {
    const { source, instance } = delta.identity;
    if (!this.#knows([source])) return this.#tellRefused(1, TOO_MANY_SOURCES);
    if (source === this.#name) this.#instance = instance;
    const outcome = this.options.receiver.onDelta(delta);
    if (outcome === "merged") this.#failures = 0;
    return this.#taken(outcome, delta.bucket);
  }

  #takeSlot(slot: MergedSlot): boolean {
    if (!this.#knows(slot.identities.map(({ source }) => source))) return this.#tellRefused(1, TOO_MANY_SOURCES);
    const outcome = this.options.receiver.onSlot(slot);
    if (outcome === "overlaps") this.#stream.overlaps = true;
    return this.#taken(outcome, slot.bucket);
  }

  /** Notes whose deltas come by this address, as many as there may be. */
  #knows(sources: readonly string[]): boolean {
    for (const source of sources) {
      if (!this.#sources.has(source) && this.#sources.size >= SOURCES_MAX) return false;
      this.#sources.add(source);
    }
    return true;
  }

  /** What was refused says nothing about how far this source has come. */
  #taken(outcome: Outcome, { startS, lengthS, ledger }: Bucket): boolean {
    if (outcome === "merged") {
      addLedger(this.#ledger, ledger);
      // What is filled in from the past says nothing about how fast lines come now.
      if (this.#newestS === 0 || startS + lengthS >= this.#newestS) this.#health.read(ledger[READ]);
    }
    if (outcome === "merged" || outcome === "duplicate") this.#newestS = Math.max(this.#newestS, startS + lengthS);
    if (outcome === "too_far_ahead") this.#aheadS = Math.min(this.#aheadS, startS);
    const why = refusal(outcome, startS, this.options.nowS());
    return why !== undefined && this.#tellRefused(1, why);
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
    const { address, nowS } = this.options;
    this.#complaints.warn("missing", nowS(), "buckets of a source are missing", () => ({ address, missing, why }));
    this.#gap.add(missing, why);
  }

  /** Buckets that came and cannot be used. Returns true. */
  #tellRefused(refused: number, why: string): true {
    const { address, nowS } = this.options;
    this.#complaints.warn("refused", nowS(), "a bucket of a source was refused", () => ({ address, why }));
    this.#refused.add(refused, why);
    return true;
  }

  /** @param times in a row. */
  #retryDelayMs(times: number): number {
    const delayMs = Math.min(RETRY_DELAY_MS_MIN * 2 ** (times - 1), RETRY_DELAY_MS_MAX);
    return Math.round(delayMs * (0.5 + 0.5 * this.options.random()));
  }
}

const MUTE = `it accepted the connection and did not say a word for ${FIRST_WORD_MS_MAX / 1000} s; ` +
  "is it a collector or an aggregator?";
const TOO_MANY_SOURCES = `it delivers for more than ${SOURCES_MAX} sources`;

/** Seconds by which what is too old may be older than the oldest that is held, without a word: it was not when it was sent. */
const EDGE_SECONDS = 900;
const HELD_SECONDS = TIERS.at(-1)!.sliceS * TIERS.at(-1)!.slots;

/** Why a bucket of this time was not taken, where that is worth a word. */
function refusal(outcome: Outcome, startS: number, nowS: number): string | undefined {
  if (outcome === "too_old" && startS < nowS - HELD_SECONDS - EDGE_SECONDS) {
    return `it is of ${utcText(startS)}, and a day is held; check the source's clock`;
  }
  if (outcome === "too_scattered") return `their numbers lie in more than ${SOURCE_PIECES_MAX} pieces`;
  return outcome === "too_far_ahead"
    ? `it is of ${utcText(startS)}, which is to come; check the source's clock`
    : undefined;
}

/** A time that no calendar has is shown in seconds. */
function utcText(timeS: number): string {
  const date = new Date(1000 * timeS);
  return Number.isNaN(date.getTime()) ? `${timeS} s` : date.toISOString().replace(".000Z", "Z");
}

/** Bytes that an item takes, nearly. */
function bytesOf(item: BucketItem): number {
  if ("bucket" in item) return bucketBytes(item.bucket);
  return "behind" in item ? item.behind.length * SOURCE_NAME_BYTES_MAX : 0;
}

/** What is known of one stream. */
interface Stream {
  readonly openedMs: number;
  /** When its first item came; Infinity before. */
  beginMs: number;
  /** As its hello says; empty without one. */
  name: string;
  /** Whether a slot came of which something had come by another path meanwhile. */
  overlaps: boolean;
  /** Aborted when nothing comes, or when the source is asked again. */
  readonly ended: AbortController;
  asksAgain: boolean;
}

function newStream(openedMs: number): Stream {
  return { openedMs, beginMs: Infinity, name: "", overlaps: false, ended: new AbortController(), asksAgain: false };
}
