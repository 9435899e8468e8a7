import { assertEquals } from "@std/assert";
import { DIMENSIONS } from "./dimensions.ts";
import {
  addLedger,
  COUNTED,
  emptyLedger,
  FUTURE,
  LATE,
  ledgerGap,
  MALFORMED_FIELDS,
  READ,
  TOO_LONG,
  TOO_OLD,
} from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import { entryLabel } from "./label.ts";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import type { Bucket } from "./bucket.ts";
import { blockOf } from "./bucket_block.ts";
import { bucketProblem } from "./bucket_check.ts";
import { Pipeline, type PipelineOptions } from "./pipeline.ts";
import { randomFrom } from "./test_lines.ts";

const NOW = 1_700_000_000;
const NO_TAG = new Uint8Array(0);

function pipeline(nowS = NOW, more: Partial<PipelineOptions> = {}): Pipeline {
  const masks = { v4Bits: 24, v6Bits: 48 };
  const made = new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "col-1", seed: 42, ...more });
  made.nowS = nowS;
  return made;
}

function line(timeS: number, host = "h", address = "192.0.2.1", uri = "/", status = "200"): string {
  return `${host}\t${address}\t${timeS}.000\tGET\t${uri}\t${status}\t10\t0.001\n`;
}

/** Counts as the ingest thread does: seals when it stops early. */
function countAll(p: Pipeline, text: string, arrivalS = NOW): Bucket[] {
  const bytes = new TextEncoder().encode(text);
  const buckets: Bucket[] = [];
  for (let at = 0; at < bytes.length;) {
    at = p.count(bytes, at, bytes.length, NO_TAG);
    if (at < bytes.length) buckets.push(...p.seal(arrivalS));
  }
  return [...buckets, ...p.seal(arrivalS)];
}

function countsOf(buckets: readonly Bucket[], d: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { dictionaries } of buckets) {
    const { size, offsets, bytes, marginals } = dictionaries[d];
    for (let entry = 1; entry < size; entry++) {
      const label = entryLabel(DIMENSIONS[d], bytes.subarray(offsets[entry], offsets[entry + 1]));
      counts.set(label, (counts.get(label) ?? 0) + marginals[REQUESTS][entry]);
    }
  }
  return counts;
}

Deno.test("counts per dimension equal those of a naive count, and every line is in the ledger", () => {
  const random = randomFrom(3);
  const naive = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  let text = "", lines = 0;
  const pick = (name: string, n: number): string => `${name}${Math.floor(n * random() ** 2)}`;
  for (let i = 0; i < 5000; i++) {
    const host = pick("www", 40), net = Math.floor(random() * 200), uri = pick("/u", 300);
    text += line(NOW - Math.floor(random() * 60), host, `10.0.${net}.${i % 256}`, `${uri}?q=${i}`);
    if (i % 100 === 0) text += "no line at all\n";
    lines += i % 100 === 0 ? 2 : 1;
    [host, `10.0.${net}.0/24`, uri].forEach((value, d) => naive[d].set(value, (naive[d].get(value) ?? 0) + 1));
  }
  const buckets = countAll(pipeline(), text);
  const sorted = (counts: Map<string, number>): [string, number][] => [...counts].sort(([a], [b]) => a < b ? -1 : 1);
  naive.forEach((counts, d) => assertEquals(sorted(countsOf(buckets, d)), sorted(counts)));
  const ledger = emptyLedger();
  for (const bucket of buckets) addLedger(ledger, bucket.ledger);
  assertEquals([ledger[READ], ledger[COUNTED], ledger[MALFORMED_FIELDS], ledgerGap(ledger)], [lines, 5000, 50, 0]);
  for (const bucket of buckets) assertEquals(bucketProblem(bucket), undefined);
});

Deno.test("lines older than all rings and lines ahead of the clock are not counted, but in the ledger", () => {
  const [bucket, ...more] = countAll(pipeline(), line(NOW - 90_000) + line(NOW + 61) + line(NOW + 59) + line(NOW));
  assertEquals([bucket.ledger[READ], bucket.ledger[TOO_OLD], bucket.ledger[FUTURE], bucket.ledger[COUNTED]], [
    4,
    1,
    1,
    2,
  ]);
  assertEquals(bucket.totals[REQUESTS] + more.reduce((sum, { totals }) => sum + totals[REQUESTS], 0), 2);
});

Deno.test("a backlog enters the tier that still holds each line's time", () => {
  const buckets = countAll(pipeline(), line(NOW) + line(NOW - 1800) + line(NOW - 7200));
  assertEquals(buckets.map(({ lengthS }) => lengthS), [10, 60, 300]);
});

Deno.test("with one slice too many, counting stops before that line and goes on after a seal, counting each once", () => {
  let text = "";
  for (let i = 0; i < 600; i++) text += line(NOW - 10 * (i % 11)) + "garbage\n";
  const buckets = countAll(pipeline(NOW, { openSlicesMax: 8 }), text);
  assertEquals(buckets.length > 500, true);
  const ledger = emptyLedger();
  for (const bucket of buckets) addLedger(ledger, bucket.ledger);
  assertEquals([ledger[READ], ledger[COUNTED], ledger[MALFORMED_FIELDS]], [1200, 600, 600]);
  assertEquals(buckets.reduce((sum, { totals }) => sum + totals[REQUESTS], 0), 600);
});

Deno.test("one by one, a later slice waits until those open are sealed, and earlier ones do not", () => {
  const p = pipeline(NOW, { oneByOne: true, anyTime: true, openSlicesMax: 3 });
  const seconds = [0, 5, 10, 9, 12, 3, 20, 10, 0, 29, -10, 0, -10, 30];
  const buckets = countAll(p, seconds.map((s) => line(NOW + s)).join(""), -10);
  const counted = buckets.filter(({ rows }) => rows > 0).map(({ startS, totals }) => [startS - NOW, totals[REQUESTS]]);
  assertEquals(counted, [[0, 2], [10, 2], [0, 2], [20, 2], [10, 1], [0, 1], [-10, 1], [0, 1], [-10, 1], [30, 1]]);
});

Deno.test("buckets that are lent are those that are given, until the next seal takes them back", () => {
  const given = pipeline(), lent = pipeline(NOW, { lendsBuckets: true }), random = randomFrom(3);
  const memory = new Set<ArrayBufferLike>();
  let lentCount = 0;
  for (const lines of [5, 2000, 40, 0, 40_000, 3000, 60_000, 1]) {
    // Two slices at once, of which the second is the larger or the smaller one.
    const text = Array.from({ length: lines }, () =>
      line(
        NOW - 10 * Math.floor(1.5 * random()),
        `h${Math.floor(9 * random())}`,
        `192.0.2.${Math.floor(200 * random())}`,
        `/${random()}`,
      )).join("");
    const own = countAll(given, text), borrowed = countAll(lent, text);
    assertEquals(
      borrowed.map((bucket) => new Uint8Array(blockOf(bucket))),
      own.map((bucket) => new Uint8Array(blockOf(bucket))),
    );
    assertEquals(borrowed.map(bucketProblem), borrowed.map(() => undefined));
    for (const { rows, dictionaries } of borrowed) {
      if (rows === 0) continue;
      lentCount++;
      memory.add(dictionaries[0].bytes.buffer);
    }
  }
  assertEquals([lentCount, memory.size], [13, 7], "blocks are lent again where they are large enough");
});

Deno.test("a slice in which nothing happened is sealed all the same: known, not missing", () => {
  const [bucket, ...more] = pipeline().seal(NOW);
  assertEquals([bucket.startS, bucket.lengthS, bucket.rows, more.length], [NOW, 10, 0, 0]);
});

Deno.test("where no slice is that of arrival, the first bucket has the ledger, and an empty one when there is no other", () => {
  const p = pipeline(NOW, { anyTime: true }),
    bytes = new TextEncoder().encode(`${line(NOW)}nothing\n${line(NOW + 10)}`);
  p.count(bytes, 0, bytes.length, NO_TAG);
  const facts = (buckets: readonly Bucket[]): unknown =>
    buckets.map(({ startS, rows, ledger }) => [startS, rows, ledger[READ], ledger[COUNTED]]);
  assertEquals(facts(p.seal()), [[NOW, 1, 3, 2], [NOW + 10, 1, 0, 0]]);
  p.tooLong();
  assertEquals(facts(p.seal()), [[0, 0, 1, 0]]);
});

Deno.test("a line that was skipped as too long is read and not counted", () => {
  const p = pipeline();
  p.tooLong();
  const [bucket] = p.seal(NOW);
  assertEquals([bucket.ledger[READ], bucket.ledger[TOO_LONG]], [1, 1]);
});

Deno.test("the first line not counted for each reason is kept, once", () => {
  const p = pipeline();
  countAll(p, "first bad\nsecond bad\n" + line(NOW + 100) + line(NOW));
  const decoder = new TextDecoder();
  const samples = p.takeSamples().toSorted((a, b) => a.reason - b.reason);
  assertEquals(samples.map(({ reason, line }) => [reason, decoder.decode(line).slice(0, 9)]), [
    [MALFORMED_FIELDS, "first bad"],
    [FUTURE, "h\t192.0.2"],
  ]);
  assertEquals(p.takeSamples(), []);
});

Deno.test("rows come heaviest first, entries in the order in which they came", () => {
  const [bucket] = countAll(pipeline(), line(NOW, "a") + line(NOW, "b").repeat(3) + line(NOW, "c").repeat(2));
  assertEquals([...bucket.measures[REQUESTS]], [3, 2, 1]);
  assertEquals([...countsOf([bucket], 0)], [["a", 1], ["b", 3], ["c", 2]]);
});

Deno.test("however many fields are written anew without their escapes, a batch ends before its scratch does", () => {
  const escaped = "\\x41".repeat(2048), p = pipeline();
  const long = [
    "h" + escaped,
    "192.0.2.1",
    `${NOW}.000`,
    "G" + escaped,
    "/" + escaped,
    "200",
    "1",
    "0.001",
    escaped,
    escaped,
  ];
  let text = "";
  for (let i = 0; i < 40; i++) {
    text += line(NOW, `site-${i}`).repeat(i % 7) + long.join("\t").replace("h\\", `h${i}\\`) + "\n";
  }
  const [bucket] = countAll(p, text);
  const plain = Array.from({ length: 40 }, (_, i) => i % 7).reduce((a, b) => a + b, 0);
  assertEquals(bucket.totals[REQUESTS], 40 + plain);
  assertEquals([...countsOf([bucket], 0).values()].filter((count) => count === 1).length >= 40, true);
});

Deno.test("what comes over the network counts within a minute of its arrival, whatever slice is open", () => {
  const p = pipeline();
  const old = NOW - 75, within = NOW - 59;
  p.count(new TextEncoder().encode(line(old)), 0, line(old).length, NO_TAG); // of a file: its slice is open now
  p.notBeforeS = NOW - 60;
  const buckets = countAll(p, line(old) + line(within) + line(NOW) + line(old));
  assertEquals(buckets[0].ledger[LATE], 2);
  assertEquals([buckets[0].ledger[READ], buckets[0].ledger[COUNTED]], [5, 3]);
  p.notBeforeS = -Infinity;
  assertEquals(countAll(p, line(old))[0].ledger[LATE], 0);
});
