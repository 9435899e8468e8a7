/** Counting lines into slim rows: `slim_rows.ts` says what a row is, and reads them. */
import { DIMENSION_COUNT, IDS, KEYS, VALUES, VALUES_BYTES } from "./layout";

const ROW_BYTES: usize = 32, ID_BYTES: usize = 4;
const LINE_IDS_BYTES: usize = usize(DIMENSION_COUNT) * ID_BYTES;
/** Key and hash of a line of a batch. */
const KEY_BYTES: usize = 16;

/** What an entry of the index holds: row + 1 below, bits of the hash above. */
const ROW_MASK: i32 = (1 << 18) - 1;

/** So that touching is not left out. */
let touched: i32 = 0;

/**
 * Counts `count` lines from line `from` on, whose ids and measures are there, into the `rows` rows at `words`. The caller has seen
 * to it that they fit, all of them new. Returns how many rows there are then.
 */
export function addRows(
  words: usize,
  index: usize,
  mask: i32,
  rows: i32,
  multiplier0: i32,
  multiplier1: i32,
  multiplier2: i32,
  from: i32,
  count: i32,
): i32 {
  let ids = IDS + usize(from) * LINE_IDS_BYTES;
  const keysEnd = KEYS + usize(count) * KEY_BYTES;
  for (let key = KEYS; key < keysEnd; key += KEY_BYTES, ids += LINE_IDS_BYTES) {
    const key0 = load<i32>(ids, 8) | load<i32>(ids, 4) << 16, key1 = load<i32>(ids) | load<i32>(ids, 20) << 16;
    const key2 = load<i32>(ids, 12) | load<i32>(ids, 16) << 10 | load<i32>(ids, 24) << 20 | load<i32>(ids, 28) << 28 |
      load<i32>(ids, 32) << 30;
    store<i32>(key, key0);
    store<i32>(key, key1, 4);
    store<i32>(key, key2, 8);
    store<i32>(key, mix(key0 * multiplier0 ^ key1 * multiplier1 ^ key2 * multiplier2), 12);
  }
  // The cache misses of a batch overlap then, instead of waiting for one another.
  let touch = 0;
  for (let key = KEYS; key < keysEnd; key += KEY_BYTES) {
    touch ^= load<i32>(words + usize(load<i32>(slotAt(index, load<i32>(key, 12) & mask)) & ROW_MASK) * ROW_BYTES);
  }
  touched ^= touch;

  let values = VALUES + usize(from) * VALUES_BYTES;
  for (let key = KEYS; key < keysEnd; key += KEY_BYTES, values += VALUES_BYTES) {
    const key01 = load<u64>(key), key2 = load<i32>(key, 8), hash = load<i32>(key, 12), tag = hash & ~ROW_MASK;
    const requests = i32(load<f64>(values)), timeSum = i32(load<f64>(values, 16)), timeMax = i32(load<f64>(values, 24));
    let slot = hash & mask, there = load<i32>(slotAt(index, slot)), row: usize = 0;
    while (there != 0) {
      if ((there & ~ROW_MASK) == tag) {
        row = words + usize(there & ROW_MASK) * ROW_BYTES;
        if (load<u64>(row) == key01 && load<i32>(row, 8) == key2) break;
      }
      slot = (slot + 1) & mask;
      there = load<i32>(slotAt(index, slot));
    }
    if (there == 0) {
      store<i32>(slotAt(index, slot), ++rows | tag);
      row = words + usize(rows) * ROW_BYTES;
      store<u64>(row, key01);
      store<i32>(row, key2, 8);
      store<i32>(row, requests, 12);
      store<f64>(row, load<f64>(values, 8), 16);
      store<i32>(row, timeSum, 24);
      store<i32>(row, timeMax, 28);
    } else {
      store<i32>(row, load<i32>(row, 12) + requests, 12);
      store<f64>(row, load<f64>(row, 16) + load<f64>(values, 8), 16);
      store<i32>(row, load<i32>(row, 24) + timeSum, 24);
      store<i32>(row, max(load<i32>(row, 28), timeMax), 28);
    }
  }
  return rows;
}

@inline
function slotAt(index: usize, slot: i32): usize {
  return index + (usize(slot) << 2);
}

/** `mix` of `core/hash.ts`. */
@inline
function mix(hash: i32): i32 {
  const spread = (hash ^ (hash >>> 15)) * 0x85EBCA6B;
  return spread ^ (spread >>> 13);
}
