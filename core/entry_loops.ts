/**
 * The innermost loops over the entries of a dictionary: into the cells of `candidates.ts`, and out of them.
 */
import { OTHER } from "./dimensions.ts";
import type { IndexColumn, NumberColumn } from "./bucket.ts";
import { TRUE } from "./filter_match.ts";

/** Writes down every entry but OTHER. */
export function pickAll(size: number, picked: Int32Array): number {
  for (let e = OTHER + 1; e < size; e++) picked[e - 1] = e;
  return size - 1;
}

/** Writes down those that have requests, or may have. */
export function pickSome(certain: Float64Array, unknown: Float64Array, size: number, picked: Int32Array): number {
  let count = 0;
  for (let e = OTHER + 1; e < size; e++) if (certain[e] + unknown[e] > 0) picked[count++] = e;
  return count;
}

/** Writes down the entries whose cells are chosen: few. */
export function pickChosen(ids: Int32Array, chosen: Uint8Array, picked: Int32Array): number {
  const size = ids.length;
  let count = 0;
  for (let e = OTHER + 1; e < size; e++) {
    if (chosen[ids[e]] === 0) continue;
    picked[count] = e;
    count = count + 1 | 0;
  }
  return count;
}

/** Adds what entries have counted. */
export function addToCells(
  cells: Float64Array,
  ids: Int32Array,
  size: number,
  ranked: Float64Array,
  requests: Float64Array,
  isSum: boolean,
): void {
  for (let e = OTHER + 1; e < size; e++) {
    if (requests[e] === 0) continue;
    const cell = 2 * ids[e];
    cells[cell + 1] += requests[e];
    if (isSum) cells[cell] += ranked[e];
    else if (ranked[e] > cells[cell]) cells[cell] = ranked[e];
  }
}

/** The same for those that satisfy a filter. */
export function addMatchingToCells(
  cells: Float64Array,
  ids: Int32Array,
  size: number,
  ranked: Float64Array,
  requests: Float64Array,
  isSum: boolean,
  truth: Uint8Array,
): void {
  for (let e = OTHER + 1; e < size; e++) {
    if (truth[e] !== TRUE) continue;
    const cell = 2 * ids[e];
    cells[cell + 1] += requests[e];
    if (isSum) cells[cell] += ranked[e];
    else if (ranked[e] > cells[cell]) cells[cell] = ranked[e];
  }
}

/**
 * The same for what rows have made for entries; `unknown` requests count as far as there can be `unknownMax`.
 *
 * @returns all unknown requests, those of OTHER included
 */
export function addRowsToCells(
  cells: Float64Array,
  ids: Int32Array,
  size: number,
  ranked: Float64Array,
  requests: Float64Array,
  unknown: Float64Array,
  unknownMax: number,
  isSum: boolean,
): number {
  let uncertain = unknown[OTHER];
  for (let e = OTHER + 1; e < size; e++) {
    const more = unknown[e], certain = requests[e];
    if (more + certain === 0) continue;
    const cell = 2 * ids[e];
    uncertain += more;
    cells[cell + 1] += certain + (more < unknownMax ? more : unknownMax);
    if (isSum) cells[cell] += ranked[e];
    else if (ranked[e] > cells[cell]) cells[cell] = ranked[e];
  }
  return uncertain;
}

/** Adds requests that may be, of the entries from number `from` on. */
export function addUnknownToCells(
  cells: Float64Array,
  ids: Int32Array,
  entries: Int32Array,
  requests: Float64Array,
  from: number,
  count: number,
  unknownMax: number,
): void {
  for (let i = from; i < count; i++) {
    const more = requests[i];
    cells[2 * ids[entries[i]] + 1] += more < unknownMax ? more : unknownMax;
  }
}

/** Adds rows one by one, by their entries; returns the requests of those that have none. */
export function addFewRowsToCells(
  cells: Float64Array,
  ids: Int32Array,
  entries: Int32Array,
  count: number,
  ranked: Float64Array,
  requests: Float64Array,
  isSum: boolean,
): number {
  let other = 0;
  for (let i = 0; i < count; i++) {
    const e = entries[i];
    if (e === OTHER) {
      other += requests[i];
      continue;
    }
    const cell = 2 * ids[e];
    cells[cell + 1] += requests[i];
    if (isSum) cells[cell] += ranked[i];
    else if (ranked[i] > cells[cell]) cells[cell] = ranked[i];
  }
  return other;
}

/** Adds to groups what their values can have beyond their rows, in one bucket; `beyond` says what is what. */
export function addBeyond(
  hiddenOf: Float64Array,
  unknownOf: Float64Array,
  groupOf: Int32Array,
  size: number,
  given: Float64Array | undefined,
  { any, hidden }: { readonly any: number; readonly hidden: number },
  folded: number,
  unknown: Float64Array,
  unknownMax: number,
): void {
  if (given !== undefined) {
    for (let e = OTHER + 1; e < size; e++) {
      const own = given[e] + folded;
      hiddenOf[groupOf[e]] += (own < hidden ? own : hidden) - any;
    }
  }
  if (unknownMax > 0) {
    for (let e = OTHER + 1; e < size; e++) {
      const more = unknown[e];
      if (more > 0) unknownOf[groupOf[e]] += more < unknownMax ? more : unknownMax;
    }
  }
}

/**
 * Adds rows that follow one another, all of which match: those of one class. Those that have no entry come first.
 *
 * @returns requests of these
 */
export function addRangeToCells(
  cells: Float64Array,
  ids: Int32Array,
  index: IndexColumn,
  requests: NumberColumn,
  from: number,
  to: number,
): number {
  if (from < to && index[from] === OTHER) {
    return requests[from] + addRangeToCells(cells, ids, index, requests, from + 1, to);
  }
  for (let row = from; row < to; row++) {
    const cell = 2 * ids[index[row]], own = requests[row];
    cells[cell] += own;
    cells[cell + 1] += own;
  }
  return 0;
}

/**
 * The same for rows that only may match: what each entry has of them is added up in `unknown`.
 *
 * @returns requests of those that have no entry
 */
export function addRangeToEntries(
  unknown: Float64Array,
  index: IndexColumn,
  requests: NumberColumn,
  from: number,
  to: number,
): number {
  if (from < to && index[from] === OTHER) {
    return requests[from] + addRangeToEntries(unknown, index, requests, from + 1, to);
  }
  for (let row = from; row < to; row++) unknown[index[row]] += requests[row];
  return 0;
}

/** Moves what the entries of rows have in `unknown` to their cells, once each; it counts as far as there can be `unknownMax`. */
export function moveRangeToCells(
  cells: Float64Array,
  ids: Int32Array,
  unknown: Float64Array,
  unknownMax: number,
  index: IndexColumn,
  from: number,
  to: number,
): void {
  for (let row = from; row < to; row++) {
    const e = index[row], more = unknown[e];
    cells[2 * ids[e] + 1] += more < unknownMax ? more : unknownMax;
    unknown[e] = 0;
  }
}
