/**
 * What a filter matches in one bucket in all: from the marginals of the entries that satisfy it, where it is on one
 * dimension, so that clicking a row shows the number that was clicked; else from rows.
 */
import { mergeColumns, mergeValues, REQUESTS, saturated, type Values, zeroValues } from "./measures.ts";
import type { Bucket } from "./bucket.ts";
import { marginalOfEach } from "./bucket_block.ts";
import { dictionaryInBlock, hasLost } from "./given_up.ts";
import { classesOf, FEW_ENTRIES, projectionOn, unclassed } from "./projections.ts";
import type { CompiledFilter } from "./filter_match.ts";
import { RowScan } from "./row_scan.ts";

/** What certainly matches, and by how many requests more may. */
export interface Total {
  readonly values: Values;
  beyond: number;
}

const wholeScan = new RowScan(true);

/** Requests that certainly match in one bucket: the same as the total of a ranking says. */
export function matchingRequests(bucket: Bucket, filter: CompiledFilter | undefined): number {
  if (filter === undefined) return bucket.totals[REQUESTS];
  const total: Total = { values: zeroValues(), beyond: 0 }, f = filter.dimension;
  if (f !== undefined) {
    const dictionary = bucket.dictionaries[f], column = marginalOfEach(dictionary, REQUESTS);
    const { count, entries } = filter.matches(dictionary);
    let requests = 0;
    for (let i = 0; i < count; i++) requests += column[entries[i]];
    return saturated(requests);
  }
  const projection = projectionFor(bucket, filter);
  if (projection === undefined) wholeScan.select(bucket, filter);
  else wholeScan.selectPlainly(projection, filter);
  wholeScan.addTotal(projection ?? bucket, wholeScan.certain, REQUESTS, total.values);
  return saturated(total.values[REQUESTS]);
}

/** The projection that tells all about what a filter matches, and about dimension `d`; undefined when there is none. */
export function projectionFor(bucket: Bucket, filter: CompiledFilter, d?: number): Bucket | undefined {
  const more = unclassed(bucket, filter.dimensions | (d === undefined ? 0 : 1 << d));
  if (more === 0) return classesOf(bucket).bucket;
  const only = 31 - Math.clz32(more);
  if (more !== 1 << only || bucket.dictionaries[only].size > FEW_ENTRIES) return undefined;
  return projectionOn(bucket, only).bucket;
}

/** Adds what matches, for no filter or one on a single dimension: the marginals of the entries that satisfy it. */
export function addMarginalTotal(bucket: Bucket, filter: CompiledFilter | undefined, total: Total): void {
  if (filter?.dimension === undefined) return mergeValues(total.values, bucket.totals);
  const dictionary = bucket.dictionaries[filter.dimension], { count, entries } = filter.matches(dictionary);
  const marginals = count === 0 ? [] : dictionary.marginals;
  for (let i = 0; i < count; i++) mergeColumns(total.values, marginals, entries[i]);
  total.beyond += filter.foldedMax(bucket);
}

/** The same where rows have been added up: what the entries that satisfy the filter have counted beyond their rows. */
export function addGivenUp(bucket: Bucket, filter: CompiledFilter, f: number, total: Total): void {
  if (!hasLost(bucket.dictionaries[f])) return;
  const { count, entries } = filter.matches(bucket.dictionaries[f]), { givenUp } = dictionaryInBlock(bucket, f);
  for (let i = 0; i < count; i++) mergeColumns(total.values, givenUp, entries[i]);
  total.beyond += filter.foldedMax(bucket);
}
