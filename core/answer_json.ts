/**
 * The shapes of answers in JSON that the CLI (`--json`) and the page (`raw=1`) share. Field names are part of the interface.
 */
import { BYTES, REQUESTS, TIME_MAX, TIME_SUM, type Values } from "./measures.ts";
import type { TopNEntry } from "./answer.ts";

/** One entry of a ranking. */
export interface EntryJson {
  readonly label: string;
  readonly count: number;
  readonly count_max: number;
  readonly bytes: number;
  readonly time_avg_ms: number | null;
  readonly time_max_ms: number;
}

export function entryJson({ label, values, countMax }: TopNEntry): EntryJson {
  return {
    label,
    count: values[REQUESTS],
    count_max: countMax,
    bytes: values[BYTES],
    time_avg_ms: meanMs(values),
    time_max_ms: values[TIME_MAX],
  };
}

/** Milliseconds a request on average, to the microsecond; null when there is none to average. */
export function meanMs(values: Values): number | null {
  return values[REQUESTS] > 0 ? Math.round(1000 * values[TIME_SUM] / values[REQUESTS]) / 1000 : null;
}
