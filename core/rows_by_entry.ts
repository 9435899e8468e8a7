/**
 * What a filter on one dimension needs to know of a bucket's rows, made when one first asks and kept for the next
 * (`derived.ts`): an index by entry, so that a selective filter looks at its rows and no others, and what the rows that
 * gave up the dimension hold.
 *
 *   rows[starts[e] … starts[e + 1])   the rows of entry e, in their order; those of OTHER come first
 */
import { REQUESTS } from "./measures.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { type Bucket, type IndexColumn, indexColumn, type NumberColumn, numberColumn } from "./bucket.ts";
import { homeOf, Kept } from "./derived.ts";
import { WideIndex } from "./wide_column.ts";

export interface RowsByEntry {
  readonly starts: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  readonly rows: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
}

/** Requests by entry, of those entries that have any. */
export interface EntryRequests {
  readonly count: number;
  readonly entries: IndexColumn;
  readonly requests: NumberColumn;
}

/** Places for what is kept of a bucket: by dimension that is filtered by, `givenUp` also by the one that is grouped by. */
interface Known {
  readonly rows: (Kept<RowsByEntry> | undefined)[];
  readonly givenUp: (Kept<EntryRequests> | undefined)[];
}

const known = new WeakMap<Bucket, Known>();
const wideIndex = new WideIndex(), wideOther = new WideIndex();

/** The index of a bucket by dimension `d`. Cost: four nanoseconds a row the first time, then none; 2 B a row, 2 B an entry. */
export function rowsByEntry(bucket: Bucket, d: number): RowsByEntry {
  const place = knownOf(bucket).rows[d] ??= new Kept(homeOf(bucket.dictionaries[0])), made = place.get();
  if (made !== undefined) return made;
  const sorted = sortedRows(bucket, d);
  return place.set(sorted, [sorted.starts.buffer, sorted.rows.buffer]);
}

/**
 * Requests of the rows that gave up dimension `d`, by entry of dimension `by`: what is unknown under any comparison of
 * `d`. OTHER comes first, if it has any. Cost: one nanosecond a row the first time, then none; mostly 3 B an entry.
 */
export function givenUpBy(bucket: Bucket, d: number, by: number): EntryRequests {
  const places = knownOf(bucket).givenUp,
    place = places[d * DIMENSION_COUNT + by] ??= new Kept(homeOf(bucket.dictionaries[0]));
  const made = place.get();
  if (made !== undefined) return made;
  const given = requestsGivenUp(bucket, d, by);
  return place.set(given, [given.entries.buffer, given.requests.buffer]);
}

function knownOf(bucket: Bucket): Known {
  let places = known.get(bucket);
  if (places === undefined) known.set(bucket, places = { rows: [], givenUp: [] });
  return places;
}

/** A counting sort. */
function sortedRows({ rows: count, indexes, dictionaries }: Bucket, d: number): RowsByEntry {
  const index = wideIndex.of(indexes[d]), { size } = dictionaries[d];
  const isSmall = count < 2 ** 16, starts = isSmall ? new Uint16Array(size + 1) : new Uint32Array(size + 1);
  const rows = isSmall ? new Uint16Array(count) : new Uint32Array(count);
  for (let row = 0; row < count; row++) starts[index[row] + 1]++;
  for (let e = 0; e < size; e++) starts[e + 1] += starts[e];
  const next = starts.slice(0, size);
  for (let row = 0; row < count; row++) rows[next[index[row]]++] = row;
  free(next);
  return { starts, rows };
}

function requestsGivenUp({ rows, indexes, dictionaries, measures }: Bucket, d: number, by: number): EntryRequests {
  const { size } = dictionaries[by], given = new Float64Array(size), requests = measures[REQUESTS];
  const index = wideIndex.of(indexes[d]), groups = wideOther.of(indexes[by]);
  for (let row = 0; row < rows; row++) if (index[row] === OTHER) given[groups[row]] += requests[row];
  let count = 0;
  for (let e = 0; e < size; e++) if (given[e] > 0) count++;
  const entries = indexColumn(count, size);
  for (let e = 0, to = 0; e < size; e++) {
    if (given[e] === 0) continue;
    entries[to] = e;
    given[to++] = given[e];
  }
  const narrow = numberColumn(given.subarray(0, count));
  free(given);
  return { count, entries, requests: narrow };
}
