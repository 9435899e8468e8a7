/**
 * What a follower of buckets is sent: a bucket where it fits into a message, and a gap where none can be.
 */
import { BUCKET_MESSAGE_BYTES_MAX } from "@/core/bounds.ts";
import type { BackfillItem } from "@/core/backfill.ts";
import type { Bucket } from "@/core/bucket.ts";
import { bucketBytes } from "@/core/bucket_block.ts";
import { deltaMessage } from "./bucket_message.ts";
import { slotMessage } from "./slot_message.ts";
import { STREAM_BUCKETS, type StreamBucketsResponse } from "./schema.ts";

/** Bytes of a message that are not columns: names, totals and field headers are about 3000, a source's name 255; ranges of a
 * slot are at most DELTA_RANGES_MAX, and mostly one. */
const FRAME_BYTES = 256 * 1024;

/**
 * The messages of one item, before which `dropped` deltas were lost. One that is larger than a message may be becomes a gap
 * as well: to gRPC it would be the end of the stream, again after every reconnection.
 *
 * @param readsCut whether the reader knows that a relay cuts
 */
export function bucketResponses(
  item: BackfillItem,
  dropped: number,
  readsCut = true,
  bytesMax: number = BUCKET_MESSAGE_BYTES_MAX,
): readonly StreamBucketsResponse[] {
  const responses: StreamBucketsResponse[] = [];
  if (dropped > 0) responses.push({ gap: { dropped, problem: "" } });
  if ("caughtUp" in item) return [...responses, { caught_up: {} }];
  const response = "identity" in item ? { delta: deltaMessage(item, readsCut) } : { slot: slotMessage(item) };
  const bytes = bytesAtMost(item.bucket, response, bytesMax);
  if (bytes <= bytesMax) responses.push(response);
  else {
    const problem = `a bucket of ${mebibytes(bytes)} does not fit into a message, which has at most ${
      mebibytes(bytesMax)
    }`;
    responses.push({ gap: { dropped: 1, problem } });
  }
  return responses;
}

/** Bytes on the wire, as an upper bound while that is good enough: only the exact number costs a serialization. */
function bytesAtMost(bucket: Bucket, response: StreamBucketsResponse, bytesMax: number): number {
  const bound = bucketBytes(bucket) + FRAME_BYTES;
  return bound <= bytesMax ? bound : STREAM_BUCKETS.responseSerialize(response).length;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
