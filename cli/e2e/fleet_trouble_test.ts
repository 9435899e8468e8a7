/**
 * A collector that is stopped (SIGSTOP), one whose network is cut, and subscribers that take one byte a second: the aggregator
 * goes on for everybody else, says who is missing, invents nothing, and is complete when they are back.
 */
import { assert, assertEquals } from "@std/assert";
import { REQUESTS } from "@/core/measures.ts";
import type { TopNAnswer } from "@/core/answer.ts";
import { type Client, connect } from "@/proto/client.ts";
import { budgetBytes, memoryBytes } from "./fleet/memory_told.ts";
import { startNetworkHost } from "./fleet/network_hosts.ts";
import { type SlowReader, startSlowReader } from "./fleet/slow_reader.ts";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { eventually, freePort, pause } from "./ports.ts";
import { type Role, startAggregator, startCollector } from "./roles.ts";

const NAMES = ["well", "stopped", "cut"] as const;
type Name = typeof NAMES[number];

/** Lines of each log a second; each of another URI, so that there is something to send. */
const LINES_PER_SECOND = 200;

const SLOW_READERS = 8;

/** Milliseconds that half of the answers may take while others are in trouble; on a quiet machine, nearly all. */
const ANSWER_MS_MEDIAN_MAX = 500;

/**
 * Milliseconds after a slice has ended until a subscriber has its delta: one, on a quiet machine. Whoever waited for a slow reader
 * would do so until that is hung up on, after 40 s.
 */
const DELTA_MS_MAX = 25_000;

realTest(
  ["namespaces"],
  "a stopped collector, one that is cut off, and slow readers hold nobody up, and are missing until they are back",
  async () => {
    using folder = new TestFolder();
    await using host = await startNetworkHost();
    const logs = new Written(folder);
    await using well = await startCollector({ source: "well", logs: [folder.path("well.log")] });
    await using stopped = await startCollector({ source: "stopped", logs: [folder.path("stopped.log")] });
    const there = { host: host.address, prefix: host.prefix, port: freePort() };
    await using cut = await startCollector({ source: "cut", logs: [folder.path("cut.log")], ...there });
    await using aggregator = await startAggregator("agg", [well, stopped, cut].map(({ address }) => address));
    using readers = new DisposableStack();
    const client = connect(aggregator.address), watcher = new Watcher(client);
    using _watching = watcher;
    using _writing = logs.writing();
    try {
      await watcher.untilHas(NAMES, 1, aggregator);
      stopped.signal("SIGSTOP");
      await host.unplug();
      const slow: SlowReader[] = [];
      for (let i = 0; i < SLOW_READERS; i++) slow.push(readers.use(await startSlowReader(aggregator.address)));
      const before = await watcher.counts();

      // What was on its way when they were stopped may still come; then they are named, and have what they had.
      await eventually(
        async () => {
          const { coverage } = await watcher.ask();
          return coverage.missing.toSorted().join() === "cut,stopped" || undefined;
        },
        () => `missing: ${JSON.stringify(watcher.last?.coverage)}\n${aggregator.stderr()}`,
        60_000,
      );
      const during = await watcher.counts();
      assert(during.well > before.well, "who is well goes on");
      for (const name of ["stopped", "cut"] as const) {
        assert(during[name] <= before[name] + 10 * LINES_PER_SECOND, name);
      }
      await pause(2000);
      const after = await watcher.counts();
      assertEquals([after.stopped, after.cut], [during.stopped, during.cut], "nothing is invented");

      const answersMs = watcher.answersMs.sort((one, other) => one - other);
      const median = answersMs[answersMs.length >> 1];
      assert(median < ANSWER_MS_MEDIAN_MAX, `answers took ${answersMs.map(Math.round)} ms`);
      assert(watcher.latestMs < DELTA_MS_MAX, `a subscriber got a delta ${watcher.latestMs} ms after its slice`);
      for (const { taken } of slow) assert(taken > 5, `a slow reader took ${taken} bytes`);
      const budget = budgetBytes(aggregator.stderr()), takes = await memoryBytes(client);
      assert(takes > 0 && takes < budget, `${takes} bytes of memory, the budget is ${budget}`);

      stopped.signal("SIGCONT");
      await host.plug();
      logs.stop();
      await watcher.untilEqual(logs, aggregator);
      assertEquals((await client.targets(5000)).map(({ state }) => state), ["connected", "connected", "connected"]);
    } finally {
      stopped.signal("SIGCONT");
      client.close();
    }
  },
);

/** The three logs, and how many lines each has. */
class Written {
  readonly lines: Record<Name, number> = { well: 0, stopped: 0, cut: 0 };
  #stopped = false;

  constructor(readonly folder: TestFolder) {
    for (const name of NAMES) folder.append("", `${name}.log`);
  }

  /** Until disposed. */
  writing(): Disposable {
    const timer = setInterval(() => {
      if (!this.#stopped) { for (const name of NAMES) this.#write(name); }
    }, 100);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  stop(): void {
    this.#stopped = true;
  }

  #write(name: Name): void {
    let text = "";
    for (let i = 0; i < LINES_PER_SECOND / 10; i++) text += line({ host: name, uri: `/${name}/${this.lines[name]++}` });
    this.folder.append(text, `${name}.log`);
  }
}

/** Asks, and subscribes, all the time: how long answers take, and how late deltas are. */
class Watcher implements Disposable {
  readonly answersMs: number[] = [];
  last: TopNAnswer | undefined;
  /** The longest that a delta of the collector that is well took from the end of its slice. */
  latestMs = 0;
  readonly #stop = new AbortController();

  constructor(readonly client: Client) {
    void this.#subscribe();
  }

  async ask(): Promise<TopNAnswer> {
    const beginMs = performance.now();
    this.last = await this.client.topN(
      { window: "60m", groupBy: "website", n: 10, sort: REQUESTS, filter: undefined },
      5000,
    );
    this.answersMs.push(performance.now() - beginMs);
    return this.last;
  }

  async counts(): Promise<Readonly<Record<Name, number>>> {
    const { entries } = await this.ask();
    const of = (name: Name): number => entries.find(({ label }) => label === name)?.values[REQUESTS] ?? 0;
    return { well: of("well"), stopped: of("stopped"), cut: of("cut") };
  }

  async untilHas(names: readonly Name[], least: number, { stderr }: Role): Promise<void> {
    await eventually(
      async () => {
        const counts = await this.counts();
        return names.every((name) => counts[name] >= least) || undefined;
      },
      () => `${JSON.stringify(this.last?.entries)}\n${stderr()}`,
      30_000,
    );
  }

  async untilEqual({ lines }: Written, { stderr }: Role): Promise<void> {
    let counts: Readonly<Record<Name, number>> | undefined;
    await eventually(
      async () => {
        counts = await this.counts();
        for (const name of NAMES) {
          assert(counts[name] <= lines[name], `${name}: ${counts[name]} of ${lines[name]} lines`);
        }
        return NAMES.every((name) => counts![name] === lines[name]) || undefined;
      },
      () => `${JSON.stringify(counts)} counted, ${JSON.stringify(lines)} written\n${stderr()}`,
      60_000,
    );
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #subscribe(): Promise<void> {
    for await (const item of this.client.deltas(this.#stop.signal)) {
      if (!("identity" in item) || item.identity.source !== "well") continue;
      const { startS, lengthS } = item.bucket;
      this.latestMs = Math.max(this.latestMs, Date.now() - 1000 * (startS + lengthS));
    }
  }
}
