/**
 * The innermost loops over the entries of a dictionary: into the cells of `candidates.ts`, and out of what rows made for
 * each entry.
 */
import { IS_SUM, MEASURE_COUNT, REQUESTS } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { TRUE } from "./filter_match.ts";
import { CELL_SHIFT } from "./candidates.ts";

/** What certain rows make for some entries, per measure. */
export interface EntrySums {
  readonly entries: Int32Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
}

/** Writes down the entries that have requests. */
export function pickNonzero(sums: Float64Array, size: number, picked: Int32Array): number {
  let count = 0;
  for (let e = 0, at = REQUESTS; e < size; e++, at += MEASURE_COUNT) {
    if (sums[at] > 0) picked[count++] = e;
  }
  return count;
}

export function addSumsToCells(
  cells: Float64Array,
  hashes: Int32Array,
  { entries, values }: EntrySums,
  sort: number,
): void {
  const isSum = IS_SUM[sort];
  for (let i = 0, at = 0; i < entries.length; i++, at += MEASURE_COUNT) {
    if (entries[i] === OTHER) continue;
    const cell = 2 * (hashes[entries[i]] >>> CELL_SHIFT), ranked = values[at + sort];
    if (isSum) cells[cell] += ranked;
    else if (ranked > cells[cell]) cells[cell] = ranked;
    cells[cell + 1] += values[at + REQUESTS];
  }
}

export function addUnknownToCells(
  cells: Float64Array,
  hashes: Int32Array,
  size: number,
  unknown: Float64Array,
  unknownMax: number,
): void {
  for (let e = OTHER + 1; e < size; e++) {
    const value = unknown[e];
    if (value > 0) cells[2 * (hashes[e] >>> CELL_SHIFT) + 1] += value < unknownMax ? value : unknownMax;
  }
}

export function mergeSums({ entries, values }: EntrySums, placeOf: Int32Array, into: Float64Array): void {
  for (let i = 0, at = 0; i < entries.length; i++, at += MEASURE_COUNT) {
    const place = placeOf[entries[i]] * MEASURE_COUNT;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      const value = values[at + m];
      if (IS_SUM[m]) into[place + m] += value; // saturates when it is read, see `groups.ts`
      else if (value > into[place + m]) into[place + m] = value;
    }
  }
}

/** Writes down every entry but OTHER. */
export function pickAll(size: number, picked: Int32Array): number {
  for (let e = OTHER + 1; e < size; e++) picked[e - 1] = e;
  return size - 1;
}

/** Writes down the entries whose cells are chosen, without a branch. */
export function pickChosen(hashes: Int32Array, chosen: Uint8Array, picked: Int32Array): number {
  let count = 0;
  for (let e = OTHER + 1; e < hashes.length; e++) {
    picked[count] = e;
    count += chosen[hashes[e] >>> CELL_SHIFT];
  }
  return count;
}

export function addToCells(
  cells: Float64Array,
  hashes: Int32Array,
  size: number,
  ranked: Float64Array,
  requests: Float64Array,
  isSum: boolean,
): void {
  for (let e = OTHER + 1; e < size; e++) {
    if (requests[e] === 0) continue;
    const cell = 2 * (hashes[e] >>> CELL_SHIFT);
    cells[cell + 1] += requests[e];
    if (isSum) cells[cell] += ranked[e];
    else if (ranked[e] > cells[cell]) cells[cell] = ranked[e];
  }
}

export function addMatchingToCells(
  cells: Float64Array,
  hashes: Int32Array,
  size: number,
  ranked: Float64Array,
  requests: Float64Array,
  isSum: boolean,
  truth: Uint8Array,
): void {
  for (let e = OTHER + 1; e < size; e++) {
    if (truth[e] !== TRUE) continue;
    const cell = 2 * (hashes[e] >>> CELL_SHIFT);
    cells[cell + 1] += requests[e];
    if (isSum) cells[cell] += ranked[e];
    else if (ranked[e] > cells[cell]) cells[cell] = ranked[e];
  }
}
