/**
 * The engine against an independent count: `nginx-logtail count`, as a process, and mawk on the same made-up log.
 *
 *   LOGTAIL_GOLDEN_LINES   lines of the logs that mawk counts as well; 100 000 by default, 5 000 000 for the whole truth
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { WebSize } from "@/cli/compare/made_up_web.ts";
import { countArgs } from "@/cli/compare/programs.ts";
import { Traffic, type TrafficPlan, TRUE_DIMENSIONS, type TrueDimension, type Truth } from "@/cli/compare/traffic.ts";
import { realTest } from "./need.ts";

const CHECKOUT = fromFileUrl(new URL("../../", import.meta.url));
const LINES = Number(Deno.env.get("LOGTAIL_GOLDEN_LINES") ?? 100_000);

/** Entries that an answer lists at most. */
const LISTED_MAX = 10_000;
/** No dimension has more than LISTED_MAX values in it, so that answers list them all. */
const LISTABLE_WEB: WebSize = { sites: 60, networks: 7000, pages: 900 };
/** In each of the six slices of ten seconds more distinct tuples, prefixes and URIs than a table holds. */
const ATTACK_LINES = 1_000_000;

/** Requests, bytes, request time in all and at most, in milliseconds. */
type Measured = readonly [number, number, number, number];
type Counts = ReadonlyMap<string, Measured>;

interface Ranking {
  readonly total: Measured;
  readonly other: Measured;
  readonly unlistedMax: number;
  readonly entries: Counts;
  /** All counts are certain. */
  readonly exact: boolean;
}

realTest(
  ["mawk"],
  "every value of every dimension has the measures that mawk counts, with one thread and with two",
  async () => {
    await using log = await writtenLog({ kind: "ordinary", lines: LINES, seed: 11, web: LISTABLE_WEB });
    const truth = await countedByMawk(log.path);
    for (const threads of [1, 2]) {
      const rankings = await counted(log.path, threads);
      for (const dimension of TRUE_DIMENSIONS) {
        const { total, other, unlistedMax, entries, exact } = rankings[dimension], expected = truth[dimension];
        assert(expected.size < LISTED_MAX, `${dimension}: not every value can be listed`);
        assertEquals(sorted(entries), sorted(expected), dimension);
        assertEquals({ total, other, unlistedMax, exact }, {
          total: sum(expected),
          other: [0, 0, 0, 0],
          unlistedMax: 0,
          exact: true,
        });
      }
    }
  },
);

realTest(
  ["mawk"],
  "among more values than an answer lists, the heaviest are listed exactly, and the others add up",
  async () => {
    await using log = await writtenLog({ kind: "ordinary", lines: LINES, seed: 12 });
    const truth = await countedByMawk(log.path), rankings = await counted(log.path, 1);
    assert(truth.prefix.size > LISTED_MAX && truth.uri.size > LISTED_MAX);
    for (const dimension of TRUE_DIMENSIONS) {
      const { total, other, entries, exact } = rankings[dimension], expected = truth[dimension];
      assertEquals(entries.size, Math.min(expected.size, LISTED_MAX));
      for (const [label, measured] of entries) assertEquals(measured, expected.get(label), `${dimension} ${label}`);
      const rest = [...expected].filter(([label]) => !entries.has(label));
      const listedMin = Math.min(...[...entries.values()].map(([requests]) => requests));
      assert(rest.every(([, [requests]]) => requests <= listedMin), `${dimension}: a heavier value is not listed`);
      assertEquals([total, other, exact], [sum(expected), sum(new Map(rest)), true], dimension);
    }
  },
);

realTest(
  [],
  "an attack on full tables changes no total, hides no attacker, and pushes no real website out",
  async () => {
    await using log = await writtenLog({ kind: "attack", lines: ATTACK_LINES, seed: 13 });
    const rankings = await counted(log.path, 1), { truth } = log;
    for (const dimension of TRUE_DIMENSIONS) {
      const { total, other, entries } = rankings[dimension];
      assertEquals(total.slice(0, 3), [truth.lines, truth.sentBytes, truth.requestMs], dimension);
      const listed = sum(entries);
      assertEquals([0, 1, 2].map((m) => listed[m] + other[m]), total.slice(0, 3), dimension);
    }
    assert(truth.attackers !== undefined);
    assertNear(rankings.prefix.entries, truth.attackers.prefix);
    assertNear(rankings.uri.entries, truth.attackers.uri);
    for (const { label, count } of [...truth.top.status, ...truth.top.method]) {
      assertEquals(rankings[/^\d+$/.test(label) ? "status" : "method"].entries.get(label)?.[0], count, label);
    }
    const heaviest = truth.top.website.slice(0, 100);
    for (const share of heaviest) assertNear(rankings.website.entries, share);
    assertEquals([...rankings.website.entries.keys()].slice(0, 20), heaviest.slice(0, 20).map(({ label }) => label));
  },
);

/** Within a thousandth, and never too many. */
function assertNear(entries: Counts, { label, count }: { readonly label: string; readonly count: number }): void {
  const found = entries.get(label)?.[0] ?? 0;
  assert(found <= count && count - found <= count / 1000, `${label}: ${found} instead of ${count}`);
}

interface WrittenLog extends AsyncDisposable {
  readonly path: string;
  readonly truth: Truth;
}

async function writtenLog(plan: TrafficPlan): Promise<WrittenLog> {
  const folder = await Deno.makeTempDir({ prefix: "logtail-golden-" }), path = join(folder, "access.log");
  const traffic = new Traffic(plan);
  {
    using file = await Deno.open(path, { write: true, create: true });
    for (const piece of traffic.pieces()) {
      for (let rest = piece; rest.length > 0;) rest = rest.subarray(await file.write(rest));
    }
  }
  return { path, truth: traffic.truth(), [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function countedByMawk(path: string): Promise<Readonly<Record<TrueDimension, Counts>>> {
  const output = await outputOf("mawk", ["-F", "\\t", "-f", join(CHECKOUT, "cli/compare/same_count.awk"), path]);
  const counts = { website: new Map(), prefix: new Map(), uri: new Map(), status: new Map(), method: new Map() };
  for (const line of output.trimEnd().split("\n").slice(2)) {
    const [dimension, label, requests, bytes, seconds, longest] = line.split("\t");
    counts[dimension as TrueDimension].set(label, [+requests, +bytes, milliseconds(seconds), milliseconds(longest)]);
  }
  return counts;
}

async function counted(path: string, threads: number): Promise<Readonly<Record<TrueDimension, Ranking>>> {
  const args = countArgs({ checkout: CHECKOUT, file: path }, TRUE_DIMENSIONS, threads, LISTED_MAX);
  const lines = (await outputOf(Deno.execPath(), args)).trimEnd().split("\n");
  const rankings = lines.map((line): [string, Ranking] => {
    const { group_by, total_values, other_values, unlisted_max, entries, ledger } = JSON.parse(line);
    assertEquals(ledger.read, ledger.counted);
    const exact = entries.every((entry: { count: number; count_max: number }) => entry.count === entry.count_max);
    const listed = entries.map((entry: ValuesJson & { label: string }) => [entry.label, measuredOf(entry)]);
    const [total, other] = [measuredOf(total_values), measuredOf(other_values)];
    return [group_by, { total, other, unlistedMax: unlisted_max, entries: new Map(listed), exact }];
  });
  return Object.fromEntries(rankings) as Record<TrueDimension, Ranking>; // one object for each that was asked for
}

interface ValuesJson {
  readonly count: number;
  readonly bytes: number;
  readonly time_sum_ms: number;
  readonly time_max_ms: number;
}

function measuredOf({ count, bytes, time_sum_ms, time_max_ms }: ValuesJson): Measured {
  return [count, bytes, time_sum_ms, time_max_ms];
}

function milliseconds(seconds: string): number {
  return Math.round(1000 * Number(seconds));
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
  const decoder = new TextDecoder();
  assert(success, `${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

function sum(counts: Counts): Measured {
  let requests = 0, bytes = 0, timeMs = 0, longestMs = 0;
  for (const measured of counts.values()) {
    requests += measured[0];
    bytes += measured[1];
    timeMs += measured[2];
    longestMs = Math.max(longestMs, measured[3]);
  }
  return [requests, bytes, timeMs, longestMs];
}

function sorted(counts: Counts): readonly (readonly [string, Measured])[] {
  return [...counts].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
}
