/**
 * Rates of sealing and merging, on a fixed seed: a slice sealed, slices merged into a minute, minutes into one.
 *
 *   deno task bench        LOGTAIL_BENCH_LINES sets the size; `deno task ok` runs it small
 */
import { emptyLedger } from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import { TIERS } from "./slices.ts";
import type { Bucket } from "./bucket.ts";
import { blockOf, openBlock } from "./bucket_block.ts";
import { bucketChecksum, bucketProblem } from "./bucket_check.ts";
import { Kernel } from "./kernel.ts";
import { seal } from "./seal.ts";
import { cutBucket, mergeBuckets } from "./merge.ts";
import { BUSY_MINUTE, BUSY_SLICE, scaled, trafficBucket, trafficTable } from "./test_buckets.ts";

const SHARE = Math.min(1, Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 400_000) / 400_000);
const CAPS = TIERS[1].freshCaps, SMALL_CAPS = TIERS[2].freshCaps;

const table = trafficTable(1, scaled(BUSY_SLICE, SHARE), new Kernel());
const slices = [1, 2, 3, 4, 5, 6].map((seed) => trafficBucket(seed, scaled(BUSY_SLICE, SHARE), 10 * seed, 10, CAPS));
const minutes = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => trafficBucket(seed, scaled(BUSY_MINUTE, SHARE), 0, 60, CAPS));

Deno.bench(`seal a slice of ${table.slim?.rows} rows`, () => void seal(table, 0, 10, emptyLedger(), CAPS));
Deno.bench(`sum up and check a minute of ${minutes[0].rows} rows`, () => {
  bucketChecksum(minutes[0]);
  bucketProblem(openBlock(blockOf(minutes[0])));
});
Deno.bench(`merge ${rowsOf(slices)} rows of 6 slices into a minute`, () => void merged(slices));
Deno.bench(`merge ${rowsOf(minutes)} rows of 8 minutes into one`, () => void merged(minutes));
Deno.bench(`cut a minute of ${minutes[0].rows} rows to ${SMALL_CAPS.rowsMax}`, () => {
  cutBucket(minutes[0], SMALL_CAPS, 1);
});

function merged(buckets: readonly Bucket[]): void {
  const { totals } = mergeBuckets(buckets, 0, 60, CAPS, 2);
  const requests = buckets.reduce((sum, bucket) => sum + bucket.totals[REQUESTS], 0);
  if (totals[REQUESTS] !== requests) throw new Error(`Cannot measure: ${totals[REQUESTS]} of ${requests} were merged`);
}

function rowsOf(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
}
