/** A site for tests: answers that stand still, a client that remembers what it was asked, a clock that does not move. */
import type { TargetInfo, TopNAnswer, TopNEntry, TopNQuestion, TrendAnswer, TrendQuestion } from "@/core/answer.ts";
import { linearRegex } from "@/core/host/regex.ts";
import type { Values } from "@/core/measures.ts";
import { windowNamed, windowSpan } from "@/core/slices.ts";
import type { Client } from "@/proto/client.ts";
import { createHandler, type Site } from "./handler.ts";

/** 2026-11-21T15:04:54Z. */
export const NOW_S = Date.UTC(2026, 10, 21, 15, 4, 54) / 1000;

/** End of every answer's window: 15:04:50. */
const TO_S = NOW_S - 4;

/** Values in the order of MEASURES. */
export function valuesOf(requests: number, bytes = 0, timeSum = 0, timeMax = 0): Values {
  return Float64Array.of(requests, bytes, timeSum, timeMax);
}

export function entryOf(label: string, requests = 100, countMax = requests): TopNEntry {
  return { label, values: valuesOf(requests, requests * 1000, requests * 5, 212), countMax };
}

/** A ranking with these entries; everything that is not said is complete and nothing is in "(other)". */
export function topNOf(
  question: Pick<TopNQuestion, "window" | "groupBy">,
  entries: readonly TopNEntry[],
  change: Partial<TopNAnswer> = {},
): TopNAnswer {
  const window = windowNamed(question.window);
  if (window === undefined) throw new Error(`Cannot answer for ${question.window}: no such window`);
  const total = valuesOf(0);
  for (const { values } of entries) for (let m = 0; m < 3; m++) total[m] += values[m];
  total[3] = Math.max(0, ...entries.map(({ values }) => values[3]));
  return {
    source: "agg-prod",
    window: question.window,
    groupBy: question.groupBy,
    ...windowSpan(window, TO_S),
    total,
    other: valuesOf(0),
    coverage: { expected: 3, present: 3, missing: [], secondsCovered: window.lengthS, seconds: window.lengthS },
    entries,
    totalMax: total[0],
    unlistedMax: 0,
    ...change,
  };
}

/** A trend with 10 requests a second; counts that are given replace the first ones. */
export function trendOf(
  { window: name }: Pick<TrendQuestion, "window">,
  counts: readonly (number | null)[] = [],
): TrendAnswer {
  const window = windowNamed(name);
  if (window === undefined) throw new Error(`Cannot answer for ${name}: no such window`);
  const { fromS, toS } = windowSpan(window, TO_S), { stepS, lengthS } = window;
  const points = Array.from({ length: lengthS / stepS }, (_, i) => {
    const startS = fromS + i * stepS, given = counts[i];
    return { startS, count: given === undefined ? 10 * stepS : given, incomplete: startS + stepS > toS };
  });
  const coverage = { expected: 3, present: 3, missing: [], secondsCovered: lengthS, seconds: lengthS };
  return { source: "agg-prod", window: name, fromS, toS, stepS, coverage, points };
}

/** What a fake client was asked, in order. */
export interface Asked {
  readonly topN: TopNQuestion[];
  readonly trend: TrendQuestion[];
  /** Addresses that a client was made for. */
  readonly addresses: string[];
}

export interface FakeSite {
  /** Follows one redirection, unless `redirect` is "manual". */
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  /** The body of a page. */
  readonly page: (path: string) => Promise<string>;
  readonly asked: Asked;
  /** What was logged as an error. */
  readonly errors: string[];
}

/** What a test changes of the answers. */
export interface FakeAnswers {
  readonly topN?: (question: TopNQuestion) => TopNAnswer | Promise<TopNAnswer>;
  readonly trend?: (question: TrendQuestion) => TrendAnswer | Promise<TrendAnswer>;
  readonly targets?: () => readonly TargetInfo[] | Promise<readonly TargetInfo[]>;
}

/** A dashboard whose target, agg:9091, answers as given. */
export function fakeSite(answers: FakeAnswers = {}, change: Partial<Site> = {}): FakeSite {
  const asked: Asked = { topN: [], trend: [], addresses: [] }, errors: string[] = [];
  const client: Client = {
    topN: async (question) => {
      asked.topN.push(question);
      return await (answers.topN?.(question) ??
        topNOf(question, [entryOf("shop.example"), entryOf("api.example", 40)]));
    },
    trend: async (question) => {
      asked.trend.push(question);
      return await (answers.trend?.(question) ?? trendOf(question));
    },
    targets: async () => await (answers.targets?.() ?? []),
    snapshots: () => unasked("snapshots"),
    deltas: () => unasked("deltas"),
    close: () => {},
  };
  const handler = createHandler({
    target: "agg:9091",
    targetAllow: ["other:9091"],
    n: 25,
    refreshS: 30,
    regex: linearRegex,
    clock: { nowS: () => NOW_S, monotonicMs: () => 0 },
    log: {
      info: () => {},
      warn: () => {},
      error: (text, facts) => void errors.push(`${text} ${JSON.stringify(facts)}`),
    },
    clientFor: (address) => {
      asked.addresses.push(address);
      return client;
    },
    clientRate: 0,
    ...change,
  });
  const get = async (path: string, init?: RequestInit): Promise<Response> => {
    const url = new URL(path, "http://dashboard.test/"), response = await handler(new Request(url, init), "192.0.2.1");
    const location = response.headers.get("location");
    if (location === null || init?.redirect === "manual") return response;
    return await handler(new Request(new URL(location, url), init), "192.0.2.1");
  };
  return { get, page: async (path) => await (await get(path)).text(), asked, errors };
}

function unasked(what: string): never {
  throw new Error(`Cannot stream ${what}: the dashboard never asks for it`);
}
