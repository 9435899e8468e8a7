/**
 * Measures memory: `deno task memory rows|day|rings|flood|all [--small]`.
 *
 *   rows    bytes a row of sealed buckets, dictionaries included, open and at rest
 *   day     RSS in a day of ordinary traffic, 10 000 distinct tuples a minute, and after every question was asked
 *   rings   RSS with every ring full at its caps: a day of traffic in simulated time, and after every question was asked
 *   flood   RSS before, in and after an hour in which most requests are for a path of their own, as TSV and docs/memory.svg
 *
 * What is measured is one process with the main thread's and the ingest thread's work in it, and gRPC loaded; time is
 * simulated. RSS is what the kernel says; nothing is collected for it.
 */
import "@/proto/service.ts";
import { BLOCK_OVERHEAD_BYTES, blockOf, bucketBytes, VIEWS_BYTES } from "@/core/bucket_block.ts";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { GIVE_BACK_AFTER_SECONDS } from "@/core/bounds.ts";
import { collectGarbage } from "@/core/host/garbage.ts";
import { zstd } from "@/core/host/zstd.ts";
import { MEASURES } from "@/core/measures.ts";
import { memoryBudget } from "@/core/memory_budget.ts";
import { resting } from "@/core/resting.ts";
import { TIERS, WINDOWS } from "@/core/slices.ts";
import { stretches } from "@/core/stretches.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { plotSvg } from "./plot.ts";
import { SimulatedCollector } from "./simulated_collector.ts";
import { ORDINARY, Traffic } from "./traffic.ts";

const END = 1_700_006_400 + 86_400;

/** Lines in ten seconds: enough that every slot is cut to its caps, in the tier that will hold it. */
const COARSE_LINES = 400, MINUTE_LINES = 12_000;

/** The same for the 10 000 distinct tuples of an ordinary minute. */
const ORDINARY_LINES = 1750;

/** Lines in ten seconds that the flood adds to what goes on as ever. */
const FLOOD_LINES = 20_000;

let peak = 0;

const [what = "all", size = ""] = Deno.args;
const small = size === "--small";
if (what === "rows" || what === "all") rows();
if (what === "day" || what === "all") oneDay(small ? 1.2 : 24, () => ORDINARY_LINES);
if (what === "rings" || what === "all") rings();
if (what === "flood" || what === "all") flood();

function rows(): void {
  const collector = new SimulatedCollector(3), traffic = new Traffic(ORDINARY, randomFrom(7));
  for (let startS = END - 320; startS < END; startS += 10) {
    collector.slice(startS, traffic.lines(MINUTE_LINES, startS, startS + 10));
  }
  say("tier", "rows", "bytes a row", "at rest");
  for (const [tier, ring] of collector.view.store.rings.entries()) {
    const buckets = ring.slots().map((slot) => slot.bucket());
    const bucket = buckets.reduce((fullest, bucket) => bucket.rows > fullest.rows ? bucket : fullest);
    const bytes = blockOf(bucket).byteLength + BLOCK_OVERHEAD_BYTES;
    const atRest = bucketBytes(resting(bucket, zstd) ?? bucket) - VIEWS_BYTES + BLOCK_OVERHEAD_BYTES;
    const perRow = [bytes, atRest].map((bytes) => (bytes / bucket.rows).toFixed(1));
    say(`${TIERS[tier].sliceS} s`, bucket.rows, ...perRow);
  }
}

/** Every slot at its caps: all that are coarse are made of few lines, which takes less time. */
function rings(): void {
  const fineS = small ? 360 : 3660;
  oneDay(small ? 1.2 : 24, (startS) => END - startS <= fineS ? MINUTE_LINES : COARSE_LINES);
}

/** @param linesAt lines in the ten seconds that begin then */
function oneDay(hours: number, linesAt: (startS: number) => number): void {
  const collector = new SimulatedCollector(3), traffic = new Traffic(ORDINARY, randomFrom(7));
  say("hour", "rss MB", "peak MB", "delta log MB");
  tell(0);
  const count = (startS: number): unknown =>
    collector.slice(startS, traffic.lines(linesAt(startS), startS, startS + 10));
  for (let startS = END - hours * 3600; startS < END; startS += 10) {
    count(startS);
    if ((END - startS - 10) % 3600 === 0) tell(hours - (END - startS - 10) / 3600);
  }
  say("tier", "slots", "rows", "MB", "bytes a row");
  for (const { tier, slots, rows, bytes } of collector.sizes()) {
    say(tier, slots, rows, (bytes / 1e6).toFixed(1), (bytes / rows).toFixed(1));
  }
  askEverything(collector);
  const askedOnce = Deno.memoryUsage().rss;
  // A day's slots are merged for questions after the first of them, one stretch a second.
  for (let seconds = 0; seconds < 60; seconds++) collector.view.tick(END);
  askEverything(collector);
  const asked = Math.max(askedOnce, Deno.memoryUsage().rss);
  collectGarbage();
  const { dataBytes, runtimeBytes } = memoryBudget({ ingestThreads: 1, followsSources: false });
  say(
    "after every question",
    (askedOnce / 1e6).toFixed(0),
    "of at most",
    ((dataBytes + runtimeBytes) / 1e6).toFixed(0),
  );
  say("and once more, over stretches", (asked / 1e6).toFixed(0), "of them MB", (stretches.bytes / 1e6).toFixed(1));
  say("and the next collection of garbage", (Deno.memoryUsage().rss / 1e6).toFixed(0));
  for (let startS = END; startS <= END + GIVE_BACK_AFTER_SECONDS + 300; startS += 10) count(startS);
  collectGarbage();
  say("and when nobody has asked for a while", (Deno.memoryUsage().rss / 1e6).toFixed(0));
  if (asked > dataBytes + runtimeBytes) throw new Error("the memory budget does not hold");

  function tell(hour: number): void {
    const { rss } = Deno.memoryUsage();
    say(hour.toFixed(1), (rss / 1e6).toFixed(0), peakMB().toFixed(0), (collector.view.deltaLog.bytes / 1e6).toFixed(0));
  }
}

/** Every dimension in every window, with a filter and without. */
function askEverything({ view }: SimulatedCollector): void {
  for (const { name: window } of WINDOWS) {
    for (const { name: groupBy } of DIMENSIONS) {
      view.topN({ window, groupBy, n: 25, sort: 0, filter: undefined });
      const filter = { kind: "compare", dimension: "status", operator: "=", value: "404" } as const;
      view.topN({ window, groupBy, n: 25, sort: MEASURES.length - 1, filter });
    }
  }
}

function flood(): void {
  const [before, during, after] = small ? [2, 2, 1] : [65, 60, 15], minutes = before + during + after;
  const collector = new SimulatedCollector(3), traffic = new Traffic(ORDINARY, randomFrom(7));
  const points: [number, number][] = [];
  say("minute", "rss MB", "new paths");
  let paths = 0;
  for (let minute = 0; minute < minutes; minute++) {
    const flooded = minute >= before && minute < before + during;
    for (let startS = END + 60 * minute, slice = 0; slice < 6; slice++, startS += 10) {
      collector.slice(startS, traffic.lines(MINUTE_LINES, startS, startS + 10));
      if (!flooded) continue;
      collector.slice(startS, traffic.flood(FLOOD_LINES, startS, startS + 10, paths));
      paths += FLOOD_LINES;
    }
    const rss = Deno.memoryUsage().rss / 1e6;
    points.push([minute + 1, rss]);
    say(minute + 1, rss.toFixed(0), flooded ? 6 * FLOOD_LINES : 0);
  }
  if (small) return;
  const until = before + during;
  const svg = plotSvg({
    title: `RSS of a busy collector; from minute ${before} to ${until} with ${
      paths / 1e6
    } million requests for unique paths`,
    xLabel: "simulated minutes",
    yLabel: "RSS, MB",
    curves: [
      { name: "busy", colour: "#48c", points: points.slice(0, before + 1) },
      { name: "flood", colour: "#c33", points: points.slice(before, until + 1) },
      { name: "busy again", colour: "#48c", points: points.slice(until) },
    ],
  });
  Deno.writeTextFileSync(new URL("../../docs/memory.svg", import.meta.url), svg);
}

/** Bytes of the process at its largest. */
function peakMB(): number {
  peak = Math.max(peak, Deno.memoryUsage().rss);
  return peak / 1e6;
}

function say(...cells: readonly (string | number)[]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${cells.join("\t")}\n`));
}
