/**
 * A collector without its machine: lines go through the pipeline, are sealed every ten seconds and merged into a live
 * view, as `collector/main.ts` and its ingest thread do it; time is an argument, so that a day takes seconds.
 */
import type { TargetInfo } from "@/core/answer.ts";
import type { Bucket } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { collectGarbage, GARBAGE_MS } from "@/core/host/garbage.ts";
import { zstd } from "@/core/host/zstd.ts";
import { LiveView } from "@/core/live_view.ts";
import { Pipeline } from "@/core/pipeline.ts";
import { FINEST_S, TIERS } from "@/core/slices.ts";
import type { Lines } from "./traffic.ts";

/** What the slots of one tier hold. */
export interface TierSize {
  readonly tier: string;
  readonly slots: number;
  readonly rows: number;
  /** In memory, packed where they rest, the runtime's own included (`bucketBytes`). */
  readonly bytes: number;
}

export class SimulatedCollector {
  readonly view: LiveView;
  readonly #pipeline: Pipeline;
  #sequence = 0;

  constructor(seed: number, readonly source = "col-1") {
    this.#pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks: { v4Bits: 24, v6Bits: 48 }, source, seed });
    const targets = (): TargetInfo[] => [];
    this.view = new LiveView({ source, seed, regex: () => ({ test: () => false }), targets, packer: zstd });
  }

  /** One slice of ten seconds: its lines are counted, sealed shortly after its end, and merged. */
  slice(startS: number, { bytes, end }: Lines): readonly Bucket[] {
    const pipeline = this.#pipeline, endS = startS + FINEST_S;
    pipeline.nowS = endS;
    const counted = pipeline.count(bytes, 0, end, NO_TAG);
    if (counted < end) throw new Error("Cannot measure: lines of one slice needed more slices than may be open");
    const buckets = pipeline.seal(startS);
    this.view.advance(endS);
    this.view.tick(endS);
    if (endS * 1000 % GARBAGE_MS === 0) collectGarbage();
    for (const bucket of buckets) {
      const { source } = this;
      const identity = { source, instance: INSTANCE, sequence: ++this.#sequence, checksum: bucketChecksum(bucket) };
      const outcome = this.view.accept({ identity, bucket }, endS);
      if (outcome !== "merged") throw new Error(`Cannot measure: a bucket was not merged: ${outcome}`);
    }
    return buckets;
  }

  /** What the rings hold now. Merges what has not been merged yet. */
  sizes(): readonly TierSize[] {
    return this.view.store.rings.map((ring, tier) => {
      const slots = ring.slots();
      return {
        tier: `${TIERS[tier].sliceS} s`,
        slots: slots.length,
        rows: slots.reduce((rows, slot) => rows + slot.bucketNow().rows, 0),
        bytes: slots.reduce((bytes, slot) => bytes + slot.bytes, 0),
      };
    });
  }
}

const NO_TAG = new Uint8Array(0), INSTANCE = "0".repeat(16);
