/**
 * What a bucket from elsewhere is held to before it is merged: nothing a peer sends may crash a reader or break a total.
 */
import { MEASURE_COUNT, MEASURES, REQUESTS, zeroValues } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER } from "./dimensions.ts";
import { TIERS } from "./slices.ts";
import { crc32c } from "./checksum.ts";
import type { Bucket, Dictionary, NumberColumn } from "./bucket.ts";

/** CRC-32C over the content: slice, rows, every column and every dictionary, in the order of the tables. */
export function bucketChecksum(bucket: Bucket): number {
  let crc = crc32c(bytesOf(Float64Array.of(bucket.startS, bucket.lengthS, bucket.rows)));
  const add = (column: NumberColumn): void => void (crc = crc32c(bytesOf(column), crc));
  for (const dictionary of bucket.dictionaries) {
    add(dictionary.offsets);
    add(dictionary.bytes);
    dictionary.marginals.forEach(add);
    add(dictionary.lostMax);
    add(dictionary.foldedMax);
  }
  bucket.indexes.forEach(add);
  bucket.measures.forEach(add);
  add(bucket.totals);
  add(bucket.ledger);
  return crc;
}

/** Why a bucket cannot be merged, in a few words; undefined when it can. Cost: linear in rows and entries. */
export function bucketProblem(bucket: Bucket): string | undefined {
  const { startS, lengthS, rows, dictionaries, indexes, measures } = bucket;
  if (!TIERS.some((tier) => tier.sliceS === lengthS)) return `no tier has slices of ${lengthS} s`;
  if (!Number.isSafeInteger(startS) || startS < 0 || startS % lengthS !== 0) {
    return `slice start ${startS} is not aligned`;
  }
  if (dictionaries.length !== DIMENSION_COUNT || indexes.length !== DIMENSION_COUNT) return "dimensions are missing";
  if (measures.length !== MEASURE_COUNT || !measures.every((column) => column.length === rows)) {
    return "measure columns do not match the rows";
  }
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const problem = dictionaryProblem(dictionaries[d]);
    if (problem !== undefined) return `${DIMENSIONS[d].name}: ${problem}`;
    if (indexes[d].length !== rows) return `${DIMENSIONS[d].name}: column does not match the rows`;
    for (const index of indexes[d]) {
      if (index >= dictionaries[d].size) return `${DIMENSIONS[d].name}: index ${index} is outside the dictionary`;
    }
    if (!rowsWithinMarginals(bucket, d)) return `${DIMENSIONS[d].name}: an entry's rows hold more than its marginal`;
    if (!addsUp(bucket, dictionaries[d].marginals)) {
      return `${DIMENSIONS[d].name}: marginals do not add up to the total`;
    }
  }
  if (!addsUp(bucket, measures)) return "rows do not add up to the total";
  return undefined;
}

function dictionaryProblem({ size, offsets, bytes, marginals }: Dictionary): string | undefined {
  if (size < 1 || offsets.length !== size + 1) return "offsets do not match the dictionary";
  if (offsets[0] !== 0 || offsets[1] !== 0 || offsets[size] !== bytes.length) return "offsets do not match the bytes";
  for (let entry = 1; entry < size; entry++) if (offsets[entry] > offsets[entry + 1]) return "offsets run backwards";
  const fits = marginals.length === MEASURE_COUNT && marginals.every((column) => column.length === size);
  return fits ? undefined : "marginals do not match the dictionary";
}

/** Whether no entry but OTHER has more requests in rows than it has counted. */
function rowsWithinMarginals({ dictionaries, indexes, measures }: Bucket, d: number): boolean {
  const { size, marginals } = dictionaries[d], index = indexes[d], requests = measures[REQUESTS];
  const held = new Float64Array(size);
  for (let row = 0; row < requests.length; row++) held[index[row]] += requests[row];
  for (let entry = OTHER + 1; entry < size; entry++) if (held[entry] > marginals[REQUESTS][entry]) return false;
  return true;
}

/** Whether columns merge to exactly the totals. Every value must be a whole number that is not negative. */
function addsUp({ totals }: Bucket, columns: readonly NumberColumn[]): boolean {
  const merged = zeroValues();
  for (let m = 0; m < MEASURE_COUNT; m++) {
    for (const value of columns[m]) {
      if (!Number.isSafeInteger(value) || value < 0) return false;
      merged[m] = MEASURES[m].merge === "sum" ? merged[m] + value : Math.max(merged[m], value);
    }
    if (merged[m] !== totals[m]) return false;
  }
  return true;
}

function bytesOf(column: NumberColumn): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
