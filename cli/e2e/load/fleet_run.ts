/**
 * One run: a played fleet, an aggregator that follows it as a process of its own, somebody who asks it questions, and what
 * came of it: how far behind it is, what it takes, how fast it answers, and whether every number is right.
 */
import { delay } from "@std/async/delay";
import type { TopNAnswer } from "@/core/answer.ts";
import { REQUESTS } from "@/core/measures.ts";
import { FINEST_S, sliceStart, type WindowName } from "@/core/slices.ts";
import { connect } from "@/proto/client.ts";
import { freePort } from "@/cli/e2e/ports.ts";
import { Asker } from "./asker.ts";
import { nameOf } from "./made_up_slices.ts";
import { type MeasuredProcess, startAggregator } from "./measured_process.ts";
import { type FleetShape, PlayedFleet } from "./played_fleet.ts";

export interface FleetRun extends FleetShape {
  readonly slices: number;
  /** Which of them are in the flood: from, and before. */
  readonly flood: readonly [number, number];
  /** Seconds from one slice to the next; less than ten plays slices that are over already. */
  readonly paceS: number;
  readonly questionsPerS: number;
  /** Seconds of questions after the last slice, when nothing comes any more. */
  readonly idleS: number;
  /** Put before the aggregator's command line. */
  readonly prefix?: readonly string[];
  readonly v8Flags?: readonly string[];
}

/** What one slice took. */
export interface SliceReport {
  readonly isFlood: boolean;
  readonly rows: number;
  /** Milliseconds from when all collectors sent it until the aggregator had it of all. */
  readonly lagMs: number;
  readonly rssBytes: number;
  /** Seconds of processor time of the aggregator since the slice before, questions included. */
  readonly cpuS: number;
  readonly answersMs: readonly number[];
}

export interface FleetReport {
  readonly slices: readonly SliceReport[];
  readonly idleMs: readonly number[];
  /** Processor seconds of the aggregator while nothing but questions came. */
  readonly idleCpuS: number;
  readonly idleRssBytes: number;
  /** As the aggregator printed it at its start: data and runtime together. NaN when it has not. */
  readonly budgetBytes: number;
  /** Sources whose requests in the last minutes are not what they sent; and what else went wrong. */
  readonly wrong: readonly string[];
}

/** Milliseconds after its end at which a collector sends a slice. */
const SEAL_MS = 500;
const START_MS_MAX = 30_000, TIMEOUT_MS = 20_000;

/** @param tell called with each slice as soon as all of it has been delivered */
export async function runFleet(run: FleetRun, tell: (slice: SliceReport) => void = () => {}): Promise<FleetReport> {
  const fleet = new PlayedFleet(run), ports = await fleet.serve();
  try {
    await using aggregator = startAggregator(freePort(), ports, run.prefix, run.v8Flags);
    await following(aggregator, run.collectors);
    const asker = new Asker(aggregator.port, run.questionsPerS);
    try {
      return await measure(run, fleet, aggregator, asker, tell);
    } finally {
      asker.stop();
    }
  } finally {
    await fleet.stop();
  }
}

async function measure(
  run: FleetRun,
  fleet: PlayedFleet,
  aggregator: MeasuredProcess,
  asker: Asker,
  tell: (slice: SliceReport) => void,
): Promise<FleetReport> {
  const slices: SliceReport[] = [];
  const firstMs = Date.now() + 1000 * run.paceS,
    firstS = sliceStart(firstMs / 1000, FINEST_S) -
      Math.max(0, Math.ceil((run.slices - 1) * (1 - run.paceS / FINEST_S))) * FINEST_S;
  const beginMs = run.paceS === FINEST_S ? 1000 * (firstS + FINEST_S) + SEAL_MS : firstMs;
  let before = await aggregator.use();
  const isFlood = (slice: number): boolean => slice >= run.flood[0] && slice < run.flood[1];
  let next = await fleet.prepare(firstS, isFlood(0));
  let reporting = Promise.resolve();
  asker.takeAnswers();
  for (let slice = 0; slice < run.slices; slice++) {
    await delay(Math.max(0, beginMs + 1000 * run.paceS * slice - Date.now()));
    const { startS, rows } = next;
    fleet.publish(next);
    const delivered = asker.delivered(startS + FINEST_S, run.collectors);
    // Nobody waits with the next slice until this one has been merged: who is behind gets further behind.
    reporting = reporting.then(async () => {
      const lagMs = await delivered, now = await aggregator.use();
      const report: SliceReport = {
        isFlood: isFlood(slice),
        rows,
        lagMs,
        rssBytes: now.rssBytes,
        cpuS: now.cpuS - before.cpuS,
        answersMs: asker.takeAnswers(),
      };
      before = now;
      slices.push(report);
      tell(report);
    });
    if (slice + 1 === run.slices) break;
    await delay(Math.min(2000, 200 * run.paceS)); // what is to be sent next is made when this one has gone
    next = await fleet.prepare(startS + FINEST_S, isFlood(slice + 1));
  }
  await reporting;
  asker.takeAnswers();
  before = await aggregator.use();
  await delay(1000 * run.idleS);
  const idle = await aggregator.use();
  return {
    slices,
    idleMs: asker.takeAnswers(),
    idleCpuS: idle.cpuS - before.cpuS,
    idleRssBytes: idle.rssBytes,
    budgetBytes: budgetOf(aggregator.stderr()),
    wrong: [...asker.takeFailures(), ...await wrongTotals(fleet, aggregator.port, "15m")],
  };
}

/** Every source's requests in a window as the aggregator has them, held against what was sent. */
async function wrongTotals(fleet: PlayedFleet, port: number, window: WindowName): Promise<readonly string[]> {
  const client = connect(`127.0.0.1:${port}`);
  try {
    const question = { window, groupBy: "source", n: 10_000, sort: REQUESTS, filter: undefined } as const;
    const answer: TopNAnswer = await client.topN(question, TIMEOUT_MS), wrong: string[] = [];
    const expected = fleet.requests(answer.fromS, answer.toS), counted = new Map<string, number>();
    for (const { label, values } of answer.entries) counted.set(label, values[REQUESTS]);
    for (const [c, requests] of expected.entries()) {
      const there = counted.get(nameOf(c)) ?? 0;
      if (there !== requests) wrong.push(`${nameOf(c)} has sent ${requests} requests, and ${there} are counted`);
    }
    const sent = expected.reduce((sum, requests) => sum + requests, 0), total = answer.total[REQUESTS];
    if (sent === 0) wrong.push("nothing was sent in the span of the answer");
    if (total !== sent) wrong.push(`${sent} requests have been sent, and ${total} are counted`);
    return wrong;
  } finally {
    client.close();
  }
}

/** Waits until the aggregator is connected to every collector. */
async function following(aggregator: MeasuredProcess, collectors: number): Promise<void> {
  const giveUpMs = performance.now() + START_MS_MAX;
  while (aggregator.stderr().split(" following a source ").length <= collectors) {
    if (performance.now() > giveUpMs) throw new Error(`Cannot measure: it said\n${aggregator.stderr().slice(-2000)}`);
    await delay(100);
  }
}

function budgetOf(stderr: string): number {
  const megabytes = (name: string): number => Number(new RegExp(` ${name}_mb=(\\d+)`).exec(stderr)?.[1] ?? NaN);
  return 1e6 * (megabytes("data") + megabytes("runtime"));
}
