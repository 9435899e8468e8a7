import { assertEquals } from "@std/assert";
import { emptyBucket } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { Sequencer } from "./sequencer.ts";

Deno.test("every bucket gets the next sequence number and the checksum of its content", () => {
  const sequencer = new Sequencer("col-1", "0123456789abcdef");
  const buckets = [emptyBucket(10, 10), emptyBucket(20, 10)];
  const first = sequencer.deltas({ kind: "sealed", endS: 30, buckets, positions: [] });
  const second = sequencer.deltas({ kind: "sealed", endS: 40, buckets: [emptyBucket(30, 10)], positions: [] });
  assertEquals(
    [...first, ...second].map(({ identity }) => identity),
    [10, 20, 30].map((startS, i) => ({
      source: "col-1",
      instance: "0123456789abcdef",
      sequence: i + 1,
      checksum: bucketChecksum(emptyBucket(startS, 10)),
    })),
  );
  assertEquals(sequencer.target("host:9090").newestS, 40);
});
