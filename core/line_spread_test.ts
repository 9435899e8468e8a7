import { assert, assertEquals } from "@std/assert";
import { SPREAD_SERIES_MAX } from "./bounds.ts";
import { OTHER_LABEL } from "./dimensions.ts";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import { formatOf, isFormatMistake } from "./formats.ts";
import { CHUNK_PADDING } from "./line_batch.ts";
import { BYTES_BOUNDS, BYTES_CELLS, CELLS, LineSpread, MS_BOUNDS, type Spread } from "./line_spread.ts";
import { Pipeline } from "./pipeline.ts";
import { randomFrom } from "./test_lines.ts";

const NOW = 1_700_000_000, MASKS = { v4Bits: 24, v6Bits: 48 }, ENCODER = new TextEncoder();

interface Line {
  readonly website: string;
  readonly bytes: number;
  readonly ms: number;
  /** Seconds before now. */
  readonly ageS: number;
}

/** Counts lines as an ingest thread does: it seals when too many slices are open, and goes on. */
function count(pipeline: Pipeline, lines: readonly Line[], tag: string, onSealed: () => void): void {
  const text = lines.map(({ website, bytes, ms, ageS }) =>
    `${website}\t10.0.0.1\t${NOW - ageS}.5\tGET\t/\t200\t${bytes}\t${(ms / 1000).toFixed(3)}\n`
  ).join("");
  const chunk = ENCODER.encode(text + "\0".repeat(CHUNK_PADDING)), end = chunk.length - CHUNK_PADDING;
  for (let p = 0; p < end;) {
    p = pipeline.count(chunk, p, end, ENCODER.encode(tag));
    if (p < end) {
      pipeline.seal(NOW);
      onSealed();
    }
  }
}

/** All that was taken, by website and tag: the cells, then bytes and milliseconds. */
function added(into: Map<string, number[]>, { labels, counts, sums }: Spread): void {
  labels.forEach(([website, tag], s) => {
    const there = into.get(`${website} ${tag}`) ?? new Array(CELLS + 2).fill(0);
    for (let cell = 0; cell < CELLS; cell++) there[cell] += counts[s * CELLS + cell];
    for (let m = 0; m < 2; m++) there[CELLS + m] += sums[2 * s + m];
    into.set(`${website} ${tag}`, there);
  });
}

function naive(lines: readonly Line[]): number[] {
  const cells = new Array(CELLS + 2).fill(0),
    cellOf = (bounds: readonly number[], value: number): number => {
      const at = bounds.findIndex((bound) => value <= bound);
      return at < 0 ? bounds.length : at;
    };
  for (const { bytes, ms } of lines) {
    cells[cellOf(BYTES_BOUNDS, bytes)]++;
    cells[BYTES_CELLS + cellOf(MS_BOUNDS, ms)]++;
    cells[CELLS] += bytes;
    cells[CELLS + 1] += ms;
  }
  return cells;
}

Deno.test("every line is in the cells of its bytes and its time, whatever its slice, tag, and how often is sealed", () => {
  const random = randomFrom(42), spread = new LineSpread(7), all = new Map<string, number[]>();
  const pipeline = new Pipeline({
    format: LOGTAIL_FORMAT,
    masks: MASKS,
    source: "s",
    seed: 7,
    openSlicesMax: 3,
    spread,
  });
  pipeline.nowS = NOW;
  const near = (bounds: readonly number[]): number =>
    Math.max(0, bounds[Math.floor(bounds.length * random())] + Math.floor(3 * random()) - 1);
  const sent = new Map<string, Line[]>();
  for (let chunk = 0; chunk < 60; chunk++) {
    const tag = ["", "eu", "us"][chunk % 3],
      lines = Array.from({ length: 200 }, () => ({
        website: `w${Math.floor(30 * random() ** 3)}`,
        bytes: random() < 0.05 ? 8e11 : random() < 0.1 ? 0 : near(BYTES_BOUNDS),
        ms: random() < 0.05 ? 86_400_000 : near(MS_BOUNDS),
        ageS: Math.floor(100 * random()),
      }));
    for (const line of lines) {
      const key = `${line.website} ${tag || "-"}`;
      if (!sent.has(key)) sent.set(key, []);
      sent.get(key)!.push(line);
    }
    count(pipeline, lines, tag, () => added(all, spread.take()));
  }
  added(all, spread.take());
  assertEquals(all.size, sent.size);
  for (const [key, lines] of sent) assertEquals(all.get(key), naive(lines), key);
  assertEquals(spread.take().labels, [], "what was taken is gone");
});

Deno.test("a tag that a line names itself is its tag, beside lines that have that of their input", () => {
  const spread = new LineSpread(7), all = new Map<string, number[]>(), format = formatOf({ text: "v1" });
  if (isFormatMistake(format)) throw new Error(format.message);
  const pipeline = new Pipeline({ format, masks: MASKS, source: "s", seed: 7, spread });
  pipeline.nowS = NOW;
  const text = ["eu", "-", "us", "eu"].map((tag, i) =>
    `v1\ta\t10.0.0.1\tGET\t/\t200\t${i}\t0.001\t0\t-\t${tag}\t10.0.0.2\thttps\n`
  ).join("");
  const chunk = ENCODER.encode(text);
  pipeline.count(chunk, 0, chunk.length, ENCODER.encode("input"));
  added(all, spread.take());
  const bytes = [...all].map(([key, cells]) => [key, cells[CELLS]]).sort();
  assertEquals(bytes, [["a eu", 3], ["a input", 1], ["a us", 2]]);
});

Deno.test("lines that are not counted are in no cell", () => {
  const spread = new LineSpread(7);
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks: MASKS, source: "s", seed: 7, spread });
  pipeline.nowS = NOW;
  const line = { website: "a", bytes: 1, ms: 1, ageS: 0 };
  count(pipeline, [{ ...line, ageS: 90_000 }, line, { ...line, ageS: -300 }], "", () => {});
  assertEquals(spread.take().counts[0], 1);
});

Deno.test("a flood of websites takes the places that there are, and not those of websites that are asked for", () => {
  const spread = new LineSpread(7), all = new Map<string, number[]>();
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks: MASKS, source: "s", seed: 7, spread });
  pipeline.nowS = NOW;
  let made = 0, sent = 0;
  const seal = (): number => {
    pipeline.seal(NOW);
    const taken = spread.take();
    added(all, taken);
    return taken.labels.length;
  };
  for (let round = 0; round < 3; round++) {
    const flood = Array.from(
      { length: round === 0 ? 6000 : 12_000 },
      () => ({ website: `x${made++}`, bytes: 1, ms: 1, ageS: 0 }),
    );
    const known = Array.from({ length: 20 }, () => ({ website: "known", bytes: 2, ms: 2, ageS: 0 }));
    count(pipeline, round === 0 ? [...known, ...flood] : [...flood, ...known], "", () => {});
    sent += known.length + flood.length;
    assert(seal() <= SPREAD_SERIES_MAX);
  }
  count(pipeline, Array.from({ length: 5 }, () => ({ website: "later", bytes: 1, ms: 1, ageS: 0 })), "", () => {});
  seal();
  sent += 5;
  const lines = [...all.values()].reduce((sum, cells) => sum + cells.slice(0, BYTES_CELLS).reduce((a, b) => a + b), 0);
  assertEquals(lines, sent, "lines without a place are in (other)");
  assertEquals(all.get("known -")?.[0], 60);
  assertEquals(all.get("later -")?.[0], 5, "there is room again");
  assert(all.get(`${OTHER_LABEL} ${OTHER_LABEL}`)![0] > 0);
});
