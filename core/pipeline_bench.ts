/**
 * Rates of the line from bytes to bucket, on a fixed seed: ordinary traffic, and a flood in which nearly every line is the
 * only one with its values. Prints what a row of the sealed buckets takes in memory.
 *
 *   deno task bench        LOGTAIL_BENCH_LINES sets the size; `deno task ok` runs it small
 *
 * Merging and sealing are measured in `merge_bench.ts`, questions in `query_bench.ts`, the wire in `proto/bucket_bench.ts`,
 * whole processes beside other programs by `deno task compare`.
 */
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import type { Bucket } from "./bucket.ts";
import { bucketBytes } from "./bucket_block.ts";
import { CHUNK_PADDING } from "./line_batch.ts";
import { Pipeline } from "./pipeline.ts";
import { REQUESTS } from "./measures.ts";
import { randomFrom } from "./test_lines.ts";

const LINES = Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 400_000);
const START_S = 1_700_000_000;
const CHUNK_LINES = 4096;
const NO_TAG = new Uint8Array(0);

/** One line: host, client, path. */
type Values = (line: number) => readonly [host: string, address: string, path: string];

/** Zipf-like traffic: 200 sites, 30 000 prefixes, 50 000 paths, one line in eight IPv6. */
function ordinary(random: () => number): Values {
  const skewed = (n: number): number => Math.floor(n * random() ** 4);
  return (line) => {
    const net = skewed(30_000);
    const address = net % 8 === 0
      ? `2001:db8:${net.toString(16)}::${line % 999}`
      : `10.${net >> 8}.${net & 255}.${line % 250}`;
    return [`site-${skewed(200)}.example`, address, `/catalogue/section/item-${skewed(50_000)}?q=${line}`];
  };
}

/** Nine lines of ten have a prefix and a path of their own; one in fifty of all is one network's, one in fifty one path. */
function flood(random: () => number): Values {
  const usual = ordinary(random);
  return (line) => {
    const address = `${1 + line % 200}.${line >> 8 & 255}.${line >> 16 & 255}.9`, path = `/search/result-${line}.html`;
    switch (line % 50) {
      case 0:
        return ["shop.example", "203.0.113.9", path];
      case 1:
        return ["shop.example", address, "/account/login"];
      default:
        return line % 10 === 2 ? usual(line) : ["shop.example", address, path];
    }
  };
}

/** The lines as chunks that a reader would hand over, in order of time. */
function chunksOf(values: Values, linesPerSecond: number): Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder(), chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let from = 0; from < LINES; from += CHUNK_LINES) {
    let text = "";
    for (let line = from; line < Math.min(from + CHUNK_LINES, LINES); line++) {
      const [host, address, path] = values(line), time = (START_S + line / linesPerSecond).toFixed(3);
      const status = line % 10 === 9 ? 404 : 200;
      text += `${host}\t${address}\t${time}\tGET\t${path}\t${status}\t${line % 100_000}\t0.0${10 + line % 90}\n`;
    }
    chunks.push(encoder.encode(text + "\0".repeat(CHUNK_PADDING)));
  }
  return chunks;
}

/** Counts and seals as the product does. */
function countAll(chunks: readonly Uint8Array[]): Bucket[] {
  const masks = { v4Bits: 24, v6Bits: 48 }, buckets: Bucket[] = [];
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "bench", seed: 1, anyTime: true });
  for (const chunk of chunks) {
    const end = chunk.length - CHUNK_PADDING;
    for (let p = 0; p < end;) {
      p = pipeline.count(chunk, p, end, NO_TAG);
      if (p < end) buckets.push(...pipeline.seal(START_S));
    }
  }
  buckets.push(...pipeline.seal(START_S));
  return buckets;
}

/** A busy host, whose slices fit their caps; and everything in one second, so that tables overflow. */
const KINDS = [
  { name: "ordinary", values: ordinary(randomFrom(12345)), linesPerSecond: 2400 },
  { name: "flood", values: flood(randomFrom(54321)), linesPerSecond: LINES },
];

for (const { name, values, linesPerSecond } of KINDS) {
  const chunks = chunksOf(values, linesPerSecond), buckets = countAll(chunks);
  const total = buckets.reduce((sum, bucket) => sum + bucket.totals[REQUESTS], 0);
  if (total !== LINES) throw new Error(`Cannot measure: ${total} of ${LINES} lines were counted`);
  const rows = buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
  const bytes = buckets.reduce((sum, bucket) => sum + bucketBytes(bucket), 0);
  Deno.bench(`${name}: count and seal ${LINES} lines (${rows} rows of ${(bytes / rows).toFixed(1)} B)`, () => {
    countAll(chunks);
  });
}
