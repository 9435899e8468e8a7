/**
 * What is still true in a flood: 5 million lines, nine of ten shaped against the rule of roll-up, in five minutes.
 *
 *   deno run --allow-env=LOGTAIL_BENCH_LINES core/flood_bench.ts [lines=5000000] [seed=1] [only flood number]
 *
 * Prints, per flood: how far the counts of the two attackers and of the true top 100 of each dimension (of ordinary values)
 * are below the truth in minutes and in five minutes, and what an overflow cost.
 */
import { OPEN_ENTRIES_MAX, OPEN_ENTRY_BYTES_MAX, OPEN_ROWS_MAX } from "./bounds.ts";
import { REQUESTS } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, PREFIX, SOURCE, URI } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { type Caps, TIERS } from "./slices.ts";
import { entryLabel } from "./label.ts";
import { CounterTable } from "./counter_table.ts";
import { Kernel } from "./kernel.ts";
import type { Bucket } from "./bucket.ts";
import { seal } from "./seal.ts";
import { mergeBuckets } from "./merge.ts";
import { isFlood } from "./withhold.ts";
import { topN } from "./top_n.ts";
import { Batches } from "./test_batches.ts";
import {
  ATTACKED_URI,
  ATTACKER_PREFIX,
  type Flood,
  FLOODS,
  FloodTraffic,
  FRESH,
  writeEntry,
} from "./accuracy_fixture.ts";

const OPEN_CAPS: Caps = { rowsMax: OPEN_ROWS_MAX, entriesMax: OPEN_ENTRIES_MAX, entryBytesMax: OPEN_ENTRY_BYTES_MAX };
const MINUTES = 5, SEED = 99;

/** True counts of ordinary values, per dimension. */
type Counts = readonly Map<number, number>[];

interface Outcome {
  readonly minutes: readonly Bucket[];
  readonly five: Bucket;
  readonly truth: Counts;
  readonly overflows: number;
  readonly rowsRolledUp: number;
  readonly ms: number;
}

function count(flood: Flood, lines: number, seed: number): Outcome {
  const traffic = new FloodTraffic(flood, seed, lines), minutes: Bucket[] = [];
  const truth: Counts = DIMENSIONS.map(() => new Map());
  // One for slice after slice, as in the pipeline: what one slice knows helps the next.
  const table = new CounterTable(SEED, undefined, new Kernel()), rowsNow = (): number => table.slim?.rows ?? table.rows;
  let overflows = 0, rowsRolledUp = 0, ms = 0;
  for (let minute = 0; minute < MINUTES; minute++) {
    const fresh: Bucket[] = [];
    for (let slice = 0; slice < 6; slice++) {
      table.beSlim();
      const batches = new Batches(table, OPEN_CAPS);
      const write = (d: number, into: Uint8Array): number => writeEntry(d, traffic.values[d], into);
      for (let i = 0; i < lines / MINUTES / 6; i++) {
        traffic.next();
        for (let d = 0; d < DIMENSION_COUNT; d++) {
          const value = traffic.values[d];
          if (value < FRESH[d]) truth[d].set(value, (truth[d].get(value) ?? 0) + 1);
        }
        const rows = rowsNow(), started = performance.now();
        batches.add(write, traffic.measures);
        if (rowsNow() >= rows) continue;
        overflows++;
        rowsRolledUp += rows;
        ms += performance.now() - started;
      }
      batches.flush();
      fresh.push(seal(table, 60 * minute + 10 * slice, 10, emptyLedger(), TIERS[0].freshCaps));
      const flooded = isFlood(table);
      table.clear();
      table.floodExpected = flooded;
    }
    minutes.push(mergeBuckets(fresh, 60 * minute, 60, TIERS[1].freshCaps, SEED));
  }
  const five = mergeBuckets(minutes, 0, 300, TIERS[2].freshCaps, SEED);
  return { minutes, five, truth, overflows, rowsRolledUp, ms };
}

/** The worst of the shares by which counts of the true top 100 are below the truth; and how many are outside their bounds. */
function worst(buckets: readonly Bucket[], truth: Counts, d: number, only?: number): readonly [number, number] {
  const query = { window: "60m", groupBy: DIMENSIONS[d].name, n: 200_000, sort: REQUESTS, filter: undefined } as const;
  const answer = topN(buckets, query, SEED), entry = new Uint8Array(64);
  const there = new Map(answer.entries.map((entry) => [entry.label, entry]));
  const first = [...truth[d]].sort((a, b) => b[1] - a[1]).slice(0, 100).filter(([v]) =>
    only === undefined || v === only
  );
  let error = 0, outside = 0;
  for (const [value, count] of first) {
    const found = there.get(entryLabel(DIMENSIONS[d], entry.subarray(0, writeEntry(d, value, entry))));
    const least = found?.values[REQUESTS] ?? 0, most = found?.countMax ?? answer.unlistedMax;
    error = Math.max(error, (count - least) / count);
    if (least > count || most < count) outside++;
  }
  return [error, outside];
}

function report(flood: Flood, lines: number, seed: number): string {
  const { minutes, five, truth, overflows, rowsRolledUp, ms } = count(flood, lines, seed);
  const total = minutes.reduce((sum, { totals }) => sum + totals[REQUESTS], 0);
  if (total !== lines || five.totals[REQUESTS] !== lines) throw new Error(`${total} of ${lines} lines were counted`);
  let outside = 0;
  const cell = (buckets: readonly Bucket[]): string => {
    const top = DIMENSIONS.map((_, d) => d).filter((d) => d !== SOURCE).map((d) => worst(buckets, truth, d));
    outside += top.reduce((sum, [, out]) => sum + out, 0);
    const at = top.reduce((at, [error], d) => error > top[at][0] ? d : at, 0);
    const prefix = worst(buckets, truth, PREFIX, ATTACKER_PREFIX)[0], uri = worst(buckets, truth, URI, ATTACKED_URI)[0];
    return `${percent(prefix)} | ${percent(uri)} | ${percent(top[at][0])} (${DIMENSIONS[at].name})`;
  };
  const perRow = overflows === 0 ? "" : `${(1e6 * ms / rowsRolledUp).toFixed(0)} ns`;
  return `| ${flood.name} | ${cell(minutes)} | ${cell([five])} | ${outside} | ${overflows} | ${
    (ms / Math.max(1, overflows)).toFixed(1)
  } ms | ${perRow} |`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(3)} %`;
}

if (import.meta.main) {
  const small = Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 5_000_000);
  const [lines = 30 * Math.ceil(small / 30), seed = 1, only] = Deno.args.map(Number);
  const text = [
    "| flood | 60m: prefix | URI | top 100 | 24h: prefix | URI | top 100 | outside | overflows | each | a row |",
    "| - | - | - | - | - | - | - | - | - | - | - |",
    ...FLOODS.filter((_, i) => only === undefined || i === only).map((flood) => report(flood, lines, seed)),
  ].join("\n");
  // deno-lint-ignore no-console -- its table is what it is run for
  console.log(text);
}
