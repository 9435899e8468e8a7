/** What was measured, round by round, and what follows from it. */
import type { CompetitorName } from "./programs.ts";
import type { Random } from "./random.ts";

/** One whole process, from its start to its end. */
export interface Run {
  readonly name: CompetitorName;
  readonly round: number;
  /** Lines read, all passes together. */
  readonly lines: number;
  /** User and system time of all its threads, seconds; wall time where nothing can tell. */
  readonly cpuS: number;
  readonly wallS: number;
  /** Bytes; undefined where nothing can tell. */
  readonly rssMax: number | undefined;
}

/** What a rate is measured by: processor time, or the wall for a program that has several processors. */
export type Clock = "cpuS" | "wallS";

/** The order in which a round runs its programs: another each time, so that none always follows the same one. */
export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** What `time -f '%U %S %e %M'` says. @throws Error when it does not */
export function parseTimes(text: string): Pick<Run, "cpuS" | "wallS" | "rssMax"> {
  // A program that fails adds a line before.
  const numbers = text.trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  if (numbers.length !== 4 || !numbers.every(Number.isFinite)) throw new Error(`"${text}" are no times`);
  const [user, system, wall, rssKiB] = numbers;
  return { cpuS: user + system, wallS: wall, rssMax: rssKiB * 1024 };
}

export function runsOf(runs: readonly Run[], name: CompetitorName): readonly Run[] {
  return runs.filter((run) => run.name === name);
}

/** Median over the rounds; undefined when there is none. */
export function medianOf(runs: readonly Run[], value: (run: Run) => number | undefined): number | undefined {
  return median(runs.map(value).filter((number) => number !== undefined));
}

/**
 * How many times as fast `name` is as `other`: the median of the ratios within each round, since the rate of a shared machine
 * drifts from round to round. Undefined when they never ran in the same round.
 */
export function timesAsFast(
  runs: readonly Run[],
  name: CompetitorName,
  other: CompetitorName,
  clock: Clock = "cpuS",
): number | undefined {
  const ratios = runsOf(runs, name).flatMap((run) => {
    const pair = runsOf(runs, other).find(({ round }) => round === run.round);
    return pair === undefined ? [] : [(pair[clock] / pair.lines) / (run[clock] / run.lines)];
  });
  return median(ratios);
}

function median(numbers: readonly number[]): number | undefined {
  if (numbers.length === 0) return undefined;
  const sorted = [...numbers].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
