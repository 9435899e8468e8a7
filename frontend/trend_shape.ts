/**
 * The geometry of a trend: requests per second over the window as steps, one a point, since a point is the count of a
 * span and not a sample. Classes of status are stacked; gaps are holes.
 *
 * x and y are parts of the plot, 0 … 1 from the left and from the bottom, so that it can be drawn at any size.
 */
import type { TrendAnswer, TrendPoint } from "@/core/answer.ts";
import { windowNamed } from "@/core/slices.ts";

/** What is stacked, from the bottom: classes of status, and in the middle what has none or one that is not known. */
export const BANDS = ["2xx", "3xx", "other", "4xx", "5xx"] as const;

/** Place of a band among the classes of an answer; `other` is what they leave. */
const CLASS_OF_BAND = [1, 2, -1, 3, 4];

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
  /** Requests of each band; undefined when the answer does not tell. */
  readonly bands: readonly number[] | undefined;
  readonly incomplete: boolean;
}

/** One point of the window before, moved to where it lies behind this one. */
export interface Before {
  readonly x0: number;
  readonly x1: number;
  readonly rate: number;
}

export interface TrendShape {
  readonly steps: readonly Step[];
  /** Rate at y = 1; at least that of every step, and a round number. */
  readonly top: number;
  /** Rates of the horizontal lines, from 0 to `top`. */
  readonly rates: readonly number[];
  /** Times of the vertical lines, seconds since 1970. */
  readonly times: readonly { readonly timeS: number; readonly x: number }[];
  /** Adjoining steps that are known. */
  readonly runs: readonly (readonly Step[])[];
  /** Adjoining steps of which nothing is known. */
  readonly gaps: readonly (readonly Step[])[];
  /** Bands that have anything; empty when the answer does not tell them. */
  readonly bands: readonly number[];
  /** The window before, in runs. May be higher than `top`. */
  readonly before: readonly (readonly Before[])[];
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

/** How much higher than this window the one before may make the scale. */
const BEFORE_SHARE_MAX = 1.5;

/** Lays out a trend. Bounded by the points of the answer. */
export function trendShape(answer: TrendAnswer): TrendShape {
  const { window, fromS, toS, stepS, points } = answer;
  const endS = Math.max(fromS + 1, toS, ...points.map(({ startS }) => startS + stepS));
  const x = (timeS: number): number => Math.min(1, Math.max(0, (timeS - fromS) / (endS - fromS)));
  const steps = points.map((point) => stepOf(point, stepS, toS, x)), before = beforeOf(answer, x);
  const now = Math.max(0, ...steps.map(({ rate }) => rate));
  const then = Math.max(0, ...before.flat().map(({ rate }) => rate));
  const highest = now > 0 ? Math.max(now, Math.min(then, now * BEFORE_SHARE_MAX)) : then;
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
    runs: runsOf(steps, ({ count }) => count !== null),
    gaps: runsOf(steps, ({ count }) => count === null),
    bands: steps.some(({ bands }) => bands !== undefined)
      ? BANDS.map((_, band) => band).filter((band) => steps.some(({ bands }) => (bands?.[band] ?? 0) > 0))
      : [],
    before,
  };
}

/** Requests of each band, of a point or of an entry. */
export function bandsOf(count: number, byStatus: ArrayLike<number>): readonly number[] {
  let left = count;
  for (const at of CLASS_OF_BAND) if (at >= 0) left -= byStatus[at];
  return CLASS_OF_BAND.map((at) => at < 0 ? Math.max(0, left) : byStatus[at]);
}

/** The newest step that is over, and the rate at the same place of the window before. */
export function newest(
  { steps, before }: TrendShape,
): { readonly step: Step | undefined; readonly beforeRate: number | undefined } {
  const step = steps.findLast(({ count, incomplete }) => count !== null && !incomplete);
  const middle = step === undefined ? -1 : (step.x0 + step.x1) / 2;
  const then = before.flat().find(({ x0, x1 }) => x0 <= middle && middle < x1);
  return { step, beforeRate: then?.rate };
}

function stepOf(point: TrendPoint, stepS: number, toS: number, x: (timeS: number) => number): Step {
  const { startS, count, incomplete, byStatus } = point, endS = startS + stepS;
  const passedS = Math.max(1, incomplete ? Math.min(stepS, toS - startS) : stepS);
  const bands = count === null || byStatus === undefined ? undefined : bandsOf(count, byStatus);
  return { x0: x(startS), x1: x(endS), startS, endS, count, rate: (count ?? 0) / passedS, bands, incomplete };
}

/** Points of which only a part is known say nothing about a rate, and are left out. */
function beforeOf({ window, previous }: TrendAnswer, x: (timeS: number) => number): readonly (readonly Before[])[] {
  const lengthS = windowNamed(window)?.lengthS;
  if (previous === undefined || lengthS === undefined) return [];
  const runs: Before[][] = [];
  let open: Before[] | undefined;
  for (const { startS, count, incomplete } of previous.points) {
    const x0 = x(startS + lengthS), x1 = x(startS + lengthS + previous.stepS);
    if (count === null || incomplete || x1 <= x0) open = undefined;
    else if (open === undefined) runs.push(open = [{ x0, x1, rate: count / previous.stepS }]);
    else open.push({ x0, x1, rate: count / previous.stepS });
  }
  return runs;
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
