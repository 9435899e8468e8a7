/**
 * `hashWords` of `core/hash.ts`, a block of four words at a time.
 *
 * What is the same for all texts stands in the memory and is read before a loop (`STEPS`, `FOLDS`): as a constant it would be
 * built anew at every use.
 */
import { FOLDS, STEPS, ZEROS } from "./layout";

/** The seed of all hashes. */
export let seed: i32 = 0;

export function prepareHashes(processSeed: i32): void {
  seed = processSeed;
  v128.store(STEPS, i32x4.splat(0x9E3779B1));
  v128.store(FOLDS, i32x4(0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1));
  memory.fill(ZEROS - 16, 0xff, 16);
  memory.fill(ZEROS, 0, 16);
}

/** The hash of a text. Reads up to fifteen bytes behind it. */
@inline
export function hashText(p: usize, length: i32, start: v128, steps: v128, folds: v128): i32 {
  let state = start, rest = length;
  for (; rest > 16; rest -= 16, p += 16) state = i32x4.mul(v128.xor(spread(state), v128.load(p)), steps);
  return hashBlock(v128.and(v128.load(p), v128.load(ZEROS - usize(rest))), length, state, steps, folds);
}

/** The hash of a text of at most eight bytes, those behind it zero. */
@inline
export function hashShort(text: u64, length: i32, start: v128, steps: v128, folds: v128): i32 {
  return hashBlock(i64x2.replace_lane(i64x2.splat(0), 0, text), length, start, steps, folds);
}

@inline
function hashBlock(last: v128, length: i32, state: v128, steps: v128, folds: v128): i32 {
  const end = i32x4.mul(v128.xor(spread(state), last), steps), folded = i32x4.mul(spread(end), folds);
  const pairs = i32x4.add(folded, i8x16.shuffle(folded, folded, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const both = i64x2.extract_lane(pairs, 0);
  let hash = (i32(both) + i32(both >> 32)) ^ length;
  hash = (hash ^ (hash >>> 15)) * 0x85EBCA6B;
  return hash ^ (hash >>> 13);
}

@inline
function spread(state: v128): v128 {
  return v128.xor(state, i32x4.shr_u(state, 15));
}
