import { assert, assertEquals } from "@std/assert";
import { DIMENSIONS, OTHER } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { MEASURE_COUNT, TIME_MAX, VALUE_MAX } from "./measures.ts";
import type { Caps } from "./slices.ts";
import type { Bucket } from "./bucket.ts";
import { CounterTable } from "./counter_table.ts";
import { EntrySums } from "./entry_sums.ts";
import { dictionaryInBlock } from "./given_up.ts";
import { seal } from "./seal.ts";
import { NO_CAPS, trafficBucket } from "./test_buckets.ts";
import { countRequest } from "./test_lines.ts";

const TRAFFIC = { rows: 4500, sites: 30, prefixes: 2000, uris: 2000 };

/** What entries have, as marginals say it. */
function marginals(bucket: Bucket, d: number): Float64Array {
  const { size, marginals } = bucket.dictionaries[d];
  return Float64Array.from(
    { length: size * MEASURE_COUNT },
    (_, i) => marginals[i % MEASURE_COUNT][i / MEASURE_COUNT | 0],
  );
}

Deno.test("what entries have is what their marginals say, in one bucket after the other, cut or not", () => {
  const cut: Caps = { rowsMax: 300, entriesMax: 120, entryBytesMax: Infinity }, sums = new EntrySums();
  let folded = 0;
  for (const [seed, caps] of [[1, NO_CAPS], [2, cut], [3, NO_CAPS], [4, cut]] as const) {
    const bucket = trafficBucket(seed, TRAFFIC, 0, 10, caps);
    for (let d = 0; d < DIMENSIONS.length; d++) {
      const dictionary = dictionaryInBlock(bucket, d), there = sums.of(bucket, d, dictionary);
      folded += there[OTHER];
      assertEquals(
        there.slice(0, dictionary.size * MEASURE_COUNT),
        marginals(bucket, d),
        `${DIMENSIONS[d].name} ${seed}`,
      );
    }
  }
  assert(folded > 0, "no entry was folded");
});

Deno.test("a time that no word holds is the largest all the same", () => {
  for (const most of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, VALUE_MAX]) {
    const table = new CounterTable(1);
    for (const [uri, time] of [["/a", 7], ["/a", most - 1], ["/a", most], ["/b", 2], ["/b", 1]] as const) {
      const values = ["w", "10.0.0.0/24", uri, `${time % 1000}`, "GET", "", "", "", "c"];
      countRequest(table, { values, measures: [1, 1, 1, time] });
    }
    const bucket = seal(table, 0, 10, emptyLedger(), NO_CAPS), dictionary = dictionaryInBlock(bucket, 2);
    const sums = new EntrySums().of(bucket, 2, dictionary);
    assertEquals([1, 2].map((e) => sums[e * MEASURE_COUNT + TIME_MAX]), [most, 2]);
  }
});
