/**
 * What a bucket from elsewhere is held to before it is merged: nothing a peer sends may crash a reader or break a total.
 *
 * Cost: linear in rows and entries. A bucket of an aggregator's source goes through all of this, so the loops are bare.
 */
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import * as measureTable from "./measures.ts";
import { IS_SUM, MEASURE_COUNT, MEASURES, saturated, type Values } from "./measures.ts";
import * as dimensions from "./dimensions.ts";
import { DIMENSION_COUNT, DIMENSIONS } from "./dimensions.ts";
import { TIERS } from "./slices.ts";
import { free } from "./free.ts";
import { crc32c } from "./checksum.ts";
import { type Bucket, type IndexColumn, type NumberColumn, widened, widenedIndex } from "./bucket.ts";
import { type BlockDictionary, blockOf, constantIndex, inBlock, isWhole } from "./bucket_block.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { VALUE_MAX } = measureTable;
const { OTHER } = dimensions;

/** CRC-32C over the content: the block, which is the same for equal buckets. */
export function bucketChecksum(bucket: Bucket): number {
  return crc32c(new Uint8Array(blockOf(bucket)));
}

/** Why a bucket cannot be merged, in a few words; undefined when it can. */
export function bucketProblem(bucket: Bucket): string | undefined {
  const opened = inBlock(bucket), { startS, lengthS, rows, dictionaries, indexes, measures, totals } = opened;
  if (!TIERS.some((tier) => tier.sliceS === lengthS)) return `no tier has slices of ${lengthS} s`;
  if (!Number.isSafeInteger(startS) || startS < 0 || startS % lengthS !== 0) {
    return `slice start ${startS} is not aligned`;
  }
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (mergedAll(measures[m], IS_SUM[m]) !== totals[m]) {
      return `${MEASURES[m].name} of the rows do not add up to the total`;
    }
  }
  const isAllWhole = dictionaries.every(isWhole), wide = isAllWhole ? [] : measures.map(widened);
  const others = new Int32Array(isAllWhole ? 0 : rows + 1);
  let problem: string | undefined;
  for (let d = 0; d < DIMENSION_COUNT && problem === undefined; d++) {
    const only = constantIndex(opened, d);
    problem = entriesProblem(dictionaries[d]) ?? rowsProblem(dictionaries[d], indexes[d], only, wide, totals, others);
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
 * @param only the entry of all rows, where the block says so: then no row is looked at
 * @param measures of the rows, as doubles, and `others` scratch, one element more than rows: where any dictionary is not whole
 */
function rowsProblem(
  dictionary: BlockDictionary,
  index: IndexColumn,
  only: number | undefined,
  measures: readonly Float64Array[],
  totals: Values,
  others: Int32Array,
): string | undefined {
  const { size, givenUp, folded } = dictionary;
  const largest = only ?? largestOf(index);
  if (index.length > 0 && largest >= size) return `index ${largest} is outside the dictionary`;
  if (!isCounts(folded)) return "what folded entries had is no count";
  if (isWhole(dictionary)) {
    return (only === undefined ? !index.includes(OTHER) : only !== OTHER) && folded.every((had) => had === 0)
      ? undefined
      : "rows gave up their value, but no value lost any";
  }
  const count = only === undefined ? rowsOfOther(index, others) : 0;
  for (let m = 0; m < MEASURE_COUNT; m++) {
    if (givenUp[m][OTHER] !== 0) return `${MEASURES[m].name} given up by no value`;
    const byValues = mergedAll(givenUp[m], IS_SUM[m]), had = folded[m];
    const given = IS_SUM[m] ? saturated(byValues + had) : Math.max(byValues, had);
    const lost = only === OTHER ? totals[m] : IS_SUM[m] ? sumAt(measures[m], others, count) : 0;
    if (IS_SUM[m] ? given !== lost : !(given <= totals[m])) {
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

// A loop for each kind of column: one over all kinds is several times slower, and so is a wider copy for one loop.

function largestOf(column: IndexColumn | NumberColumn): number {
  if (column instanceof Uint8Array) return largestOfBytes(column);
  if (column instanceof Uint16Array) return largestOfPairs(column);
  return column instanceof Uint32Array ? largestOfWords(column) : largestOfDoubles(column);
}

function largestOfBytes(column: Uint8Array): number {
  let largest = 0;
  for (let i = 0; i < column.length; i++) if (column[i] > largest) largest = column[i];
  return largest;
}

function largestOfPairs(column: Uint16Array): number {
  let largest = 0;
  for (let i = 0; i < column.length; i++) if (column[i] > largest) largest = column[i];
  return largest;
}

function largestOfWords(column: Uint32Array): number {
  let largest = 0;
  for (let i = 0; i < column.length; i++) if (column[i] > largest) largest = column[i];
  return largest;
}

function largestOfDoubles(column: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < column.length; i++) if (column[i] > largest) largest = column[i];
  return largest;
}

/**
 * Writes which rows have OTHER, which is 0; returns how many. Without a branch, since whether a row has is anybody's guess:
 * `v - 1 >>> 31` is 1 where v is 0.
 */
function rowsOfOther(index: IndexColumn, others: Int32Array): number {
  let count = 0;
  if (index instanceof Uint8Array) {
    for (let row = 0; row < index.length; row++) {
      others[count] = row;
      count += index[row] - 1 >>> 31;
    }
  } else if (index instanceof Uint16Array) {
    for (let row = 0; row < index.length; row++) {
      others[count] = row;
      count += index[row] - 1 >>> 31;
    }
  } else for (let row = 0; row < index.length; row++) if (index[row] === OTHER) others[count++] = row;
  return count;
}

/** All values as one; NaN, which no total is, when one of them cannot be a count. */
function mergedAll(column: NumberColumn, isSum: boolean): number {
  if (column instanceof Float64Array && !isCounts(column)) return NaN;
  return saturated(isSum ? sumOf(column) : largestOf(column));
}

function sumOf(column: NumberColumn): number {
  if (column instanceof Uint8Array) return sumOfBytes(column);
  if (column instanceof Uint16Array) return sumOfPairs(column);
  return column instanceof Uint32Array ? sumOfWords(column) : sumOfDoubles(column);
}

function sumOfBytes(column: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < column.length; i++) sum += column[i];
  return sum;
}

function sumOfPairs(column: Uint16Array): number {
  let sum = 0;
  for (let i = 0; i < column.length; i++) sum += column[i];
  return sum;
}

function sumOfWords(column: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < column.length; i++) sum += column[i];
  return sum;
}

function sumOfDoubles(column: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < column.length; i++) sum += column[i];
  return sum;
}

/** Whether every double is a whole number that is not negative; integers of any width are. */
function isCounts(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value >= 0 && value <= VALUE_MAX && Math.floor(value) === value)) return false;
  }
  return true;
}
