import { assertEquals } from "@std/assert";
import { type SimulatedClock, simulatedClock } from "@/core/host/clock.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { Delta } from "@/core/bucket.ts";
import type { MergedSlot } from "@/core/store.ts";
import { RemoteError } from "@/proto/client.ts";
import { delta, FakeCollectors } from "./fake_collectors_fixture.ts";
import { Fleet } from "./fleet.ts";

const START = 1_700_006_400;

interface Fixture {
  readonly clock: SimulatedClock;
  readonly collectors: FakeCollectors;
  readonly fleet: Fleet;
  readonly log: readonly string[];
  count(groupBy?: "website" | "source"): Record<string, number>;
}

function fixture(addresses: readonly string[]): Fixture {
  const clock = simulatedClock(START + 10), collectors = new FakeCollectors(), log: string[] = [];
  const fleet = new Fleet({
    source: "agg",
    seed: 1,
    regex: linearRegex,
    clock,
    log: openLog("aggregator", (line) => void log.push(line), () => 0),
    connect: (address) => collectors.connect(address),
    random: () => 1,
    sleep: () => Promise.resolve(),
  });
  fleet.follow(addresses);
  const count = (groupBy: "website" | "source" = "website"): Record<string, number> =>
    Object.fromEntries(
      fleet.view.topN({ window: "5m", groupBy, n: 10, sort: REQUESTS, filter: undefined })
        .entries.map(({ label, values }) => [label, values[REQUESTS]]),
    );
  return { clock, collectors, fleet, log, count };
}

Deno.test("what several collectors deliver adds up, and is told apart by source", async () => {
  const { collectors, fleet, count } = fixture(["a:1", "b:1"]);
  await collectors.give("a:1", delta("col-a", 1, START, 3));
  await collectors.give("b:1", delta("col-b", 1, START, 4));
  assertEquals(count(), { w: 7 });
  assertEquals(count("source"), { "col-b": 4, "col-a": 3 });
  assertEquals(fleet.view.targets().map(({ name, state }) => [name, state]), [
    ["col-a", "connected"],
    ["col-b", "connected"],
  ]);
  fleet.follow([]);
});

Deno.test("a collector that reconnects delivers its last minutes again, and nothing is counted twice", async () => {
  const { collectors, fleet, count } = fixture(["a:1"]);
  const first = delta("col-a", 1, START, 3);
  await collectors.give("a:1", first);
  await collectors.give("a:1", new RemoteError("unreachable", "Cannot reach a:1: gone"));
  await collectors.give("a:1", first);
  await collectors.give("a:1", delta("col-a", 2, START, 2));
  assertEquals(count(), { w: 5 });
  fleet.follow([]);
});

Deno.test("one collector by two addresses is counted once", async () => {
  const { collectors, fleet, count } = fixture(["a:1", "alias:1"]);
  const only = delta("col-a", 1, START, 3);
  await collectors.give("a:1", only);
  await collectors.give("alias:1", only);
  assertEquals(count(), { w: 3 });
  fleet.follow([]);
});

Deno.test("a new aggregator takes the first delta of a clock that is ahead, and of a slice that is not over", async () => {
  const { clock, collectors, fleet, count, log } = fixture(["a:1", "b:1"]);
  // Here it is START + 10; there it is five seconds later.
  clock.advanceMs(5_000);
  await collectors.give("a:1", delta("col-a", 1, START + 10, 3));
  await collectors.give("b:1", delta("col-b", 1, START - 600, 4));
  assertEquals(log.filter((line) => line.includes("not merged")), []);
  assertEquals(fleet.view.store.endS, START + 10);
  clock.advanceMs(40_000);
  fleet.tick();
  const { total } = fleet.view.topN({ window: "60m", groupBy: "uri", n: 1, sort: REQUESTS, filter: undefined });
  assertEquals([count(), total[REQUESTS]], [{ w: 3 }, 7]);
  fleet.follow([]);
});

Deno.test("what a collector could not deliver is shown with it, and what came by another address is not missed", async () => {
  const { collectors, fleet } = fixture(["a:1", "alias:1"]);
  await collectors.give("a:1", delta("col-a", 1, START, 3));
  await collectors.give("alias:1", delta("col-a", 2, START, 3));
  await collectors.give("a:1", delta("col-a", 3, START, 3));
  assertEquals(fleet.view.targets().map(({ problem }) => problem), ["", ""]);
  await collectors.give("a:1", delta("col-a", 5, START, 3));
  await collectors.give("a:1", { caughtUp: true });
  assertEquals(fleet.view.targets().map(({ problem }) => problem.slice(0, 19)), ["1 bucket is missing", ""]);
  fleet.follow([]);
});

Deno.test("a collector that reconnects is told what is here, and its slots fill what is not", async () => {
  const { collectors, fleet } = fixture(["a:1"]);
  await collectors.give("a:1", delta("col-a", 7, START, 3));
  await collectors.give("a:1", new RemoteError("unreachable", "Cannot reach a:1: gone"));
  await collectors.give("a:1", { source: "col-a", newestS: START });
  assertEquals(collectors.asked.map(({ has }) => has), [[], [{
    source: "col-a",
    instance: "of-col-a",
    ranges: [[7, 7]],
  }]]);
  const { bucket } = delta("col-a", 0, START - 600, 5), slotS = START - 600;
  const slot = (first: number, last: number, startS = slotS): MergedSlot => ({
    tier: 1,
    startS,
    known: 63,
    identities: [{ source: "col-a", instance: "of-col-a", ranges: [[first, last]] }],
    bucket: { ...bucket, startS, lengthS: 60 },
  });
  await collectors.give("a:1", slot(1, 6));
  await collectors.give("a:1", slot(1, 6));
  await collectors.give("a:1", slot(6, 9, slotS + 60));
  const { total } = fleet.view.topN({ window: "60m", groupBy: "uri", n: 1, sort: REQUESTS, filter: undefined });
  assertEquals(total[REQUESTS], 8, "once, and what overlaps not at all");
  fleet.follow([]);
});

Deno.test("a slice from a clock that is ahead is held until its time has come", async () => {
  const { clock, collectors, fleet, count } = fixture(["a:1"]);
  await collectors.give("a:1", delta("col-a", 1, START, 1));
  await collectors.give("a:1", delta("col-a", 2, START + 60, 5));
  assertEquals([count(), fleet.view.store.endS], [{ w: 1 }, START + 10]);
  clock.advanceMs(90_000);
  fleet.tick();
  assertEquals(count(), { w: 6 });
  fleet.follow([]);
});

Deno.test("a slice from the far past or future is refused, named once, and changes nothing", async () => {
  const { collectors, fleet, count, log } = fixture(["a:1"]);
  await collectors.give("a:1", delta("col-a", 1, START, 1));
  await collectors.give("a:1", delta("col-a", 2, 0, 5));
  await collectors.give("a:1", delta("col-a", 3, 10, 5));
  await collectors.give("a:1", delta("col-a", 4, 4_102_444_800, 5));
  assertEquals([count(), fleet.view.store.endS], [{ w: 1 }, START + 10]);
  assertEquals(log.filter((line) => line.includes("not merged")).length, 2);
  fleet.follow([]);
});

Deno.test("a collector that stops delivering is missing, and what it delivered stays", async () => {
  const { clock, collectors, fleet, count } = fixture(["a:1", "b:1"]);
  await collectors.give("a:1", delta("col-a", 1, START, 3));
  await collectors.give("b:1", delta("col-b", 1, START, 4));
  for (let i = 1; i <= 4; i++) {
    clock.advanceMs(10_000);
    await collectors.give("b:1", delta("col-b", 1 + i, START + 10 * i, 1));
  }
  const { coverage } = fleet.view.topN({ window: "5m", groupBy: "uri", n: 1, sort: REQUESTS, filter: undefined });
  assertEquals([coverage.expected, coverage.present, coverage.missing], [2, 1, ["col-a"]]);
  assertEquals(count(), { w: 11 });
  fleet.follow([]);
});

Deno.test("a cloned machine is counted apart from the one whose identity it has, and both are told", async () => {
  const { collectors, fleet, count, clock, log } = fixture(["a:1", "clone:1"]);
  const sent = (sequence: number, requests: number, checksum: number): Delta => {
    const one = delta("col-a", sequence, START, requests);
    return { ...one, identity: { ...one.identity, checksum } };
  };
  await collectors.give("a:1", sent(7, 3, 70));
  await collectors.give("clone:1", sent(7, 5, 71));
  await collectors.give("clone:1", sent(8, 10, 81));
  await collectors.give("a:1", sent(8, 20, 80));
  assertEquals(count(), { w: 38 });
  const problems = (): boolean[] =>
    fleet.view.targets().map(({ problem }) => problem.includes("cloned with its state"));
  assertEquals(problems(), [false, true]);
  fleet.tick();
  assertEquals(log.filter((line) => line.includes("cloned")).length, 1);
  // What it is told to have is its own, under the name it has for itself.
  await collectors.give("clone:1", new RemoteError("unreachable", "gone"));
  await collectors.give("clone:1", { source: "col-a", newestS: START });
  assertEquals(collectors.asked.at(-1)?.has.map(({ instance, ranges }) => [instance, ranges]), [["of-col-a", [[
    7,
    8,
  ]]]]);
  await collectors.give("clone:1", sent(8, 10, 81));
  assertEquals(count(), { w: 38 });
  clock.advanceMs(1);
  fleet.follow([]);
});

Deno.test("the same content by two addresses is one source", async () => {
  const { collectors, fleet, count } = fixture(["a:1", "alias:1"]);
  for (const address of ["a:1", "alias:1"]) await collectors.give(address, delta("col-a", 7, START, 3));
  assertEquals([count(), fleet.view.targets().map(({ problem }) => problem)], [{ w: 3 }, ["", ""]]);
  fleet.follow([]);
});

Deno.test("two collectors with one name are both counted, and told to have names of their own", async () => {
  const { collectors, fleet, count } = fixture(["a:1", "b:1"]);
  const other = delta("web", 1, START, 4);
  await collectors.give("a:1", delta("web", 1, START, 3));
  await collectors.give("b:1", { ...other, identity: { ...other.identity, instance: "another" } });
  assertEquals(count(), { w: 7 });
  const problems = fleet.view.targets().map(({ problem }) => problem);
  assertEquals(problems.every((problem) => problem.includes("give each a --source of its own")), true);
  fleet.follow([]);
});

Deno.test("an aggregator that is followed is present when those behind it have delivered", async () => {
  const { clock, collectors, fleet } = fixture(["relay:1", "b:1"]);
  await collectors.give("relay:1", { source: "agg-1", newestS: START });
  await collectors.give("relay:1", delta("col-a", 1, START, 3));
  await collectors.give("b:1", delta("col-b", 1, START, 4));
  for (let i = 1; i <= 4; i++) {
    clock.advanceMs(10_000);
    await collectors.give("relay:1", delta("col-a", 1 + i, START + 10 * i, 1));
    await collectors.give("b:1", delta("col-b", 1 + i, START + 10 * i, 1));
  }
  const { coverage } = fleet.view.topN({ window: "5m", groupBy: "uri", n: 1, sort: REQUESTS, filter: undefined });
  assertEquals([coverage.expected, coverage.present, coverage.missing], [2, 2, []]);
  fleet.follow([]);
});

Deno.test("when the clock goes back, what it made forgotten is asked for again, and once more when its time has come", async () => {
  const { clock, collectors, fleet, log } = fixture(["a:1"]);
  const deltas = Array.from({ length: 100 }, (_, i) => delta("col-a", 1 + i, START + 10 * i, 1));
  for (const one of deltas) {
    await collectors.give("a:1", one);
    clock.advanceMs(10_000);
  }
  const counted = (): number => fleet.view.topN(LAST_HOUR).total[REQUESTS];
  assertEquals(counted(), 100);
  // Somebody sets the clock back, and nobody takes that back.
  clock.stepWallMs(-800_000);
  fleet.tick();
  clock.advanceMs(301_000);
  fleet.tick();
  await collectors.give("a:1", { source: "col-a", newestS: START });
  const has = (): unknown => collectors.asked.at(-1)?.has.map(({ ranges }) => ranges);
  const kept = counted();
  assertEquals([kept < 60, collectors.asked.length, has()], [true, 2, [[[1, kept]]]]);
  assertEquals(log.filter((line) => line.includes(`asked for again deltas=${100 - kept}`)).length, 1);
  // All is sent anew: a part of it is taken now, and held until its time has come.
  for (const one of deltas.slice(kept)) await collectors.give("a:1", one);
  const taken = kept + fleet.outcomes.get("merged")! - 100;
  assertEquals([taken > kept, taken < 100], [true, true]);
  assertEquals(fleet.view.targets()[0].problem.includes("to come; check the source's clock"), true);
  for (let i = 0; i < 30; i++) {
    clock.advanceMs(10_000);
    fleet.tick();
  }
  await collectors.give("a:1", { source: "col-a", newestS: START });
  assertEquals([collectors.asked.length, has()], [3, [[[1, taken]]]]);
  for (const one of deltas.slice(taken)) await collectors.give("a:1", one);
  for (let i = 0; i < 40; i++) {
    clock.advanceMs(10_000);
    fleet.tick();
  }
  assertEquals(counted(), 100);
  fleet.follow([]);
});

const LAST_HOUR = { window: "60m", groupBy: "uri", n: 1, sort: REQUESTS, filter: undefined } as const;

Deno.test("the newest slice is incomplete until all who deliver have delivered to it; what is late changes its own point", async () => {
  const { clock, collectors, fleet } = fixture(["a:1", "b:1", "away:1"]);
  const points = (): unknown =>
    fleet.view.trend({ window: "1m", filter: undefined }).points.slice(-3).map(({ count, incomplete }) => [
      count,
      incomplete,
    ]);
  for (let i = 0; i < 3; i++) {
    await collectors.give("a:1", delta("col-a", 1 + i, START + 10 * i, 1));
    if (i < 2) await collectors.give("b:1", delta("col-b", 1 + i, START + 10 * i, 10));
    clock.advanceMs(10_000);
  }
  // One that was never there is missing, as its coverage says; nobody waits for it.
  assertEquals(points(), [[11, false], [11, false], [1, true]]);
  await collectors.give("b:1", delta("col-b", 3, START + 20, 10));
  assertEquals(points(), [[11, false], [11, false], [11, false]]);
  // A late one of a slice that is long whole, and one of an hour that is.
  await collectors.give("b:1", delta("col-b", 4, START, 100));
  assertEquals(points(), [[111, false], [11, false], [11, false]]);
  const { points: hour } = fleet.view.trend({ window: "60m", filter: undefined });
  assertEquals(hour.map(({ count }) => count).filter((count) => count !== null), [133]);
  fleet.follow([]);
});
