/** Rankings over the wire, from a live view: by every measure, and with what is not listed. */
import { assert, assertEquals } from "@std/assert";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { openLog } from "@/core/host/log.ts";
import { LiveView } from "@/core/live_view.ts";
import { IS_SUM, MEASURES, VALUE_MAX } from "@/core/measures.ts";
import { trafficBucket } from "@/core/test_buckets.ts";
import { connect } from "./client.ts";
import { serve } from "./service.ts";

const START = 1_700_006_400;

Deno.test("the same ranking arrives by every measure, with what roll-up makes uncertain", async () => {
  const view = new LiveView({ source: "col-1", seed: 1, regex: linearRegex, targets: () => [] });
  view.advance(START + 10);
  const traffic = { rows: 2000, sites: 40, prefixes: 2000, uris: 2000 };
  const bucket = trafficBucket(1, traffic, START, 10, { rowsMax: 200, entriesMax: 50, entryBytesMax: 4000 });
  const identity = { source: "col-1", instance: "0123456789abcdef", sequence: 1, checksum: bucketChecksum(bucket) };
  assertEquals(view.accept({ identity, bucket }, START + 10), "merged");
  const log = openLog("collector", () => {});
  const serving = await serve({ listen: "127.0.0.1:0", answerer: view, regex: linearRegex, log });
  const client = connect(`127.0.0.1:${serving.port}`);
  const orders = new Set<string>();
  for (let sort = 0; sort < MEASURES.length; sort++) {
    const question = { window: "1m", groupBy: "prefix", n: 15, sort, filter: undefined } as const;
    const answer = await client.topN(question, 5_000);
    assertEquals(answer, view.topN(question), MEASURES[sort].sort);
    const ranked = answer.entries.map(({ values }) => values[sort]);
    assertEquals(ranked, ranked.toSorted((a, b) => b - a), MEASURES[sort].sort);
    assert(answer.unlistedMax > 0 && answer.entries.some(({ values, countMax }) => countMax > values[0]));
    if (IS_SUM[sort]) {
      assertEquals(ranked.reduce((sum, value) => sum + value, answer.other[sort]), answer.total[sort]);
    }
    orders.add(answer.entries.map(({ label }) => label).join());
  }
  assertEquals(orders.size, MEASURES.length, "four measures, four orders");
  client.close();
  await serving.stop(1_000);
});

Deno.test("the largest sum arrives as it is, and never as more", async () => {
  const view = new LiveView({ source: "col-1", seed: 1, regex: linearRegex, targets: () => [] });
  const question = { window: "1m", groupBy: "uri", n: 5, sort: 1, filter: undefined } as const;
  const most = Float64Array.of(1, VALUE_MAX, 2, 2);
  const answer = {
    ...view.topN(question),
    total: most,
    totalMax: 3,
    entries: [{ label: "/", values: most, countMax: VALUE_MAX }],
  };
  view.topN = () => answer;
  const log = openLog("collector", () => {});
  const serving = await serve({ listen: "127.0.0.1:0", answerer: view, regex: linearRegex, log });
  const client = connect(`127.0.0.1:${serving.port}`);
  assertEquals(await client.topN(question, 5_000), answer);
  client.close();
  await serving.stop(1_000);
});
