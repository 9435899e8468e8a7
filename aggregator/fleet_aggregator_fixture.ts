/** A simulated aggregator: the shipped fleet on virtual time, behind a simulated network, that can be restarted. */
import { type SimulatedClock } from "@/core/host/clock.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import type { LiveView } from "@/core/live_view.ts";
import { Fleet } from "./fleet.ts";
import type { Network, Peer, Tamper, VirtualTime } from "./fleet_sim_fixture.ts";
import type { Truth } from "./fleet_truth_fixture.ts";

/** When virtual time begins, seconds since 1970. */
export const START = 1_700_006_400; // a multiple of 300

/** Mistakes that are planted, to see that they are found. */
export interface Plant {
  readonly tamper?: Tamper;
  /** A start without state goes on under the identity of the former process. */
  readonly reusesInstance?: boolean;
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

/** A seed for a process's hashes. */
export function hash(random: () => number): number {
  return Math.floor(2 ** 31 * random());
}
