import { assert, assertEquals } from "@std/assert";
import type { Delta } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { CounterTable } from "@/core/counter_table.ts";
import { DeltaLog } from "@/core/delta_log.ts";
import { openLog } from "@/core/host/log.ts";
import { Crash, SimulatedStateFiles } from "@/core/host/state_files_simulated.ts";
import { StateLog } from "@/core/host/state_log.ts";
import { ledgerOf } from "@/core/host/state_record.ts";
import { COUNTED, emptyLedger, READ } from "@/core/ledger.ts";
import { REQUESTS } from "@/core/measures.ts";
import { seal } from "@/core/seal.ts";
import { sliceStart, tierHolding, TIERS } from "@/core/slices.ts";
import { Store } from "@/core/store.ts";
import { countRequest, randomFrom } from "@/core/test_lines.ts";
import type { Position } from "./position.ts";
import { loadState } from "./state_load.ts";
import { StateSaver } from "./state_saver.ts";

const START = 1_700_006_400; // a multiple of 300

interface Rates {
  readonly seeds: number;
  /** Of a step. */
  readonly crash: number;
  readonly fullDisk: number;
  readonly queueBytesMax?: number;
  /** Of the log of deltas: what is published after a crash must fit into it, and it keeps segments from being given up. */
  readonly deltaBytes: number;
  /** Of the state, and of the disk. */
  readonly bytesMax?: number;
  readonly diskBytes?: number;
}

Deno.test("across crashes every line is counted once, here and by a follower, and no identity has two contents", async () => {
  await many({ seeds: 12, crash: 0.1, fullDisk: 0, deltaBytes: 40_000 });
});

Deno.test("while the disk is full answers stay live, delivery waits, and afterwards nothing is missing", async () => {
  await many({ seeds: 8, crash: 0.04, fullDisk: 0.1, deltaBytes: 1_000_000 });
});

Deno.test("when too much waits delivery stops: a follower has a gap, the collector and its restarts have every line", async () => {
  await many({ seeds: 30, crash: 0.08, fullDisk: 0.1, queueBytesMax: 6_000, deltaBytes: 40_000 });
});

Deno.test("on a small disk deltas are let go of first, which is said and counted, and nothing else gives way", async () => {
  const rates = { seeds: 10, crash: 0.04, fullDisk: 0, deltaBytes: 1_000_000, bytesMax: 450_000, diskBytes: 570_000 };
  const worlds = await many(rates);
  for (const { seed, troubles, most, letGo, saidLetGo } of worlds) {
    assertEquals(troubles, [], `seed ${seed}`);
    assert(most > 450_000, `seed ${seed}: ${most} bytes`);
    assert(letGo > 0 && saidLetGo > 0, `seed ${seed}: ${letGo} let go, said ${saidLetGo} times`);
  }
});

Deno.test("a bound that is less than what is needed costs no line", async () => {
  await many({ seeds: 8, crash: 0.04, fullDisk: 0, deltaBytes: 1_000_000, bytesMax: 150_000 });
});

async function many(rates: Rates): Promise<readonly World[]> {
  const worlds: World[] = [];
  for (let seed = 1; seed <= rates.seeds; seed++) {
    const world = new World(seed, rates);
    await world.run();
    worlds.push(world);
  }
  return worlds;
}

const SEGMENT_BYTES = 30_000;

/** One log, one collector that is killed again and again, and one follower. */
class World {
  readonly random: () => number;
  files: SimulatedStateFiles;
  nowS = START;
  /** The time of each line of the log. */
  readonly lines: number[] = [];
  readonly follower = new Store(7);
  readonly checksums = new Map<number, number>();
  gaps = false;
  /** What was said of a disk that cannot be written to. */
  readonly troubles: string[] = [];
  saidLetGo = 0;
  letGo = 0;
  /** Bytes of state. */
  most = 0;
  // The process.
  store = new Store(1);
  deltaLog!: DeltaLog;
  saver!: StateSaver;
  sequence = 0;
  /** Lines that were read, and sealed. */
  position = 0;
  crashed = false;

  constructor(readonly seed: number, readonly rates: Rates) {
    this.random = randomFrom(seed);
    this.files = new SimulatedStateFiles(this.random, 512);
  }

  async run(): Promise<void> {
    await this.start();
    for (let step = 0; step < 150; step++) {
      this.nowS += this.chance(0.01) ? 10 * Math.floor(300 * this.random()) : 10;
      this.write();
      this.files.bytesMax = this.chance(this.rates.fullDisk)
        ? 20_000 * this.random()
        : this.chance(0.1)
        ? Infinity
        : this.files.bytesMax;
      if (this.rates.diskBytes !== undefined) this.files.bytesMax = this.rates.diskBytes;
      if (this.chance(this.rates.crash)) {
        this.files.crashAt = this.files.operations + 1 + Math.floor(12 * this.random());
      }
      this.sealSome();
      await settle(Math.floor(60 * this.random()));
      this.most = Math.max(this.most, this.saver.facts().bytes);
      const restarted = this.crashed;
      if (restarted) await this.restart();
      if (restarted || step % 20 === 0) this.compare(`seed ${this.seed}, step ${step}`, this.store, this.position);
    }
    this.files.bytesMax = this.files.crashAt = Infinity;
    this.position < this.lines.length && this.sealSome(Infinity);
    await settle(3000);
    if (this.crashed) await this.restart();
    this.sealSome(Infinity);
    await settle(3000);
    assertEquals(this.saver.problem(), "", `seed ${this.seed}`);
    await this.restart();
    this.sealSome(Infinity);
    await settle(2000);
    this.compare(`seed ${this.seed}, in the end`, this.store, this.lines.length);
    if (!this.gaps) this.compare(`seed ${this.seed}, the follower`, this.follower, this.lines.length);
    await this.saver.stop();
    if (this.rates.queueBytesMax === undefined) assertEquals(this.gaps, false);
  }

  chance(p: number): boolean {
    return this.random() < p;
  }

  /** Lines come to the log: mostly of now, some of a backlog. */
  write(): void {
    for (let i = Math.floor(8 * this.random()); i > 0; i--) {
      const ageS = this.chance(0.8)
        ? 10 * this.random()
        : this.chance(0.5)
        ? 600 * this.random()
        : 50_000 * this.random();
      this.lines.push(this.nowS - 10 - ageS);
    }
  }

  async start(): Promise<void> {
    this.crashed = false;
    this.store = new Store(this.nowS);
    this.deltaLog = new DeltaLog(this.rates.deltaBytes);
    const options = {
      files: this.files,
      directory: "/state",
      random: () => 2 ** 32 * this.random(),
      segmentBytes: SEGMENT_BYTES,
    };
    const log = await StateLog.open(options), { store, deltaLog } = this;
    const messages = openLog(
      "collector",
      (line) => {
        this.gaps ||= line.includes("delivery has stopped");
        if (line.includes("state cannot be saved")) this.troubles.push(line);
        if (line.includes("deltas that can still be asked for went")) this.saidLetGo++;
      },
      () => 0,
    );
    assertEquals(log.findings.filter(({ serious }) => serious), []);
    const common = { log, store, messages, directory: "/state", source: "s", instance: "0123456789abcdef", deltaLog };
    const loaded = await loadState(common), { standing } = loaded;
    this.sequence = standing.sequence;
    const [text] = standing.positions.values();
    this.position = text === undefined ? 0 : (JSON.parse(text) as Position).offset;
    assertEquals(ledgerOf(standing.ledger)[READ], this.position, `seed ${this.seed}: the ledger has what was read`);
    // What a follower that has just connected is sent.
    for (let at = deltaLog.begin, delta; (delta = deltaLog.at(at)) !== undefined; at++) this.toFollower(delta);
    const from = (): number => deltaLog.at(deltaLog.begin)?.identity.sequence ?? Infinity;
    const publish = (deltas: readonly Delta[], nowS: number): void => {
      for (const delta of deltas) {
        deltaLog.add(delta, nowS);
        this.toFollower(delta);
      }
    };
    const sleep = (): { over: Promise<void>; wake: () => void } => ({ over: settle(5), wake: () => {} });
    const { queueBytesMax, bytesMax = Infinity } = this.rates, nowS = (): number => this.nowS;
    const more = { publish, askedFrom: from, nowS, sleep, queueBytesMax, bytesMin: 60_000, bytesMax };
    const saver = this.saver = new StateSaver({ ...common, ...loaded, ...more });
    saver.running.catch((error) => {
      if (!(error instanceof Crash)) throw error;
      this.crashed = true;
    });
  }

  async restart(): Promise<void> {
    this.letGo += this.saver.facts().letGo;
    this.files.crashAt = 0; // whatever the former process still does comes to nothing
    await settle(50);
    this.files = this.files.restarted(this.chance(0.5) ? "kill" : "power");
    await this.start();
  }

  /** What an ingest thread and the delivery do. */
  sealSome(most = 12): void {
    const { nowS, store } = this, bySlice = new Map<string, number[]>();
    const end = Math.min(
      this.lines.length,
      this.position + Math.floor((most === Infinity ? 1 : this.random()) * most || Infinity),
    );
    for (const timeS of this.lines.slice(this.position, end)) {
      const { sliceS } = TIERS[tierHolding(timeS, nowS - 10)], key = `${sliceStart(timeS, sliceS)} ${sliceS}`;
      bySlice.set(key, [...bySlice.get(key) ?? [], timeS]);
    }
    const ledger = emptyLedger();
    ledger[READ] = ledger[COUNTED] = end - this.position;
    this.position = end;
    store.advance(nowS);
    const deltas = [...bySlice].map(([key, times], i): Delta => {
      const [startS, lengthS] = key.split(" ").map(Number), table = new CounterTable(3);
      for (const timeS of times) {
        countRequest(table, {
          values: ["w", "", `/${timeS % 5}`, "200", "GET", "", "", "", "s"],
          measures: [1, 0, 0, 0],
        });
      }
      const caps = { rowsMax: 100, entriesMax: 100, entryBytesMax: 1000 };
      const bucket = seal(table, startS, lengthS, i === 0 ? ledger : emptyLedger(), caps);
      const identity = {
        source: "s",
        instance: "0123456789abcdef",
        sequence: ++this.sequence,
        checksum: bucketChecksum(bucket),
      };
      return { identity, bucket };
    });
    for (const delta of deltas) assertEquals(store.add(delta), "merged");
    this.saver.save({ endS: nowS, nowS, deltas, positions: [positionAt(end)] });
  }

  toFollower(delta: Delta): void {
    const { sequence, checksum } = delta.identity, known = this.checksums.get(sequence);
    assert(known === undefined || known === checksum, `seed ${this.seed}: two contents of delta ${sequence}`);
    this.checksums.set(sequence, checksum);
    this.follower.advance(this.nowS);
    this.follower.add(delta);
  }

  /** What a store says of the last day, slot by slot, against the times of the lines. */
  compare(where: string, store: Store, lines: number): void {
    if (store.endS === 0) return;
    const { slots } = store.resolve({ fromS: sliceStart(store.endS - 80_000, 300), toS: store.endS }, 2, Infinity);
    const counted = slots.map((slot) => [slot.startS, slot.bucket().totals[REQUESTS]]).filter(([, count]) => count > 0);
    const expected = slots.map(({ startS, lengthS }) => {
      return [startS, this.lines.slice(0, lines).filter((timeS) => timeS >= startS && timeS < startS + lengthS).length];
    }).filter(([, count]) => count > 0);
    assertEquals(counted, expected, where);
    const sum = counted.reduce((all, [, count]) => all + count, 0);
    const fromS = sliceStart(store.endS - 80_000, 300);
    assertEquals(sum, this.lines.slice(0, lines).filter((timeS) => timeS >= fromS && timeS < store.endS).length, where);
  }
}

function positionAt(offset: number): Position {
  const fingerprint = { headBytes: 0, headHash: 0, tailBytes: 0, tailHash: 0 };
  const rest = { modifiedMs: 0, generation: 0, insideTooLong: false, fingerprint, compressed: false, done: false };
  return { path: "/a.log", device: 1, inode: 1, offset, ...rest };
}

/** Lets some steps of whoever waits happen. */
async function settle(steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) await Promise.resolve();
}
