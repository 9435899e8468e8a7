/**
 * The shapes of answers in JSON that the CLI (`--json`) and the page (`raw=1`) share. Field names are part of the interface.
 */
import { BYTES, REQUESTS, TIME_MAX, TIME_SUM, type Values } from "./measures.ts";
import { isSaturated, type TopNAnswer, type TopNEntry } from "./answer.ts";

/** All measures of one entry, of "(other)", or of the total. A sum of 2^53 - 1 is at least that. */
export interface ValuesJson {
  readonly count: number;
  readonly bytes: number;
  readonly time_sum_ms: number;
  /** Null where there is nothing to average. */
  readonly time_avg_ms: number | null;
  readonly time_max_ms: number;
}

/** One entry of a ranking. */
export interface EntryJson extends ValuesJson {
  readonly label: string;
  readonly count_max: number;
}

/** What a ranking says in numbers: `total` and `other` are requests, the rest of their measures stands in `…_values`. */
export interface RankingJson {
  readonly total: number;
  /** Requests that match, at most. */
  readonly total_max: number;
  readonly other: number;
  readonly total_values: ValuesJson;
  readonly other_values: ValuesJson;
  /** Requests that a value which is in no entry can have at most. */
  readonly unlisted_max: number;
  readonly entries: readonly EntryJson[];
}

export function rankingJson({ total, totalMax, other, unlistedMax, entries }: TopNAnswer): RankingJson {
  return {
    total: total[REQUESTS],
    total_max: totalMax,
    other: other[REQUESTS],
    total_values: valuesJson(total),
    other_values: valuesJson(other),
    unlisted_max: unlistedMax,
    entries: entries.map(entryJson),
  };
}

function entryJson({ label, values, countMax }: TopNEntry): EntryJson {
  const { count, ...others } = valuesJson(values);
  return { label, count, count_max: countMax, ...others };
}

function valuesJson(values: Values): ValuesJson {
  return {
    count: values[REQUESTS],
    bytes: values[BYTES],
    time_sum_ms: values[TIME_SUM],
    time_avg_ms: meanMs(values),
    time_max_ms: values[TIME_MAX],
  };
}

/** Milliseconds a request on average, to the microsecond; null when there is none to average, or too much to know. */
export function meanMs(values: Values): number | null {
  const requests = values[REQUESTS], sum = values[TIME_SUM];
  return requests > 0 && !isSaturated(requests) && !isSaturated(sum) ? Math.round(1000 * sum / requests) / 1000 : null;
}
