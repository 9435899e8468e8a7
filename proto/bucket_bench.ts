/**
 * Rates of buckets on the wire, on a fixed seed: encoded, decoded and checked, and merged as an aggregator does.
 *
 *   deno task bench        LOGTAIL_BENCH_LINES sets the size; `deno task ok` runs it small
 */
import type { Bucket, Delta } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { REQUESTS } from "@/core/measures.ts";
import { mergeBuckets } from "@/core/merge.ts";
import { TIERS } from "@/core/slices.ts";
import { BUSY_MINUTE, BUSY_SLICE, NO_CAPS, scaled, type Traffic, trafficBucket } from "@/core/test_buckets.ts";
import { deltaMessage, readDelta } from "./bucket_message.ts";
import { STREAM_BUCKETS } from "./schema.ts";

const SHARE = Math.min(1, Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 400_000) / 400_000);
const CAPS = TIERS[1].freshCaps;

const minutes = deltas(BUSY_MINUTE, 60, 8), slices = deltas(BUSY_SLICE, 10, 6);
const minutesSent = minutes.map(encoded), slicesSent = slices.map(encoded);
const requests = minutes.concat(slices).reduce((sum, { bucket }) => sum + bucket.totals[REQUESTS], 0);
const arrived = [...minutesSent, ...slicesSent].reduce((sum, bytes) => sum + decoded(bytes).totals[REQUESTS], 0);
if (arrived !== requests) throw new Error(`Cannot measure: ${arrived} of ${requests} requests have travelled`);

const minute = `${minutes[0].bucket.rows} rows of ${bytesPerRow(minutes, minutesSent)} B`;
const slice = `${slices[0].bucket.rows} rows of ${bytesPerRow(slices, slicesSent)} B`;
Deno.bench(`encode a minute, ${minute}`, () => void encoded(minutes[0]));
Deno.bench(`decode and check a minute, ${minute}`, () => void decoded(minutesSent[0]));
Deno.bench(`encode a slice, ${slice}`, () => void encoded(slices[0]));
Deno.bench(`decode and check a slice, ${slice}`, () => void decoded(slicesSent[0]));
Deno.bench(`decode, check and merge 8 minutes of ${minute}`, () => {
  mergeBuckets(minutesSent.map(decoded), 0, 60, CAPS, 2);
});
Deno.bench(`decode, check and merge 5 minutes of ${minute}, uncut`, () => {
  mergeBuckets(minutesSent.slice(0, 5).map(decoded), 0, 300, NO_CAPS, 2);
});
Deno.bench(`decode, check and merge 8 times the same minute, ${minute}`, () => {
  mergeBuckets(minutesSent.map(() => decoded(minutesSent[0])), 0, 60, CAPS, 2);
});
Deno.bench(`decode, check and merge 6 slices of ${slice}`, () => {
  mergeBuckets(slicesSent.map(decoded), 0, 60, CAPS, 2);
});

function deltas(traffic: Traffic, lengthS: number, count: number): Delta[] {
  return Array.from({ length: count }, (_, i) => {
    const bucket = trafficBucket(i + 1, scaled(traffic, SHARE), lengthS === 60 ? 0 : 10 * i, lengthS, CAPS);
    const identity = {
      source: "col-1",
      instance: "0123456789abcdef",
      sequence: i + 1,
      checksum: bucketChecksum(bucket),
    };
    return { identity, bucket };
  });
}

function encoded(delta: Delta): Uint8Array {
  return STREAM_BUCKETS.responseSerialize({ delta: deltaMessage(delta) });
}

function decoded(bytes: Uint8Array): Bucket {
  const { delta } = STREAM_BUCKETS.responseDeserialize(
    bytes as Parameters<typeof STREAM_BUCKETS.responseDeserialize>[0],
  );
  const reading = delta ? readDelta(delta) : { problem: "nothing was sent" };
  if ("problem" in reading) throw new Error(`Cannot measure: ${reading.problem}`);
  return reading.delta.bucket;
}

function bytesPerRow(deltas: readonly Delta[], sent: readonly Uint8Array[]): string {
  const rows = deltas.reduce((sum, { bucket }) => sum + bucket.rows, 0);
  return (sent.reduce((sum, { length }) => sum + length, 0) / rows).toFixed(1);
}
