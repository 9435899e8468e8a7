/**
 * Kills collectors and their aggregator again and again while their logs are written, lets them stay away for a while, renames
 * hosts, and holds every window of the aggregator to what was written: by website, by status and by source. Between collectors
 * and aggregator there may be relays, killed as well, that share some of the collectors or all.
 *
 *     writers ──▶ logs ──▶ collectors, killed, each with its state ─┬─▶ relay, killed ─┬─▶ aggregator, killed
 *        │                                                          └─▶ relay, killed ─┘         │
 *        └──────── what was written, by slice ═══════════════════ must be ═════════════ every window
 */
import { assert, assertEquals } from "@std/assert";
import { KilledCollector, type KilledOptions } from "@/cli/e2e/chaos/killed_collector.ts";
import { eventually, freePort, pause } from "@/cli/e2e/ports.ts";
import { type Counts, differences } from "@/cli/e2e/tally.ts";
import type { TopNAnswer } from "@/core/answer.ts";
import { REQUESTS } from "@/core/measures.ts";
import { type WindowName, WINDOWS } from "@/core/slices.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { checkSaid, KilledAggregator } from "./killed_aggregator.ts";
import { FleetLog, WRITTEN_BY, type WrittenBy, WrittenLines } from "./written_lines.ts";

export interface FleetChaosOptions {
  readonly collectors: number;
  /** For which all this goes on; then everybody comes back. */
  readonly seconds: number;
  /** Of one outage, at most; most are short. */
  readonly outageSeconds: number;
  /** Of the first outage of the last collector and of the aggregator; 0 for one like the others. */
  readonly longSeconds: number;
  /** Seconds between two kills of the same process, on the average. */
  readonly lifeSeconds: number;
  readonly seed: number;
  /** Aggregators between collectors and the one that is looked at; 0 for none. */
  readonly relays: number;
  /** Collectors that every relay follows; of the others each has one relay. */
  readonly shared: number;
  /** Whether the aggregator has a state directory, and whether relays have. */
  readonly aggregatorState: boolean;
  readonly relayState: boolean;
  /**
   * Whether the first host is given another name, and its former one back. What a name has delivered that nobody answers to any
   * more is in aggregators alone, so that needs a state directory there.
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
  relayKills: number;
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
      ...fleet.tree().map((aggregator, index) => fleet.killAggregator(aggregator, index, stop.signal)),
      fleet.watch(stop.signal),
    ];
    const lasts = async (): Promise<void> => {
      await pause(1000 * seconds);
      await fleet.someOfEachKilled();
    };
    await Promise.race([lasts(), Promise.all(doings)]);
    stop.abort();
    await Promise.all(doings);
    const { figures } = fleet;
    figures.lines = fleet.written.lines;
    say(
      `${figures.lines} lines written; killed ${figures.collectorKills} collectors, ${figures.relayKills} relays and ` +
        `${figures.aggregatorKills} aggregators; ` +
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

function namesOf({ now, other }: Host): readonly string[] {
  return other === undefined ? [now.log.source] : [now.log.source, other.log.source];
}

class ChaoticFleet {
  readonly written = new WrittenLines();
  readonly figures: FleetChaosFigures = {
    lines: 0,
    collectorKills: 0,
    aggregatorKills: 0,
    relayKills: 0,
    renamings: 0,
    answers: 0,
    longestOutageS: 0,
  };
  readonly #hosts: Host[] = [];
  #relays: readonly KilledAggregator[] = [];
  #top!: KilledAggregator;

  constructor(readonly options: FleetChaosOptions) {}

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
    let longSeconds = host.number === this.options.collectors ? this.options.longSeconds : 0;
    while (!stop.aborted) {
      host.collector = new KilledCollector(host.now.options);
      await this.#live(random, stop);
      if (!stop.aborted && renames && random() < 0.5) await this.#rename(host);
      if (stop.aborted) return;
      await this.#kill(host);
      await this.#outage(random, stop, longSeconds);
      longSeconds = 0;
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
    const all = [...this.#relays, this.#top].filter(({ options }) => options.names().has(source));
    for (const aggregator of all) await this.#hasAllOf(source, aggregator);
    await pause(SAVED_MS);
    await this.#kill(host);
    host.collector = new KilledCollector(host.now.options);
    this.figures.renamings++;
  }

  async #hasAllOf(source: string, aggregator: KilledAggregator): Promise<void> {
    let counted: number | undefined;
    await eventually(
      async () => {
        const answer = await aggregator.ask("24h", "source");
        counted = answer && countsOf(answer).get(source);
        return counted === this.written.of(source) || undefined;
      },
      () => `${counted} of ${source} counted by ${aggregator.options.source}, ${this.written.of(source)} written`,
      RETURN_MS_MAX + 1000 * this.options.longSeconds,
    );
  }

  /** The aggregator and its relays, once there are all hosts. */
  tree(): readonly KilledAggregator[] {
    const { relays, relayState, aggregatorState } = this.options;
    this.#relays = Array.from({ length: relays }, (_, relay) => {
      const hosts = this.#hosts.filter((_, i) => i < this.options.shared || i % relays === relay);
      return this.#aggregator(`relay-${relay + 1}`, hosts, hosts, relayState);
    });
    this.#top = this.#aggregator("agg", relays === 0 ? this.#hosts : this.#relays, this.#hosts, aggregatorState);
    return [this.#top, ...this.#relays];
  }

  async killAggregator(aggregator: KilledAggregator, index: number, stop: AbortSignal): Promise<void> {
    const random = randomFrom(this.options.seed + 104_729 * index);
    let longSeconds = index === 0 ? this.options.longSeconds : 0;
    while (!stop.aborted) {
      await aggregator.start();
      await this.#live(random, stop);
      if (stop.aborted) return;
      await aggregator.kill();
      if (index === 0) this.figures.aggregatorKills++;
      else this.figures.relayKills++;
      await this.#outage(random, stop, longSeconds);
      longSeconds = 0;
    }
    await aggregator.start();
  }

  /** On a slow machine that takes longer than was asked for. */
  async someOfEachKilled(): Promise<void> {
    const { relays } = this.options, { figures } = this;
    await eventually(
      () =>
        figures.collectorKills * figures.aggregatorKills > 0 && (relays === 0 || figures.relayKills > 0) || undefined,
      () => `not killed in this time: ${JSON.stringify(figures)}`,
      RETURN_MS_MAX,
    );
  }

  /** No answer ever has more than was written. */
  async watch(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await pauseOr(1500, stop);
      const answer = await this.#top.ask("60m", "website");
      if (answer === undefined) continue;
      const counted = answer.total[REQUESTS], { lines } = this.written;
      if (counted > lines) throw new Error(`${counted} counted, ${lines} written`);
      this.figures.answers++;
    }
  }

  /** All windows of the aggregator and what each relay has by source, once everything has arrived. */
  async compare(): Promise<void> {
    for (const aggregator of [...this.#relays, this.#top]) await this.#arrived(aggregator);
    for (const { name } of WINDOWS) {
      for (const relay of this.#relays) await this.#compareWindow(relay, name, "source");
      for (const by of WRITTEN_BY) await this.#compareWindow(this.#top, name, by);
    }
  }

  async #arrived(aggregator: KilledAggregator): Promise<void> {
    const { source, ports } = aggregator.options;
    let last = "no answer", states = "";
    await eventually(
      async () => {
        const answer = await aggregator.ask("60m", "source");
        if (answer === undefined) return undefined;
        const wrong = differences(this.#writtenFor(aggregator, 0, Infinity, "source"), countsOf(answer));
        last = wrong.join("; ");
        if (answer.total[REQUESTS] > this.written.lines) throw new Error(`more is counted than was written: ${last}`);
        return wrong.length === 0 || undefined;
      },
      () => `${source}: ${last}\n${aggregator.stderr}`,
      RETURN_MS_MAX,
    );
    await eventually(
      async () => {
        states = (await aggregator.client.targets(5000)).map(({ state }) => state).join(" ");
        return states === ports.map(() => "connected").join(" ") || undefined;
      },
      () => `states of ${source}: ${states}`,
      RETURN_MS_MAX,
    );
  }

  async #compareWindow(aggregator: KilledAggregator, window: WindowName, by: WrittenBy): Promise<void> {
    const answer = await aggregator.ask(window, by), { source } = aggregator.options;
    assert(answer !== undefined, `no answer of ${source} about ${window}`);
    const { fromS, toS, other } = answer;
    const wrong = differences(this.#writtenFor(aggregator, fromS, toS, by), countsOf(answer));
    assertEquals(wrong, [], `${window} of ${source} by ${by}, ${fromS} to ${toS}`);
    assertEquals(other[REQUESTS], 0);
  }

  /** What was written on the hosts whose lines come to this aggregator; of a relay by source alone. */
  #writtenFor(aggregator: KilledAggregator, fromS: number, toS: number, by: WrittenBy): Counts {
    const counts = this.written.within(fromS, toS, by);
    if (by !== "source") return counts;
    const names = aggregator.options.names();
    return new Map([...counts].filter(([source]) => names.has(source)));
  }

  async end(hosts: readonly Host[]): Promise<void> {
    for (const { now, other } of hosts) for (const named of [now, other]) named?.log.close();
    const codes = await Promise.all(hosts.map(({ collector }) => collector?.stop() ?? 0));
    for (const aggregator of [this.#top, ...this.#relays]) await aggregator.end();
    for (const { collector } of hosts) checkSaid(collector?.stderr ?? "");
    assertEquals(codes, hosts.map(() => 0));
  }

  #named(number: number, source: string, port: number, random: () => number): Named {
    const folder = `${this.options.folder}/${number}-${source}`;
    Deno.mkdirSync(folder);
    const path = `${folder}/access.log`, options = { port, log: path, stateDir: `${folder}/state`, source };
    return { log: new FleetLog(path, source, this.written, random), options };
  }

  /** @param follows directly @param hosts whose lines come to it */
  #aggregator(
    source: string,
    follows: readonly { port: number }[],
    hosts: readonly Host[],
    state: boolean,
  ): KilledAggregator {
    const ports = follows.map(({ port }) => port), stateDir = state ? `${this.options.folder}/${source}` : "";
    const names = (): ReadonlySet<string> => new Set(hosts.flatMap(namesOf));
    return new KilledAggregator({ source, ports, names, stateDir });
  }

  #live(random: () => number, stop: AbortSignal): Promise<void> {
    return pauseOr(2000 * this.options.lifeSeconds * random(), stop);
  }

  /** Mostly short, sometimes as long as may be; or of a given length. */
  async #outage(random: () => number, stop: AbortSignal, longSeconds: number): Promise<void> {
    const { outageSeconds } = this.options, beginMs = performance.now();
    await pauseOr(1000 * (longSeconds || outageSeconds * random() ** 4), stop);
    this.figures.longestOutageS = Math.max(this.figures.longestOutageS, (performance.now() - beginMs) / 1000);
  }
}

/** Every count of an answer; each must be exact. */
function countsOf({ entries }: TopNAnswer): Map<string, number> {
  for (const { label, values, countMax } of entries) assertEquals(values[REQUESTS], countMax, `${label} is exact`);
  return new Map(entries.map(({ label, values }) => [label, values[REQUESTS]]));
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
