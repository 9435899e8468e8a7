/**
 * What one comparison has said of values, by their numbers (`value_ids.ts`): so a value is decided once, and not once a
 * dictionary that it is in.
 */
import { TRUTH_TABLES_MAX } from "./bounds.ts";
import { OTHER } from "./dimensions.ts";
import { SHARED_IDS, valueIds } from "./value_ids.ts";
import { roomFor } from "./wide_column.ts";
import { FALSE, TRUE } from "./filter_compare.ts";
import type { Comparison } from "./filter_tree.ts";

/** What is known of values, by id (`value_ids.ts`): 0 nothing, else FALSE or TRUE and one more. */
export class KnownValues {
  #generation = -1;
  #truths = new Uint8Array(0);
  /** Of this generation, values whose ids are below SHARED_IDS and this are all known. */
  learned = 1;

  /** What is known of ids below `end`, kept up by whoever learns more. */
  below(end: number): Uint8Array {
    if (this.#generation !== valueIds.generation) {
      this.#truths.fill(0);
      this.learned = 1;
    }
    this.#generation = valueIds.generation;
    if (this.#truths.length < end) {
      const more = new Uint8Array(roomFor(end));
      more.set(this.#truths);
      this.#truths = more;
    }
    return this.#truths;
  }
}

/**
 * What regular expressions have said of values, for the next question with the same one. Bounded by TRUTH_TABLES_MAX
 * expressions, each 1 B a value that has an id; the one asked for longest ago goes first.
 */
export class TruthCache {
  readonly #known = new Map<string, KnownValues>();

  /** What is known for a comparison; nothing, when it was not asked for lately. */
  knownOf({ dimension, value }: Comparison): KnownValues {
    const key = `${dimension} ${value}`, known = this.#known.get(key) ?? new KnownValues();
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size > TRUTH_TABLES_MAX) this.#known.delete(this.#known.keys().next().value!);
    return known;
  }
}

/** Notes whether a value satisfies a comparison; returns the note. An id that several values share says nothing of one. */
export function learn(known: Uint8Array, id: number, isIn: boolean): number {
  const note = (isIn ? TRUE : FALSE) + 1;
  if (id >= SHARED_IDS) known[id] = note;
  return note;
}

export const NOT_KNOWN = 0xFF;

/** The truth of each entry whose value is known; returns how many are not. Cost: a nanosecond an entry. */
export function lookUpKnown(
  known: Uint8Array,
  ids: Int32Array,
  size: number,
  turned: number,
  truth: Uint8Array,
): number {
  const truths = Uint8Array.of(NOT_KNOWN, FALSE ^ turned, 0, 0, TRUE ^ turned);
  let missing = 0;
  for (let e = OTHER + 1; e < size; e++) {
    const value = truths[known[ids[e]]];
    truth[e] = value;
    missing = missing + (value >> 7) | 0;
  }
  return missing;
}

/** Writes down the entries whose value is known to be true; returns -1 where some are not known. Without a branch. */
export function pickKnown(known: Uint8Array, ids: Int32Array, turned: number, picked: Int32Array): number {
  const truths = Uint8Array.of(NOT_KNOWN, FALSE ^ turned, 0, 0, TRUE ^ turned);
  let count = 0, missing = 0;
  for (let e = OTHER + 1; e < ids.length; e++) {
    const value = truths[known[ids[e]]];
    picked[count] = e;
    count = count + (value >> 1 & 1) | 0;
    missing = missing + (value >> 7) | 0;
  }
  return missing > 0 ? -1 : count;
}
