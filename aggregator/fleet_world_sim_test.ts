/** One seed of the simulation: who there is, what happens, and what is checked after every step and in the end. */
import { STEP_HOLD_MS_MIN } from "@/core/host/clock.ts";
import { sliceStart, TIERS, WINDOWS } from "@/core/slices.ts";
import type { SimulatedStateFiles } from "@/core/host/state_files_simulated.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { Aggregator, type Machine, type Plant, START } from "./fleet_aggregator_fixture.ts";
import { Collector } from "./fleet_collector_sim_test.ts";
import { Network, settled, VirtualTime } from "./fleet_sim_fixture.ts";
import { type Counted, Truth, Violation } from "./fleet_truth_fixture.ts";

/** Milliseconds of a step: then everything is checked. */
const STEP_MS = 5_000;

/** Steps at the end in which nothing goes wrong any more: the longest backoff, and all slices sealed and delivered. */
const CALM_STEPS = 24;

/** Steps after these in which nothing is counted, or arrives any more: the longest delays of two links. */
const REST_STEPS = 4;

/** How far ahead the clock of a machine can be that has just been started, and for how long at most, before it is set right. */
const FAR_SECONDS = 365 * 86_400, FAR_MS_MAX = 400_000;

/** Milliseconds after which an aggregator has followed its clock, and has again what it had refused. */
const SET_RIGHT_MS = STEP_HOLD_MS_MIN + 60_000;

/** What became of all seeds together. */
export interface Figures {
  seeds: number;
  steps: number;
  delivered: number;
  deltas: number;
  requests: number;
  restarts: number;
  /** Of aggregators, with a clock that was far ahead. */
  farAhead: number;
  /** Deltas that were lost with a process, or had been forgotten when they could be asked for. */
  lost: number;
  /**
   * Of these, of a source that no answer, target or line of the log tells is incomplete. What is left of it was counted by an
   * instance that lost its state, and had come to a process that is gone as well, if to any: nobody is left who knows of it. A
   * slot lacks its source then, and says so, unless a late line of the next instance fell into it.
   */
  untold: number;
  /** Windows of a source in which an answer had less, and said so. */
  less: number;
}

export class World {
  readonly time = new VirtualTime();
  readonly random: () => number;
  readonly truth = new Truth();
  readonly collectors: Collector[] = [];
  readonly aggregators: Aggregator[] = [];
  readonly network: Network;
  readonly figures: Figures;
  /** What is drawn for clocks that are far ahead: all else goes on as without them. */
  readonly #far: () => number;
  /** When all clocks have been right for long enough, milliseconds of virtual time. */
  #rightMs = 0;

  constructor(readonly seed: number, plant: Plant, figures: Figures) {
    this.figures = figures;
    this.random = randomFrom(Math.imul(seed, 0x9e3779b1));
    this.#far = randomFrom(Math.imul(seed, 0x85ebca6b));
    for (let i = 0; i < 8; i++) {
      this.random();
      this.#far();
    }
    const { time, random, truth } = this;
    this.network = new Network(time, random, plant.tamper);
    const machine: Machine = { time, network: this.network, random, truth, plant };
    const count = 2 + this.below(2);
    for (let i = 1; i <= count; i++) {
      const hasState = this.chance(0.75) && !plant.reusesInstance;
      this.collectors.push(new Collector(machine, `col-${i}:1`, `web-${i}`, hasState, this.skewS()));
    }
    const addresses = this.collectors.map(({ address }) => address);
    // One collector by two addresses, now and then.
    if (this.chance(0.2)) {
      this.network.listen("alias:1", this.collectors[0]);
      addresses.push("alias:1");
    }
    const aggregators = 1 + this.below(2);
    for (let i = 1; i <= aggregators; i++) {
      this.aggregators.push(new Aggregator(machine, `agg-${i}:1`, addresses, this.skewS() / 10, this.chance(0.6)));
    }
    if (this.chance(0.3)) {
      const below = this.aggregators.map(({ name }) => name);
      this.aggregators.push(new Aggregator(machine, "top:1", below, this.skewS() / 10, this.chance(0.6)));
    }
  }

  async run(): Promise<void> {
    const steps = this.chance(0.2) ? 250 + this.below(200) : 50 + this.below(60);
    for (let step = 0; step < steps; step++) {
      this.traffic();
      if (this.chance(0.2)) this.trouble(steps);
      await this.step();
    }
    this.network.healAll();
    this.network.goOn();
    for (let step = 0; step < CALM_STEPS || this.time.nowMs < this.#rightMs; step++) {
      this.traffic();
      await this.step();
    }
    for (const collector of this.collectors) collector.rests = true;
    for (let quiet = 0, before = 0; quiet < REST_STEPS; quiet = this.network.delivered === before ? quiet + 1 : 0) {
      before = this.network.delivered;
      await this.step();
    }
    this.checkEnd();
    for (const aggregator of this.aggregators) aggregator.stop();
    await settled();
  }

  async step(): Promise<void> {
    await this.time.pass(STEP_MS);
    this.network.goOn();
    this.figures.steps++;
    for (const { fleet, broken } of this.aggregators) {
      if (broken !== undefined) throw broken;
      if (fleet !== undefined) this.truth.checkSlots(fleet.view);
    }
    for (const { isUp, view, own } of this.collectors) if (isUp && this.chance(0.1)) own.checkSlots(view);
  }

  traffic(): void {
    for (const collector of this.collectors) {
      for (let lines = this.below(6); lines > 0; lines--) {
        const ageS = this.chance(0.9)
          ? 4 * this.random()
          : this.chance(0.8)
          ? 60 * this.random()
          : 9000 * this.random();
        this.time.after(STEP_MS * this.random(), () => collector.log(ageS));
      }
    }
  }

  trouble(steps: number): void {
    const { time, network } = this, kind = this.random();
    const collector = this.collectors[this.below(this.collectors.length)];
    const aggregator = this.aggregators[this.below(this.aggregators.length)];
    const address = aggregator.follows[this.below(aggregator.follows.length)];
    if (kind < 0.25) network.reset(aggregator.name, address);
    else if (kind < 0.4) {
      // Longer than deltas are kept, where there is time for it.
      const ms = steps > 200 && this.chance(0.2) ? 1000 * (900 + 400 * this.random()) : 90_000 * this.random();
      network.cut(aggregator.name, address, ms);
    } else if (kind < 0.5) collector.pausedUntilMs = time.nowMs + 90_000 * this.random() ** 2;
    else if (kind < 0.6) collector.diskStuckUntilMs = time.nowMs + 60_000 * this.random();
    else if (kind < 0.78) this.restartCollector(collector);
    else if (kind < 0.8 && aggregator.files !== undefined) this.diskTrouble(aggregator.files);
    else if (kind < 0.95) this.restartAggregator(aggregator);
    else if (kind < 0.97) aggregator.clock.stepWallMs((this.chance(0.5) ? 50_000 : 2e6) * (this.random() - 0.5));
    else collector.clock.stepWallMs((this.chance(0.7) ? 100_000 : 1e6) * (this.random() - 0.5));
  }

  /** No space, or every sync fails, for a while. */
  diskTrouble(files: SimulatedStateFiles): void {
    if (this.chance(0.5)) files.failSync = true;
    else files.bytesMax = 300_000 * this.random();
    this.time.after(60_000 * this.random(), () => {
      files.failSync = false;
      files.bytesMax = Infinity;
    });
  }

  restartCollector(collector: Collector): void {
    // Without state all is lost with the process: rarely enough that much is left to be checked.
    if (!collector.isUp || !collector.hasState && this.chance(0.7)) return;
    this.figures.restarts++;
    const isAlias = this.network.peer("alias:1") === collector;
    if (isAlias) this.network.hangUp("alias:1");
    collector.crash(this.chance(0.97));
    this.time.after(30_000 * this.random(), () => {
      collector.start();
      if (isAlias) this.network.listen("alias:1", collector);
    });
  }

  restartAggregator(aggregator: Aggregator): void {
    if (aggregator.fleet === undefined) return;
    this.figures.restarts++;
    const { files } = aggregator;
    // Mostly somewhere in the middle of what it does with its disk.
    if (files !== undefined && this.chance(0.7)) files.crashAt = files.operations + 1 + this.below(12);
    this.time.after(3_000 * this.random(), () => {
      if (aggregator.fleet === undefined) return;
      aggregator.stop(this.chance(0.5) ? "kill" : "power");
      this.time.after(20_000 * this.random(), () => {
        if (this.#far() < 0.15) this.setFarAhead(aggregator);
        aggregator.start();
      });
    });
  }

  /** Its machine is started anew, a year ahead of all others; later somebody sets it right. */
  setFarAhead(aggregator: Aggregator): void {
    const { time } = this, rightMs = FAR_MS_MAX * this.#far();
    time.forget(aggregator.clock);
    const clock = aggregator.clock = time.clock(START, aggregator.skewS + FAR_SECONDS);
    time.after(rightMs, () => clock.stepWallMs(-1000 * FAR_SECONDS));
    this.#rightMs = Math.max(this.#rightMs, time.nowMs + rightMs + SET_RIGHT_MS);
    this.figures.farAhead++;
  }

  checkEnd(): void {
    const { truth, figures } = this;
    for (const collector of this.collectors) {
      collector.own.checkSlots(collector.view);
      collector.checkLines();
    }
    for (const aggregator of this.aggregators) {
      const lacking = truth.lackingIn(aggregator.view);
      for (const counted of lacking) this.excuse(aggregator, counted);
      figures.lost += lacking.length;
      figures.untold += lacking.filter((counted) => !this.isTold(aggregator, counted)).length;
      figures.less += truth.checkWindows(aggregator.view, lacking);
    }
    figures.seeds++;
    figures.delivered += this.network.delivered;
    const all = truth.all();
    figures.deltas += all.length;
    figures.requests += all.reduce((sum, { requests }) => sum + requests, 0);
  }

  /** A delta may be lacking when nobody who is followed can send it: it was lost with a process, or has been forgotten. */
  excuse(aggregator: Aggregator, counted: Counted): void {
    for (const address of aggregator.follows) {
      const peer = [...this.collectors, ...this.aggregators].find((one) =>
        address === ("address" in one ? one.address : one.name)
      );
      if (peer === undefined || !this.canSend(peer, aggregator, counted)) continue;
      if (aggregator.told.some((line) => line.includes("not merged: too_far_ahead"))) continue;
      const { source, instance, sequence, startS } = counted;
      throw new Violation(
        `${aggregator.name} lacks delta ${sequence} of ${source} ${instance} for ${startS}, which ${address} still holds`,
      );
    }
  }

  /** Whether a delta is held by itself; or, at a collector, in a slot that overlaps with nothing of the aggregator's. */
  canSend(peer: Collector | Aggregator, { view: { store: { rings } } }: Aggregator, counted: Counted): boolean {
    if (peer.view.deltaLog.identities().has(counted)) return true;
    if (peer instanceof Aggregator) return false;
    const { store } = peer.view, coarsest = TIERS.length - 1;
    return TIERS.some(({ sliceS }, tier) => {
      const startS = sliceStart(counted.startS, sliceS), slot = store.rings[tier].at(startS);
      if (tier === 0 || slot?.identities.has(counted) !== true || !store.isMade(tier, startS)) return false;
      const there = rings[coarsest].at(sliceStart(startS, TIERS[coarsest].sliceS));
      return there?.identities.hasAny(slot.identities.ranges()) !== true;
    });
  }

  isTold({ told, view }: Aggregator, { source }: Counted): boolean {
    if (told.some((line) => line.includes("are missing") || line.includes("is missing"))) return true;
    if (told.some((line) => line.includes("not merged") && line.includes(source))) return true;
    return WINDOWS.some(({ name }) => {
      const { coverage } = view.topN({ window: name, groupBy: "source", n: 1, sort: 0, filter: undefined });
      return coverage.missing.includes(source);
    });
  }

  chance(p: number): boolean {
    return this.random() < p;
  }

  below(limit: number): number {
    return Math.floor(limit * this.random());
  }

  /** Seconds by which a clock is off: mostly a little, sometimes minutes. */
  skewS(): number {
    const far = this.random();
    return (this.random() - 0.5) * (far < 0.6 ? 3 : far < 0.85 ? 60 : 500);
  }
}

export function noFigures(): Figures {
  return {
    seeds: 0,
    steps: 0,
    delivered: 0,
    deltas: 0,
    requests: 0,
    restarts: 0,
    farAhead: 0,
    lost: 0,
    untold: 0,
    less: 0,
  };
}
