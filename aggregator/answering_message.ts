/**
 * What the main thread of an aggregator and its answering thread tell each other. Plain data; blocks are copied, since whoever
 * tells goes on with its own.
 */
import type { TargetInfo } from "@/core/answer.ts";
import type { BackfillItem } from "@/core/backfill.ts";
import type { Identity } from "@/core/bucket.ts";
import { blockOf, openBlock } from "@/core/bucket_block.ts";
import type { LogStyle } from "@/core/host/log.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import type { StoreNews } from "@/core/mirror.ts";
import type { MergedSlot } from "@/core/store.ts";
import type { CallsSeen } from "@/proto/call_metric_table.ts";

/** To the answering thread. It begins to serve at the first news that has a moment. */
export type ToAnswering =
  | { readonly kind: "start"; readonly start: AnsweringStart }
  /** `targets` with every moment. */
  | { readonly kind: "news"; readonly news: StoreNews; readonly targets: readonly TargetInfo[] }
  | { readonly kind: "item"; readonly feed: number; readonly item: FeedItem; readonly dropped: number }
  | { readonly kind: "calls" }
  | { readonly kind: "stop"; readonly graceMs: number };

/** To the main thread. */
export type FromAnswering =
  | { readonly kind: "serving"; readonly port: number }
  /** It cannot serve, for a reason that the operator can mend. */
  | { readonly kind: "refused"; readonly why: string; readonly mistakes: readonly string[] }
  /** News up to a moment have been shown. */
  | { readonly kind: "shown" }
  /** Somebody follows: items are wanted, as many as `wanted`. */
  | {
    readonly kind: "follow";
    readonly feed: number;
    readonly has: readonly IdentityRanges[] | undefined;
    readonly wanted: number;
  }
  | { readonly kind: "want"; readonly feed: number }
  | { readonly kind: "unfollow"; readonly feed: number }
  | { readonly kind: "calls"; readonly calls: CallsSeen }
  | { readonly kind: "stopped" };

export interface AnsweringStart {
  readonly listen: string;
  /** Name in answers. */
  readonly source: string;
  /** For hashes. */
  readonly seed: number;
  readonly style: LogStyle;
  /** The flags of the server's certificates and token, by name; what is not given is not there. */
  readonly credentials: Readonly<Record<string, string>>;
}

/** An item of a feed with its bucket as a block. */
export type FeedItem =
  | { readonly identity: Identity; readonly block: ArrayBuffer }
  | Omit<MergedSlot, "bucket"> & { readonly block: ArrayBuffer }
  | { readonly caughtUp: true };

export function packItem(item: BackfillItem): FeedItem {
  if ("caughtUp" in item) return item;
  const { bucket, ...rest } = item;
  return { ...rest, block: blockOf(bucket) };
}

export function openItem(item: FeedItem): BackfillItem {
  if ("caughtUp" in item) return item;
  if ("identity" in item) return { identity: item.identity, bucket: openBlock(item.block) };
  const { block, ...rest } = item;
  return { ...rest, bucket: openBlock(block) };
}
