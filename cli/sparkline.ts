/** A trend on one line: a block a step, the higher the more. */
import type { TrendAnswer } from "@/core/answer.ts";
import { grouped } from "./table.ts";

/** From nearly nothing to the most; a zero is a blank. */
export const LEVELS = "▁▂▃▄▅▆▇█";

/** Where nothing is known: neither a zero nor a little. */
export const GAP = "·";

/** One step of a trend, as a rate. */
export interface Rate {
  /** Seconds since 1970. */
  readonly startS: number;
  /** Requests a second over the part of the step that has passed; null where nothing is known. */
  readonly perS: number | null;
  /** Requests; null where nothing is known. */
  readonly count: number | null;
  /** Seconds of the step that have passed. */
  readonly passedS: number;
  /** Whether more may come. */
  readonly incomplete: boolean;
}

/** The points of an answer as rates. */
export function ratesOf({ points, stepS, toS }: TrendAnswer): readonly Rate[] {
  return points.map(({ startS, count, incomplete }) => {
    const passedS = incomplete ? Math.max(1, Math.min(stepS, toS - startS)) : stepS;
    return { startS, count, passedS, incomplete, perS: count === null ? null : count / passedS };
  });
}

/**
 * One column a rate, the highest of several where there are more rates than columns: a peak is what must not be lost. A
 * column in which nothing is known is a gap.
 */
export function sparkline(rates: readonly (number | null)[], columns: number): string {
  const shown = inColumns(rates, columns), highest = highestOf(shown);
  return shown.map((rate) => rate === null ? GAP : level(rate, highest)).join("");
}

/** The highest of each run of neighbours, so many together that all have room; null where none is known. */
export function inColumns(rates: readonly (number | null)[], columns: number): readonly (number | null)[] {
  const together = Math.max(1, Math.ceil(rates.length / Math.max(1, columns)));
  return Array.from({ length: Math.ceil(rates.length / together) }, (_, column) => {
    const known = rates.slice(column * together, (column + 1) * together).filter((rate) => rate !== null);
    return known.length === 0 ? null : Math.max(...known);
  });
}

/** 0 without any. */
export function highestOf(rates: readonly (number | null)[]): number {
  return rates.reduce<number>((most, rate) => Math.max(most, rate ?? 0), 0);
}

/** `12.3`, `1 234`: three digits are enough. */
export function rateText(value: number): string {
  return value >= 100 || value === 0 ? grouped(value) : value.toFixed(value >= 10 ? 1 : 2);
}

function level(value: number, highest: number): string {
  if (value === 0 || highest === 0) return " ";
  return LEVELS[Math.min(LEVELS.length - 1, Math.floor(value / highest * LEVELS.length))];
}
