/**
 * A simulated collector: the shipped one from lines to deltas, on virtual time. Its log is a list of lines, and its disk a record
 * that is durable some time after it was told.
 */
import { deliverTo, publishTo } from "@/collector/delivery.ts";
import { Ingest } from "@/collector/ingest.ts";
import { NOTHING_READ, type Position } from "@/collector/position.ts";
import { type Former, Sequencer } from "@/collector/sequencer.ts";
import type { Change } from "@/collector/state_standing.ts";
import { blocksOf, openSealed, type Sealed } from "@/collector/thread_message.ts";
import type { TargetInfo } from "@/core/answer.ts";
import { DELTA_SECONDS_MAX } from "@/core/bounds.ts";
import type { Delta } from "@/core/bucket.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import type { SimulatedClock } from "@/core/host/clock.ts";
import { OncePerMinute, openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { addLedger, emptyLedger, type Ledger, READ } from "@/core/ledger.ts";
import { LiveView } from "@/core/live_view.ts";
import { Pipeline } from "@/core/pipeline.ts";
import { hash, type Machine, START } from "./fleet_aggregator_fixture.ts";
import type { Peer } from "./fleet_sim_fixture.ts";
import { Truth, Violation } from "./fleet_truth_fixture.ts";

/** What a collector finds when it starts again. */
interface Saved extends Former {
  readonly instance: string;
  readonly deltas: readonly { readonly delta: Delta; readonly arrivedS: number }[];
  /** Lines that need not be read again. */
  readonly offset: number;
}

export class Collector implements Peer {
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
    const targets = (): TargetInfo[] => [sequencer.target(this.address)];
    this.view = new LiveView({ source: this.name, seed: hash(random), regex: linearRegex, targets, savedUntil });
    if (former === undefined) this.#from = this.lines.length;
    this.#offset = former?.offset ?? this.#from;
    if (former !== undefined) this.#restore(former);
    const { view } = this, publish = publishTo(view), log = openLog("collector", () => {}, () => 0);
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
    const { random } = this.machine, site = `site-${Math.floor(3 * random())}`;
    const status = random() < 0.8 ? 200 : 404;
    this.lines.push(
      `${site}\t192.0.2.${Math.floor(8 * random())}\t${
        (this.clock.nowS() - ageS).toFixed(3)
      }\tGET\t/\t${status}\t10\t0.001\n`,
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
