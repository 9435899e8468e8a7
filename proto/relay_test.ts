import { assert, assertEquals } from "@std/assert";
import type { BackfillItem } from "@/core/backfill.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import type { Delta } from "@/core/bucket.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { LiveView } from "@/core/live_view.ts";
import { REQUESTS } from "@/core/measures.ts";
import { NO_CAPS, trafficBucket } from "@/core/test_buckets.ts";
import { readDelta } from "./bucket_message.ts";
import { bucketResponses } from "./bucket_stream.ts";
import { STREAM_BUCKETS } from "./schema.ts";

const START_S = 1_700_006_400;

function deltaOf(sequence: number): Delta {
  const bucket = trafficBucket(sequence, { rows: 1500, sites: 20, prefixes: 900, uris: 900 }, START_S, 10, NO_CAPS);
  const identity = {
    source: `col-${sequence}`,
    instance: "0123456789abcdef",
    sequence,
    checksum: bucketChecksum(bucket),
  };
  return { identity, bucket };
}

/** What a follower of a relay reads of an item. */
function received(item: BackfillItem, readsCut: boolean): Delta {
  const [response] = bucketResponses(item, 0, readsCut);
  const bytes = STREAM_BUCKETS.responseSerialize(response) as Parameters<typeof STREAM_BUCKETS.responseDeserialize>[0];
  const reading = readDelta(STREAM_BUCKETS.responseDeserialize(bytes).delta!);
  assert("delta" in reading, JSON.stringify(reading));
  return reading.delta;
}

function viewOf(relayBytesPerSecond: number): LiveView {
  const view = new LiveView({ source: "agg", seed: 3, regex: linearRegex, targets: () => [], relayBytesPerSecond });
  view.advance(START_S + 10);
  return view;
}

Deno.test("a relay cuts what it passes on, under the identity that it has by every path and with exact totals", () => {
  const relay = viewOf(20_000), above = viewOf(20_000), feed = relay.followDeltas([]), next = above.followDeltas([]);
  const deltas = Array.from({ length: 24 }, (_, i) => deltaOf(i + 1));
  for (const delta of deltas) assertEquals(relay.accept(delta, START_S + 11), "merged");
  const items: BackfillItem[] = [];
  for (let item = feed.take(); item !== undefined; item = feed.take()) items.push(item);
  const sent = items.filter((item) => "identity" in item), seen = sent.map((item) => received(item, true));
  assert(seen.at(-1)!.bucket.rows < deltas.at(-1)!.bucket.rows / 2, "cut");
  assertEquals(relay.relayed.deltas, deltas.length);
  assert(relay.relayed.cut > 0);
  for (const [i, delta] of seen.entries()) {
    assertEquals([delta.identity, delta.bucket.totals], [deltas[i].identity, deltas[i].bucket.totals]);
    assertEquals(above.accept(delta, START_S + 12), "merged");
    // The same by another path, cut or not, changes nothing.
    assertEquals([above.accept(delta, START_S + 12), above.accept(deltas[i], START_S + 12)], [
      "duplicate",
      "duplicate",
    ]);
  }
  const question = { window: "1m", groupBy: "website", n: 5, sort: REQUESTS, filter: undefined } as const;
  assertEquals(above.topN(question).total, relay.topN(question).total);
  // And on to the next level.
  const item = next.take();
  assert(item !== undefined && "identity" in item);
  assertEquals(received(item, true).identity, item.identity);
});

Deno.test("a reader that does not know that relays cut gets a delta that it can check", () => {
  const whole = deltaOf(1), bucket = deltaOf(2).bucket, cut = { identity: whole.identity, bucket };
  assertEquals(received(cut, false).identity, { ...whole.identity, checksum: bucketChecksum(bucket) });
  assertEquals(received(cut, true).identity, whole.identity);
  assertEquals(received(whole, false), received(whole, true));
});
