/**
 * How exact answers stay after every cut, on ordinary traffic: the count that is certain against the truth.
 *
 *   deno run --allow-env=LOGTAIL_BENCH_LINES core/accuracy_bench.ts [minutes=20] [lines a minute=147000] [sources=1] [seed=1]
 *
 * Lines are counted into 10 s slices, sealed, merged to minutes and these to five minutes, with the caps of the product.
 * The window 15m is answered from fine slots after their minute was made, 60m from minutes and 24h from five minutes; fewer
 * slots than in the product (an error is a share that each slot loses, so it does not shrink with more of them).
 */
import { OPEN_ENTRIES_MAX, OPEN_ENTRY_BYTES_MAX, OPEN_ROWS_MAX } from "./bounds.ts";
import { REQUESTS } from "./measures.ts";
import { DIMENSIONS, METHOD, PREFIX, SOURCE, STATUS, URI, WEBSITE } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { type Caps, TIERS } from "./slices.ts";
import { entryLabel } from "./label.ts";
import { CounterTable } from "./counter_table.ts";
import { Kernel } from "./kernel.ts";
import type { Bucket } from "./bucket.ts";
import { seal } from "./seal.ts";
import { cutBucket, mergeBuckets } from "./merge.ts";
import { parseFilter } from "./filter_parse.ts";
import { compileFilter } from "./filter_match.ts";
import { topN } from "./top_n.ts";
import { Batches } from "./test_batches.ts";
import { ORDINARY_LINES_MINUTE, Traffic, writeEntry } from "./accuracy_fixture.ts";

/** What is asked: the values of one dimension, within given values of others. */
export interface Case {
  readonly group: number;
  readonly within: readonly (readonly [d: number, value: number])[];
}

/** How the answer compares with the truth over the values that truly come first. Shares of the true count. */
export interface Accuracy {
  readonly meanError: number;
  readonly worstError: number;
  /** How far apart the bounds are, on average. */
  readonly meanWidth: number;
  /** Values whose true count lies outside their bounds: must be 0. */
  readonly outside: number;
}

const START_S = 1_699_999_800;
const SEED = 77;
const OPEN_CAPS: Caps = { rowsMax: OPEN_ROWS_MAX, entriesMax: OPEN_ENTRIES_MAX, entryBytesMax: OPEN_ENTRY_BYTES_MAX };

const WEBSITES = [0, 1, 4, 64, 10, 7], HEAVY_PREFIXES = [0, 1, 5, 20], STATUSES = [404, 403, 429, 503];
/** Filters as operators click them. */
export const FILTERED: readonly Case[] = [
  ...WEBSITES.map((website): Case => ({ group: PREFIX, within: [[WEBSITE, website]] })),
  ...WEBSITES.map((website): Case => ({ group: URI, within: [[WEBSITE, website]] })),
  ...WEBSITES.map((website): Case => ({ group: STATUS, within: [[WEBSITE, website]] })),
  ...STATUSES.map((status): Case => ({ group: PREFIX, within: [[STATUS, status]] })),
  ...STATUSES.map((status): Case => ({ group: URI, within: [[STATUS, status]] })),
  ...STATUSES.map((status): Case => ({ group: WEBSITE, within: [[STATUS, status]] })),
  ...HEAVY_PREFIXES.map((prefix): Case => ({ group: WEBSITE, within: [[PREFIX, prefix]] })),
  ...HEAVY_PREFIXES.map((prefix): Case => ({ group: URI, within: [[PREFIX, prefix]] })),
  ...HEAVY_PREFIXES.map((prefix): Case => ({ group: STATUS, within: [[PREFIX, prefix]] })),
  ...[0, 1 << 16, 4 << 16].map((uri): Case => ({ group: PREFIX, within: [[URI, uri]] })),
];
export const FILTERED_TWICE: readonly Case[] = [
  ...[0, 1, 4].map((website): Case => ({ group: PREFIX, within: [[WEBSITE, website], [STATUS, 304]] })),
  ...[0, 1, 4].map((website): Case => ({ group: URI, within: [[WEBSITE, website], [STATUS, 404]] })),
  ...[0, 1, 4].map((website): Case => ({ group: URI, within: [[WEBSITE, website], [METHOD, 1]] })),
];

/** The true counts of each case. */
export class Truth {
  readonly counts: Map<number, number>[];

  constructor(readonly cases: readonly Case[]) {
    this.counts = cases.map(() => new Map());
  }

  add(values: Int32Array): void {
    cases: for (let c = 0; c < this.cases.length; c++) {
      const { group, within } = this.cases[c];
      for (let i = 0; i < within.length; i++) if (values[within[i][0]] !== within[i][1]) continue cases;
      const value = values[group];
      this.counts[c].set(value, (this.counts[c].get(value) ?? 0) + 1);
    }
  }

  /** Compares the `n` values that truly come first in case `c` with what the buckets answer. */
  accuracy(c: number, buckets: readonly Bucket[], n: number): Accuracy {
    const { group, within } = this.cases[c];
    const first = [...this.counts[c]].sort((a, b) => b[1] - a[1]).slice(0, n);
    const filter = within.length === 0 ? undefined : parseFilter(
      within.map(([d, value]) => `${DIMENSIONS[d].name}="${labelOf(d, value)}"`).join(" AND "),
    );
    if (filter !== undefined && "mistake" in filter) throw new Error(filter.mistake.message);
    const answer = topN(buckets, {
      window: "60m",
      groupBy: DIMENSIONS[group].name,
      n: 1_000_000,
      sort: REQUESTS,
      filter: filter?.filter === undefined ? undefined : compileFilter(filter.filter, (pattern) => new RegExp(pattern)),
    }, SEED);
    const entries = new Map(answer.entries.map((entry) => [entry.label, entry]));
    let error = 0, worst = 0, width = 0, outside = 0;
    for (const [value, count] of first) {
      const entry = entries.get(labelOf(group, value));
      const least = entry?.values[REQUESTS] ?? 0, most = entry?.countMax ?? answer.unlistedMax;
      if (count < least || count > most) outside++;
      error += (count - least) / count;
      worst = Math.max(worst, (count - least) / count);
      width += (most - least) / count;
    }
    const values = Math.max(1, first.length);
    return { meanError: error / values, worstError: worst, meanWidth: width / values, outside };
  }
}

/** The slots of each tier, as the rings hold them. */
interface Slots {
  readonly fine: Bucket[];
  readonly minutes: Bucket[];
  readonly fives: Bucket[];
}

/** @param minutes a multiple of five. */
export function countTraffic(traffic: Traffic, minutes: number, linesMinute: number, truth: Truth): Slots {
  const slots: Slots = { fine: [], minutes: [], fives: [] };
  const write = (d: number, into: Uint8Array): number => writeEntry(d, traffic.values[d], into);
  const table = new CounterTable(SEED, undefined, new Kernel()); // one for slice after slice, as in the pipeline
  for (let minute = 0; minute < minutes; minute++) {
    const fresh: Bucket[] = [], startS = START_S + 60 * minute;
    for (let slice = 0; slice < 6; slice++) {
      table.beSlim();
      const batches = new Batches(table, OPEN_CAPS);
      for (let i = 0; i < linesMinute / 6; i++) {
        traffic.next();
        truth.add(traffic.values);
        batches.add(write, traffic.measures);
      }
      batches.flush();
      fresh.push(seal(table, startS + 10 * slice, 10, emptyLedger(), TIERS[0].freshCaps));
      table.clear();
    }
    slots.minutes.push(mergeBuckets(fresh, startS, 60, TIERS[1].freshCaps, SEED));
    for (const bucket of fresh) slots.fine.push(cutBucket(bucket, TIERS[0].caps, SEED));
    if (minute % 5 === 4) {
      slots.fives.push(mergeBuckets(slots.minutes.slice(-5), startS - 240, 300, TIERS[2].freshCaps, SEED));
    }
  }
  return slots;
}

function labelOf(d: number, value: number): string {
  const entry = new Uint8Array(64);
  return entryLabel(DIMENSIONS[d], entry.subarray(0, writeEntry(d, value, entry)));
}

function nameOf({ group, within }: Case): string {
  return `${DIMENSIONS[group].name} within ${within.map(([d]) => DIMENSIONS[d].name).join(" and ")}`;
}

/** One line for each kind of question: mean and worst over its cases. */
function report(title: string, truth: Truth, buckets: readonly Bucket[], n: number): string[] {
  const kinds = new Map<string, Accuracy[]>();
  truth.cases.forEach((asked, c) => {
    const name = asked.within.length === 0 ? DIMENSIONS[asked.group].name : nameOf(asked);
    kinds.set(name, [...kinds.get(name) ?? [], truth.accuracy(c, buckets, n)]);
  });
  const line = (name: string, all: readonly Accuracy[]): string => {
    const mean = (of: (a: Accuracy) => number): number => all.reduce((sum, a) => sum + of(a), 0) / all.length;
    const worst = Math.max(...all.map((a) => a.worstError)), outside = all.reduce((sum, a) => sum + a.outside, 0);
    return `| ${title} | ${name} | ${percent(mean((a) => a.meanError))} | ${percent(worst)} | ${
      percent(mean((a) => a.meanWidth))
    } | ${outside} |`;
  };
  return [...[...kinds].map(([name, all]) => line(name, all)), line("**all**", [...kinds.values()].flat())];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
}

/** The whole measurement as a table in Markdown. */
export function measure(minutes: number, linesMinute: number, sources: number, seed: number): string {
  const unfiltered = DIMENSIONS.map((_, group): Case => ({ group, within: [] })).filter(({ group }) =>
    group !== SOURCE
  );
  const truth = new Truth([...unfiltered, ...FILTERED, ...FILTERED_TWICE]);
  const slots = countTraffic(new Traffic(seed, sources), minutes, linesMinute, truth);
  const lines = ["| window | question | mean error | worst | mean width | outside |", "| - | - | - | - | - | - |"];
  const part = (cases: readonly Case[]): Truth => {
    const some = new Truth(cases);
    cases.forEach((one, c) => some.counts[c] = truth.counts[truth.cases.indexOf(one)]);
    return some;
  };
  for (const [title, buckets] of [["60m", slots.minutes], ["24h", slots.fives], ["15m", slots.fine]] as const) {
    lines.push(...report(`${title}, top 100`, part(unfiltered), buckets, 100));
    lines.push(...report(`${title}, top 20, one filter`, part(FILTERED), buckets, 20));
    lines.push(...report(`${title}, top 20, two filters`, part(FILTERED_TWICE), buckets, 20));
  }
  return lines.join("\n");
}

if (import.meta.main) {
  const small = Deno.env.get("LOGTAIL_BENCH_LINES") !== undefined;
  const [minutes = small ? 5 : 20, linesMinute = small ? 6000 : ORDINARY_LINES_MINUTE, sources = 1, seed = 1] = Deno
    .args.map(Number);
  // deno-lint-ignore no-console -- its table is what it is run for
  console.log(measure(minutes, linesMinute, sources, seed));
}
