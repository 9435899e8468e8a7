/**
 * What a filter on one dimension needs to know of a bucket's rows, made when one first asks: an index by entry, so that a
 * selective filter looks at its rows and no others, and what the rows that gave up the dimension hold.
 *
 *   rows[starts[e] … starts[e + 1])   the rows of entry e, in their order; those of OTHER come first
 */
import { ROW_INDEX_DIMENSIONS_MAX } from "./bounds.ts";
import { REQUESTS } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { type Bucket, type NumberColumn, numberColumn } from "./bucket.ts";
import { WideIndex } from "./wide_column.ts";

export interface RowsByEntry {
  readonly starts: Uint32Array;
  readonly rows: Uint16Array | Uint32Array;
}

/** What is kept of a bucket for one dimension that is filtered by. */
interface Known {
  rows?: RowsByEntry;
  /** By dimension that is grouped by: see `givenUpBy`. */
  readonly givenUp: (NumberColumn | undefined)[];
}

/** By dimension, the one asked for longest ago first: it lives as long as its bucket, unless others are wanted more. */
const kept = new Map<number, WeakMap<Bucket, Known>>();
const wideIndex = new WideIndex(), wideOther = new WideIndex();

/** The index of a bucket by dimension `d`. Cost: four nanoseconds a row the first time, then none; 2 B a row, 4 B an entry. */
export function rowsByEntry(bucket: Bucket, d: number): RowsByEntry {
  return knownOf(bucket, d).rows ??= sortedRows(bucket, d);
}

/**
 * Requests of the rows that gave up dimension `d`, by entry of dimension `by`: what is unknown under any comparison of
 * `d`. Cost: one nanosecond a row the first time, then none; mostly 1 or 2 B an entry.
 */
export function givenUpBy(bucket: Bucket, d: number, by: number): NumberColumn {
  return knownOf(bucket, d).givenUp[by] ??= requestsGivenUp(bucket, d, by);
}

function knownOf(bucket: Bucket, d: number): Known {
  const buckets = kept.get(d) ?? new WeakMap<Bucket, Known>();
  kept.delete(d);
  kept.set(d, buckets);
  if (kept.size > ROW_INDEX_DIMENSIONS_MAX) kept.delete(kept.keys().next().value!);
  let known = buckets.get(bucket);
  if (known === undefined) buckets.set(bucket, known = { givenUp: [] });
  return known;
}

/** A counting sort. */
function sortedRows({ rows: count, indexes, dictionaries }: Bucket, d: number): RowsByEntry {
  const index = wideIndex.of(indexes[d]), { size } = dictionaries[d];
  const starts = new Uint32Array(size + 1), rows = count <= 2 ** 16 ? new Uint16Array(count) : new Uint32Array(count);
  for (let row = 0; row < count; row++) starts[index[row] + 1]++;
  for (let e = 0; e < size; e++) starts[e + 1] += starts[e];
  const next = starts.slice(0, size);
  for (let row = 0; row < count; row++) rows[next[index[row]]++] = row;
  return { starts, rows };
}

function requestsGivenUp({ rows, indexes, dictionaries, measures }: Bucket, d: number, by: number): NumberColumn {
  const given = new Float64Array(dictionaries[by].size), requests = measures[REQUESTS];
  const index = wideIndex.of(indexes[d]), groups = wideOther.of(indexes[by]);
  for (let row = 0; row < rows; row++) if (index[row] === OTHER) given[groups[row]] += requests[row];
  return numberColumn(given);
}
