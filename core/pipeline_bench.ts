/**
 * Rates of the line from bytes to answer, on a fixed seed: lines counted and sealed, buckets merged, questions answered.
 *
 *   deno task bench        LOGTAIL_BENCH_LINES sets the size; `deno task ok` runs it small
 */
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import type { Bucket } from "./bucket.ts";
import { mergeBuckets } from "./merge.ts";
import { Pipeline } from "./pipeline.ts";
import { REQUESTS } from "./measures.ts";
import { type Query, topN } from "./top_n.ts";
import { randomFrom } from "./test_lines.ts";

const LINES = Number(Deno.env.get("LOGTAIL_BENCH_LINES") ?? 400_000);
const START = 1_700_000_000;
const CHUNK_LINES = 4096;
const NO_TAG = new Uint8Array(0);

/** Zipf-like traffic over a minute: 200 sites, 30 000 prefixes, 50 000 paths, one line in eight IPv6. */
function chunks(): Uint8Array[] {
  const random = randomFrom(12345), encoder = new TextEncoder(), made: Uint8Array[] = [];
  const skewed = (n: number): number => Math.floor(n * random() ** 4);
  for (let at = 0; at < LINES; at += CHUNK_LINES) {
    let text = "";
    for (let i = at; i < Math.min(at + CHUNK_LINES, LINES); i++) {
      const net = skewed(30_000);
      const address = net % 8 === 0
        ? `2001:db8:${net.toString(16)}::${i % 999}`
        : `10.${net >> 8}.${net & 255}.${i % 250}`;
      const status = random() < 0.9 ? 200 : 404, bytes = skewed(100_000), timeS = START + 60 * i / LINES;
      const path = `/catalogue/section/item-${skewed(50_000)}`;
      text += `site-${skewed(200)}.example\t${address}\t${
        timeS.toFixed(3)
      }\tGET\t${path}?q=${i}\t${status}\t${bytes}\t0.0${i % 90}\n`;
    }
    made.push(encoder.encode(text));
  }
  return made;
}

const traffic = chunks();

function countAll(): Bucket[] {
  const pipeline = new Pipeline({
    format: LOGTAIL_FORMAT,
    masks: { v4Bits: 24, v6Bits: 48 },
    source: "bench",
    seed: 1,
  });
  pipeline.nowS = START + 60;
  for (const chunk of traffic) pipeline.count(chunk, 0, chunk.length, NO_TAG);
  return pipeline.seal(START + 50);
}

const buckets = countAll();
const total = buckets.reduce((sum, bucket) => sum + bucket.totals[REQUESTS], 0);
if (total !== LINES) throw new Error(`Cannot measure: ${total} of ${LINES} lines were counted`);
const caps = { rowsMax: 50_000, entriesMax: 16_000, entryBytesMax: Infinity };
const minute = mergeBuckets(buckets, START - START % 60, 60, caps, 2);
const rows = buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
const question: Query = {
  window: "60m",
  groupBy: "prefix",
  n: 25,
  sort: REQUESTS,
  filter: undefined,
};

Deno.bench(`count and seal ${LINES} lines`, () => void countAll());
Deno.bench(`merge ${buckets.length} buckets of ${rows} rows`, () => {
  mergeBuckets(buckets, START - START % 60, 60, caps, 2);
});
Deno.bench(`top 25 prefixes over a minute of ${minute.rows} rows`, () => void topN([minute], question, 3));
