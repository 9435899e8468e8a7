/**
 * What roll-up took from each entry's rows: the entry's marginal less what its rows still hold. It is what a bound needs
 * to know of one value, where `lostMax` knows only of the worst of all.
 */
import { REQUESTS } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { type Bucket, type Dictionary, type NumberColumn, numberColumn } from "./bucket.ts";
import { WideIndex, WideNumbers } from "./wide_column.ts";

const kept = new WeakMap<Bucket, (NumberColumn | undefined)[]>();
const wideIndex = new WideIndex(), wideNumbers = new WideNumbers();

/**
 * Requests that each entry of dimension `d` has counted and its rows no longer hold; 0 for OTHER. Undefined when no entry
 * has lost any. Kept with the bucket, mostly 1 B an entry. Cost: linear in rows the first time, then none.
 */
export function givenUp(bucket: Bucket, d: number): NumberColumn | undefined {
  if (!hasLost(bucket.dictionaries[d])) return undefined;
  let columns = kept.get(bucket);
  if (columns === undefined) kept.set(bucket, columns = []);
  return columns[d] ??= lostRequests(bucket, d);
}

/** Whether any row can have given up this dimension. */
export function hasLost({ lostMax, foldedMax }: Dictionary): boolean {
  return lostMax[REQUESTS] > 0 || foldedMax[REQUESTS] > 0;
}

function lostRequests(bucket: Bucket, d: number): NumberColumn {
  const { size, marginals } = bucket.dictionaries[d];
  const lost = new Float64Array(marginals[REQUESTS]);
  const index = wideIndex.of(bucket.indexes[d]), requests = wideNumbers.of(bucket.measures[REQUESTS]);
  for (let row = 0; row < bucket.rows; row++) lost[index[row]] -= requests[row];
  // A sum that stands still at its largest may be less than its rows.
  for (let e = 0; e < size; e++) if (lost[e] < 0) lost[e] = 0;
  lost[OTHER] = 0;
  return numberColumn(lost);
}
