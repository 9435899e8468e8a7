/**
 * A collector that is played: it serves buckets as a real one does, over its own port, with its own identity and sequence
 * numbers, and retains the last of them for whoever connects again. It answers no questions.
 */
import type { Answerer, BucketFeed } from "@/core/answer.ts";
import { Backfill } from "@/core/backfill.ts";
import type { Bucket, Delta } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { DeltaLog } from "@/core/delta_log.ts";
import type { Log } from "@/core/host/log.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { zeroValues } from "@/core/measures.ts";
import { Store } from "@/core/store.ts";
import { serve, type Serving } from "@/proto/service.ts";

/** Bytes of retained deltas: a minute of a flood and more; a real one retains twice that. */
const RETAINED_BYTES_MAX = 16 * 1024 * 1024;

export class PlayedCollector implements Answerer {
  readonly #deltas = new DeltaLog(RETAINED_BYTES_MAX);
  readonly #store = new Store(1);
  readonly #instance: string;
  #sequence = 0;
  #serving: Serving | undefined;

  constructor(readonly source: string, instance: number) {
    this.#instance = instance.toString(16).padStart(16, "0");
  }

  /** Serves on a free port of the loopback; returns it. */
  async serve(log: Log): Promise<number> {
    const regex = (): { test(text: string): boolean } => ({ test: () => false });
    this.#serving = await serve({ listen: "127.0.0.1:0", answerer: this, regex, log });
    return this.#serving.port;
  }

  /** Numbers a bucket. Cheap enough only before it is to be sent. */
  delta(bucket: Bucket): Delta {
    const { source } = this, sequence = ++this.#sequence;
    return { identity: { source, instance: this.#instance, sequence, checksum: bucketChecksum(bucket) }, bucket };
  }

  /** Whoever follows is sent it now. */
  publish(delta: Delta, nowS: number): void {
    this.#deltas.add(delta, nowS);
  }

  async stop(): Promise<void> {
    await this.#serving?.stop(0);
  }

  followDeltas(has: readonly IdentityRanges[] = []): BucketFeed {
    return new Backfill(this.#deltas, this.#store, has);
  }

  topN(question: Parameters<Answerer["topN"]>[0]): ReturnType<Answerer["topN"]> {
    const none = { total: zeroValues(), other: zeroValues(), totalMax: 0, entries: [], unlistedMax: 0 };
    return { ...this.#empty, ...none, ...question };
  }

  trend(question: Parameters<Answerer["trend"]>[0]): ReturnType<Answerer["trend"]> {
    return { ...this.#empty, window: question.window, stepS: 10, points: [] };
  }

  targets(): ReturnType<Answerer["targets"]> {
    return [];
  }

  *dump(): ReturnType<Answerer["dump"]> {}

  followSnapshots(): () => void {
    return () => {};
  }

  get #empty(): Pick<ReturnType<Answerer["topN"]>, "source" | "fromS" | "toS" | "coverage"> {
    const coverage = { expected: 0, present: 0, missing: [], secondsCovered: 0, seconds: 0 };
    return { source: this.source, fromS: 0, toS: 0, coverage };
  }
}
