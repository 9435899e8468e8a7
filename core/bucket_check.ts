/**
 * What a bucket from elsewhere is held to before it is merged: nothing a peer sends may crash a reader or break a total.
 *
 * Cost: linear in rows and entries. A bucket of an aggregator's source goes through all of this, so the loops are bare.
 */
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { IS_SUM, MEASURE_COUNT, MEASURES, saturated, VALUE_MAX, type Values } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER } from "./dimensions.ts";
import { TIERS } from "./slices.ts";
import { free } from "./free.ts";
import { crc32c } from "./checksum.ts";
import { type Bucket, type IndexColumn, type NumberColumn, widened, widenedIndex } from "./bucket.ts";
import { type BlockDictionary, blockOf, inBlock, isWhole } from "./bucket_block.ts";

/** CRC-32C over the content: the block, which is the same for equal buckets. */
export function bucketChecksum(bucket: Bucket): number {
  return crc32c(new Uint8Array(blockOf(bucket)));
}

/** Why a bucket cannot be merged, in a few words; undefined when it can. */
export function bucketProblem(bucket: Bucket): string | undefined {
  const { startS, lengthS, rows, dictionaries, indexes, measures, totals } = inBlock(bucket);
  if (!TIERS.some((tier) => tier.sliceS === lengthS)) return `no tier has slices of ${lengthS} s`;
  if (!Number.isSafeInteger(startS) || startS < 0 || startS % lengthS !== 0) {
    return `slice start ${startS} is not aligned`;
  }
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (mergedAll(measures[m], IS_SUM[m]) !== totals[m]) {
      return `${MEASURES[m].name} of the rows do not add up to the total`;
    }
  }
  const wide = measures.map(widened), others = new Int32Array(rows);
  let problem: string | undefined;
  for (let d = 0; d < DIMENSION_COUNT && problem === undefined; d++) {
    problem = entriesProblem(dictionaries[d]) ?? rowsProblem(dictionaries[d], indexes[d], wide, totals, others);
    if (problem !== undefined) problem = `${DIMENSIONS[d].name}: ${problem}`;
  }
  for (const column of [...wide, others]) free(column);
  return problem;
}

function entriesProblem(dictionary: BlockDictionary): string | undefined {
  const { size, bytes } = dictionary, lengths = widenedIndex(dictionary.lengths);
  if (lengths[OTHER] !== 0) return "OTHER is not empty";
  let end = 0;
  for (let entry = 1; entry < size; entry++) {
    const length = lengths[entry];
    if (length < 0 || length > ENTRY_BYTES_MAX) return `entry ${entry} is ${length >>> 0} bytes long`;
    end += length;
  }
  free(lengths);
  return end === bytes.length ? undefined : `entries are ${bytes.length} bytes, their lengths say ${end}`;
}

/**
 * Rows that have no value any more have what values gave up: the one and the other are the same, or a total is wrong.
 *
 * @param others scratch, an element a row
 */
function rowsProblem(
  dictionary: BlockDictionary,
  index: IndexColumn,
  measures: readonly Float64Array[],
  totals: Values,
  others: Int32Array,
): string | undefined {
  const { size, givenUp, folded } = dictionary;
  const { largest, count } = scanIndex(index, others);
  if (index.length > 0 && largest >= size) return `index ${largest} is outside the dictionary`;
  if (!isCounts(folded)) return "what folded entries had is no count";
  if (isWhole(dictionary)) {
    return count === 0 && folded.every((had) => had === 0)
      ? undefined
      : "rows gave up their value, but no value lost any";
  }
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (givenUp[m][OTHER] !== 0) return `${MEASURES[m].name} given up by no value`;
    const byValues = mergedAll(givenUp[m], IS_SUM[m]), had = folded[m];
    const given = IS_SUM[m] ? saturated(byValues + had) : Math.max(byValues, had);
    if (IS_SUM[m] ? given !== sumAt(measures[m], others, count) : !(given <= totals[m])) {
      return `${MEASURES[m].name} given up by values are not those of the rows without one`;
    }
  }
  return undefined;
}

function sumAt(values: Float64Array, rows: Int32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[rows[i]];
  return saturated(sum);
}

/** The largest index, and which rows have OTHER. One loop for each kind of column: one over all is several times slower. */
function scanIndex(index: IndexColumn, others: Int32Array): { readonly largest: number; readonly count: number } {
  let largest = 0, count = 0;
  if (index instanceof Uint8Array) {
    for (let row = 0; row < index.length; row++) {
      if (index[row] > largest) largest = index[row];
      else if (index[row] === OTHER) others[count++] = row;
    }
  } else if (index instanceof Uint16Array) {
    for (let row = 0; row < index.length; row++) {
      if (index[row] > largest) largest = index[row];
      else if (index[row] === OTHER) others[count++] = row;
    }
  } else {
    for (let row = 0; row < index.length; row++) {
      if (index[row] > largest) largest = index[row];
      else if (index[row] === OTHER) others[count++] = row;
    }
  }
  return { largest, count };
}

/** All values as one; NaN, which no total is, when one of them cannot be a count. */
function mergedAll(column: NumberColumn, isSum: boolean): number {
  if (column instanceof Float64Array && !isCounts(column)) return NaN;
  const values = widened(column);
  let merged = 0;
  if (isSum) { for (let i = 0; i < values.length; i++) merged += values[i]; }
  else for (let i = 0; i < values.length; i++) merged = Math.max(merged, values[i]);
  free(values);
  return saturated(merged);
}

/** Whether every double is a whole number that is not negative; integers of any width are. */
function isCounts(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value >= 0 && value <= VALUE_MAX && Math.floor(value) === value)) return false;
  }
  return true;
}
