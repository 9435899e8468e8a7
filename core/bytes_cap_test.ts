import { assert, assertEquals } from "@std/assert";
import { blockOf } from "./bucket_block.ts";
import { bucketProblem } from "./bucket_check.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { VALUE_MAX } from "./measures.ts";
import { CounterTable } from "./counter_table.ts";
import { cutBucket } from "./merge.ts";
import { seal } from "./seal.ts";
import { type Caps, TIERS } from "./slices.ts";
import { countRequest, randomFrom } from "./test_lines.ts";
import { BUSY_MINUTE, trafficBucket } from "./test_buckets.ts";

const START = 1_700_006_400;

/** Every value that a client chooses is new and as long as it may be. */
function longValues(rows: number, length: number): CounterTable {
  const table = new CounterTable(3), random = randomFrom(9);
  for (let row = 0; row < rows; row++) {
    const values = Array.from(
      { length: DIMENSION_COUNT },
      (_, d) => d > 5 ? "" : `${d}${random()}`.padEnd(length, "x"),
    );
    countRequest(table, { values, measures: [1, 9e12, 40, 40] });
  }
  return table;
}

Deno.test("a bucket keeps to its bytes, whatever is in it, and its totals stay exact", () => {
  const caps: Caps = { rowsMax: 500, entriesMax: 200, entryBytesMax: 20_000, bytesMax: 30_000 };
  for (const bytes of [20, 100, 400]) {
    const table = longValues(3000, bytes), bucket = seal(table, START, 60, emptyLedger(), caps);
    assert(blockOf(bucket).byteLength <= 30_000, `${bytes}: ${blockOf(bucket).byteLength}`);
    assert(blockOf(bucket).byteLength > 10_000, `${bytes}: no more is given up than has to be`);
    assertEquals([...bucket.totals], [3000, VALUE_MAX, 120_000, 40]);
    assertEquals(bucketProblem(bucket), undefined);
  }
});

Deno.test("even a cap that nothing fits into ends", () => {
  const bucket = seal(longValues(300, 50), START, 60, emptyLedger(), {
    rowsMax: 200,
    entriesMax: 100,
    entryBytesMax: 1e4,
    bytesMax: 1,
  });
  assertEquals([bucket.rows, bucket.totals[0]], [1, 300]);
});

Deno.test("a bucket with few rows and long values is cut to the bytes of smaller caps", () => {
  const whole = seal(longValues(400, 100), START, 60, emptyLedger(), {
    rowsMax: 500,
    entriesMax: 500,
    entryBytesMax: 1e6,
  });
  const cut = cutBucket(whole, { rowsMax: 500, entriesMax: 500, entryBytesMax: 1e6, bytesMax: 100_000 }, 1);
  assert(blockOf(whole).byteLength > 100_000 && blockOf(cut).byteLength <= 100_000);
  assertEquals(cut.totals, whole.totals);
});

Deno.test("ordinary traffic at all other caps has room in the bytes of every tier", () => {
  const minute = trafficBucket(1, { ...BUSY_MINUTE, asn: true }, START, 60);
  for (const caps of new Set(TIERS.flatMap(({ freshCaps, caps }) => [freshCaps, caps]))) {
    const { bytesMax = 0, ...others } = caps, { byteLength } = blockOf(cutBucket(minute, others, 1));
    assert(byteLength > 0.5 * bytesMax && byteLength <= bytesMax, `${byteLength} of ${bytesMax}`);
  }
});
