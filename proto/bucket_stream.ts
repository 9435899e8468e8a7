/**
 * What a follower of buckets is sent: a bucket where it fits into a message, and a gap where none can be.
 */
import { MESSAGE_BYTES_MAX } from "@/core/bounds.ts";
import type { Delta } from "@/core/bucket.ts";
import { bucketBytes } from "@/core/bucket_block.ts";
import { deltaMessage } from "./bucket_message.ts";
import { type BucketDeltaMessage, STREAM_BUCKETS, type StreamBucketsResponse } from "./schema.ts";

/** Bytes of a message that are not columns: names, totals and field headers are about 3000, a source's name 255. */
const FRAME_BYTES = 16 * 1024;

/**
 * The messages of one delta, before which `dropped` were lost. One that is larger than a message may be becomes a gap
 * as well: to gRPC it would be the end of the stream, again after every reconnection.
 */
export function bucketResponses(
  delta: Delta,
  dropped: number,
  bytesMax: number = MESSAGE_BYTES_MAX,
): readonly StreamBucketsResponse[] {
  const responses: StreamBucketsResponse[] = [];
  if (dropped > 0) responses.push({ gap: { dropped, problem: "" } });
  const message = deltaMessage(delta);
  const bytes = bytesAtMost(delta, message, bytesMax);
  if (bytes <= bytesMax) responses.push({ delta: message });
  else {
    const problem = `a bucket of ${mebibytes(bytes)} does not fit into a message, which has at most ${
      mebibytes(bytesMax)
    }`;
    responses.push({ gap: { dropped: 1, problem } });
  }
  return responses;
}

/** Bytes on the wire, as an upper bound while that is good enough: only the exact number costs a serialization. */
function bytesAtMost(delta: Delta, message: BucketDeltaMessage, bytesMax: number): number {
  const bound = bucketBytes(delta.bucket) + FRAME_BYTES;
  return bound <= bytesMax ? bound : STREAM_BUCKETS.responseSerialize({ delta: message }).length;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
