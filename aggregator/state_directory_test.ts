import { assert, assertEquals, assertRejects } from "@std/assert";
import { type SimulatedClock, simulatedClock } from "@/core/host/clock.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { SimulatedStateFiles } from "@/core/host/state_files_simulated.ts";
import { StateLog } from "@/core/host/state_log.ts";
import { COLLECTOR_BEGIN } from "@/core/host/state_record.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { MergedSlot } from "@/core/store.ts";
import { RemoteError } from "@/proto/client.ts";
import { delta, FakeCollectors } from "./fake_collectors_fixture.ts";
import { Fleet } from "./fleet.ts";
import { type OpenState, openState, type StateOptions } from "./state_directory.ts";
import { BEGIN } from "./state_record.ts";

const START = 1_700_006_400;

/** One aggregator process over a disk. */
class Process {
  readonly collectors = new FakeCollectors();
  readonly said: string[] = [];
  readonly fleet: Fleet;
  state!: OpenState;
  #sleeps = 0;

  constructor(readonly files: SimulatedStateFiles, readonly clock: SimulatedClock, source = "agg") {
    this.fleet = new Fleet({
      source,
      seed: 1,
      regex: linearRegex,
      clock,
      log: openLog("aggregator", (line) => void this.said.push(line), () => 0),
      connect: (address) => this.collectors.connect(address),
      random: () => 1,
      sleep: () => Promise.resolve(),
    });
  }

  async open(more: Partial<StateOptions> = {}, addresses = ["a:1", "b:1"]): Promise<this> {
    const { fleet, files, clock } = this, log = openLog("aggregator", (line) => void this.said.push(line), () => 0);
    this.state = await openState({
      directory: "/state",
      fleet,
      files,
      log,
      random: () => 2 ** 32 * files.random(),
      nowS: () => clock.nowS(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: () => {
        // A test that has failed must not go on for ever.
        if (++this.#sleeps > 1000) files.crashAt = 0;
        return { over: settled(20), wake: () => {} };
      },
      ...more,
    });
    this.state.running.catch(() => {});
    fleet.follow(addresses);
    return this;
  }

  /** Killed after what has come until now is durable, or with that in memory. */
  async killed(isSaved = true): Promise<SimulatedStateFiles> {
    if (isSaved) {
      this.fleet.save();
      await settled(2000);
    }
    this.fleet.follow([]);
    this.files.crashAt = 0;
    return this.files.restarted("power");
  }

  counts(): Record<string, number> {
    const question = { window: "60m", groupBy: "source", n: 10, sort: REQUESTS, filter: undefined } as const;
    const { entries } = this.fleet.view.topN(question);
    return Object.fromEntries(entries.map(({ label, values }) => [label, values[REQUESTS]]));
  }

  /** What each connection said is here, by source. */
  has(): unknown {
    return this.collectors.asked.map(({ has }) =>
      has.map(({ source, instance, ranges }) => [source, instance, ranges]).sort()
    );
  }
}

async function settled(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

function disk(): SimulatedStateFiles {
  return new SimulatedStateFiles(() => 0.5, 512);
}

const GONE = new RemoteError("unreachable", "Cannot reach a:1: connection refused");

Deno.test("what was merged is there after a restart, with what is known of sources, and only the rest is asked for", async () => {
  const clock = simulatedClock(START + 10), first = await new Process(disk(), clock).open();
  await first.collectors.give("a:1", { source: "col-a", newestS: START });
  await first.collectors.give("a:1", delta("col-a", 4, START, 3));
  await first.collectors.give("a:1", delta("col-a", 5, START - 10, 2));
  await first.collectors.give("a:1", slotOf("col-a", START - 600, 1, 2, 7));
  await first.collectors.give("b:1", delta("col-b", 1, START, 4));
  await first.collectors.give("b:1", { dropped: 2, problem: "too large" });
  await first.collectors.give("a:1", { caughtUp: true });
  const before = first.counts(), targets = first.fleet.view.targets();
  assertEquals(before, { "col-a": 12, "col-b": 4 });
  const files = await first.killed();

  clock.advanceMs(60_000);
  const second = await new Process(files, clock).open();
  assertEquals(second.counts(), before);
  assertEquals(second.has(), [
    [["col-a", "of-col-a", [[1, 2], [4, 5]]], ["col-b", "of-col-b", [[1, 1]]]],
    [["col-a", "of-col-a", [[1, 2], [4, 5]]], ["col-b", "of-col-b", [[1, 1]]]],
  ]);
  await second.collectors.give("a:1", GONE);
  const known = (of: typeof targets): unknown =>
    of.map((
      { name, newestS, ledger, problem },
    ) => [name, newestS, ledger, /\d+ buckets are missing.*/.exec(problem)?.[0]]);
  assertEquals(known(second.fleet.view.targets()), known(targets));
  assertEquals(known(targets), [["col-a", START + 10, targets[0].ledger, undefined], [
    "col-b",
    START + 10,
    targets[1].ledger,
    "2 buckets are missing: too large",
  ]]);
  assertEquals(second.fleet.view.targets()[0].sinceS, START + 10, "since it was heard of last");
  // What comes again is known, and those who follow get what they lack, one by one.
  await second.collectors.give("b:1", delta("col-b", 1, START, 4));
  assertEquals([second.counts(), second.fleet.outcomes.get("duplicate")], [before, 1]);
  assertEquals(second.fleet.view.deltaLog.identities().ranges().map(({ ranges }) => ranges), [[[4, 5]], [[1, 1]]]);
  await second.killed();
});

Deno.test("what was in memory alone is asked for again, and no more than that", async () => {
  const clock = simulatedClock(START + 10), first = await new Process(disk(), clock).open();
  await first.collectors.give("a:1", delta("col-a", 1, START, 3));
  first.fleet.save();
  await settled(2000);
  await first.collectors.give("a:1", delta("col-a", 2, START, 5));
  const second = await new Process(await first.killed(false), clock).open();
  assertEquals([second.counts(), second.has()], [{ "col-a": 3 }, [[["col-a", "of-col-a", [[1, 1]]]], [[
    "col-a",
    "of-col-a",
    [[1, 1]],
  ]]]]);
  await second.killed();
});

Deno.test("a cloned machine stays apart across a restart, whoever comes first", async () => {
  const clock = simulatedClock(START + 10), first = await new Process(disk(), clock).open();
  const sent = (sequence: number, requests: number, checksum: number): ReturnType<typeof delta> => {
    const one = delta("col-a", sequence, START, requests);
    return { ...one, identity: { ...one.identity, checksum } };
  };
  await first.collectors.give("a:1", sent(7, 3, 70));
  await first.collectors.give("b:1", sent(7, 5, 71));
  const second = await new Process(await first.killed(), clock).open();
  assertEquals(second.counts(), { "col-a": 8 });
  // The clone is told what it has under the name that it has for itself, and nothing of the other.
  const [toFirst, toClone] = second.has() as [string[][], string[][]];
  assertEquals<unknown>([toFirst.length, toClone], [2, [["col-a", "of-col-a", [[7, 7]]]]]);
  await second.collectors.give("b:1", sent(8, 10, 81));
  await second.collectors.give("a:1", sent(8, 20, 80));
  await second.collectors.give("b:1", sent(7, 5, 71));
  assertEquals(second.counts(), { "col-a": 38 });
  assertEquals(second.fleet.view.targets().map(({ problem }) => problem.includes("cloned")), [false, true]);
  await second.killed();
});

Deno.test("of damaged state the rest is used, and what is not there any more is asked for again", async () => {
  const clock = simulatedClock(START + 10), first = await new Process(disk(), clock).open();
  for (let i = 1; i <= 2; i++) {
    await first.collectors.give("a:1", delta("col-a", i, START, i));
    first.fleet.save();
    await settled(2000);
  }
  // The next process says once more all that is known.
  const between = await new Process(await first.killed(), clock).open();
  await between.collectors.give("a:1", delta("col-a", 3, START, 3));
  const files = await between.killed(), [name] = (await files.list()).map(({ name }) => name).sort();
  const bytes = await files.read(name);
  const text = new TextDecoder("latin1").decode(bytes), at = text.indexOf('"sequence":2,');
  bytes[at + 5] ^= 1;
  await files.remove(name);
  await (await files.create(name)).append([bytes]);
  const second = await new Process(files, clock).open();
  assertEquals([second.counts(), second.has()], [{ "col-a": 4 }, [[["col-a", "of-col-a", [[1, 1], [3, 3]]]], [[
    "col-a",
    "of-col-a",
    [[1, 1], [3, 3]],
  ]]]]);
  assertEquals(second.said.filter((line) => line.includes("the state is damaged in the middle")).length, 1);
  await second.collectors.give("a:1", delta("col-a", 2, START, 2));
  const third = await new Process(await second.killed(), clock).open();
  assertEquals([third.counts(), (third.has() as unknown[])[0]], [{ "col-a": 6 }, [["col-a", "of-col-a", [[1, 3]]]]]);
  await third.killed();
});

Deno.test("state of another aggregator, of a collector and of a newer program is refused with what would work", async () => {
  const clock = simulatedClock(START + 10), first = await new Process(disk(), clock).open();
  await first.collectors.give("a:1", delta("col-a", 1, START, 3));
  const files = await first.killed();
  const other = await assertRejects(() => new Process(files, clock, "other").open(), MachineRefusal);
  assertEquals(
    other.message,
    "Cannot use the state in /state: it is of aggregator agg, and this one is other; start it with --source=agg, or give another --state-dir",
  );
  for (
    const [kind, version, why] of [
      [COLLECTOR_BEGIN, 1, "it is a collector's; give each a directory of its own"],
      [BEGIN, 2, "a record has version 2, as of a newer program"],
    ] as const
  ) {
    const strange = disk(), record = { kind, version, text: "{}", blocks: [] };
    const log = await StateLog.open({ files: strange, directory: "/state", random: () => 5 });
    await log.append([record], () => record);
    await assertRejects(() => new Process(strange, clock).open(), MachineRefusal, why);
  }
});

Deno.test("while nothing can be saved following goes on; what could not wait is saved in its slots, and counts once", async () => {
  const clock = simulatedClock(START + 10), files = disk();
  const first = await new Process(files, clock).open({ queueBytesMax: 6_000 });
  await first.collectors.give("a:1", delta("col-a", 1, START - 10, 1));
  first.fleet.save();
  await settled(2000);
  files.bytesMax = 0;
  for (let i = 2; i <= 40; i++) {
    await first.collectors.give("a:1", delta("col-a", i, START + 10 * (i - 2), 1));
    clock.advanceMs(10_000);
    first.fleet.tick();
  }
  assertEquals(first.counts(), { "col-a": 40 });
  assert(first.state.problem().includes("buckets are in memory alone"), first.state.problem());
  assertEquals(first.said.filter((line) => line.includes("more waits to be saved than may")).length, 1);
  // Killed now, it has what it had; killed while the slots are being written, as well.
  const copy = files.restarted("power");
  files.bytesMax = Infinity;
  const torn = [];
  for (let step = 0; step < 40; step++) {
    await settled(15);
    torn.push(files.restarted("kill"));
  }
  await settled(6000);
  assertEquals(first.state.problem(), "");
  assertEquals(first.said.filter((line) => line.includes("what was in memory alone is saved")).length, 1);
  const whole = await first.killed();
  const counted = new Set<number>();
  for (const found of [copy, ...torn, whole]) {
    const next = await new Process(found, clock).open(), counts = next.counts()["col-a"];
    const [[[, , [[from, to]]]]] = next.has() as [[[string, string, [[number, number]]]]];
    assertEquals([from, to], [1, counts], "as many as it says that it has");
    counted.add(counts);
    for (let i = 1; i <= 40; i++) await next.collectors.give("a:1", delta("col-a", i, START + 10 * (i - 2), 1));
    assertEquals(next.counts(), { "col-a": 40 });
    await next.killed();
  }
  assertEquals([Math.min(...counted), Math.max(...counted)], [1, 40]);
});

Deno.test("state keeps within its bound, however much comes", async () => {
  const clock = simulatedClock(START + 10), files = disk(), bytesMax = 600_000, segmentBytes = 40_000;
  let process = await new Process(files, clock).open({ bytesMin: 100_000, bytesMax, segmentBytes }), most = 0;
  for (let i = 1; i <= 900; i++) {
    for (const source of ["col-a", "col-b"]) {
      await process.collectors.give("a:1", delta(source, i, START + 10 * (i - 2), 1));
    }
    clock.advanceMs(10_000);
    process.fleet.tick();
    await settled(30);
    most = Math.max(most, process.state.facts().bytes);
    if (i % 300 !== 0) continue;
    const before = process.counts();
    process = await new Process(await process.killed(), clock).open({ bytesMin: 100_000, bytesMax, segmentBytes });
    assertEquals([process.counts(), before["col-a"] > 290], [before, true]);
  }
  assert(most > 100_000 && most < bytesMax + 2 * segmentBytes, `${most}`);
  await process.killed();
});

Deno.test("a clock that stands before the state is not believed until it has held for five minutes", async () => {
  const first = await new Process(disk(), simulatedClock(START + 10)).open();
  await first.collectors.give("a:1", delta("col-a", 1, START, 3));
  const clock = simulatedClock(START - 3600), second = await new Process(await first.killed(), clock).open();
  clock.advanceMs(299_000);
  second.fleet.tick();
  assertEquals([second.counts(), second.fleet.view.store.endS], [{ "col-a": 3 }, START + 10]);
  clock.advanceMs(2_000);
  second.fleet.tick();
  assertEquals(second.counts(), {});
  // What it made forgotten is asked for again, also after one more restart.
  const third = await new Process(await second.killed(), clock).open();
  assertEquals([third.counts(), third.has()], [{}, [[], []]]);
  await third.killed();
});

function slotOf(source: string, startS: number, first: number, last: number, requests: number): MergedSlot {
  const { bucket } = delta(source, 0, startS, requests),
    identities = [{
      source,
      instance: `of-${source}`,
      ranges: [[first, last]] as const,
    }];
  return { tier: 1, startS, known: 63, identities, bucket: { ...bucket, lengthS: 60 } };
}

Deno.test("what a clock far ahead has emptied is not found again beside what was asked for when it had gone back", async () => {
  const clock = simulatedClock(START + 300), first = await new Process(disk(), clock).open({}, ["a:1"]);
  const pass = async (seconds: number): Promise<void> => {
    for (let s = 0; s < seconds; s += 10) {
      clock.advanceMs(10_000);
      first.fleet.tick();
      await settled(50);
    }
  };
  for (let i = 1; i <= 30; i++) await first.collectors.give("a:1", delta("col-a", i, START + 10 * (i - 1), 1));
  await pass(60); // minutes are made, and written
  for (const year of [1, -1]) {
    clock.stepWallMs(1000 * 365 * 86_400 * year);
    await pass(310);
  }
  assertEquals(first.counts(), {}, "nobody contradicted it");
  await first.collectors.give("a:1", delta("col-a", 7, START + 60, 1));
  const next = await new Process(await first.killed(), clock).open({}, ["a:1"]);
  assertEquals(next.counts(), { "col-a": 1 });
  assertEquals(next.has(), [[["col-a", "of-col-a", [[7, 7]]]]]);
  for (let i = 1; i <= 30; i++) await next.collectors.give("a:1", delta("col-a", i, START + 10 * (i - 1), 1));
  assertEquals(next.counts(), { "col-a": 30 });
  await next.killed();
});
