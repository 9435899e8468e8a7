/**
 * Projections: what is left of a bucket's rows when only some dimensions are looked at. Rows that agree in these are one,
 * so a question about these dimensions alone looks at far fewer, side by side in memory, and mostly reads memory is what
 * questions do. Made when a question first asks, and kept for the next (`derived.ts`).
 *
 * Dimensions of few values (status, method and the like) have some dozens of combinations in a bucket: its *classes*. A
 * projection is on all of these dimensions, and on one more or none:
 *
 *   bucket                     the rows that are left, by class; over the same dictionaries
 *   starts[c] … starts[c + 1]  the rows of class c; that which gave up the further dimension comes first
 *
 * Where many rows are left only requests are kept: the rest is wanted of the values that are listed, and found in the bucket
 * itself.
 */
import { IS_SUM, REQUESTS, VALUE_MAX } from "./measures.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { type Bucket, type IndexColumn, indexColumn, type NumberColumn, numberColumn } from "./bucket.ts";
import { constantIndex } from "./bucket_block.ts";
import { homeOf, Kept } from "./derived.ts";
import { WideIndex, WideNumbers } from "./wide_column.ts";

export interface Projection {
  /** Its rows have the dimension asked for, and where there is room for all, the classed ones; other columns are empty. */
  readonly bucket: Bucket;
  /** Whether it has all measures, and not just requests. */
  readonly isWhole: boolean;
  readonly starts: Uint32Array<ArrayBuffer>;
}

/** Combinations of values that are told apart at most, present or not; further dimensions are not classed. */
const COMBINATIONS_MAX = 4096;

/** Entries of a dictionary that are few: a projection on it has all dimensions and measures. */
export const FEW_ENTRIES = 512;

/** Rows left up to which a projection has all measures: not those of URIs and prefixes in a full minute. */
const WHOLE_ROWS_MAX = 10_000;

interface Known {
  /** Dimensions that are classed, as bits. */
  readonly classed: number;
  /** The projection on classes alone, and behind it those on one dimension more. */
  readonly places: (Kept<Projection> | undefined)[];
}

const known = new WeakMap<Bucket, Known>();
const wideIndex = new WideIndex(), wideNumbers = new WideNumbers();

/** Those of some dimensions, as bits, that are not classed. */
export function unclassed(bucket: Bucket, dimensions: number): number {
  return dimensions & ~knownOf(bucket).classed;
}

/** The projection on classes alone. */
export function classesOf(bucket: Bucket): Projection {
  return projected(bucket, undefined);
}

/** That on one more dimension. Cost: twenty nanoseconds a row the first time, then none; 4 B a row that is left, or 19. */
export function projectionOn(bucket: Bucket, d: number): Projection {
  return projected(bucket, d);
}

function projected(bucket: Bucket, d: number | undefined): Projection {
  const { places } = knownOf(bucket);
  const place = places[d === undefined ? 0 : d + 1] ??= new Kept(homeOf(bucket.dictionaries[0]));
  const made = place.get();
  if (made !== undefined) return made;
  const projection = project(bucket, d), { measures, indexes } = projection.bucket;
  const buffers = [projection.starts, ...measures, ...indexes].map(({ buffer }) => buffer);
  return place.set(projection, [...new Set(buffers)]);
}

function knownOf(bucket: Bucket): Known {
  let made = known.get(bucket);
  if (made === undefined) {
    const classed = classedDimensions(bucket.dictionaries).reduce((bits, d) => bits | 1 << d, 0);
    known.set(bucket, made = { classed, places: [] });
  }
  return made;
}

/** Those of fewest values, as long as there are not too many combinations. */
function classedDimensions(dictionaries: Bucket["dictionaries"]): number[] {
  const dimensions = BY_INDEX.toSorted((a, b) => dictionaries[a].size - dictionaries[b].size || a - b);
  let combinations = 1;
  return dimensions.filter((d) => (combinations *= dictionaries[d].size) <= COMBINATIONS_MAX);
}

const BY_INDEX = Array.from({ length: DIMENSION_COUNT }, (_, d) => d);

function project(bucket: Bucket, d: number | undefined): Projection {
  const { rows: count, dictionaries, measures, indexes } = bucket, classed = classedDimensions(dictionaries);
  if (lastSorted?.of.deref() !== bucket) lastSorted = sortedByClass(bucket, classed);
  const { present, starts, rows } = lastSorted;
  const placeOf = new Int32Array(count), startsOfClasses = new Uint32Array(present.length + 1);
  const last = new Int32Array(d === undefined ? 1 : dictionaries[d].size).fill(-1);
  const index = d === undefined ? undefined : wideIndex.of(indexes[d]);
  let places = 0;
  for (let c = 0; c < present.length; c++) {
    const from = startsOfClasses[c] = places;
    if (index !== undefined && gaveUpSome(index, rows, starts[c], starts[c + 1])) last[OTHER] = places++;
    for (let i = starts[c]; i < starts[c + 1]; i++) {
      const row = rows[i], e = index === undefined ? 0 : index[row];
      if (last[e] < from) last[e] = places++;
      placeOf[row] = last[e];
    }
  }
  startsOfClasses[present.length] = places;
  const columns: IndexColumn[] = BY_INDEX.map(() => new Uint8Array(0));
  if (d !== undefined) {
    columns[d] = indexColumn(places, dictionaries[d].size);
    for (let row = 0; row < count; row++) columns[d][placeOf[row]] = index![row];
  }
  const hasFew = d === undefined || dictionaries[d].size <= FEW_ENTRIES, isWhole = hasFew || places <= WHOLE_ROWS_MAX;
  if (hasFew) setClassed(columns, bucket, classed, present, startsOfClasses);
  const merged = measures.map((column, m) =>
    isWhole || m === REQUESTS ? mergedBy(column, m, placeOf, places) : new Uint8Array(0)
  );
  for (const scratch of [placeOf, last]) free(scratch);
  return { bucket: { ...bucket, rows: places, indexes: columns, measures: merged }, isWhole, starts: startsOfClasses };
}

/** Whether one of the rows has entry OTHER. */
function gaveUpSome(index: Int32Array, rows: Int32Array, from: number, to: number): boolean {
  let i = from;
  while (i < to && index[rows[i]] !== OTHER) i++;
  return i < to;
}

/** The rows of a bucket by class. */
interface Sorted {
  readonly of: WeakRef<Bucket>;
  /** The combinations that there are, one a class. */
  readonly present: readonly number[];
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly rows: Int32Array<ArrayBuffer>;
}

/** A question that needs one projection of a bucket mostly needs another one next. */
let lastSorted: Sorted | undefined;

/** A counting sort by combination. */
function sortedByClass(bucket: Bucket, classed: readonly number[]): Sorted {
  const { rows: count, indexes, dictionaries } = bucket;
  for (const before of [lastSorted?.starts, lastSorted?.rows]) if (before !== undefined) free(before);
  lastSorted = undefined;
  const combination = new Uint16Array(count);
  // What all rows have alike, as a tag that nobody sets, is the same digit everywhere.
  let combinations = 1, constant = 0;
  for (const d of classed) {
    const all = constantIndex(bucket, d);
    if (all === undefined) addDigit(combination, indexes[d], combinations);
    else constant += all * combinations;
    combinations *= dictionaries[d].size;
  }
  const next = new Uint32Array(combinations + 1);
  for (let row = 0; row < count; row++) next[combination[row] + constant + 1]++;
  const present: number[] = [];
  for (let c = 0; c < combinations; c++) if (next[c + 1] > 0) present.push(c);
  const starts = new Uint32Array(present.length + 1);
  present.forEach((c, i) => starts[i + 1] = starts[i] + next[c + 1]);
  present.forEach((c, i) => next[c] = starts[i]);
  const rows = new Int32Array(count);
  for (let row = 0; row < count; row++) rows[next[combination[row] + constant]++] = row;
  free(combination);
  free(next);
  return { of: new WeakRef(bucket), present, starts, rows };
}

/** A loop for columns of bytes, as these mostly are, and one for all others: one over all is slower. */
function addDigit(combination: Uint16Array, index: IndexColumn, weight: number): void {
  if (index instanceof Uint8Array) addDigit8(combination, index, weight);
  else for (let row = 0; row < combination.length; row++) combination[row] += Math.imul(weight, index[row]);
}

function addDigit8(combination: Uint16Array, index: Uint8Array, weight: number): void {
  for (let row = 0; row < combination.length; row++) combination[row] += Math.imul(weight, index[row]);
}

/** Writes the entries of classed dimensions: digits of the combinations. */
function setClassed(
  columns: IndexColumn[],
  { dictionaries }: Bucket,
  classed: readonly number[],
  present: readonly number[],
  starts: Uint32Array,
): void {
  let weight = 1;
  for (const d of classed) {
    const { size } = dictionaries[d], column = indexColumn(starts[present.length], size);
    present.forEach((combination, c) => column.fill(Math.floor(combination / weight) % size, starts[c], starts[c + 1]));
    columns[d] = column;
    weight *= size;
  }
}

function mergedBy(column: NumberColumn, m: number, placeOf: Int32Array, places: number): NumberColumn {
  const numbers = wideNumbers.of(column), merged = new Float64Array(places);
  if (IS_SUM[m]) { for (let row = 0; row < placeOf.length; row++) merged[placeOf[row]] += numbers[row]; }
  else {
    for (let row = 0; row < placeOf.length; row++) {
      if (numbers[row] > merged[placeOf[row]]) merged[placeOf[row]] = numbers[row];
    }
  }
  for (let i = 0; i < places; i++) if (merged[i] > VALUE_MAX) merged[i] = VALUE_MAX;
  const narrow = numberColumn(merged);
  free(merged);
  return narrow;
}
