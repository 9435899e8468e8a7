import { assert, assertEquals } from "@std/assert";
import { CounterTable } from "./counter_table.ts";
import { URI } from "./dimensions.ts";
import { FirstSight } from "./first_sight.ts";
import { fold, rollUp } from "./roll_up.ts";
import { MEASURE_COUNT, REQUESTS } from "./measures.ts";
import { countRequest, randomFrom, randomRequest } from "./test_lines.ts";
import { tableMarginals } from "./test_tables.ts";

function sights(): { table: CounterTable; sight: FirstSight; bounds: () => number[] } {
  const table = new CounterTable(1), sight = new FirstSight(table, URI);
  table.givenUpFor(URI, 0);
  return { table, sight, bounds: () => [table.lostMax[URI][REQUESTS], table.foldedMax[URI][REQUESTS]] };
}

Deno.test("a value is seen for the first time once", () => {
  const { sight } = sights();
  assertEquals([sight.isAgain(5), sight.isAgain(6), sight.isAgain(5)], [false, false, true]);
});

Deno.test("what is not entered is OTHER's, and the bounds grow by the most of one value, in every generation anew", () => {
  const { table, sight, bounds } = sights(), none = new Float64Array(MEASURE_COUNT);
  sight.take(Float64Array.of(3, 30, 5, 9), none, 0);
  sight.take(Float64Array.of(2, 20, 5, 7), Float64Array.of(4, 0, 0, 0), 0);
  for (let looks = 0; looks < 2; looks++) {
    sight.settle();
    assertEquals(bounds(), [3, 6]);
  }
  assertEquals([...table.givenUp[URI].subarray(0, MEASURE_COUNT)], [5, 50, 10, 9]);
  for (let hash = 0; hash < 2 ** 21; hash++) sight.isAgain(hash);
  sight.take(Float64Array.of(1, 1, 1, 1), none, 0);
  sight.settle();
  const [lost, folded] = bounds();
  assert(lost === 4 && folded === 7, `${lost} and ${folded}: one generation after the other`);
});

Deno.test("entries that fold when no row has them any more take with them what they gave up, and nobody else's", () => {
  const table = new CounterTable(3), random = randomFrom(5), truth = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    const request = randomRequest(random, 300);
    truth.set(request.values[URI], (truth.get(request.values[URI]) ?? 0) + 1);
    countRequest(table, request);
  }
  rollUp(table, 1);
  fold(table, URI, 20, Infinity);
  const marginals = tableMarginals(table)[URI], { size } = table.dictionaries[URI];
  let sum = table.givenUp[URI][REQUESTS];
  assertEquals(size, 20);
  for (let id = 1; id < size; id++) {
    const text = new TextDecoder().decode(table.dictionaries[URI].entry(id)), count = marginals[id * MEASURE_COUNT];
    assertEquals(count, truth.get(text), text);
    sum += count;
  }
  assertEquals(sum, 2000);
});
