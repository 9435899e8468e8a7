/**
 * What a bucket from elsewhere is held to before it is merged: nothing a peer sends may crash a reader or break a total.
 *
 * Cost: linear in rows and entries. A bucket of an aggregator's source goes through all of this, so the loops are bare.
 */
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { IS_SUM, MEASURE_COUNT, MEASURES, saturated, VALUE_MAX } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER } from "./dimensions.ts";
import { TIERS } from "./slices.ts";
import { crc32c } from "./checksum.ts";
import { type Bucket, type Dictionary, type IndexColumn, mergedByEntry, widened, widenedIndex } from "./bucket.ts";
import { BlockDictionary, blockOf, isWhole, lengthsOf } from "./bucket_block.ts";

/** CRC-32C over the content: the block, which is the same for equal buckets. */
export function bucketChecksum(bucket: Bucket): number {
  return crc32c(new Uint8Array(blockOf(bucket)));
}

/** Why a bucket cannot be merged, in a few words; undefined when it can. */
export function bucketProblem(bucket: Bucket): string | undefined {
  const { startS, lengthS, rows, dictionaries, indexes, measures, totals } = bucket;
  if (!TIERS.some((tier) => tier.sliceS === lengthS)) return `no tier has slices of ${lengthS} s`;
  if (!Number.isSafeInteger(startS) || startS < 0 || startS % lengthS !== 0) {
    return `slice start ${startS} is not aligned`;
  }
  if (dictionaries.length !== DIMENSION_COUNT || indexes.length !== DIMENSION_COUNT) return "dimensions are missing";
  if (measures.length !== MEASURE_COUNT || !measures.every((column) => column.length === rows)) {
    return "measure columns do not match the rows";
  }
  const wide = measures.map(widened);
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (mergedAll(wide[m], IS_SUM[m]) !== totals[m]) {
      return `${MEASURES[m].name} of the rows do not add up to the total`;
    }
  }
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const problem = dictionaryProblem(dictionaries[d]) ?? columnProblem(bucket, d) ?? marginalsProblem(bucket, d, wide);
    if (problem !== undefined) return `${DIMENSIONS[d].name}: ${problem}`;
  }
  return undefined;
}

function dictionaryProblem(dictionary: Dictionary): string | undefined {
  const { size, bytes } = dictionary;
  const lengths = dictionary instanceof BlockDictionary ? widenedIndex(dictionary.lengths) : lengthsOf(dictionary);
  if (lengths[OTHER] !== 0) return "OTHER is not empty";
  let end = 0;
  for (let entry = 1; entry < size; entry++) {
    const length = lengths[entry];
    if (length < 0 || length > ENTRY_BYTES_MAX) return `entry ${entry} is ${length} bytes long`;
    end += length;
  }
  return end === bytes.length ? undefined : `entries are ${bytes.length} bytes, their lengths say ${end}`;
}

function columnProblem({ rows, dictionaries, indexes }: Bucket, d: number): string | undefined {
  if (indexes[d].length !== rows) return "column does not match the rows";
  const largest = largestOf(indexes[d]);
  if (rows > 0 && largest >= dictionaries[d].size) return `index ${largest} is outside the dictionary`;
  if (isWhole(dictionaries[d]) && indexes[d].includes(OTHER)) return "a row gave up its value, but no value lost a row";
  return undefined;
}

/** Marginals of a dimension that lost nothing are not looked at: they are what its rows add up to. */
function marginalsProblem(bucket: Bucket, d: number, measures: readonly Float64Array[]): string | undefined {
  const dictionary = bucket.dictionaries[d];
  if (isWhole(dictionary)) return undefined;
  const { size, marginals } = dictionary, index = widenedIndex(bucket.indexes[d]);
  if (marginals.length !== MEASURE_COUNT || !marginals.every((column) => column.length === size)) {
    return "marginals do not match the dictionary";
  }
  for (let m = 0; m < MEASURE_COUNT; m++) {
    const counted = widened(marginals[m]), held = mergedByEntry(index, measures[m], size, IS_SUM[m]);
    if (mergedAll(counted, IS_SUM[m]) !== bucket.totals[m]) {
      return `${MEASURES[m].name} of the entries do not add up to the total`;
    }
    for (let entry = OTHER + 1; entry < size; entry++) {
      if (held[entry] > counted[entry]) return `rows of an entry hold more ${MEASURES[m].name} than it has counted`;
    }
  }
  return undefined;
}

/** All values as one; NaN, which no total is, when one of them cannot be a count. */
function mergedAll(values: Float64Array, isSum: boolean): number {
  let merged = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value >= 0 && value <= VALUE_MAX && Math.floor(value) === value)) return NaN;
    if (isSum) merged += value;
    else if (value > merged) merged = value;
  }
  return saturated(merged);
}

/** 0 for an empty column. One loop for each kind of column: a loop over all kinds is several times slower. */
function largestOf(column: IndexColumn): number {
  let largest = 0;
  if (column instanceof Uint8Array) { for (let i = 0; i < column.length; i++) largest = Math.max(largest, column[i]); }
  else if (column instanceof Uint16Array) {
    for (let i = 0; i < column.length; i++) largest = Math.max(largest, column[i]);
  } else for (let i = 0; i < column.length; i++) largest = Math.max(largest, column[i]);
  return largest;
}
