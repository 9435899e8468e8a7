import { assert, assertEquals } from "@std/assert";
import { DIMENSION_COUNT, METHOD, PREFIX, STATUS, URI, WEBSITE } from "./dimensions.ts";
import { IS_SUM, MEASURE_COUNT, REQUESTS } from "./measures.ts";
import type { Bucket } from "./bucket.ts";
import { classesOf, FEW_ENTRIES, projectionOn, unclassed } from "./projections.ts";
import { dayOfTraffic, hourOfTraffic } from "./test_traffic.ts";

const BUCKETS = [...dayOfTraffic(5, 2), ...hourOfTraffic(4, 1)];

/** Naive: rows by the entries of some dimensions, with all measures. */
function grouped({ rows, indexes, measures }: Bucket, dimensions: readonly number[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (let row = 0; row < rows; row++) {
    const key = dimensions.map((d) => indexes[d][row]).join(), group = groups.get(key) ?? Array(MEASURE_COUNT).fill(0);
    measures.forEach((column, m) => group[m] = IS_SUM[m] ? group[m] + column[row] : Math.max(group[m], column[row]));
    groups.set(key, group);
  }
  return groups;
}

function classedOf(bucket: Bucket): number[] {
  return Array.from({ length: DIMENSION_COUNT }, (_, d) => d).filter((d) => unclassed(bucket, 1 << d) === 0);
}

Deno.test("rows that agree in what is looked at are one, with what all of them have", () => {
  for (const bucket of BUCKETS) {
    const classed = classedOf(bucket);
    assert(classed.includes(STATUS) && classed.includes(METHOD) && !classed.includes(URI));
    for (
      const [projection, dimensions] of [[classesOf(bucket), classed], [projectionOn(bucket, WEBSITE), [
        ...classed,
        WEBSITE,
      ]]] as const
    ) {
      assert(projection.isWhole && projection.bucket.rows < bucket.rows / 3);
      assertEquals(grouped(projection.bucket, dimensions), grouped(bucket, dimensions));
    }
  }
});

Deno.test("rows of a projection stand by class; on a dimension of many values a large bucket keeps requests alone", () => {
  for (const bucket of BUCKETS) {
    const classes = classesOf(bucket).bucket, classed = classedOf(bucket);
    for (const d of [PREFIX, URI]) {
      assert(bucket.dictionaries[d].size > FEW_ENTRIES);
      const { bucket: projected, starts, isWhole } = projectionOn(bucket, d), naive = grouped(bucket, [...classed, d]);
      assertEquals(isWhole, bucket.rows < 10_000);
      assertEquals(starts.length, classes.rows + 1);
      let row = 0;
      for (let c = 0; c < classes.rows; c++) {
        for (; row < starts[c + 1]; row++) {
          const key = [...classed.map((d) => classes.indexes[d][c]), projected.indexes[d][row]].join();
          for (let m = 0; m < (isWhole ? MEASURE_COUNT : REQUESTS + 1); m++) {
            assertEquals(projected.measures[m][row], naive.get(key)![m], key);
          }
          naive.delete(key);
        }
      }
      assertEquals([row, naive.size], [projected.rows, 0]);
    }
  }
});

Deno.test("dimensions are classed from that of fewest values on, as long as combinations are few", () => {
  const [bucket] = BUCKETS, wide = { ...bucket.dictionaries[STATUS], size: 3000 };
  const dictionaries = bucket.dictionaries.with(STATUS, wide), flooded: Bucket = { ...bucket, dictionaries };
  assertEquals(unclassed(flooded, 1 << STATUS | 1 << METHOD | 1 << URI), 1 << STATUS | 1 << URI);
  assertEquals(classesOf({ ...flooded, rows: 0 }).bucket.rows, 0);
});
