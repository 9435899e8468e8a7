/** What a page shows beside rankings and trends, over the wire from a live view, and targets with facts that few know. */
import { assert, assertEquals } from "@std/assert";
import type { TargetInfo } from "@/core/answer.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { openLog } from "@/core/host/log.ts";
import { emptyLedger } from "@/core/ledger.ts";
import { LiveView } from "@/core/live_view.ts";
import { trafficBucket } from "@/core/test_buckets.ts";
import { readTarget, readTopNResponse, readTrendResponse, targetMessage } from "./answer_message.ts";
import { connect } from "./client.ts";
import { LIST_TARGETS, TOP_N, TREND } from "./schema.ts";
import { serve } from "./service.ts";

const START = 1_700_006_400;

/** Numbers as plain lists: the wire does not say which kind of array held them. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part) => part instanceof Float64Array ? [...part] : part));
}

Deno.test("details arrive when they are asked for, and only then", async () => {
  const view = new LiveView({ source: "col-1", seed: 1, regex: linearRegex, targets: () => [] });
  for (let slice = 0; slice < 3; slice++) {
    const startS = START + 10 * slice, sequence = slice + 1;
    view.advance(startS + 10);
    const bucket = trafficBucket(slice, { rows: 500, sites: 10, prefixes: 200, uris: 200 }, startS, 10);
    const identity = { source: "col-1", instance: "0123456789abcdef", sequence, checksum: bucketChecksum(bucket) };
    assertEquals(view.accept({ identity, bucket }, startS + 10), "merged");
  }
  const log = openLog("collector", () => {});
  const serving = await serve({ listen: "127.0.0.1:0", answerer: view, regex: linearRegex, log });
  const client = connect(`127.0.0.1:${serving.port}`);
  for (const detail of [true, undefined]) {
    const top = { window: "1m", groupBy: "prefix", n: 5, sort: 0, filter: undefined, detail } as const;
    const ranking = await client.topN(top, 5000), trend = await client.trend(top, 5000);
    assertEquals(plain(ranking), plain(view.topN(top)));
    assertEquals(plain(trend), plain(view.trend(top)));
    assertEquals(ranking.series !== undefined, detail === true);
    assertEquals(ranking.entries.every((entry) => (entry.detail !== undefined) === (detail === true)), true);
    assertEquals(trend.points.at(-1)?.byStatus !== undefined, detail === true);
    assertEquals(trend.previous !== undefined, detail === true);
  }
  client.close();
  await serving.stop(1000);
});

Deno.test("facts that nobody tells stay unknown, and those that are told arrive", () => {
  const target: TargetInfo = {
    name: "a",
    address: "b:1",
    state: "connected",
    newestS: 5,
    problem: "",
    ledger: emptyLedger(),
  };
  const known = { ...target, sinceS: 9, skewMs: -1500, linesPerS: 12.5, memoryBytes: 80_000_000 };
  for (const sent of [target, known]) {
    const bytes = LIST_TARGETS.responseSerialize({ targets: [targetMessage(sent)] });
    assertEquals(readTarget(LIST_TARGETS.responseDeserialize(bytes).targets[0]), sent);
  }
});

Deno.test("more points than any window has, or classes that are not ours, are not taken", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => i), top = { count: 1, count_max: 1 };
  const answer = {
    entries: [{ label: "x", ...top, series: many, by_status: [1, 2, 3, 4, 5] }, { label: "y", ...top, by_status: [1] }],
    ...{ source: "s", from: 0, to: 60, total: null, other: null, coverage: null, unlisted_max: 0, total_max: 0 },
    ...{ series_from: 0, series_step: 10, series_seconds_known: many },
  };
  const question = { window: "1m", groupBy: "uri", n: 5, sort: 0, filter: undefined } as const;
  const read = readTopNResponse(TOP_N.responseDeserialize(TOP_N.responseSerialize(answer)), question);
  assert((read.entries[0].detail?.counts.length ?? 0) <= 48 && (read.series?.secondsKnown.length ?? 0) <= 48);
  assertEquals(read.entries[1].detail, undefined);
  const point = { timestamp_unix: 0, count: 1, missing: false, incomplete: false, by_status: [1, 2] };
  const trend = readTrendResponse(
    TREND.responseDeserialize(TREND.responseSerialize({
      ...{ points: [point], source: "s", from: 0, to: 60, step_seconds: 10, coverage: null },
      ...{ previous: many.slice(0, 9000).map(() => point), previous_step_seconds: 10 },
    })),
    question,
  );
  assertEquals([trend.points[0].byStatus, (trend.previous?.points.length ?? 0) < 300], [undefined, true]);
});
