/**
 * Kills collectors and their aggregator again and again while their logs are written, lets them stay away for a while, renames
 * hosts, and holds every window of the aggregator to what was written: by website, by status and by source.
 *
 *     writers ──▶ logs ──▶ collectors, killed, each with its state ──▶ aggregator, killed
 *        └──────── what was written, by slice ═══════ must be ═══════ every window ┘
 */
import { assert, assertEquals } from "@std/assert";
import { KilledCollector, type KilledOptions } from "@/cli/e2e/chaos/killed_collector.ts";
import { eventually, freePort, pause } from "@/cli/e2e/ports.ts";
import { type Role, startAggregatorWith } from "@/cli/e2e/roles.ts";
import { differences } from "@/cli/e2e/tally.ts";
import type { TopNAnswer } from "@/core/answer.ts";
import { REQUESTS } from "@/core/measures.ts";
import { type WindowName, WINDOWS } from "@/core/slices.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { type Client, connect, RemoteError } from "@/proto/client.ts";
import { FleetLog, WRITTEN_BY, type WrittenBy, WrittenLines } from "./written_lines.ts";

export interface FleetChaosOptions {
  readonly collectors: number;
  /** For which all this goes on; then everybody comes back. */
  readonly seconds: number;
  /** Of one outage, at most; most are short. */
  readonly outageSeconds: number;
  /** Seconds between two kills of the same process, on the average. */
  readonly lifeSeconds: number;
  readonly seed: number;
  /** Whether the aggregator has a state directory. */
  readonly aggregatorState: boolean;
  /**
   * Whether the first host is given another name, and its former one back. What a name has delivered that nobody answers to any
   * more is in the aggregator alone, so that needs a state directory there.
   */
  readonly renames: boolean;
  /** For logs and states. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** What happened. */
export interface FleetChaosFigures {
  lines: number;
  collectorKills: number;
  aggregatorKills: number;
  renamings: number;
  /** Answers that were looked at meanwhile: none had more than was written. */
  answers: number;
  longestOutageS: number;
}

/** Milliseconds for the last of all to come back, and for what it has to arrive: the longest backoff, a slice, and its sealing. */
const RETURN_MS_MAX = 90_000;

/** Milliseconds after which what an aggregator answers is in its state as well. */
const SAVED_MS = 3000;

/** Rejects when any count differs. */
export async function fleetChaos(options: FleetChaosOptions): Promise<FleetChaosFigures> {
  const { collectors, seconds, say } = options;
  const fleet = new ChaoticFleet(options);
  const stop = new AbortController();
  const all = Array.from({ length: collectors }, (_, index) => fleet.host(index));
  try {
    const doings = [
      ...all.map((host) => fleet.write(host, stop.signal)),
      ...all.map((host, index) => fleet.killNowAndThen(host, options.renames && index === 0, stop.signal)),
      fleet.killAggregator(stop.signal),
      fleet.watch(stop.signal),
    ];
    await Promise.race([pause(1000 * seconds), Promise.all(doings)]);
    stop.abort();
    await Promise.all(doings);
    const { figures } = fleet;
    figures.lines = fleet.written.lines;
    say(
      `${figures.lines} lines written; killed ${figures.collectorKills} collectors and ${figures.aggregatorKills} aggregators; ` +
        "waiting for the counts",
    );
    await fleet.compare();
    say(`every window is what was written: ${WINDOWS.map(({ name }) => name).join(", ")}, by ${WRITTEN_BY.join(", ")}`);
    return figures;
  } finally {
    stop.abort();
    await fleet.end(all);
  }
}

/** One host: its log, its collector, and how it is called. */
interface Host {
  readonly number: number;
  readonly port: number;
  readonly random: () => number;
  now: Named;
  /** Under its other name, once it has had one. */
  other: Named | undefined;
  collector: KilledCollector | undefined;
}

/** What a host has under one name. */
interface Named {
  readonly log: FleetLog;
  readonly options: KilledOptions;
}

class ChaoticFleet {
  readonly written = new WrittenLines();
  readonly figures: FleetChaosFigures = {
    lines: 0,
    collectorKills: 0,
    aggregatorKills: 0,
    renamings: 0,
    answers: 0,
    longestOutageS: 0,
  };
  readonly #hosts: Host[] = [];
  readonly #port = freePort();
  readonly #client: Client;
  #aggregator: Role | undefined;

  constructor(readonly options: FleetChaosOptions) {
    this.#client = connect(`127.0.0.1:${this.#port}`);
  }

  host(index: number): Host {
    const number = index + 1, port = freePort(), random = randomFrom(this.options.seed + 7919 * number);
    for (let i = 0; i < 8; i++) random();
    const now = this.#named(number, `web-${number}`, port, random);
    const host: Host = { number, port, random, now, other: undefined, collector: undefined };
    this.#hosts.push(host);
    return host;
  }

  /** A few lines at a time, whoever reads them. */
  async write(host: Host, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      host.now.log.append(Math.floor(30 * host.random()));
      await pause(20 + 160 * host.random());
    }
  }

  async killNowAndThen(host: Host, renames: boolean, stop: AbortSignal): Promise<void> {
    const { random } = host;
    while (!stop.aborted) {
      host.collector = new KilledCollector(host.now.options);
      await this.#live(random, stop);
      if (!stop.aborted && renames && random() < 0.5) await this.#rename(host);
      if (stop.aborted) return;
      await this.#kill(host);
      await this.#outage(random, stop);
    }
    host.collector = new KilledCollector(host.now.options);
  }

  async #kill(host: Host): Promise<void> {
    await host.collector!.kill();
    checkSaid(host.collector!.stderr);
    host.collector = undefined;
    this.figures.collectorKills++;
  }

  /** nginx writes to another log, and when all of the former has been delivered, its collector goes and another comes. */
  async #rename(host: Host): Promise<void> {
    const { number, port, random } = host, former = host.now, { source } = former.log;
    host.now = host.other ?? this.#named(number, `renamed-${number}`, port, random);
    host.other = former;
    let counted: number | undefined;
    await eventually(
      async () => {
        const answer = await this.#ask("24h", "source");
        counted = answer && countsOf(answer).get(source);
        return counted === this.written.of(source) || undefined;
      },
      () => `${counted} of ${source} counted, ${this.written.of(source)} written`,
      RETURN_MS_MAX,
    );
    await pause(SAVED_MS);
    await this.#kill(host);
    host.collector = new KilledCollector(host.now.options);
    this.figures.renamings++;
  }

  async killAggregator(stop: AbortSignal): Promise<void> {
    const random = randomFrom(this.options.seed);
    while (!stop.aborted) {
      this.#aggregator = await this.#startAggregator();
      await this.#live(random, stop);
      if (stop.aborted) return;
      await this.#aggregator.kill("SIGKILL");
      checkSaid(this.#aggregator.stderr());
      this.#aggregator = undefined;
      this.figures.aggregatorKills++;
      await this.#outage(random, stop);
    }
    this.#aggregator = await this.#startAggregator();
  }

  /** No answer ever has more than was written. */
  async watch(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await pauseOr(1500, stop);
      const answer = await this.#ask("60m", "website");
      if (answer === undefined) continue;
      const counted = answer.total[REQUESTS], { lines } = this.written;
      if (counted > lines) throw new Error(`${counted} counted, ${lines} written`);
      this.figures.answers++;
    }
  }

  /** All windows, once everything has arrived. */
  async compare(): Promise<void> {
    const { written } = this;
    let last = "no answer";
    await eventually(
      async () => {
        const answer = await this.#ask("60m", "source");
        if (answer === undefined) return undefined;
        const wrong = differences(written.within(0, Infinity, "source"), countsOf(answer));
        last = wrong.join("; ");
        if (answer.total[REQUESTS] > written.lines) throw new Error(`more is counted than was written: ${last}`);
        return wrong.length === 0 || undefined;
      },
      () => `${last}\n${this.#aggregator?.stderr()}`,
      RETURN_MS_MAX,
    );
    let states = "";
    await eventually(
      async () => {
        states = (await this.#client.targets(5000)).map(({ state }) => state).join(" ");
        return states === this.#hosts.map(() => "connected").join(" ") || undefined;
      },
      () => `states: ${states}`,
      RETURN_MS_MAX,
    );
    for (const { name } of WINDOWS) for (const by of WRITTEN_BY) await this.#compareWindow(name, by);
  }

  async #compareWindow(window: WindowName, by: WrittenBy): Promise<void> {
    const answer = await this.#ask(window, by);
    assert(answer !== undefined, `no answer about ${window}`);
    const { fromS, toS, other } = answer;
    const wrong = differences(this.written.within(fromS, toS, by), countsOf(answer));
    assertEquals(wrong, [], `${window} by ${by}, ${fromS} to ${toS}`);
    assertEquals(other[REQUESTS], 0);
  }

  async end(hosts: readonly Host[]): Promise<void> {
    this.#client.close();
    for (const { now, other } of hosts) for (const named of [now, other]) named?.log.close();
    const codes = await Promise.all(hosts.map(({ collector }) => collector?.stop() ?? 0));
    await this.#aggregator?.stop();
    for (const { collector } of hosts) checkSaid(collector?.stderr ?? "");
    assertEquals(codes, hosts.map(() => 0));
  }

  #named(number: number, source: string, port: number, random: () => number): Named {
    const folder = `${this.options.folder}/${number}-${source}`;
    Deno.mkdirSync(folder);
    const path = `${folder}/access.log`, options = { port, log: path, stateDir: `${folder}/state`, source };
    return { log: new FleetLog(path, source, this.written, random), options };
  }

  #startAggregator(): Promise<Role> {
    const { aggregatorState, folder } = this.options, stateDir = `${folder}/aggregator`;
    return startAggregatorWith({
      source: "agg",
      collectors: this.#hosts.map(({ port }) => `127.0.0.1:${port}`),
      port: this.#port,
      ...(aggregatorState ? { flags: [`--state-dir=${stateDir}`], folders: [stateDir] } : {}),
    });
  }

  #live(random: () => number, stop: AbortSignal): Promise<void> {
    return pauseOr(2000 * this.options.lifeSeconds * random(), stop);
  }

  /** Mostly short, sometimes as long as may be. */
  async #outage(random: () => number, stop: AbortSignal): Promise<void> {
    const { outageSeconds } = this.options, beginMs = performance.now();
    await pauseOr(1000 * outageSeconds * random() ** 4, stop);
    this.figures.longestOutageS = Math.max(this.figures.longestOutageS, (performance.now() - beginMs) / 1000);
  }

  /** Undefined while it cannot be reached. */
  async #ask(window: WindowName, by: WrittenBy): Promise<TopNAnswer | undefined> {
    try {
      return await this.#client.topN({ window, groupBy: by, n: 1000, sort: REQUESTS, filter: undefined }, 5000);
    } catch (error) {
      if (error instanceof RemoteError) return undefined;
      throw error;
    }
  }
}

/** Every count of an answer; each must be exact. */
function countsOf({ entries }: TopNAnswer): Map<string, number> {
  for (const { label, values, countMax } of entries) assertEquals(values[REQUESTS], countMax, `${label} is exact`);
  return new Map(entries.map(({ label, values }) => [label, values[REQUESTS]]));
}

/** What is said must be what is expected of a kill. */
function checkSaid(stderr: string): void {
  const bad = stderr.split("\n").filter((line) => / error (collector|aggregator): |Uncaught/.test(line));
  assertEquals(bad, [], stderr);
}

/** After `ms`, or when it is stopped, whichever comes first. */
async function pauseOr(ms: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    }
    stop.addEventListener("abort", done);
  });
}
