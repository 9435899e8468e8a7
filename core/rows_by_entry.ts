/**
 * The rows of each entry: an index of a bucket's rows by one dimension, made when a selective filter first asks for it.
 * A question for one website or network then looks at its rows and no others.
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
  /** By dimension: see `givenUpBy`. */
  readonly givenUp: (NumberColumn | undefined)[];
}

/** By dimension, the one asked for longest ago first: an index lives as long as its bucket, unless others are wanted more. */
const kept = new Map<number, WeakMap<Bucket, RowsByEntry>>();
const wideIndex = new WideIndex();

/** The index of a bucket by dimension `d`. Cost: four nanoseconds a row the first time, then none; 2 B a row, 4 B an entry. */
export function rowsByEntry(bucket: Bucket, d: number): RowsByEntry {
  const indexes = kept.get(d) ?? new WeakMap<Bucket, RowsByEntry>();
  kept.delete(d);
  kept.set(d, indexes);
  if (kept.size > ROW_INDEX_DIMENSIONS_MAX) kept.delete(kept.keys().next().value!);
  let made = indexes.get(bucket);
  if (made === undefined) indexes.set(bucket, made = sortedRows(bucket, d));
  return made;
}

/**
 * Requests of the rows that gave up dimension `d`, by entry of dimension `by`: what is unknown under any comparison of
 * `d`. Kept with the index, mostly 1 or 2 B an entry.
 */
export function givenUpBy(bucket: Bucket, d: number, by: number): NumberColumn {
  const { starts, rows, givenUp } = rowsByEntry(bucket, d);
  if (givenUp[by] !== undefined) return givenUp[by];
  const requests = new Float64Array(bucket.dictionaries[by].size);
  const index = wideIndex.of(bucket.indexes[by]), column = bucket.measures[REQUESTS];
  for (let at = 0; at < starts[OTHER + 1]; at++) requests[index[rows[at]]] += column[rows[at]];
  return givenUp[by] = numberColumn(requests);
}

/** A counting sort. */
function sortedRows({ rows: count, indexes, dictionaries }: Bucket, d: number): RowsByEntry {
  const index = wideIndex.of(indexes[d]), { size } = dictionaries[d];
  const starts = new Uint32Array(size + 1), rows = count <= 2 ** 16 ? new Uint16Array(count) : new Uint32Array(count);
  for (let row = 0; row < count; row++) starts[index[row] + 1]++;
  for (let e = 0; e < size; e++) starts[e + 1] += starts[e];
  const next = starts.slice(0, size);
  for (let row = 0; row < count; row++) rows[next[index[row]]++] = row;
  return { starts, rows, givenUp: [] };
}
