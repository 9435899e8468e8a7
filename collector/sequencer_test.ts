import { assertEquals } from "@std/assert";
import { emptyBucket } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { Sequencer } from "./sequencer.ts";
import type { Sealed } from "./thread_message.ts";

Deno.test("every bucket gets the next sequence number and the checksum of its content", () => {
  const sequencer = new Sequencer("col-1", "0123456789abcdef");
  const buckets = [emptyBucket(10, 10), emptyBucket(20, 10)];
  const sealed: Sealed = { kind: "sealed", endS: 30, nowS: 30.5, problem: "", buckets, positions: [] };
  const first = sequencer.deltas(sealed);
  const second = sequencer.deltas({ ...sealed, endS: 40, problem: "a log", buckets: [emptyBucket(30, 10)] });
  assertEquals(
    [...first, ...second].map(({ identity }) => identity),
    [10, 20, 30].map((startS, i) => ({
      source: "col-1",
      instance: "0123456789abcdef",
      sequence: i + 1,
      checksum: bucketChecksum(emptyBucket(startS, 10)),
    })),
  );
  const { newestS, problem } = sequencer.target("host:9090");
  assertEquals([newestS, problem], [40, "a log"]);
  sequencer.deltas({ ...sealed, endS: 20 });
  assertEquals(sequencer.target("host:9090").newestS, 20, "it goes back with the clock");
});
