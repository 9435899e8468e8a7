/** What is computed on the way is given back at once, and does not wait for the collector of garbage. */
import { assert } from "@std/assert";
import { bucketProblem } from "./bucket_check.ts";
import { blockOf } from "./bucket_block.ts";
import { compileFilter } from "./filter_match.ts";
import { parseFilter } from "./filter_parse.ts";
import { mergeBuckets } from "./merge.ts";
import { TIERS } from "./slices.ts";
import { trafficBucket } from "./test_buckets.ts";
import { topN } from "./top_n.ts";

const TRAFFIC = { rows: 20_000, sites: 50, prefixes: 6000, uris: 6000 }, START = 1_700_006_400, SEED = 5;
const BUCKETS = Array.from({ length: 6 }, (_, i) => trafficBucket(i, TRAFFIC, START + 10 * i, 10));
/** Bytes for what a run may leave: views, and what is too small to be given back by hand. */
const LEFT_MAX = 100_000;

/** Bytes outside of the heap that are held more after ten runs than after the first, a run. */
function leftByEachRun(run: () => void): number {
  run(); // what is kept for the next one is there from now on
  const before = Deno.memoryUsage().external;
  for (let i = 0; i < 10; i++) run();
  return (Deno.memoryUsage().external - before) / 10;
}

Deno.test("a question gives back what it ranked with", () => {
  for (const text of ["", "status=404", "status>=300 AND method=GET"]) {
    const parsed = parseFilter(text || "status=404");
    if ("mistake" in parsed) throw new Error(parsed.mistake.message);
    const filter = text === "" ? undefined : compileFilter(parsed.filter!, () => ({ test: () => false }));
    for (const joinedMax of [1e6, 0]) {
      const query = { window: "1m", groupBy: "uri", n: 25, sort: 0, filter } as const;
      const left = leftByEachRun(() => void topN(BUCKETS, query, SEED, joinedMax));
      assert(left < LEFT_MAX, `${left} bytes after each ${text || "question without a filter"}`);
    }
  }
});

Deno.test("a bucket that is checked, merged or cut leaves nothing but the bucket that is made of it", () => {
  const checked = leftByEachRun(() => void bucketProblem(BUCKETS[0]));
  assert(checked < LEFT_MAX, `${checked} bytes after each check`);
  for (const caps of [TIERS[1].caps, TIERS[2].caps]) {
    let made = 0;
    const merged = leftByEachRun(() => made = blockOf(mergeBuckets(BUCKETS, START, 60, caps, SEED)).byteLength);
    assert(merged < made + LEFT_MAX, `${merged} bytes after each merge to ${made}`);
  }
});
