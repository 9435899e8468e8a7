/** An aggregator whose machine has a clock that is a year ahead, on virtual time: at its start, and in the middle of its work. */
import { assert, assertEquals } from "@std/assert";
import { sliceStart } from "@/core/slices.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { Aggregator, type Machine, START } from "./fleet_aggregator_fixture.ts";
import { Collector } from "./fleet_collector_sim_test.ts";
import { Network, settled, VirtualTime } from "./fleet_sim_fixture.ts";
import { Truth } from "./fleet_truth_fixture.ts";

const STEP_MS = 5_000, YEAR = 365 * 86_400;

/** Seconds in which a slice arrives whose end others have told. */
const UNDER_WAY_SECONDS = 40;

/** Three collectors, and one aggregator. */
class Fixture {
  readonly random: () => number;
  readonly time = new VirtualTime();
  readonly truth = new Truth();
  readonly network: Network;
  readonly collectors: readonly Collector[];
  readonly aggregator: Aggregator;

  constructor(seed: number, hasState: boolean) {
    this.random = randomFrom(Math.imul(seed, 0x9e3779b1));
    for (let i = 0; i < 8; i++) this.random();
    const { time, random, truth } = this, network = this.network = new Network(time, random);
    const machine: Machine = { time, network, random, truth, plant: {} };
    const names = ["one", "two", "three"];
    this.collectors = names.map((name) => new Collector(machine, `${name}:1`, name, true, 20 * (random() - 0.5)));
    this.aggregator = new Aggregator(machine, "agg:1", names.map((name) => `${name}:1`), 0, hasState);
  }

  async minutes(count: number): Promise<void> {
    for (let step = 0; step < count * 60_000 / STEP_MS; step++) {
      for (const collector of this.collectors) if (this.random() < 0.5) collector.log(4 * this.random());
      await this.time.pass(STEP_MS);
      this.network.goOn();
      if (this.aggregator.broken !== undefined) throw this.aggregator.broken;
      if (this.aggregator.fleet !== undefined) this.truth.checkSlots(this.aggregator.view);
    }
  }

  /** All that was counted is there, and windows end now. */
  check(when: string): void {
    const { time, truth, aggregator: { view, told } } = this, { endS } = view.store;
    const nowS = START + time.nowMs / 1000;
    assert(
      Math.abs(nowS - endS) < 45,
      `${when} windows end ${Math.round(nowS - endS)} s before now\n${told.join("\n")}`,
    );
    const lacking = truth.lackingIn(view), late = lacking.filter(({ startS }) => startS >= endS - UNDER_WAY_SECONDS);
    assertEquals(lacking, late, `${when}\n${told.join("\n")}`);
    truth.checkWindows(view, lacking);
  }

  problems(): readonly string[] {
    return this.aggregator.view.targets().map(({ problem }) => problem);
  }
}

for (const hasState of [true, false]) {
  for (const seed of [1, 2, 3, 4]) {
    const what = `with${
      hasState ? "" : "out"
    } state, and started a year ahead, has all that it can have (seed ${seed})`;
    Deno.test(`an aggregator ${what}`, async () => {
      const fixture = new Fixture(seed, hasState), { random, time, network, aggregator } = fixture;
      await settled();
      // With state, longer than sources hold deltas one by one.
      await fixture.minutes(hasState ? 25 : 10);
      fixture.check("before");
      aggregator.stop(random() < 0.5 ? "kill" : "power");
      await fixture.minutes(hasState ? Math.floor(13 * random()) : 1);
      time.forget(aggregator.clock);
      const clock = aggregator.clock = time.clock(START, YEAR);
      if (seed % 2 === 0) network.cut("agg:1", "two:1", 40_000);
      aggregator.start();
      await fixture.minutes(3);
      fixture.check("a year ahead");
      assertEquals(fixture.problems().every((problem) => problem.includes("own clock is 3153")), true);
      assertEquals(fixture.problems().some((problem) => problem.includes("refused")), false);
      assert(aggregator.told.some((line) => line.includes("is not believed")), aggregator.told.join("\n"));
      clock.stepWallMs(-1000 * YEAR);
      await fixture.minutes(8);
      fixture.check("set right");
      assertEquals(fixture.problems().some((problem) => problem.includes("own clock")), false);
      // And once more while it runs, for longer than its steady clock holds against it.
      clock.stepWallMs(1000 * YEAR);
      await fixture.minutes(8);
      assertEquals(sliceStart(clock.nowS() / YEAR, 1), sliceStart(START / YEAR, 1) + 1);
      fixture.check("a year ahead again");
      aggregator.stop();
      await settled();
    });
  }
}
