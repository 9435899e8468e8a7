/** Slim rows in the order in which a bucket has them, and what their measures come to: for `seal.ts`. */
import { EXTENTS, ROW_COUNTS, ROW_COUNTS_BYTES } from "./layout";

const ROW_BYTES: usize = 32;

/** Requests up to here are sorted by counting. */
const COUNTED_MAX: i32 = 1023;

/** Writes the least and the most of each measure of `rows` rows to EXTENTS, two doubles a measure. */
export function measureRows(words: usize, rows: i32): void {
  let requestsLeast = i32.MAX_VALUE, requestsMost = 0, bytesLeast: f64 = Infinity, bytesMost: f64 = 0;
  let sumLeast = i32.MAX_VALUE, sumMost = 0, maxLeast = i32.MAX_VALUE, maxMost = 0;
  for (let row = 0, at = words + ROW_BYTES; row < rows; row++, at += ROW_BYTES) {
    const requests = load<i32>(at, 12), bytes = load<f64>(at, 16), sum = load<i32>(at, 24), most = load<i32>(at, 28);
    requestsLeast = min(requestsLeast, requests);
    requestsMost = max(requestsMost, requests);
    bytesLeast = min(bytesLeast, bytes);
    bytesMost = max(bytesMost, bytes);
    sumLeast = min(sumLeast, sum);
    sumMost = max(sumMost, sum);
    maxLeast = min(maxLeast, most);
    maxMost = max(maxMost, most);
  }
  storeExtent(0, f64(requestsLeast), f64(requestsMost));
  storeExtent(1, bytesLeast, bytesMost);
  storeExtent(2, f64(sumLeast), f64(sumMost));
  storeExtent(3, f64(maxLeast), f64(maxMost));
}

/**
 * Writes the numbers of `rows` rows to `order`, those with most requests first, and of equal ones the one that came first; but all
 * with more than COUNTED_MAX stand in front as they came. Returns how many these are.
 *
 * @param ones, others room for as many numbers each
 */
export function orderRows(words: usize, rows: i32, order: usize, ones: usize, others: usize): i32 {
  // Most rows have one request. They are taken out first: without a branch, which nobody could guess, and without counting
  // them in one place, where each would wait for the one before.
  let oneEnd = ones, otherEnd = others, at = words + ROW_BYTES;
  for (let row = 0; row < rows; row++, at += ROW_BYTES) {
    store<i32>(oneEnd, row);
    store<i32>(otherEnd, row);
    const isOne = usize(load<i32>(at, 12) == 1) << 2;
    oneEnd += isOne;
    otherEnd += 4 - isOne;
  }
  memory.fill(ROW_COUNTS, 0, ROW_COUNTS_BYTES);
  for (let other = others; other < otherEnd; other += 4) {
    const count = countAt(words, load<i32>(other));
    store<i32>(count, load<i32>(count) + 1);
  }
  store<i32>(ROW_COUNTS + 4, i32(oneEnd - ones) >> 2);
  // From how many have so many requests to where the first of them goes.
  let next = order;
  for (let requests = COUNTED_MAX + 1; requests >= 0; requests--) {
    const count = ROW_COUNTS + (usize(requests) << 2), here = load<i32>(count);
    store<i32>(count, i32(next));
    next += usize(here) << 2;
  }
  const heavy = (load<i32>(ROW_COUNTS + (usize(COUNTED_MAX) << 2)) - i32(order)) >> 2;
  memory.copy(usize(load<i32>(ROW_COUNTS + 4)), ones, oneEnd - ones);
  for (let other = others; other < otherEnd; other += 4) {
    const row = load<i32>(other), count = countAt(words, row), place = usize(load<i32>(count));
    store<i32>(place, row);
    store<i32>(count, i32(place + 4));
  }
  return heavy;
}

/** Where the rows with as many requests as this one are counted. */
@inline
function countAt(words: usize, row: i32): usize {
  const requests = load<i32>(words + (usize(row) + 1) * ROW_BYTES, 12);
  return ROW_COUNTS + (usize(min(requests, COUNTED_MAX + 1)) << 2);
}

@inline
function storeExtent(measure: usize, least: f64, most: f64): void {
  store<f64>(EXTENTS + (measure << 4), least);
  store<f64>(EXTENTS + (measure << 4), most, 8);
}
