/**
 * How bytes and times of single lines are spread, by website and tag: what histograms show, and no row can say, since rows
 * add up. Only for those who ask for it: one pass over the columns of a batch, behind all that counts (`pipeline.ts`).
 *
 *   counts[series * CELLS + cell]     lines; first the cells of BYTES_BOUNDS, then those of MS_BOUNDS, each with one more
 *   sums[2 * series + …]              bytes; milliseconds
 *
 * Series 0 is OTHER: what has no series of its own. What is taken has been counted since the last time, so that a thread
 * that dies takes nothing with it that its heir does not count again.
 */
import { ENTRY_BYTES_MAX, SPREAD_SERIES_MAX, SPREAD_TAGS_MAX } from "./bounds.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER, OTHER_LABEL, TAG, WEBSITE } from "./dimensions.ts";
import { BYTES, MEASURE_COUNT, TIME_SUM } from "./measures.ts";
import { hashWords } from "./hash.ts";
import { InternTable } from "./intern.ts";
import { entryLabel } from "./label.ts";

/** Upper bounds of cells: the original's. */
export const BYTES_BOUNDS: readonly number[] = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
export const MS_BOUNDS: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

export const BYTES_CELLS = BYTES_BOUNDS.length + 1, MS_CELLS = MS_BOUNDS.length + 1;

/** Cells of one series. */
export const CELLS = BYTES_CELLS + MS_CELLS;

/** Lines between two takes with which a series keeps its place when places become few. */
const KEPT_LINES_MIN = 16;

/** What was counted between two takes; series that counted nothing are not in it. */
export interface Spread {
  /** Labels of each series. */
  readonly labels: readonly SeriesLabels[];
  /** Of each series CELLS numbers. */
  readonly counts: Uint32Array<ArrayBuffer>;
  /** Of each series its bytes and milliseconds. */
  readonly sums: Float64Array<ArrayBuffer>;
}

export type SeriesLabels = readonly [website: string, tag: string];

/** The ids of websites and tags in one slice's table, as series: one more than its number, 0 while it is not known. */
interface Known {
  generations: number;
  /** By tag, then by website. */
  readonly seriesOf: Int32Array<ArrayBuffer>[];
}

export class LineSpread {
  /** Websites and tags of all series, as ids of our own. */
  readonly #websites: InternTable;
  readonly #tags: InternTable;
  /** By website * SPREAD_TAGS_MAX + tag. */
  readonly #series = new Map<number, number>();
  /** That of each series. */
  #keys: number[] = [0];
  #counts = new Uint32Array(SERIES_MIN * CELLS);
  #sums = new Float64Array(SERIES_MIN * 2);
  #known = new WeakMap<InternTable, Known>();

  /** @param seed for hashes. */
  constructor(seed: number) {
    this.#websites = new InternTable(seed);
    this.#tags = new InternTable(seed);
  }

  /**
   * Adds lines `from … to` of a batch.
   *
   * @param ids entry d of line i in `dictionaries[d]` is `ids[i * DIMENSION_COUNT + d]`
   */
  add(dictionaries: readonly InternTable[], ids: Int32Array, values: Float64Array, from: number, to: number): void {
    const { seriesOf } = this.#knownOf(dictionaries);
    let tag = -1, ofTag = NONE, counts = this.#counts, sums = this.#sums;
    for (let i = from, k = from * DIMENSION_COUNT, v = from * MEASURE_COUNT; i < to; i++) {
      if (ids[k + TAG] !== tag) ofTag = seriesOf[tag = ids[k + TAG]] ?? NONE;
      const website = ids[k + WEBSITE];
      let series = website < ofTag.length ? ofTag[website] - 1 : -1;
      if (series < 0) {
        series = this.#learn(dictionaries, seriesOf, website, tag);
        ofTag = seriesOf[tag] ?? NONE;
        counts = this.#counts;
        sums = this.#sums;
      }
      const bytes = values[v + BYTES], ms = values[v + TIME_SUM], c = series * CELLS;
      counts[c + bytesCell(bytes)]++;
      counts[c + BYTES_CELLS + (ms <= MS_MAX ? CELL_OF_MS[ms] : MS_CELLS - 1)]++;
      sums[2 * series] += bytes;
      sums[2 * series + 1] += ms;
      k += DIMENSION_COUNT;
      v += MEASURE_COUNT;
    }
  }

  /** What was added since the last call. */
  take(): Spread {
    const series: number[] = [], busy: number[] = [], counts = this.#counts, sums = this.#sums;
    const size = this.#keys.length;
    for (let s = 0; s < size; s++) {
      let lines = 0;
      for (let c = s * CELLS; c < s * CELLS + BYTES_CELLS; c++) lines += counts[c];
      if (lines > 0) series.push(s);
      if (lines >= KEPT_LINES_MIN && s > 0) busy.push(s);
    }
    const taken = {
      labels: series.map((s) => this.#labelsOf(s)),
      counts: new Uint32Array(series.length * CELLS),
      sums: new Float64Array(series.length * 2),
    };
    series.forEach((s, i) => {
      taken.counts.set(counts.subarray(s * CELLS, (s + 1) * CELLS), i * CELLS);
      taken.sums.set(sums.subarray(2 * s, 2 * s + 2), 2 * i);
    });
    counts.fill(0, 0, size * CELLS);
    sums.fill(0, 0, size * 2);
    if (size > SPREAD_SERIES_MAX / 2) this.#keepOnly(busy.slice(0, SPREAD_SERIES_MAX / 2));
    return taken;
  }

  #labelsOf(series: number): SeriesLabels {
    const key = this.#keys[series], tag = key % SPREAD_TAGS_MAX, website = (key - tag) / SPREAD_TAGS_MAX;
    return series === 0 ? OTHER_LABELS : [label(this.#websites, WEBSITE, website), label(this.#tags, TAG, tag)];
  }

  /** Forgets websites that are hardly asked for, so that a flood of names does not keep out what comes again. */
  #keepOnly(busy: readonly number[]): void {
    const websiteOf = (series: number): number => Math.floor(this.#keys[series] / SPREAD_TAGS_MAX);
    const renamed = new Int32Array(this.#websites.size);
    for (const series of busy) renamed[websiteOf(series)] = 1;
    for (let id = 1, next = 1; id < renamed.length; id++) if (renamed[id] > 0) renamed[id] = next++;
    const keys = busy.map((series) =>
      renamed[websiteOf(series)] * SPREAD_TAGS_MAX + this.#keys[series] % SPREAD_TAGS_MAX
    );
    this.#websites.keepOnly(renamed);
    this.#keys = [0, ...keys];
    this.#series.clear();
    keys.forEach((key, at) => this.#series.set(key, at + 1));
    this.#known = new WeakMap();
  }

  /** Of the table whose dictionaries these are. Ids that were given out anew are not known any more. */
  #knownOf(dictionaries: readonly InternTable[]): Known {
    const generations = dictionaries[WEBSITE].generation + dictionaries[TAG].generation;
    let known = this.#known.get(dictionaries[WEBSITE]);
    if (known === undefined) this.#known.set(dictionaries[WEBSITE], known = { generations, seriesOf: [] });
    if (known.generations !== generations) {
      known.generations = generations;
      known.seriesOf.length = 0;
    }
    return known;
  }

  /** Finds the series of a website under a tag, or makes it, and notes it. */
  #learn(
    dictionaries: readonly InternTable[],
    seriesOf: Int32Array<ArrayBuffer>[],
    website: number,
    tag: number,
  ): number {
    if (tag >= SPREAD_TAGS_MAX) return 0;
    const there = seriesOf[tag], size = Math.max(ID_COLUMN_MIN, dictionaries[WEBSITE].size);
    let ofTag = there;
    if (ofTag === undefined || website >= ofTag.length) {
      ofTag = seriesOf[tag] = new Int32Array(2 * size);
      if (there !== undefined) ofTag.set(there);
    }
    const series = website === OTHER || tag === OTHER ? 0 : this.#seriesOf(
      own(this.#websites, dictionaries[WEBSITE].entry(website), SPREAD_SERIES_MAX),
      own(this.#tags, dictionaries[TAG].entry(tag), SPREAD_TAGS_MAX),
    );
    ofTag[website] = series + 1;
    return series;
  }

  #seriesOf(website: number, tag: number): number {
    if (website === 0 || tag === 0) return 0;
    const key = website * SPREAD_TAGS_MAX + tag, there = this.#series.get(key);
    if (there !== undefined) return there;
    if (this.#keys.length === SPREAD_SERIES_MAX) return 0;
    const series = this.#keys.push(key) - 1;
    this.#series.set(key, series);
    if (series * CELLS === this.#counts.length) this.#grow();
    return series;
  }

  #grow(): void {
    const counts = new Uint32Array(2 * this.#counts.length), sums = new Float64Array(2 * this.#sums.length);
    counts.set(this.#counts);
    sums.set(this.#sums);
    this.#counts = counts;
    this.#sums = sums;
  }
}

const OTHER_LABELS: SeriesLabels = [OTHER_LABEL, OTHER_LABEL];

/** Series, and ids of websites, for which there is room from the start. */
const SERIES_MIN = 64, ID_COLUMN_MIN = 64;

const NONE = new Int32Array(0);

const MS_MAX = MS_BOUNDS[MS_BOUNDS.length - 1];

/** The cell of each time up to the last bound. */
const CELL_OF_MS = Uint8Array.from({ length: MS_MAX + 1 }, (_, ms) => MS_BOUNDS.findIndex((bound) => ms <= bound));

/** Bounds are every other power of two from 2^8 to 2^20, so that the cell follows from the number of leading zeros. */
function bytesCell(bytes: number): number {
  if (bytes <= 256) return 0;
  return bytes > 1_048_576 ? BYTES_CELLS - 1 : 25 - Math.clz32(bytes - 1) >> 1;
}

function label(table: InternTable, d: number, id: number): string {
  return entryLabel(DIMENSIONS[d], table.entry(id));
}

const padded = new Uint8Array(ENTRY_BYTES_MAX + 4), paddedView = new DataView(padded.buffer);

/** Our own id of an entry; 0 when it has none and there is no place for one more. */
function own(table: InternTable, entry: Uint8Array, sizeMax: number): number {
  padded.fill(0, entry.length, entry.length + 4);
  padded.set(entry);
  const hash = hashWords(paddedView, 0, entry.length, table.seed);
  return table.size < sizeMax
    ? table.internWords(paddedView, 0, entry.length, hash)
    : table.find(paddedView, 0, entry.length, hash);
}
