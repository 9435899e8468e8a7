/** A simulated aggregator: the shipped fleet on virtual time, behind a simulated network, that can be restarted. */
import { type SimulatedClock } from "@/core/host/clock.ts";
import { MachineRefusal } from "@/core/host/exit.ts";
import { openLog } from "@/core/host/log.ts";
import type { StateFiles } from "@/core/host/state_files.ts";
import { Crash, SimulatedStateFiles } from "@/core/host/state_files_simulated.ts";
import { type IdentityRanges, IdentitySet } from "@/core/identity_set.ts";
import { linearRegex } from "@/core/host/regex.ts";
import type { LiveView } from "@/core/live_view.ts";
import { sliceStart, TIERS } from "@/core/slices.ts";
import { Fleet } from "./fleet.ts";
import type { Network, Peer, Tamper, VirtualTime } from "./fleet_sim_fixture.ts";
import { type Truth, Violation } from "./fleet_truth_fixture.ts";
import { type OpenState, openState } from "./state_directory.ts";
import type { Standing } from "./state_record.ts";
import { knownIn } from "./state_standing.ts";

/** When virtual time begins, seconds since 1970. */
export const START = 1_700_006_400; // a multiple of 300

/** Milliseconds until a process that refused to start is started again. */
const RESTART_MS = 2000;

/** Mistakes that are planted, to see that they are found. */
export interface Plant {
  readonly tamper?: Tamper;
  /** A start without state goes on under the identity of the former process. */
  readonly reusesInstance?: boolean;
  /** What an aggregator's disk does otherwise than it says. */
  readonly disk?: (files: SimulatedStateFiles) => StateFiles;
  /** What an aggregator does otherwise before it reads its state. */
  readonly beforeLoad?: (fleet: Fleet) => void;
}

/** What all processes of a simulation share. */
export interface Machine {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly random: () => number;
  readonly truth: Truth;
  readonly plant: Plant;
}

/** An aggregator that can be restarted. */
export class Aggregator implements Peer {
  fleet: Fleet | undefined;
  clock: SimulatedClock;
  readonly told: string[] = [];
  /** Its disk; undefined without state. */
  files: SimulatedStateFiles | undefined;
  state: OpenState | undefined;
  /** What was durable when it crashed, and in the view, by tier. */
  #durable: readonly (readonly IdentityRanges[])[] = [];
  #process = 0;

  constructor(
    readonly machine: Machine,
    readonly name: string,
    readonly follows: readonly string[],
    readonly skewS: number,
    hasState = false,
  ) {
    this.clock = machine.time.clock(START, skewS);
    if (hasState) this.files = new SimulatedStateFiles(machine.random, 512);
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
    const { time, network, random, plant } = this.machine, process = ++this.#process, { files } = this;
    this.told.length = 0;
    const fleet = new Fleet({
      source: this.name,
      seed: hash(random),
      regex: linearRegex,
      clock: this.clock,
      log: openLog("aggregator", (line) => void this.told.push(line), () => 0),
      connect: (address) => network.client(this.name, address),
      random,
      sleep: (ms, signal) => time.sleep(ms, signal),
    });
    if (files === undefined) return this.#serve(fleet, process);
    plant.beforeLoad?.(fleet);
    void this.#open(fleet, process, files);
  }

  /** Its process ends; where there is state, it finds again what the disk has kept. */
  stop(how: "kill" | "power" = "kill"): void {
    this.machine.network.hangUp(this.name);
    this.#process++;
    const { state, fleet, files } = this;
    if (fleet !== undefined && state !== undefined) this.#durable = heldOf(state.standing(), fleet.view);
    fleet?.follow([]);
    this.fleet = this.state = undefined;
    if (files === undefined) return;
    files.crashAt = 0; // whatever the process still does comes to nothing
    this.files = files.restarted(how);
  }

  async #open(fleet: Fleet, process: number, files: SimulatedStateFiles): Promise<void> {
    const { time, random, plant } = this.machine;
    try {
      const state = await openState({
        directory: "/state",
        fleet,
        log: openLog("aggregator", (line) => void this.told.push(line), () => 0),
        nowS: () => this.clock.nowS(),
        monotonicMs: () => this.clock.monotonicMs(),
        files: plant.disk?.(files) ?? files,
        random: () => 2 ** 32 * random(),
        sleep: (ms) => {
          const woken = new AbortController();
          return { over: time.sleep(ms, woken.signal).catch(() => {}), wake: () => woken.abort() };
        },
        segmentBytes: 40_000,
        bytesMin: 100_000,
        bytesMax: 4_000_000,
        queueBytesMax: random() < 0.5 ? 20_000 : 2_000_000,
      });
      state.running.catch((error) => {
        if (!(error instanceof Crash)) this.broken = error;
      });
      if (process !== this.#process) return;
      this.state = state;
      this.#checkDurable(fleet.view);
      this.#serve(fleet, process);
    } catch (error) {
      if (error instanceof MachineRefusal) this.#startAgain();
      else if (!(error instanceof Crash)) this.broken = error;
    }
  }

  /** Its disk fails: it ends, and whoever looks after it starts it again. */
  #startAgain(): void {
    this.stop();
    this.machine.time.after(RESTART_MS, () => this.start());
  }

  /** An error that nobody was there to catch. */
  broken: unknown;

  /** Nothing is lost that was durable and is not too old by now, in no tier. */
  #checkDurable({ store }: LiveView): void {
    for (const [tier, durable] of this.#durable.entries()) {
      const { sliceS } = TIERS[tier];
      for (const one of this.machine.truth.of(durable, this.name)) {
        const { source, sequence, startS, lengthS } = one, lowest = store.tierOf(startS, lengthS);
        const slot = store.rings[tier].at(sliceStart(startS, sliceS));
        if (lowest < 0 || tier < lowest || slot?.identities.has(one) === true) continue;
        const what = `delta ${sequence} of ${source} for ${startS}, which was durable`;
        this.broken ??= new Violation(`${this.name} has lost ${what}, among slices of ${sliceS} s`);
      }
    }
  }

  #serve(fleet: Fleet, process: number): void {
    this.fleet = fleet;
    this.machine.network.listen(this.name, this);
    fleet.follow(this.follows);
    this.#tick(process);
  }

  #tick(process: number): void {
    if (process !== this.#process || this.fleet === undefined) return;
    this.fleet.tick();
    this.machine.time.after(1000, () => this.#tick(process));
  }
}

/** What is durable and in the view, by tier. */
function heldOf(standing: Standing, { store: { rings } }: LiveView): IdentityRanges[][] {
  const known = knownIn(standing);
  return rings.map((ring) => {
    const held = new IdentitySet(), gone = new IdentitySet();
    for (const slot of ring.slots()) held.addRanges(slot.identities.ranges());
    gone.addRanges(held.ranges());
    gone.removeRanges(known);
    held.removeRanges(gone.ranges());
    return held.ranges();
  });
}

/** A seed for a process's hashes. */
export function hash(random: () => number): number {
  return Math.floor(2 ** 31 * random());
}
