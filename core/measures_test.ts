import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  BYTES,
  MEASURE_COUNT,
  mergeColumns,
  mergeValues,
  REQUESTS,
  saturated,
  TIME_MAX,
  VALUE_MAX,
} from "./measures.ts";

Deno.test("a sum beyond 2^53 stays at the largest exact integer, and a maximum stays what it is", () => {
  const values = new Float64Array(MEASURE_COUNT), more = new Float64Array(MEASURE_COUNT);
  values.set([1, VALUE_MAX - 1, 0, 7]);
  more.set([1, 3, 2, 5]);
  mergeValues(values, more);
  assertEquals([...values], [2, VALUE_MAX, 2, 7]);
  mergeColumns(values, [...more].map((value) => [value]), 0);
  assertEquals([values[REQUESTS], values[BYTES], values[TIME_MAX]], [3, VALUE_MAX, 7]);
});

Deno.test("clamping once at the end gives what clamping every step gives", () => {
  fc.assert(fc.property(fc.array(fc.maxSafeNat(), { maxLength: 12 }), (values) => {
    const atOnce = saturated(values.reduce((sum, value) => sum + value, 0));
    const everyStep = values.reduce((sum, value) => saturated(sum + value), 0);
    const exact = values.reduce((sum, value) => sum + BigInt(value), 0n);
    assertEquals(atOnce, everyStep);
    assertEquals(BigInt(atOnce), exact < BigInt(VALUE_MAX) ? exact : BigInt(VALUE_MAX));
  }));
});
