import { assert, assertEquals } from "@std/assert";
import { blockOf, inBlock, marginalOfEach } from "@/core/bucket_block.ts";
import { derived } from "@/core/derived.ts";
import { URI } from "@/core/dimensions.ts";
import { REQUESTS } from "@/core/measures.ts";
import { trafficBucket } from "@/core/test_buckets.ts";
import { collectGarbage } from "./garbage.ts";

const MEGABYTE = 1 << 20;

Deno.test("what nobody holds any more is gone after a collection, and what somebody holds is not", () => {
  const held = new Uint8Array(MEGABYTE).fill(7), before = Deno.memoryUsage().external;
  let dropped: Uint8Array[] = Array.from({ length: 20 }, () => new Uint8Array(MEGABYTE));
  const grown = Deno.memoryUsage().external;
  assert(grown >= before + 20 * MEGABYTE, "the test holds something that it can drop");
  dropped = [];
  collectGarbage();
  assert(Deno.memoryUsage().external < grown - 18 * MEGABYTE, `${Deno.memoryUsage().external} of ${grown} bytes`);
  assertEquals([held[MEGABYTE - 1], dropped.length], [7, 0]);
});

Deno.test("what a question has computed of a bucket does not hold its block, once nobody else does", async () => {
  const block = new WeakRef(askedBlock());
  assert(derived.bytes > 0, "something is kept of it");
  // A reference that was made in this task is held until its end.
  await new Promise((resolve) => setTimeout(resolve));
  collectGarbage();
  assertEquals(block.deref(), undefined);
});

function askedBlock(): ArrayBuffer {
  const bucket = inBlock(trafficBucket(1, { rows: 300, sites: 3, prefixes: 30, uris: 30 }, 60, 10));
  marginalOfEach(bucket.dictionaries[URI], REQUESTS);
  return blockOf(bucket);
}
