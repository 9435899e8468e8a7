import { assertEquals } from "@std/assert";
import { openLog } from "@/core/host/log.ts";
import { type Delta, emptyBucket } from "@/core/bucket.ts";
import type { TargetState } from "@/core/answer.ts";
import { type Client, type DeltaGap, RemoteError } from "@/proto/client.ts";
import { FollowedSource } from "./followed_source.ts";

/** What one connection does: items, then an error or a quiet end. */
type Connection = readonly (Delta | DeltaGap | RemoteError)[];

function delta(sequence: number, startS = 100): Delta {
  return { identity: { source: "col-1", instance: "i", sequence, checksum: 0 }, bucket: emptyBucket(startS, 10) };
}

/** Follows through the given connections and stops after the last. */
async function follow(
  connections: readonly Connection[],
): Promise<{ waits: number[]; states: TargetState[]; taken: number[]; source: FollowedSource }> {
  const waits: number[] = [], states: TargetState[] = [], taken: number[] = [];
  let next = 0;
  async function* deltas(): AsyncIterable<Delta | DeltaGap> {
    for (const item of connections[next++]) {
      if (item instanceof RemoteError) throw item;
      yield await Promise.resolve(item);
    }
  }
  const client: Client = {
    topN: () => Promise.reject(new Error("not asked")),
    trend: () => Promise.reject(new Error("not asked")),
    targets: () => Promise.reject(new Error("not asked")),
    snapshots: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
    }),
    deltas,
    close: () => {},
  };
  const source: FollowedSource = new FollowedSource({
    address: "col-1:9090",
    connect: () => client,
    log: openLog("aggregator", () => {}),
    random: () => 1,
    sleep: (ms) => {
      waits.push(ms);
      states.push(source.target().state);
      if (next === connections.length) source.stop();
      return Promise.resolve();
    },
    onDelta: ({ identity }) => void taken.push(identity.sequence),
  });
  await source.run();
  return { waits, states, taken, source };
}

const REFUSED = new RemoteError("unreachable", "Cannot reach col-1:9090: connection refused");

Deno.test("retries begin after 100 ms and double to 30 s", async () => {
  const { waits, states } = await follow(Array.from({ length: 11 }, () => [REFUSED]));
  assertEquals(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  assertEquals(states.slice(0, 4), ["connecting", "connecting", "degraded", "degraded"]);
});

Deno.test("a delta that arrives begins the backoff anew, and the source's name and newest slice are known from it", async () => {
  const { waits, taken, source } = await follow([[REFUSED], [REFUSED], [delta(1), delta(2, 110), REFUSED], [REFUSED]]);
  assertEquals(waits, [100, 200, 100, 200]);
  assertEquals(taken, [1, 2]);
  const { name, address, newestS, problem } = source.target();
  assertEquals([name, address, newestS, problem], ["col-1", "col-1:9090", 120, REFUSED.message]);
});

Deno.test("buckets that are missing are told, and following goes on", async () => {
  const { taken } = await follow([[delta(1), { dropped: 3 }, delta(5)]]);
  assertEquals(taken, [1, 5]);
});

Deno.test("a stream that ends without an error is a failure too", async () => {
  const { waits } = await follow([[], []]);
  assertEquals(waits, [100, 200]);
});
