import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type SimulatedClock, simulatedClock } from "@/core/host/clock.ts";
import { OncePerMinute, openLog } from "@/core/host/log.ts";
import { COUNTED, LOGS_CUT, MALFORMED_FIELDS, READ, TOO_OLD, UNREAD_BYTES } from "@/core/ledger.ts";
import { REQUESTS } from "@/core/measures.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { Pipeline, type PipelineOptions } from "@/core/pipeline.ts";
import { TIERS } from "@/core/slices.ts";
import { randomFrom } from "@/core/test_lines.ts";
import type { Origin } from "./followed_file.ts";
import { NOTHING_READ, type Position } from "./position.ts";
import { Ingest, type IngestOptions } from "./ingest.ts";
import type { Sealed } from "./thread_message.ts";

const START = 1_700_000_000;
const ORIGIN: Origin = { pattern: 0, path: "/log", device: 1, inode: 2, generation: 0, offset: 0 };

interface Fixture {
  readonly clock: SimulatedClock;
  readonly ingest: Ingest;
  readonly sealed: Sealed[];
  readonly log: readonly string[];
}

function fixture(more: Partial<IngestOptions> = {}, counting: Partial<PipelineOptions> = {}): Fixture {
  const clock = simulatedClock(START + 3), sealed: Sealed[] = [], log: string[] = [];
  const masks = { v4Bits: 24, v6Bits: 48 };
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "s", seed: 1, ...counting });
  const ingest = new Ingest({
    pipeline,
    clock,
    positions: (of, handedBytes = 0): Position[] => [{
      path: "/log",
      device: 1,
      inode: 2,
      modifiedMs: 0,
      generation: 0,
      offset: of === undefined ? 1_000_000 : of.offset + handedBytes,
      insideTooLong: false,
      fingerprint: NOTHING_READ,
      compressed: false,
      done: false,
    }],
    post: (message) => void sealed.push(message),
    samples: new OncePerMinute(openLog("collector", (line) => void log.push(line), () => 0)),
    ...more,
  });
  return { clock, ingest, sealed, log };
}

function line(timeS: number): string {
  return `h\t192.0.2.1\t${timeS}.000\tGET\t/\t200\t10\t0.001\n`;
}

function give(ingest: Ingest, text: string): void {
  const bytes = new TextEncoder().encode(text);
  ingest.lines(bytes, 0, bytes.length, ORIGIN);
}

Deno.test("a slice is sealed once, half a second after it has ended, with the positions read up to", () => {
  const { clock, ingest, sealed } = fixture();
  give(ingest, line(START + 1));
  ingest.tick();
  clock.advanceMs(7400);
  ingest.tick();
  assertEquals(sealed.length, 0);
  clock.advanceMs(100);
  ingest.tick();
  ingest.tick();
  assertEquals(sealed.length, 1);
  const [{ endS, buckets, positions }] = sealed;
  assertEquals([endS, buckets.length, buckets[0].startS, buckets[0].totals[REQUESTS]], [START + 10, 1, START, 1]);
  assertEquals(positions[0].offset, 1_000_000);
});

Deno.test("a quiet slice is sealed too, so that silence can be told from absence", () => {
  const { clock, ingest, sealed } = fixture();
  for (let i = 0; i < 3; i++) {
    clock.advanceMs(10_000);
    ingest.tick();
  }
  assertEquals(sealed.map(({ endS }) => endS), [START + 10, START + 20, START + 30]);
  assertEquals(sealed.map(({ buckets }) => buckets.map(({ rows }) => rows)), [[0], [0], [0]]);
});

/** Starts of the fine slices that a message brings, and the one that carries the ledger first. */
function starts({ buckets }: Sealed): number[] {
  return buckets.map(({ startS }) => startS - START);
}

Deno.test("after a stall every slice gets its bucket: what was counted in it, or none", () => {
  const { clock, ingest, sealed } = fixture();
  clock.advanceMs(47_500); // START + 50.5
  give(ingest, line(START + 25) + line(START + 44));
  ingest.tick();
  assertEquals(sealed.map(({ endS }) => endS), [START + 50]);
  assertEquals(starts(sealed[0])[0], 40);
  assertEquals(starts(sealed[0]).sort(), [0, 10, 20, 30, 40]);
  assertEquals(sealed[0].buckets.map(({ totals }) => totals[REQUESTS]).reduce((a, b) => a + b), 2);
  assertEquals(sealed[0].buckets[0].ledger[READ], 2);
  clock.advanceMs(10_000_000);
  ingest.tick();
  assertEquals(starts(sealed[1]).length, 91, "no more than the finest ring holds");
});

Deno.test("a thread that replaces another goes on sealing where that one stopped", () => {
  const { ingest, sealed } = fixture({ endS: START - 30 });
  ingest.tick();
  assertEquals(sealed.map(starts), [[-10, -30, -20]]);
});

Deno.test("slices that a correction of the clock by up to a minute leaves out are known; those of a larger step are not", () => {
  const { clock, ingest, sealed } = fixture();
  clock.stepWallMs(50_000);
  ingest.tick();
  assertEquals(sealed.map(starts), [[40, 0, 10, 20, 30]]);
  clock.stepWallMs(3_600_000);
  sealed.splice(0);
  for (let s = 0; s <= 320; s++) {
    clock.advanceMs(1000);
    ingest.tick();
  }
  const seen = sealed.flatMap(starts).sort((a, b) => a - b);
  const holes = seen.filter((start, i) => i > 0 && start !== seen[i - 1] + 10);
  assertEquals(holes.length, 1);
  assert(holes[0] > 3600);
});

Deno.test("when the clock is set back by less than a minute, a slice is sealed at least every 15 seconds", () => {
  const { clock, ingest, sealed } = fixture();
  ingest.tick();
  clock.stepWallMs(-55_000);
  const atMs: number[] = [clock.monotonicMs()];
  for (let tenths = 0; tenths < 3000; tenths++) {
    clock.advanceMs(100);
    ingest.tick();
    if (sealed.length >= atMs.length) atMs.push(clock.monotonicMs());
  }
  assertEquals(sealed.map(({ endS }) => endS), sealed.map((_, i) => START + 10 * (i + 1)), "each slice once, in order");
  assert(sealed.length >= 24);
  assert(atMs.every((ms, i) => i === 0 || ms - atMs[i - 1] <= 15_000), atMs.join());
});

Deno.test("a large step back is told while it waits, and then sealing goes on at the new time", () => {
  const { clock, ingest, sealed } = fixture({ trouble: () => "/log: permission denied" });
  clock.stepWallMs(-3_600_000);
  for (let s = 0; s < 400; s++) {
    clock.advanceMs(1000);
    if (s === 350) give(ingest, line(clock.nowS()));
    ingest.tick();
  }
  const back = sealed.findIndex(({ endS }, i) => i > 0 && endS < sealed[i - 1].endS);
  assertEquals(sealed[back - 1].endS - sealed[back].endS, 3600, "one step, by as much as the clock");
  const waiting = "this machine's clock was set 3600 s back; it is followed when that has held for 5 minutes";
  assertEquals(sealed[0].problem, `${waiting}; /log: permission denied`);
  assertEquals(sealed.at(-1)!.problem, "/log: permission denied");
  const after = sealed.slice(back);
  assertEquals(after.map(({ endS }) => endS), after.map((_, i) => after[0].endS + 10 * i));
  assert(after.length >= 9);
  assertEquals(after.flatMap(({ buckets }) => buckets).reduce((sum, { totals }) => sum + totals[REQUESTS], 0), 1);
  assertEquals(after.every(({ nowS, endS }) => nowS >= endS && nowS < endS + 10), true);
});

Deno.test("a backlog over more slices than may be open is sealed on the way, each time with the position counted up to", () => {
  const { ingest, sealed } = fixture({}, { openSlicesMax: 8 });
  const lines = Array.from({ length: 9 }, (_, i) => line(START - 10 * i));
  give(ingest, lines.join(""));
  assertEquals(sealed.length, 1);
  assertEquals(sealed[0].positions[0].offset, lines.slice(0, 8).join("").length);
  ingest.finish();
  const counted = sealed.flatMap(({ buckets }) => buckets).reduce((sum, { totals }) => sum + totals[REQUESTS], 0);
  assertEquals(counted, 9);
});

Deno.test("a day's backlog makes one bucket a slice, in whatever order its lines come", () => {
  const { ingest, sealed } = fixture();
  const day = Array.from({ length: 3000 }, (_, i) => line(START - i * 28.7 | 0));
  const random = randomFrom(7);
  give(ingest, day.join("") + day.toSorted(() => random() - 0.5).join(""));
  ingest.finish();
  const buckets = sealed.flatMap(({ buckets }) => buckets), slices = TIERS.reduce((sum, { slots }) => sum + slots, 0);
  assertEquals([sealed.length, buckets.reduce((sum, { totals }) => sum + totals[REQUESTS], 0)], [1, 6000]);
  assert(buckets.length <= slices, `${buckets.length} buckets`);
});

Deno.test("lines not counted are in the ledger, and sampled in the log once a minute and reason", () => {
  const { clock, ingest, sealed, log } = fixture();
  const old = line(START - 100_000);
  give(ingest, "nonsense \x1b[31m\n" + line(START) + "more nonsense\n" + old);
  give(ingest, "more nonsense\n" + old);
  clock.advanceMs(10_000);
  ingest.tick();
  const { ledger } = sealed[0].buckets[0];
  assertEquals([ledger[READ], ledger[COUNTED], ledger[MALFORMED_FIELDS], ledger[TOO_OLD]], [6, 1, 3, 2]);
  assertEquals(log.length, 2, "one of each reason, also when one chunk has several");
  const [fields, age] = log.toSorted((a, b) => b.indexOf("8 to 10 fields") - a.indexOf("8 to 10 fields"));
  assertStringIncludes(age, "older than the 24 hours");
  assertStringIncludes(fields, "nonsense \\x1b[31m");
});

Deno.test("a line skipped as too long is counted in the ledger and named with its file", () => {
  const { ingest, sealed, log } = fixture();
  ingest.tooLong(ORIGIN);
  ingest.finish();
  assertEquals(sealed[0].buckets[0].ledger[READ], 1);
  assertStringIncludes(log[0], "path=/log");
});

Deno.test("a log that was cut off is in the ledger of the slice in which that was seen", () => {
  const { clock, ingest, sealed } = fixture();
  ingest.cut(ORIGIN, 123);
  clock.advanceMs(10_000);
  ingest.tick();
  const { ledger } = sealed[0].buckets[0];
  assertEquals([ledger[LOGS_CUT], ledger[UNREAD_BYTES]], [1, 123]);
});
