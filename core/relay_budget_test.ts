import { assert, assertEquals } from "@std/assert";
import { blockOf } from "./bucket_block.ts";
import { bucketProblem } from "./bucket_check.ts";
import { levelOf, RelayBudget } from "./relay_budget.ts";
import { NO_CAPS, trafficBucket } from "./test_buckets.ts";

const SHAPE = { rows: 1500, sites: 20, prefixes: 900, uris: 900 };

Deno.test("the level cuts the largest to what is left when all smaller ones have what they need", () => {
  assertEquals(levelOf([10, 20, 30], 60), Infinity);
  assertEquals(levelOf([10, 20, 30], 50), 20);
  assertEquals(levelOf([100, 1, 100], 21), 10);
  assertEquals(levelOf([30, 30, 30], 60), 20);
  assertEquals(levelOf([], 0), Infinity);
});

Deno.test("below the budget everything is passed on as it came", () => {
  const budget = new RelayBudget(1e6, 1), bucket = trafficBucket(1, SHAPE, 0, 10, NO_CAPS);
  for (let i = 0; i < 20; i++) assertEquals(budget.cut(bucket, 100 + i) === bucket, true);
  assertEquals(budget.relayed.cut, 0);
});

Deno.test("what is passed on stays within the budget, with exact totals, and what is small stays whole", () => {
  const buckets = [1, 2, 3].map((seed) => trafficBucket(seed, SHAPE, 0, 10, NO_CAPS));
  const small = trafficBucket(4, { ...SHAPE, rows: 40 }, 0, 10, NO_CAPS);
  const budget = new RelayBudget(100_000, 1), sent: number[] = [];
  for (let slice = 0; slice < 4; slice++) {
    const before = budget.relayed.bytesSent;
    for (let i = 0; i < 60; i++) {
      const bucket = i % 4 === 3 ? small : buckets[i % 4], passed = budget.cut(bucket, 1000 + 10 * slice);
      assertEquals([passed.totals, passed.ledger, bucketProblem(passed)], [bucket.totals, bucket.ledger, undefined]);
      if (bucket === small) assertEquals(passed, small);
    }
    sent.push(budget.relayed.bytesSent - before);
  }
  const { deltas, cut, bytes, bytesSent } = budget.relayed, whole = blockOf(buckets[0]).byteLength;
  assert(45 * whole > 2e6, "three times what may be sent comes");
  assertEquals(deltas, 240);
  assert(cut >= 120 && bytesSent < bytes / 2);
  for (const bytes of sent.slice(1)) assert(bytes <= 1_000_000 * 1.05, `${bytes} bytes in ten seconds`);
});

Deno.test("a first burst is cut as soon as it shows, and after a pause there is room again", () => {
  const bucket = trafficBucket(1, SHAPE, 0, 10, NO_CAPS), budget = new RelayBudget(100_000, 1);
  for (let i = 0; i < 200; i++) budget.cut(bucket, 1000);
  assert(budget.relayed.bytesSent < 4_000_000, `${budget.relayed.bytesSent} bytes`);
  assertEquals(budget.cut(bucket, 2000), bucket);
});
