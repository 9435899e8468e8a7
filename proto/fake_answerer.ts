/** An Answerer for tests: it says what it was asked, and pushes what a test tells it to. */
import { emptyLedger } from "@/core/ledger.ts";
import type { Answerer, Snapshot, TopNQuestion, TrendQuestion } from "@/core/answer.ts";
import { type Bucket, type Delta, emptyBucket } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { type DeltaCursor, DeltaLog } from "@/core/delta_log.ts";
import { REQUESTS, zeroValues } from "@/core/measures.ts";
import type { Subscriber } from "@/core/subscriber.ts";

export class FakeAnswerer implements Answerer {
  readonly source = "fake-1";
  readonly questions: (TopNQuestion | TrendQuestion)[] = [];
  readonly snapshotReaders = new Set<Subscriber<Snapshot>>();
  dumped: Snapshot[] = [];

  /** @param deltaLog what followers of deltas read. */
  constructor(readonly deltaLog: DeltaLog = new DeltaLog()) {}

  topN(question: TopNQuestion): ReturnType<Answerer["topN"]> {
    this.questions.push(question);
    const values = zeroValues();
    values.set([7, 700, 70, 50]);
    return {
      source: this.source,
      window: question.window,
      groupBy: question.groupBy,
      fromS: 1_700_000_000,
      toS: 1_700_000_300,
      total: Float64Array.of(9, 900, 90, 50),
      other: Float64Array.of(2, 200, 20, 50),
      coverage: { expected: 2, present: 1, missing: ["fake-2"], secondsCovered: 290, seconds: 300 },
      entries: [{ label: 'a"b\\c\u0000é', values, countMax: values[REQUESTS] + 1 }],
      totalMax: 11,
      unlistedMax: 6,
    };
  }

  trend(question: TrendQuestion): ReturnType<Answerer["trend"]> {
    this.questions.push(question);
    return {
      source: this.source,
      window: question.window,
      fromS: 1_700_000_000,
      toS: 1_700_000_020,
      stepS: 10,
      coverage: { expected: 1, present: 1, missing: [], secondsCovered: 10, seconds: 20 },
      points: [
        { startS: 1_700_000_000, count: null, incomplete: false },
        { startS: 1_700_000_010, count: 0, incomplete: true },
      ],
    };
  }

  targets(): ReturnType<Answerer["targets"]> {
    return [{ name: "", address: "a:1", state: "degraded", newestS: 12, problem: "down", ledger: emptyLedger() }];
  }

  dump(): Iterable<Snapshot> {
    return this.dumped;
  }

  followSnapshots(subscriber: Subscriber<Snapshot>): () => void {
    this.snapshotReaders.add(subscriber);
    return () => void this.snapshotReaders.delete(subscriber);
  }

  followDeltas(): DeltaCursor {
    return this.deltaLog.follow();
  }

  push(...deltas: readonly Delta[]): void {
    for (const delta of deltas) this.deltaLog.add(delta, 0);
  }
}

/** A delta with a right checksum. */
export function deltaOf(sequence: number, bucket: Bucket = emptyBucket(1_700_000_000, 10)): Delta {
  const identity = { source: "fake-1", instance: "0123456789abcdef", sequence, checksum: bucketChecksum(bucket) };
  return { identity, bucket };
}

export function snapshotOf(startS: number): Snapshot {
  return { source: "fake-1", startS, coarse: startS % 300 === 0, entries: [{ label: "example.org", count: 3 }] };
}
