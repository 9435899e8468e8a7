/**
 * Measures an aggregator under a fleet: `deno task fleet --collectors=200 --minutes=3`.
 *
 *   --collectors=200    collectors that are played, each on a port of its own
 *   --minutes=3         of the run, the flood included
 *   --rows=5000         of each collector's slice of ten seconds
 *   --flood-rows=50000  the same in the flood
 *   --flood=2           the minute that is the flood, from 1; 0 for none
 *   --questions=5       a second
 *   --idle=20           seconds of questions at the end, when nothing comes any more
 *   --seed=1
 *   --realtime          the aggregator runs with real-time priority: where others use the machine, and chrt may be used
 *   --profile           V8 writes isolate-*.log of where its time goes
 */
import { percentile } from "@/cli/udp/measured.ts";
import { type FleetReport, type FleetRun, runFleet, type SliceReport } from "./fleet_run.ts";

const options = new Map(Deno.args.map((arg) => arg.replace(/^--/, "").split("=", 2) as [string, string]));
const number = (name: string, otherwise: number): number => Number(options.get(name) ?? otherwise);
const minutes = number("minutes", 3), flood = number("flood", 2);
const run: FleetRun = {
  collectors: number("collectors", 200),
  rows: number("rows", 5000),
  floodRows: flood === 0 ? 0 : number("flood-rows", 50_000),
  seed: number("seed", 1),
  slices: 6 * minutes,
  flood: flood === 0 ? [0, 0] : [6 * (flood - 1), 6 * flood],
  paceS: 10,
  questionsPerS: number("questions", 5),
  idleS: number("idle", 20),
  prefix: options.has("realtime") ? ["chrt", "-r", "1"] : [],
  v8Flags: options.has("profile") ? ["--prof"] : [],
};

say("slice", "rows", "lag ms", "CPU s", "RSS MB", "answers", "p50 ms", "p99 ms");
let count = 0;
const report = await runFleet(run, (slice) => {
  const { rows, lagMs, cpuS, rssBytes, answersMs } = slice;
  say(++count, rows, Math.round(lagMs), cpuS.toFixed(2), megabytes(rssBytes), ...answers(answersMs));
});
summary(report);
Deno.exit(report.wrong.length === 0 ? 0 : 1);

function summary({ slices, idleMs, idleCpuS, idleRssBytes, budgetBytes, wrong }: FleetReport): void {
  say("idle", 0, "", idleCpuS.toFixed(2), megabytes(idleRssBytes), ...answers(idleMs));
  for (const [name, isFlood] of [["ordinary", false], ["flood", true]] as const) {
    const part = slices.filter((slice) => slice.isFlood === isFlood);
    if (part.length > 0) tellPart(name, part, percentile(idleMs, 0.99));
  }
  say("budget MB", megabytes(budgetBytes), "largest RSS MB", megabytes(Math.max(...slices.map((s) => s.rssBytes))));
  for (const what of wrong.slice(0, 20)) say("WRONG", what);
  say(wrong.length === 0 ? "every source's requests are what it sent" : `${wrong.length} things are wrong`);
}

function tellPart(name: string, slices: readonly SliceReport[], idleP99Ms: number): void {
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0), cpuS = slices.reduce((sum, s) => sum + s.cpuS, 0);
  const all = slices.flatMap(({ answersMs }) => answersMs), lags = slices.map(({ lagMs }) => lagMs);
  say(name, "rows a CPU second", Math.round(rows / cpuS), "lag ms, worst", Math.round(Math.max(...lags)));
  say(name, "CPU of one core", `${(100 * cpuS / (10 * slices.length)).toFixed(0)} %`);
  say(name, "answers", ...answers(all), "p99 of idle", (percentile(all, 0.99) / idleP99Ms).toFixed(1));
}

function answers(ms: readonly number[]): readonly (string | number)[] {
  return [ms.length, percentile(ms, 0.5).toFixed(1), percentile(ms, 0.99).toFixed(1)];
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function say(...columns: readonly (string | number)[]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${columns.join("\t")}\n`));
}
