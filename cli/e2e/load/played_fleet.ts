/** A fleet that is played: collectors that count the same web, and what each of them has counted, slice by slice. */
import type { Delta } from "@/core/bucket.ts";
import { openLog } from "@/core/host/log.ts";
import { REQUESTS } from "@/core/measures.ts";
import { FINEST_S } from "@/core/slices.ts";
import { makeWeb, type WebSize } from "@/cli/compare/made_up_web.ts";
import { Random } from "@/cli/compare/random.ts";
import { FLOOD_FRESH, makePattern, nameOf, ORDINARY_FRESH, type Pattern, played } from "./made_up_slices.ts";
import { PlayedCollector } from "./played_collector.ts";

/** The web that a fleet serves: of a large one some 400 000 pages. */
function webOf(collectors: number): WebSize {
  const part = Math.min(1, collectors / 50);
  return { sites: Math.ceil(1000 * part), networks: Math.ceil(60_000 * part), pages: Math.ceil(12_000 * part) };
}

/** Patterns of ordinary slices: as many as collectors, up to this. A slice in a flood is mostly new values: few suffice. */
const PATTERNS_MAX = 256, FLOOD_PATTERNS_MAX = 12;

export interface FleetShape {
  readonly collectors: number;
  /** Rows of each slice of ten seconds, and of those in a flood; 0 when there is to be none. */
  readonly rows: number;
  readonly floodRows: number;
  readonly seed: number;
}

/** One slice of the whole fleet, ready to be sent. */
export interface FleetSlice {
  readonly startS: number;
  readonly rows: number;
  readonly deltas: readonly Delta[];
}

export class PlayedFleet {
  readonly collectors: readonly PlayedCollector[];
  readonly #ordinary: readonly Pattern[];
  readonly #flood: readonly Pattern[];
  /** Requests of each collector, by the start of the slice. */
  readonly #requests = new Map<number, readonly number[]>();
  #slices = 0;

  constructor(readonly shape: FleetShape) {
    const { collectors, rows, floodRows, seed } = shape, random = new Random(seed);
    const web = makeWeb(webOf(collectors), random);
    const make = (count: number, rows: number, freshShare: number): Pattern[] =>
      rows === 0 ? [] : Array.from({ length: count }, () => makePattern(web, { rows, freshShare }, random));
    this.#ordinary = make(Math.min(collectors, PATTERNS_MAX), rows, ORDINARY_FRESH);
    this.#flood = make(Math.min(collectors, FLOOD_PATTERNS_MAX), floodRows, FLOOD_FRESH);
    this.collectors = Array.from({ length: collectors }, (_, c) => new PlayedCollector(nameOf(c), seed * 4096 + c));
  }

  /** Serves every collector on a port of its own; returns the ports. */
  async serve(): Promise<readonly number[]> {
    const log = openLog("played", () => {});
    const ports: number[] = [];
    for (const collector of this.collectors) ports.push(await collector.serve(log));
    return ports;
  }

  /** What each collector counts in a slice. Takes a while for many; lets others run in between. */
  async prepare(startS: number, isFlood: boolean): Promise<FleetSlice> {
    const patterns = isFlood ? this.#flood : this.#ordinary, slice = this.#slices++, deltas: Delta[] = [];
    for (const [c, collector] of this.collectors.entries()) {
      deltas.push(collector.delta(played(patterns[(c + 37 * slice) % patterns.length], c, startS)));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    this.#requests.set(startS, deltas.map(({ bucket }) => bucket.totals[REQUESTS]));
    return { startS, rows: deltas.reduce((rows, { bucket }) => rows + bucket.rows, 0), deltas };
  }

  /** All collectors send their bucket of a slice at once, as they do whose clocks agree. */
  publish({ startS, deltas }: FleetSlice): void {
    for (const [c, delta] of deltas.entries()) this.collectors[c].publish(delta, startS + FINEST_S);
  }

  /** Requests of every collector in a span. */
  requests(fromS: number, toS: number): number[] {
    const sums = this.collectors.map(() => 0);
    for (const [startS, requests] of this.#requests) {
      if (startS < fromS || startS >= toS) continue;
      for (const [c, count] of requests.entries()) sums[c] += count;
    }
    return sums;
  }

  async stop(): Promise<void> {
    await Promise.all(this.collectors.map((collector) => collector.stop()));
  }
}
