/**
 * A fleet on virtual time, from one seed: the shipped collector from lines to deltas (but its files and its disk), the shipped
 * aggregator, and a network in between that delays, repeats, stalls, breaks and is cut; machines whose clocks are off,
 * collectors that crash with and without state, aggregators that are restarted, one above the other or side by side.
 *
 * After every step each slot of every view has to have counted exactly the deltas that it says it has (`fleet_truth_fixture.ts`).
 * In the end, when all is connected again, every window has what was counted at the sources.
 *
 *   deno task sim                              thousands of seeds
 *   deno task sim --first=1234 --seeds=1       the one that a failure names
 */
import { assert, assertEquals } from "@std/assert";
import { Ingest } from "@/collector/ingest.ts";
import { deliverTo, publishTo } from "@/collector/delivery.ts";
import { type Former, Sequencer } from "@/collector/sequencer.ts";
import { NOTHING_READ, type Position } from "@/collector/position.ts";
import type { Change } from "@/collector/state_standing.ts";
import { blocksOf, openSealed, type Sealed } from "@/collector/thread_message.ts";
import { DELTA_SECONDS_MAX } from "@/core/bounds.ts";
import type { Delta } from "@/core/bucket.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import type { SimulatedClock } from "@/core/host/clock.ts";
import { type Log, OncePerMinute, openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { addLedger, emptyLedger, type Ledger, READ } from "@/core/ledger.ts";
import { LiveView } from "@/core/live_view.ts";
import { Pipeline } from "@/core/pipeline.ts";
import { randomFrom } from "@/core/test_lines.ts";
import type { BucketItem } from "@/proto/client.ts";
import { Fleet } from "./fleet.ts";
import { Network, type Peer, settled, type Tamper, VirtualTime } from "./fleet_sim_fixture.ts";
import { type Counted, Truth, Violation } from "./fleet_truth_fixture.ts";

const START = 1_700_006_400; // a multiple of 300

/** Milliseconds of a step: then everything is checked. */
const STEP_MS = 5_000;

/** Steps at the end in which nothing goes wrong any more: the longest backoff, and all slices sealed and delivered. */
const CALM_STEPS = 24;

/** Steps after these in which nothing is counted any more: the longest delays of two links. */
const REST_STEPS = 4;

interface Plant {
  readonly tamper?: Tamper;
  /** A start without state goes on under the identity of the former process. */
  readonly reusesInstance?: boolean;
}

interface Machine {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly random: () => number;
  readonly truth: Truth;
  readonly plant: Plant;
}

/** What a collector finds when it starts again. */
interface Saved extends Former {
  readonly instance: string;
  readonly deltas: readonly { readonly delta: Delta; readonly arrivedS: number }[];
  /** Lines that need not be read again. */
  readonly offset: number;
}

/** A collector without files: its log is a list of lines, its disk is `saved`, which is durable some time after it was told. */
class Collector implements Peer {
  clock: SimulatedClock;
  view!: LiveView;
  readonly lines: string[] = [];
  pausedUntilMs = -Infinity;
  diskStuckUntilMs = -Infinity;
  isUp = false;
  /** Counts no more; what it has counted can be had. */
  rests = false;
  /** What this process has counted, saved or not. */
  own = new Truth();
  #saved: Saved | undefined;
  #instance = "";
  #process = 0;
  #ingest!: Ingest;
  #sequencer!: Sequencer;
  /** Where it began to read when it had no state. */
  #from = 0;
  /** Lines that this process has handed over, and those before them. */
  #offset = 0;
  #savedAtMs = 0;
  #savedSequence = 0;

  constructor(
    readonly machine: Machine,
    readonly address: string,
    readonly name: string,
    readonly hasState: boolean,
    skewS: number,
  ) {
    this.clock = machine.time.clock(START, skewS);
    this.start();
  }

  nowMs(): number {
    return 1000 * this.clock.nowS();
  }

  isPaused(): boolean {
    return this.pausedUntilMs > this.machine.time.nowMs;
  }

  start(): void {
    const { time, random, plant, network } = this.machine, former = this.#saved, process = ++this.#process;
    const hex = (): string => Math.floor(2 ** 32 * random()).toString(16).padStart(8, "0");
    const instance = former?.instance ?? (plant.reusesInstance && this.#instance || hex() + hex());
    this.#instance = instance;
    this.own = new Truth();
    this.#sequencer = new Sequencer(this.name, instance, former);
    this.#savedSequence = former?.sequence ?? 0;
    const sequencer = this.#sequencer;
    const savedUntil = this.hasState ? (): number => this.#savedSequence : undefined;
    const targets = () => [sequencer.target(this.address)];
    this.view = new LiveView({ source: this.name, seed: hash(random), regex: linearRegex, targets, savedUntil });
    if (former === undefined) this.#from = this.lines.length;
    this.#offset = former?.offset ?? this.#from;
    if (former !== undefined) this.#restore(former);
    const { view } = this, publish = publishTo(view), log = silent("collector");
    const save = (change: Change): void => {
      for (const delta of change.deltas) this.own.count(delta);
      const stuckMs = Math.max(0, this.diskStuckUntilMs - time.nowMs);
      this.#savedAtMs = Math.max(this.#savedAtMs, time.nowMs + stuckMs + 2000 * random() ** 3);
      time.after(this.#savedAtMs - time.nowMs, () => {
        if (process !== this.#process || !this.isUp) return;
        this.#save(change);
        for (const delta of change.deltas) this.machine.truth.count(delta);
        publish(change.deltas, change.nowS);
      });
    };
    const deliver = deliverTo({ view, sequencer, log, ...(this.hasState ? { save } : {}) });
    const post = (sealed: Sealed): void => {
      const before = view.deltaLog.end;
      deliver(openSealed(blocksOf(sealed)));
      for (let at = before; at < view.deltaLog.end; at++) {
        this.own.count(view.deltaLog.at(at)!);
        this.machine.truth.count(view.deltaLog.at(at)!);
      }
    };
    const masks = { v4Bits: 24, v6Bits: 48 };
    this.#ingest = new Ingest({
      pipeline: new Pipeline({ format: LOGTAIL_FORMAT, masks, source: this.name, seed: hash(random) }),
      clock: this.clock,
      endS: former?.endS,
      positions: () => [{ ...POSITION, offset: this.#offset }],
      post,
      samples: new OncePerMinute(log),
    });
    this.isUp = true;
    network.listen(this.address, this);
    this.#tick(process);
  }

  /** All that is only in memory is gone. */
  crash(keepsState: boolean): void {
    this.isUp = false;
    this.machine.network.hangUp(this.address);
    if (!keepsState) this.#saved = undefined;
  }

  /** nginx writes a line, `ageS` after the request began. */
  log(ageS: number): void {
    const { time, random } = this.machine, site = `site-${Math.floor(3 * random())}`;
    const wallS = START + time.nowMs / 1000 + (this.clock.nowS() - START - time.nowMs / 1000);
    const status = random() < 0.8 ? 200 : 404;
    this.lines.push(
      `${site}\t192.0.2.${Math.floor(8 * random())}\t${(wallS - ageS).toFixed(3)}\tGET\t/\t${status}\t10\t0.001\n`,
    );
  }

  /** Since it began without state every line was read once, across all processes. */
  checkLines(): void {
    if (this.#saved === undefined) return;
    const { ledger: { [READ]: read }, offset } = this.#saved, lines = offset - this.#from;
    if (read !== lines) throw new Violation(`${this.name} has read ${read} of ${lines} lines`);
  }

  #tick(process: number): void {
    if (process !== this.#process || !this.isUp) return;
    if (!this.isPaused() && !this.rests) {
      const text = this.lines.slice(this.#offset).join("");
      this.#offset = this.lines.length;
      const bytes = new TextEncoder().encode(text);
      if (bytes.length > 0) this.#ingest.lines(bytes, 0, bytes.length, ORIGIN);
      this.#ingest.tick();
      this.view.tick(this.clock.nowS());
    }
    this.machine.time.after(1000, () => this.#tick(process));
  }

  #save({ endS, nowS, deltas, positions }: Change): void {
    const before = this.#saved, ledger: Ledger = emptyLedger();
    if (before !== undefined) addLedger(ledger, before.ledger);
    for (const { bucket } of deltas) addLedger(ledger, bucket.ledger);
    this.#savedSequence = deltas.at(-1)?.identity.sequence ?? this.#savedSequence;
    this.#saved = {
      instance: this.#instance,
      sequence: this.#savedSequence,
      endS,
      ledger,
      deltas: [...before?.deltas ?? [], ...deltas.map((delta) => ({ delta, arrivedS: nowS }))],
      offset: positions[0].offset,
    };
  }

  /** As `collector/state_load.ts` does it when no slot was written. */
  #restore({ endS, deltas }: Saved): void {
    const { store, deltaLog } = this.view, nowS = deltas.at(-1)?.arrivedS ?? 0;
    store.restoreSlots(endS, []);
    for (const { delta, arrivedS } of deltas) {
      this.own.count(delta);
      const { identity, bucket: { startS, lengthS } } = delta;
      if (store.tierOf(startS, lengthS) >= 0 && store.lacks(identity, startS, lengthS)) store.restoreDelta(delta);
      if (arrivedS >= nowS - DELTA_SECONDS_MAX) deltaLog.add(delta, arrivedS);
    }
    store.endRestore();
  }
}

const ORIGIN = { pattern: 0, path: "/log", device: 1, inode: 2, generation: 0, offset: 0 };
const POSITION: Position = {
  path: "/log",
  device: 1,
  inode: 2,
  modifiedMs: 0,
  generation: 0,
  offset: 0,
  insideTooLong: false,
  fingerprint: NOTHING_READ,
  compressed: false,
  done: false,
};

/** An aggregator that can be restarted. */
class Aggregator implements Peer {
  fleet: Fleet | undefined;
  clock: SimulatedClock;
  readonly told: string[] = [];
  #process = 0;

  constructor(
    readonly machine: Machine,
    readonly name: string,
    readonly follows: readonly string[],
    readonly skewS: number,
  ) {
    this.clock = machine.time.clock(START, skewS);
    this.start();
  }

  get view(): LiveView {
    return this.fleet!.view;
  }

  nowMs(): number {
    return 1000 * this.clock.nowS();
  }

  isPaused(): boolean {
    return false;
  }

  start(): void {
    const { time, network, random } = this.machine, process = ++this.#process;
    this.told.length = 0;
    this.fleet = new Fleet({
      source: this.name,
      seed: hash(random),
      regex: linearRegex,
      clock: this.clock,
      log: openLog("aggregator", (line) => void this.told.push(line), () => 0),
      connect: (address) => network.client(this.name, address),
      random,
      sleep: (ms, signal) => time.sleep(ms, signal),
    });
    network.listen(this.name, this);
    this.fleet.follow(this.follows);
    this.#tick(process);
  }

  stop(): void {
    this.machine.network.hangUp(this.name);
    this.fleet?.follow([]);
    this.fleet = undefined;
  }

  #tick(process: number): void {
    if (process !== this.#process || this.fleet === undefined) return;
    this.fleet.tick();
    this.machine.time.after(1000, () => this.#tick(process));
  }
}

/** What became of a seed. */
interface Figures {
  seeds: number;
  steps: number;
  delivered: number;
  deltas: number;
  requests: number;
  restarts: number;
  /** Deltas that were lost with a process, or had been forgotten when they could be asked for. */
  lost: number;
  /** Windows of a source in which an answer had less, and said so. */
  less: number;
}

class World {
  readonly time = new VirtualTime();
  readonly random: () => number;
  readonly truth = new Truth();
  readonly collectors: Collector[] = [];
  readonly aggregators: Aggregator[] = [];
  readonly network: Network;
  readonly figures: Figures;

  constructor(readonly seed: number, plant: Plant, figures: Figures) {
    this.figures = figures;
    this.random = randomFrom(Math.imul(seed, 0x9e3779b1));
    for (let i = 0; i < 8; i++) this.random();
    const { time, random, truth } = this;
    this.network = new Network(time, random, plant.tamper);
    const machine: Machine = { time, network: this.network, random, truth, plant };
    const count = 2 + this.below(2);
    for (let i = 1; i <= count; i++) {
      const hasState = this.chance(0.6) && !plant.reusesInstance;
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
      this.aggregators.push(new Aggregator(machine, `agg-${i}:1`, addresses, this.skewS() / 10));
    }
    if (this.chance(0.3)) {
      const below = this.aggregators.map(({ name }) => name);
      this.aggregators.push(new Aggregator(machine, "top:1", below, this.skewS() / 10));
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
    for (let step = 0; step < CALM_STEPS; step++) {
      this.traffic();
      await this.step();
    }
    for (const collector of this.collectors) collector.rests = true;
    for (let step = 0; step < REST_STEPS; step++) await this.step();
    this.checkEnd();
    for (const aggregator of this.aggregators) aggregator.stop();
    await settled();
  }

  async step(): Promise<void> {
    await this.time.pass(STEP_MS);
    this.network.goOn();
    this.figures.steps++;
    for (const { fleet } of this.aggregators) if (fleet !== undefined) this.truth.checkSlots(fleet.view);
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
    else if (kind < 0.8) this.restartCollector(collector);
    else if (kind < 0.95) this.restartAggregator(aggregator);
    else collector.clock.stepWallMs(this.chance(0.7) ? 100_000 * (this.random() - 0.5) : 1e6 * (this.random() - 0.5));
  }

  restartCollector(collector: Collector): void {
    if (!collector.isUp) return;
    this.figures.restarts++;
    const isAlias = this.network.peer("alias:1") === collector;
    if (isAlias) this.network.hangUp("alias:1");
    collector.crash(this.chance(0.9));
    this.time.after(30_000 * this.random(), () => {
      collector.start();
      if (isAlias) this.network.listen("alias:1", collector);
    });
  }

  restartAggregator(aggregator: Aggregator): void {
    if (aggregator.fleet === undefined) return;
    this.figures.restarts++;
    aggregator.stop();
    this.time.after(20_000 * this.random(), () => aggregator.start());
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
      if (!peer?.view.deltaLog.identities().has(counted)) continue;
      if (aggregator.told.some((line) => line.includes("not merged: too_far_ahead"))) continue;
      const { source, instance, sequence, startS } = counted;
      throw new Violation(
        `${aggregator.name} lacks delta ${sequence} of ${source} ${instance} for ${startS}, which ${address} still holds`,
      );
    }
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

function hash(random: () => number): number {
  return Math.floor(2 ** 31 * random());
}

function silent(role: string): Log {
  return openLog(role, () => {}, () => 0);
}

/** Why a seed failed; undefined when it did not. */
async function failure(seed: number, plant: Plant, figures: Figures = noFigures()): Promise<string | undefined> {
  try {
    await new World(seed, plant, figures).run();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
}

function noFigures(): Figures {
  return { seeds: 0, steps: 0, delivered: 0, deltas: 0, requests: 0, restarts: 0, lost: 0, less: 0 };
}

/** The number after `--name=`, of the last that is given. */
function argument(name: string, otherwise: number): number {
  const given = Deno.args.findLast((argument) => argument.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
}

Deno.test("whatever happens to the network, to processes and to clocks, every delta is counted once", async () => {
  const first = argument("first", 1), seeds = argument("seeds", 15), figures = noFigures();
  const failures: string[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const why = await failure(seed, {}, figures);
    if (why !== undefined) failures.push(`deno task sim --first=${seed} --seeds=1: ${why}`);
  }
  assertEquals(failures, []);
  // deno-lint-ignore no-console
  if (Deno.args.length > 0) console.log(figures);
});

/** Tampers with every so many-th delta on its way. */
function everyFew(change: (delta: Delta) => readonly BucketItem[]): Tamper {
  return (item) => "identity" in item && item.identity.sequence % 11 === 7 ? change(item) : [item];
}

const LATE_S = 60;

const PLANTS: Readonly<Record<string, Plant>> = {
  "lost": { tamper: everyFew(() => []) },
  "doubled": {
    tamper: everyFew((delta) => [delta, {
      ...delta,
      identity: { ...delta.identity, sequence: delta.identity.sequence + 1_000_000 },
    }]),
  },
  "late, and counted when it came": {
    tamper: everyFew((delta) => [{ ...delta, bucket: { ...delta.bucket, startS: delta.bucket.startS + LATE_S } }]),
  },
  "skewed": {
    tamper: everyFew((delta) => [{ ...delta, bucket: { ...delta.bucket, startS: delta.bucket.startS - 10 } }]),
  },
  "of a start without state that reuses its instance": { reusesInstance: true },
};

for (const [what, plant] of Object.entries(PLANTS)) {
  Deno.test(`a delta is found that is ${what}`, async () => {
    let found: string | undefined;
    for (let seed = 1; seed <= 3 && found === undefined; seed++) found = await failure(seed, plant);
    assert(found !== undefined, "planted, and not found");
  });
}
