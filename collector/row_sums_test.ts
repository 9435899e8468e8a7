import { assertEquals } from "@std/assert";
import { METHOD, STATUS, TAG, URI, WEBSITE } from "@/core/dimensions.ts";
import { emptyBucket } from "@/core/bucket.ts";
import { REQUESTS } from "@/core/measures.ts";
import { trafficBucket } from "@/core/test_buckets.ts";
import { sumOfRows } from "./row_sums.ts";

const TRAFFIC = { rows: 3000, sites: 50, prefixes: 400, uris: 2000, asn: true, source: "s" };
const BUCKET = trafficBucket(5, TRAFFIC, 0, 10);

function naive(dimensions: readonly number[], placeOf: (d: number, id: number) => number): Map<string, number> {
  const sums = new Map<string, number>();
  for (let row = 0; row < BUCKET.rows; row++) {
    const key = dimensions.map((d) => placeOf(d, BUCKET.indexes[d][row])).join(" ");
    sums.set(key, (sums.get(key) ?? 0) + BUCKET.measures[REQUESTS][row]);
  }
  return sums;
}

function sizeOf(dimension: number): number {
  return BUCKET.dictionaries[dimension].size;
}

Deno.test("rows add up by any dimensions, whether few cells or many", () => {
  for (const dimensions of [[WEBSITE, METHOD, STATUS], [TAG, STATUS], [URI, WEBSITE, URI, STATUS], [STATUS]]) {
    const sums = sumOfRows(BUCKET, dimensions.map((dimension) => ({ dimension, size: sizeOf(dimension) })));
    assertEquals(new Map(sums.map(({ ids, requests }) => [ids.join(" "), requests])), naive(dimensions, (_, id) => id));
  }
  assertEquals(sumOfRows(emptyBucket(0, 10), [{ dimension: URI, size: 1 }]), []);
});

Deno.test("entries can be put together before", () => {
  const places = Int32Array.from({ length: sizeOf(STATUS) }, (_, id) => id % 2);
  const digits = [{ dimension: WEBSITE, size: sizeOf(WEBSITE) }, { dimension: STATUS, size: 2, places }];
  const sums = sumOfRows(BUCKET, digits);
  const expected = naive([WEBSITE, STATUS], (d, id) => d === STATUS ? places[id] : id);
  assertEquals(new Map(sums.map(({ ids, requests }) => [ids.join(" "), requests])), expected);
});
