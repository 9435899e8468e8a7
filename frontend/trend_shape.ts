/**
 * The geometry of a trend: requests per second over the window as steps, one a point, since a point is the count of a
 * span and not a sample. Gaps are holes; the incomplete last point is apart.
 *
 * x and y are parts of the plot, 0 … 1 from the left and from the bottom, so that it can be drawn at any size.
 */
import type { TrendAnswer, TrendPoint } from "@/core/answer.ts";
import { windowNamed } from "@/core/slices.ts";

/** One point of the trend. */
export interface Step {
  readonly x0: number;
  readonly x1: number;
  readonly startS: number;
  readonly endS: number;
  /** Requests; null in a gap. */
  readonly count: number | null;
  /** Requests per second over the part of the span that has passed; 0 in a gap. */
  readonly rate: number;
  readonly incomplete: boolean;
}

export interface TrendShape {
  readonly steps: readonly Step[];
  /** Rate at y = 1; at least that of every step, and a round number. */
  readonly top: number;
  /** Rates of the horizontal lines, from 0 to `top`. */
  readonly rates: readonly number[];
  /** Times of the vertical lines, seconds since 1970. */
  readonly times: readonly { readonly timeS: number; readonly x: number }[];
  /** Adjoining steps that are known and complete. */
  readonly runs: readonly (readonly Step[])[];
  /** Adjoining steps of which nothing is known. */
  readonly gaps: readonly (readonly Step[])[];
}

/** Seconds between the labels of the time axis, by window: few enough for a telephone. */
const TICK_SECONDS: Readonly<Record<string, number>> = {
  "1m": 20,
  "5m": 60,
  "15m": 300,
  "60m": 900,
  "6h": 5400,
  "24h": 21_600,
};

/** Lays out a trend. Bounded by the points of the answer. */
export function trendShape({ window, fromS, toS, stepS, points }: TrendAnswer): TrendShape {
  const endS = Math.max(fromS + 1, toS, ...points.map(({ startS }) => startS + stepS));
  const x = (timeS: number): number => Math.min(1, Math.max(0, (timeS - fromS) / (endS - fromS)));
  const steps = points.map((point) => stepOf(point, stepS, toS, x));
  const highest = Math.max(0, ...steps.map(({ rate }) => rate));
  const gap = niceGap(highest / 4), lines = Math.max(2, Math.ceil(highest / gap - 1e-9));
  const tickS = TICK_SECONDS[window] ?? Math.ceil((windowNamed(window)?.lengthS ?? endS - fromS) / 4);
  const times: { timeS: number; x: number }[] = [];
  for (let timeS = Math.ceil(fromS / tickS) * tickS; timeS <= endS && times.length < 12; timeS += tickS) {
    times.push({ timeS, x: x(timeS) });
  }
  return {
    steps,
    top: gap * lines,
    rates: Array.from({ length: lines + 1 }, (_, i) => i * gap),
    times,
    runs: runsOf(steps, ({ count, incomplete }) => count !== null && !incomplete),
    gaps: runsOf(steps, ({ count }) => count === null),
  };
}

function stepOf(point: TrendPoint, stepS: number, toS: number, x: (timeS: number) => number): Step {
  const { startS, count, incomplete } = point;
  const passedS = Math.max(1, incomplete ? Math.min(stepS, toS - startS) : stepS);
  const endS = startS + stepS;
  return { x0: x(startS), x1: x(endS), startS, endS, count, rate: (count ?? 0) / passedS, incomplete };
}

function runsOf(steps: readonly Step[], belongs: (step: Step) => boolean): readonly (readonly Step[])[] {
  const runs: Step[][] = [];
  let open: Step[] | undefined;
  for (const step of steps) {
    if (!belongs(step)) {
      open = undefined;
    } else if (open === undefined || open[open.length - 1].endS !== step.startS) {
      runs.push(open = [step]);
    } else {
      open.push(step);
    }
  }
  return runs;
}

/** The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `atLeast`; 1 for nothing. */
function niceGap(atLeast: number): number {
  if (!(atLeast > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((gap) => gap >= atLeast * (1 - 1e-9)) ?? 10 * power;
}
