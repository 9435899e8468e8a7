/**
 * The pipeline against a naive count: lines of many slices in any order, of eight to ten fields, with escapes and without,
 * lines that are refused among them, in chunks of any size, from inputs with different tags.
 */
import { assert, assertEquals } from "@std/assert";
import { DIMENSION_COUNT, DIMENSIONS, OTHER, OTHER_LABEL, TAG, URI } from "./dimensions.ts";
import { addLedger, emptyLedger, LEDGER_REASONS, LINE_REASON_COUNT } from "./ledger.ts";
import { mergeColumns, mergeValues, REQUESTS, type Values, zeroValues } from "./measures.ts";
import { entryLabel } from "./label.ts";
import { CHUNK_PADDING } from "./line_batch.ts";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import type { Bucket } from "./bucket.ts";
import { bucketProblem } from "./bucket_check.ts";
import { Pipeline } from "./pipeline.ts";
import { randomFrom } from "./test_lines.ts";

const NOW = 1_700_000_000, ENCODER = new TextEncoder();

/** A line as text, and what has to come of it: its slice and label in each dimension, or the reason why there is none. */
interface Line {
  readonly text: string;
  readonly startS: number;
  readonly labels: readonly string[];
  readonly measures: readonly number[];
  readonly reason: string;
}

/** @param newPath of a line whose path no other has; or undefined */
function randomLine(random: () => number, newPath: string | undefined): Line {
  const pick = (n: number): number => Math.floor(n * random() ** 2);
  const startS = NOW - 10 * pick(6), measures = [1, pick(5000), pick(3000)], fields = 8 + pick(3);
  const [tor, asn] = [["0", "1", "-"][pick(3)], ["-", "64500", `${64_500 + pick(50)}`][pick(3)]];
  const host = `site-${pick(30)}`, net = pick(250), method = ["GET", "POST", "-", "DELETE"][pick(4)];
  const uri = newPath ?? (random() < 0.1 ? `/a\\x20b/${pick(50)}` : `/page/${pick(200)}`);
  const written = [
    host,
    `10.1.${net}.${pick(256)}`,
    `${startS + pick(10)}.${100 + pick(800)}`,
    method,
    uri + (random() < 0.3 ? "?q=\\x41" : ""),
    `${200 + 101 * pick(4)}`,
    `${measures[1]}`,
    (measures[2] / 1000).toFixed(3),
    tor,
    asn,
  ].slice(0, fields);
  const yesNo = fields < 9 || tor === "-" ? "-" : tor === "1" ? "yes" : "no";
  const labels = [host, `10.1.${net}.0/24`, uri.replace("\\x20", " "), written[5], method, fields < 10 ? "-" : asn];
  const kind = Math.floor(100 * random()),
    [reason, text] = kind < 2
      ? ["malformed_status", written.with(5, "20")]
      : kind < 4
      ? ["malformed_fields", ["no line"]]
      : kind < 5
      ? ["future", written.with(2, `${NOW + 70}.000`)]
      : kind < 6
      ? ["too_old", written.with(2, `${NOW - 90_000}.000`)]
      : ["counted", written];
  return {
    text: text.join("\t"),
    startS,
    labels: [...labels, "", yesNo, "col-1"],
    measures: [...measures, measures[2]],
    reason,
  };
}

/** Measures by slice, dimension and label. */
type Counts = Map<string, Values>;

function count(counts: Counts, startS: number, d: number, label: string, add: (into: Values) => void): void {
  const key = `${startS} ${DIMENSIONS[d].name} ${label}`, values = counts.get(key) ?? zeroValues();
  add(values);
  counts.set(key, values);
}

/** What folded counts as "(other)"; `canFold` says whether that may be. */
function countBuckets(counts: Counts, buckets: readonly Bucket[], canFold: readonly number[]): void {
  for (const { startS, dictionaries } of buckets) {
    dictionaries.forEach(({ size, offsets, bytes, marginals, foldedMax }, d) => {
      if (!canFold.includes(d)) assertEquals(foldedMax, zeroValues(), DIMENSIONS[d].name);
      for (let entry = OTHER; entry < size; entry++) {
        if (marginals[REQUESTS][entry] === 0) continue;
        const value = entryLabel(DIMENSIONS[d], bytes.subarray(offsets[entry], offsets[entry + 1]));
        const label = canFold.includes(d) ? "all" : entry === OTHER ? OTHER_LABEL : value;
        count(counts, startS, d, label, (into) => mergeColumns(into, marginals, entry));
      }
    });
  }
}

/**
 * Counts lines chunk by chunk, of 1 to `linesMax` lines with one tag each, and holds buckets and ledger to the naive count.
 *
 * @param canFold dimensions of which only the sum over all values is looked at
 */
function holdToNaive(
  lines: readonly Line[],
  random: () => number,
  linesMax: number,
  openSlicesMax: number,
  canFold: readonly number[] = [],
): readonly Bucket[] {
  const masks = { v4Bits: 24, v6Bits: 48 };
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "col-1", seed: 42, openSlicesMax });
  pipeline.nowS = NOW;
  const naive: Counts = new Map(), counted: Counts = new Map(), buckets: Bucket[] = [];
  const ledger = emptyLedger(), reasons = new Map<string, number>([["read", lines.length]]);
  for (let from = 0; from < lines.length;) {
    const chunk = lines.slice(from, from += 1 + Math.floor(linesMax * random())),
      tag = from % 3 === 0 ? "" : `tag-${from >> 10}`;
    const text = ENCODER.encode(chunk.map(({ text }) => `${text}\n`).join("")), before = Math.floor(9 * random());
    const bytes = new Uint8Array(before + text.length + (random() < 0.2 ? 0 : CHUNK_PADDING)).fill(0x39);
    bytes.set(text, before);
    const end = before + text.length;
    for (let p = before; p < end;) {
      p = pipeline.count(bytes, p, end, ENCODER.encode(tag));
      if (p < end) buckets.push(...pipeline.seal(NOW));
    }
    for (const { startS, labels, measures, reason } of chunk) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      if (reason !== "counted") continue;
      for (let d = 0; d < DIMENSION_COUNT; d++) {
        const label = canFold.includes(d) ? "all" : d === TAG ? tag || "-" : labels[d];
        count(naive, startS, d, label, (into) => mergeValues(into, measures));
      }
    }
  }
  buckets.push(...pipeline.seal(NOW));
  for (const bucket of buckets) assertEquals(bucketProblem(bucket), undefined);
  countBuckets(counted, buckets, canFold);
  const [is, should] = [sorted(counted), sorted(naive)];
  is.forEach((one, i) => assertEquals(one, should[i]));
  assertEquals(is.length, should.length);
  for (const bucket of buckets) addLedger(ledger, bucket.ledger);
  const told = LEDGER_REASONS.slice(0, LINE_REASON_COUNT).map((reason, r) => [reason, ledger[r]]);
  assertEquals(told, LEDGER_REASONS.slice(0, LINE_REASON_COUNT).map((reason) => [reason, reasons.get(reason) ?? 0]));
  return buckets;
}

function sorted(counts: Counts): readonly (readonly [string, readonly number[]])[] {
  return [...counts].map(([key, values]) => [key, [...values]] as const).sort(([a], [b]) => a < b ? -1 : 1);
}

Deno.test("all measures of all dimensions of all slices equal those of a naive count, whatever the order and the chunks", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomFrom(seed),
      newPath = (i: number): string | undefined => i % 10 === 0 ? `/new/${i}` : undefined;
    const lines = Array.from({ length: 2000 }, (_, i) => randomLine(random, newPath(i)));
    holdToNaive(lines, random, [1, 20, 300, 2000][seed % 4], 4);
  }
});

Deno.test("the same when some of the open slices overflow: what one of them withholds is not withheld from another", () => {
  const random = randomFrom(7), rest = "x".repeat(1900);
  const lines = Array.from(
    { length: 40_000 },
    (_, i) => randomLine(random, i % 3 === 0 ? `/new/${i}/${rest}` : undefined),
  );
  const buckets = holdToNaive(lines, random, 4, 8, [URI]);
  const folded = buckets.map(({ dictionaries }) => dictionaries[URI].foldedMax[REQUESTS] > 0);
  assert(folded.includes(true) && folded.includes(false), "some slices overflow and some do not");
});
