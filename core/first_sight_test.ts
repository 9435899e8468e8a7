import { assert, assertEquals } from "@std/assert";
import { CounterTable } from "./counter_table.ts";
import { URI } from "./dimensions.ts";
import { FirstSight } from "./first_sight.ts";
import { fold, rollUp } from "./roll_up.ts";
import { MEASURE_COUNT, REQUESTS } from "./measures.ts";
import { countRequest, randomFrom, randomRequest } from "./test_lines.ts";
import { tableMarginals } from "./test_tables.ts";

/** Half of all is enough; a table of 100 requests and 1000 bytes. */
function sights(enough = 0.5): { table: CounterTable; sight: FirstSight; bounds: () => number[] } {
  const table = new CounterTable(1), parts = Float64Array.of(1 / 100, 1 / 1000, 1, 0);
  const sight = new FirstSight(table, URI, enough, parts);
  table.givenUpFor(URI, 0);
  return { table, sight, bounds: () => [table.lostMax[URI][REQUESTS], table.foldedMax[URI][REQUESTS]] };
}

Deno.test("a value is entered when it weighs enough, or what has come of it does", () => {
  const { sight } = sights(), came = [5, 6, 5, 7].map((hash) => sight.isEnough(hash, hash === 7 ? 0.5 : 0.3));
  assertEquals(came, [false, false, true, true]);
  const often = sights();
  const first = Array.from({ length: 40 }, () => often.sight.isEnough(9, 0)).indexOf(true);
  assert(first > 2 && first < 40, `what weighs nothing is entered as well, the ${first}th time`);
});

Deno.test("what is not entered is OTHER's, and the bounds grow by what one value can have had, in every generation anew", () => {
  const { table, sight, bounds } = sights();
  sight.take(Float64Array.of(0, 0, 0, 0, 3, 30, 5, 9), MEASURE_COUNT, [], 0);
  sight.take(Float64Array.of(2, 20, 5, 7), 0, [], 0);
  for (let looks = 0; looks < 2; looks++) {
    sight.settle();
    assertEquals(bounds(), [45, 45], "fifteen times the most that came at once");
  }
  sight.take(Float64Array.of(40, 20, 5, 7), 0, [], 0);
  sight.settle();
  assertEquals(bounds(), [50, 50], "but no more than is enough");
  assertEquals([...table.givenUp[URI].subarray(0, MEASURE_COUNT)], [45, 70, 15, 9]);
  for (let hash = 0; hash < 2 ** 18; hash++) {
    sight.reserve(1);
    sight.isEnough(hash, 0);
  }
  sight.take(Float64Array.of(1, 1, 1, 1), 0, [], 0);
  sight.settle();
  assertEquals(bounds(), [65, 65], "one generation after the other");
});

Deno.test("what a value had given up before it was OTHER's counts for what it can have lost", () => {
  const { table, sight, bounds } = sights(1),
    givenUp = [Uint8Array.of(0, 4), Uint16Array.of(0, 900), Uint8Array.of(0, 0)];
  sight.take(Float64Array.of(0, 0, 0, 0, 2, 20, 5, 7), MEASURE_COUNT, [...givenUp, Uint8Array.of(0, 9)], 1);
  sight.settle();
  assertEquals(bounds(), [90, 90], "fifteen times six");
  assertEquals([...table.givenUp[URI].subarray(0, MEASURE_COUNT)], [2, 20, 5, 7], "and is not entered twice");
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
