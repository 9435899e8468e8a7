/**
 * Choosing the lightest of many without sorting them, which rows and entries they are.
 *
 * Positive numbers compare as the bits of their single-precision form do, and the upper of these bits are a small integer:
 * the *level* of a weight, a sixteenth of a power of two. So choosing is counting.
 */
import { free } from "./free.ts";
import { OTHER } from "./dimensions.ts";
import type { InternTable } from "./intern.ts";

/** Right shift that makes a level of the bits of a single-precision number; levels are below LEVELS, infinity's as well. */
export const LEVEL_SHIFT = 19, LEVELS = 4096;

/** The lowest level at which `wanted` have been passed, counting from the lightest. */
export function levelHolding(counts: Uint32Array, wanted: number): number {
  let seen = 0;
  for (let level = 0; level < LEVELS; level++) if ((seen += counts[level]) >= wanted) return level;
  return LEVELS - 1;
}

/** The least weight above a level; infinite for those at the end. */
export function levelEnd(level: number): number {
  const end = new Float32Array(Int32Array.of(level + 1 << LEVEL_SHIFT).buffer)[0];
  return end >= 0 ? end : Infinity;
}

/** What choosing among entries has to know of a dictionary. */
type Entries = Pick<InternTable, "size" | "entryLength">;

/**
 * The new id of each entry, counting up from 1; 0 for those that are lightest and fold.
 *
 * @param someOfLevel whether a level of which not all fit is kept in part, those first that came first. In a flood that
 *   level is what was seen once: keeping some of it would only bring the next overflow nearer.
 */
export function keptEntries(
  dictionary: Entries,
  weights: Float64Array,
  entriesMax: number,
  bytesMax: number,
  someOfLevel: boolean,
): Int32Array<ArrayBuffer> {
  const size = dictionary.size, levels = new Int32Array(new Float32Array(weights.subarray(0, size)).buffer);
  const counts = new Uint32Array(LEVELS), renamed = new Int32Array(size);
  for (let id = 1; id < size; id++) counts[levels[id] >>> LEVEL_SHIFT]++;
  let left = Math.min(size, Math.max(1, Math.floor(entriesMax))) - 1, bytes = 0;
  // From the heaviest level down.
  let limit = LEVELS - 1;
  while (limit >= 0 && counts[limit] <= left) left -= counts[limit--];
  if (!someOfLevel) left = 0;
  for (let id = 1; id < size; id++) {
    const level = levels[id] >>> LEVEL_SHIFT;
    if (level < limit || level === limit && left-- <= 0) continue;
    renamed[id] = 1;
    bytes += dictionary.entryLength(id);
  }
  if (bytes > bytesMax) dropLongest(dictionary, levels, renamed, bytes - bytesMax);
  for (let id = 1, kept = 0; id < size; id++) if (renamed[id] !== OTHER) renamed[id] = ++kept;
  free(levels);
  free(counts);
  return renamed;
}

/** Drops entries until `bytes` fewer are kept: those of which a byte weighs least. */
function dropLongest(dictionary: Entries, levels: Int32Array, renamed: Int32Array, bytes: number): void {
  // A level is a sixteenth of a power of two: a length in such sixteenths makes weight by length of it.
  const perByte = (id: number): number =>
    Math.max(0, (levels[id] >>> LEVEL_SHIFT) - Math.round(16 * Math.log2(1 + dictionary.entryLength(id))));
  const sizes = new Float64Array(LEVELS);
  for (let id = 1; id < renamed.length; id++) {
    if (renamed[id] !== OTHER) sizes[perByte(id)] += dictionary.entryLength(id);
  }
  let limit = 0, left = bytes;
  while (limit < LEVELS - 1 && sizes[limit] < left) left -= sizes[limit++];
  for (let id = 1; id < renamed.length; id++) {
    if (renamed[id] === OTHER) continue;
    const level = perByte(id), length = dictionary.entryLength(id);
    if (level > limit || level === limit && left <= 0) continue;
    if (level === limit) left -= length;
    renamed[id] = OTHER;
  }
}
