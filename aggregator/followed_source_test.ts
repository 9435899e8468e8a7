import { emptyLedger, READ } from "@/core/ledger.ts";
import { assertEquals } from "@std/assert";
import { type SimulatedClock, simulatedClock } from "@/core/host/clock.ts";
import { openLog } from "@/core/host/log.ts";
import { type Delta, emptyBucket } from "@/core/bucket.ts";
import type { TargetInfo, TargetState } from "@/core/answer.ts";
import { type BucketItem, type Client, RemoteError } from "@/proto/client.ts";
import { FIRST_WORD_MS_MAX, SOURCE_ITEMS_BURST_MAX, SOURCES_MAX } from "@/core/bounds.ts";
import { FollowedSource } from "./followed_source.ts";
import { KnownDeltas } from "./known_deltas.ts";

/** What one connection does: items, then an error or a quiet end. */
type Connection = readonly (BucketItem | Error | Meanwhile)[];

/** Something that happens between two items, such as time that passes. */
type Meanwhile = (source: FollowedSource) => void;

function delta(sequence: number, startS = 100): Delta {
  return { identity: { source: "col-1", instance: "i", sequence, checksum: 0 }, bucket: emptyBucket(startS, 10) };
}

const HELLO: BucketItem = { source: "col-1", newestS: 0 };

interface Followed {
  readonly waits: readonly number[];
  /** While waiting. */
  readonly states: readonly TargetState[];
  readonly taken: readonly number[];
  readonly log: readonly string[];
  readonly source: FollowedSource;
}

/** Follows through the given connections and stops after the last. */
async function follow(
  connections: readonly Connection[],
  clock: SimulatedClock = simulatedClock(),
): Promise<Followed> {
  const waits: number[] = [], states: TargetState[] = [], taken: number[] = [], log: string[] = [];
  const known = new KnownDeltas();
  let next = 0;
  // Thrown where it happens, it would be one more failure that is lived through.
  const broken: unknown[] = [];
  const expect = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      broken.push(error);
    }
  };
  async function* deltas(): AsyncIterable<BucketItem> {
    for (const item of connections[next++]) {
      if (item instanceof Error) throw item;
      if (typeof item === "function") expect(() => item(source));
      else yield await Promise.resolve(item);
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
    log: openLog("aggregator", (line) => void log.push(line)),
    nowMs: () => clock.monotonicMs(),
    nowS: () => clock.nowS(),
    random: () => 1,
    sleep: (ms) => {
      waits.push(ms);
      states.push(source.target().state);
      if (next === connections.length) source.stop();
      return Promise.resolve();
    },
    receiver: {
      has: () => known.ranges(),
      onDelta: ({ identity: { source, instance, sequence } }) => {
        if (sequence < 0) return "too_far_ahead";
        known.add([{ source, instance, ranges: [[sequence, sequence]] }]);
        if (taken.includes(sequence)) return "duplicate";
        taken.push(sequence);
        return "merged";
      },
      onSlot: ({ identities: [{ instance }] }) => instance === "overlapping" ? "overlaps" : "merged",
      missing: (source) => known.missing(source),
      takesUntilS: () => clock.nowS() + 300,
    },
  });
  await source.run();
  if (broken.length > 0) throw broken[0];
  return { waits, states, taken, log, source };
}

const REFUSED = new RemoteError("unreachable", "Cannot reach col-1:9090: connection refused");

const CAUGHT_UP = { caughtUp: true } as const;

const UNTROUBLED: TargetInfo = {
  name: "",
  address: "col-1:9090",
  state: "connected",
  newestS: 0,
  problem: "",
  ledger: emptyLedger(),
  sinceS: 1_700_000_000,
};

/** Whose buckets came is another matter. */
function withoutSources(source: FollowedSource): TargetInfo {
  const { delivers: _, ...info } = source.target();
  return info;
}

/** Its newest slice is from 1970, and it is not. */
const BEHIND = { newestS: 110, state: "lagging", sinceS: 110 } as const;

Deno.test("retries begin after 100 ms and double to 30 s", async () => {
  const { waits, states } = await follow(Array.from({ length: 11 }, () => [REFUSED]));
  assertEquals(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  assertEquals(states.slice(0, 4), ["connecting", "connecting", "degraded", "degraded"]);
});

Deno.test("a new delta begins the backoff anew, and the source's name and newest slice are known from it", async () => {
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

Deno.test("a replay of what is known does not begin the backoff anew", async () => {
  const broken: Connection = [{ source: "col-1", newestS: 120 }, delta(1), delta(2, 110), REFUSED];
  const { waits, states } = await follow([broken, broken, broken, broken, [...broken.slice(0, 3), delta(3), REFUSED]]);
  assertEquals(waits, [100, 200, 400, 800, 100]);
  assertEquals(states, ["connecting", "connecting", "degraded", "degraded", "connecting"]);
});

Deno.test("a stream that has lasted begins the backoff anew, a wait for one does not", async () => {
  const clock = simulatedClock();
  const halfMinute = (): void => clock.advanceMs(30_000);
  const hello = { source: "col-1", newestS: 0 };
  const { waits } = await follow([[REFUSED], [halfMinute, hello, REFUSED], [hello, halfMinute, REFUSED]], clock);
  assertEquals(waits, [100, 200, 100]);
});

Deno.test("a source is connected, and has its own name, as soon as the stream stands", async () => {
  const { source, log } = await follow([
    [REFUSED],
    [REFUSED],
    [REFUSED],
    [
      (source) => assertEquals([source.target().state, source.target().problem], ["degraded", REFUSED.message]),
      { source: "agg-1", newestS: 120 },
      (source) => assertEquals(withoutSources(source), { ...UNTROUBLED, name: "agg-1" }),
      delta(1),
      (source) => assertEquals(withoutSources(source), { ...UNTROUBLED, ...BEHIND, name: "agg-1" }),
    ],
    // An older program says no hello: its first delta stands for it.
    [delta(2), (source) => assertEquals(withoutSources(source), { ...UNTROUBLED, ...BEHIND, name: "col-1" })],
  ]);
  assertEquals(source.target().name, "col-1");
  assertEquals(log.filter((line) => line.includes("following a source")).length, 2);
});

Deno.test("a bug while a stream is read is a failure like any other", async () => {
  const { waits, taken, log } = await follow([[new TypeError("planted")], [delta(1)]]);
  assertEquals([waits, taken], [[100, 100], [1]]);
  assertEquals(log.filter((line) => line.includes("this is a bug")).length, 1);
});

Deno.test("a bucket that was refused does not count as the newest slice", async () => {
  const { source } = await follow([[delta(1), delta(-1, 4_102_444_800)]]);
  assertEquals(source.target().newestS, 110);
});

Deno.test("a gap that was told stays visible for a quarter of an hour, whatever comes after it", async () => {
  const clock = simulatedClock();
  const problem = "2 buckets are missing: too large";
  const { log } = await follow([[
    delta(1),
    { dropped: 2, problem: "too large" },
    delta(4),
    () => clock.advanceMs(899_000),
    delta(5),
    (source) => assertEquals(source.target().problem, problem),
    () => clock.advanceMs(1_000),
    (source) => assertEquals(source.target().problem, ""),
  ]], clock);
  assertEquals(log.filter((line) => line.includes("are missing")).length, 1);
});

Deno.test("buckets that were forgotten while the source could not be reached are noticed, once", async () => {
  const known = [delta(1), delta(2)];
  const { source, log } = await follow([
    [...known, CAUGHT_UP, REFUSED],
    [delta(7), delta(6), CAUGHT_UP, REFUSED],
    [delta(8), CAUGHT_UP],
  ]);
  const lines = log.filter((line) => line.includes("buckets of a source are missing"));
  assertEquals([lines.length, lines[0].includes("missing=3")], [1, true]);
  assertEquals(source.target().problem.includes("; 3 buckets are missing: the source had forgotten them"), true);
});

Deno.test("what comes out of order is not missing once it has been caught up with, and a gap that was told is not told again", async () => {
  const { log } = await follow([
    [delta(9), delta(8), delta(5), delta(6), delta(7), CAUGHT_UP, delta(10), { dropped: 2 }, delta(13), REFUSED],
    [delta(14), CAUGHT_UP],
  ]);
  const lines = log.filter((line) => line.includes("buckets of a source are missing"));
  assertEquals(lines.map((line) => /missing=(\d+)/.exec(line)?.[1]), ["2"]);
});

Deno.test("a merged slot counts as heard of, with its ledger", async () => {
  const ledger = emptyLedger();
  ledger[READ] = 7;
  const bucket = emptyBucket(60, 60, ledger),
    identities = [{ source: "col-1", instance: "i", ranges: [[1, 6]] as const }];
  const { source } = await follow([[{ tier: 1, startS: 60, known: 63, identities, bucket }]]);
  assertEquals([source.target().newestS, source.target().ledger[READ]], [120, 7]);
});

Deno.test("a stream that ends without an error is a failure too", async () => {
  const { waits } = await follow([[], []]);
  assertEquals(waits, [100, 200]);
});

Deno.test("what cannot be used is counted with why, and logged once a minute", async () => {
  const refused: BucketItem = { dropped: 1, problem: "its checksum does not match its content", refused: true };
  const ahead = { ...delta(-1, 4_102_444_800) };
  const { log, source } = await follow([[HELLO, refused, refused, ahead, delta(1)]]);
  const why = "3 buckets are refused: it is of 2100-01-01T00:00:00Z, which is to come; check the source's clock";
  assertEquals(source.target().problem.includes(why), true, source.target().problem);
  assertEquals(log.filter((line) => line.includes("a bucket of a source was refused")).length, 1);
});

Deno.test("whoever repeats itself without end is read no further for a while", async () => {
  const { waits } = await follow([Array.from({ length: SOURCE_ITEMS_BURST_MAX + 1 }, () => HELLO)]);
  assertEquals(waits[0], 1);
});

Deno.test("an address delivers for as many sources as there may be, and no more", async () => {
  const { bucket } = delta(1);
  const deltas = Array.from({ length: SOURCES_MAX + 2 }, (_, i): Delta => {
    const identity = { source: `s-${i}`, instance: "i", sequence: i + 1, checksum: 0 };
    return { identity, bucket };
  });
  const { source, taken } = await follow([[HELLO, ...deltas]]);
  assertEquals(taken.length, SOURCES_MAX);
  const why = `2 buckets are refused: it delivers for more than ${SOURCES_MAX} sources`;
  assertEquals(source.target().problem.includes(why), true, source.target().problem);
});

Deno.test("a source that does not say a word for half a minute is given up, and says so", async () => {
  const clock = simulatedClock(), never = (): Promise<never> => Promise.reject(new Error("not asked"));
  const deltas = (signal: AbortSignal): AsyncIterable<BucketItem> => ({
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve({ done: true, value: undefined }))),
    }),
  });
  const snapshots = (): AsyncIterable<never> => ({ [Symbol.asyncIterator]: () => ({ next: never }) });
  const waits: number[] = [];
  const source: FollowedSource = new FollowedSource({
    address: "col-1:9090",
    connect: () => ({ topN: never, trend: never, targets: never, snapshots, deltas, close: () => {} }),
    log: openLog("aggregator", () => {}),
    nowMs: () => clock.monotonicMs(),
    nowS: () => clock.nowS(),
    random: () => 1,
    sleep: (ms) => {
      waits.push(ms);
      source.stop();
      return Promise.resolve();
    },
    receiver: {
      has: () => [],
      onDelta: () => "merged",
      onSlot: () => "merged",
      missing: () => 0,
      takesUntilS: () => Infinity,
    },
  });
  const running = source.run();
  clock.advanceMs(FIRST_WORD_MS_MAX);
  source.tick();
  await Promise.resolve();
  assertEquals(source.target().problem, "");
  clock.advanceMs(1);
  source.tick();
  await running;
  assertEquals(waits, [100]);
  assertEquals(source.target().problem.includes("did not say a word for 30 s"), true);
});

Deno.test("when a slot overlapped, the source is asked again once it has been caught up with: its deltas may still be held", async () => {
  const identities = [{ source: "col-1", instance: "overlapping", ranges: [[1, 6]] as const }];
  const slot: BucketItem = { tier: 1, startS: 60, known: 63, identities, bucket: emptyBucket(60, 60) };
  const { waits, taken, log } = await follow([
    [HELLO, slot, delta(8), CAUGHT_UP],
    [HELLO, slot, CAUGHT_UP],
    [HELLO, delta(9), CAUGHT_UP],
  ]);
  assertEquals(taken, [8, 9]);
  assertEquals(waits, [100, 200, 100], "each time later, and the last is the end of the stream");
  assertEquals(log.filter((line) => line.includes("cannot be followed")).length, 1);
});

Deno.test("whom a relay follows is known as long as its stream stands that told", async () => {
  const behind = [{ name: "web-1", present: false }], seen: unknown[] = [];
  const look = (source: FollowedSource): void => void seen.push(source.target().behind);
  await follow([[HELLO, look, { behind }, look, delta(1), look], [HELLO, look]]);
  assertEquals(seen, [undefined, behind, behind, undefined]);
});
