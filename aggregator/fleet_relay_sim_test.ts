/** Aggregators above one another, on virtual time: what reaches the lower one late reaches the upper one as soon. */
import { assertEquals } from "@std/assert";
import { REQUESTS } from "@/core/measures.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { Aggregator, type Machine } from "./fleet_aggregator_fixture.ts";
import { Collector } from "./fleet_collector_sim_test.ts";
import { Network, settled, VirtualTime } from "./fleet_sim_fixture.ts";
import { Truth } from "./fleet_truth_fixture.ts";

const STEP_MS = 5_000, MINUTE_STEPS = 60_000 / STEP_MS;

for (const hasState of [false, true]) {
  const what = hasState ? ", also through one that is killed meanwhile and finds its state" : "";
  Deno.test(`what a relay fills in is at its follower within seconds, on the stream that stands${what}`, async () => {
    const random = randomFrom(7), time = new VirtualTime(), network = new Network(time, random), truth = new Truth();
    const machine: Machine = { time, network, random, truth, plant: {} };
    const collectors = ["one", "two"].map((name) => new Collector(machine, `${name}:1`, name, true, 0));
    const relay = new Aggregator(machine, "relay:1", ["one:1", "two:1"], 0, hasState);
    await settled();
    const top = new Aggregator(machine, "top:1", ["relay:1"], 0);
    const minutes = async (count: number): Promise<void> => {
      for (let step = 0; step < count * MINUTE_STEPS; step++) {
        for (const collector of collectors) collector.log(1);
        await time.pass(STEP_MS);
        network.goOn();
        for (const { fleet } of [relay, top]) if (fleet !== undefined) truth.checkSlots(fleet.view);
      }
    };
    const hour = ({ view }: Pick<Aggregator, "view">): Record<string, number> => {
      const { entries } = view.topN({ window: "60m", groupBy: "source", n: 9, sort: REQUESTS, filter: undefined });
      return Object.fromEntries(entries.map(({ label, values }) => [label, values[REQUESTS]]));
    };
    await minutes(5);
    // Longer than deltas are held one by one: what is missing comes as slots.
    network.cut("relay:1", "one:1", 25 * 60_000);
    await minutes(20);
    if (hasState) {
      relay.stop("power");
      await minutes(1);
      relay.start();
    }
    await minutes(4);
    assertEquals(hour(top).one < hour(top).two / 2, true, "nothing of it yet");
    network.healAll();
    await minutes(2);
    for (const collector of collectors) collector.rests = true;
    await minutes(1);
    const delivered = (name: string): number =>
      truth.all().filter(({ source }) => source === name).reduce((sum, { requests }) => sum + requests, 0);
    // Of the minute in which the link was cut the relay has a part, and cannot take the rest: that is told.
    const has = hour(relay), lacks = delivered("one") - has.one;
    assertEquals([has.two, lacks >= 0 && lacks < MINUTE_STEPS], [delivered("two"), true], `it lacks ${lacks}`);
    assertEquals(relay.told.some((line) => line.includes("are missing")), lacks > 0);
    assertEquals(hour(top), has);
    assertEquals(top.told.filter((line) => line.includes("following a source")).length, hasState ? 2 : 1);
    for (const aggregator of [relay, top]) aggregator.stop();
    await settled();
  });
}
