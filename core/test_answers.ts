/** Fixture of tests: answers after hard roll-up, such as an attack leaves behind, for those who show them. */
import type { TopNAnswer } from "./answer.ts";
import { type DimensionName, DIMENSIONS } from "./dimensions.ts";
import { compileFilter } from "./filter_match.ts";
import type { Filter } from "./filter_tree.ts";
import { MEASURES } from "./measures.ts";
import type { Caps } from "./slices.ts";
import { trafficBucket } from "./test_buckets.ts";
import { topN } from "./top_n.ts";

export interface RolledUp {
  readonly answer: TopNAnswer;
  /** Index into MEASURES. */
  readonly sort: number;
  /** For messages. */
  readonly question: string;
}

/** A thousandth of what the traffic would need. */
const HARD: Caps = { rowsMax: 60, entriesMax: 24, entryBytesMax: 2000 };

const START = 1_700_006_400;

const FILTERS: Readonly<Record<string, Filter>> = {
  "nothing": undefined,
  "status=200": { kind: "compare", dimension: "status", operator: "=", value: "200" },
  "method=GET AND NOT tor=yes": {
    kind: "and",
    parts: [
      { kind: "compare", dimension: "method", operator: "=", value: "GET" },
      { kind: "not", part: { kind: "compare", dimension: "tor", operator: "=", value: "yes" } },
    ],
  },
};

/** Every dimension, ranked by every measure, under three filters. */
export function rolledUpAnswers(): readonly RolledUp[] {
  const traffic = { rows: 4000, sites: 40, prefixes: 3000, uris: 3000, asn: true };
  const buckets = [1, 2, 3].map((seed) => trafficBucket(seed, traffic, START + 10 * seed, 10, HARD));
  return DIMENSIONS.flatMap(({ name }) =>
    MEASURES.flatMap((_, sort) =>
      Object.entries(FILTERS).map(([text, filter]) => ({
        answer: answerOf(
          name,
          topN(buckets, { window: "1m", groupBy: name, n: 10, sort, filter: compiled(filter) }, 5),
        ),
        sort,
        question: `${name} by ${MEASURES[sort].sort} under ${text}`,
      }))
    )
  );
}

function compiled(filter: Filter): ReturnType<typeof compileFilter> | undefined {
  return filter === undefined ? undefined : compileFilter(filter, () => ({ test: () => false }));
}

function answerOf(groupBy: DimensionName, ranking: ReturnType<typeof topN>): TopNAnswer {
  const coverage = { expected: 1, present: 1, missing: [], secondsCovered: 60, seconds: 60 };
  return { source: "col-1", window: "1m", groupBy, fromS: START, toS: START + 60, coverage, ...ranking };
}
