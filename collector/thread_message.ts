/**
 * What the main thread and an ingest thread say to each other. Every message names its kind, so that other traffic
 * (raw lines, later) can share the channel.
 */
import type { Bucket } from "@/core/bucket.ts";
import type { ClientMasks } from "@/core/line_batch.ts";
import type { Position } from "./followed_file.ts";

/** Main thread → ingest thread. */
export type ToThread =
  | {
    readonly kind: "start";
    readonly patterns: readonly string[];
    readonly from: "start" | "end";
    readonly source: string;
    readonly masks: ClientMasks;
    readonly seed: number;
    /** Where a former thread stopped; empty for the first. */
    readonly positions: readonly Position[];
  }
  | { readonly kind: "patterns"; readonly patterns: readonly string[] }
  /** Seal what is open, post it, and end. */
  | { readonly kind: "stop" };

/** Ingest thread → main thread. */
export type FromThread = Sealed | { readonly kind: "stopped" };

/** All that was counted up to one read position. Columns are transferred, not copied. */
export interface Sealed {
  readonly kind: "sealed";
  /** End of the newest slice that is over, seconds since 1970: where windows can end. */
  readonly endS: number;
  /** The first carries the ledger. */
  readonly buckets: readonly Bucket[];
  /** Of every file: what has been counted, here or in an earlier message. */
  readonly positions: readonly Position[];
}

/** The buffers of a bucket, for a transfer. Each column must own its buffer, as `seal` makes them. */
export function bucketBuffers(bucket: Bucket): ArrayBuffer[] {
  const columns = [...bucket.indexes, ...bucket.measures, bucket.totals, bucket.ledger];
  for (const { offsets, bytes, marginals, lostMax, foldedMax } of bucket.dictionaries) {
    columns.push(offsets, bytes, ...marginals, lostMax, foldedMax);
  }
  return [...new Set(columns.map((column) => column.buffer))];
}
