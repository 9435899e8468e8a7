/**
 * One comparison against the entries of dictionaries: whether each entry, present or absent, satisfies it.
 *
 * Absent values: `=-` and `!=-` ask for them; they satisfy `!=` and `!~=` of anything else, never an order or `~=`,
 * but a regular expression that matches empty text matches them. Prefixes compare by containment; a
 * filter's prefix longer than an entry, such as a whole address, also equals the entry that contains it: clients are
 * counted by masked prefix, and who pastes an address looks for the row it is in.
 */
import type { Dictionary } from "./bucket.ts";
import { roomFor } from "./wide_column.ts";
import { InternTable } from "./intern.ts";
import { type EntryHashes, entryHashes } from "./entry_hashes.ts";
import { prefixContains } from "./client_prefix.ts";
import { type Dimension, dimensionIndex, DIMENSIONS, OTHER } from "./dimensions.ts";
import { bytesTexts } from "./entry_text.ts";
import { comparisonMistake, quote, statusClass } from "./filter_check.ts";
import type { CompareOperator, Comparison } from "./filter_tree.ts";
import { entryOf } from "./label.ts";

/** Truth values: bit 0 is set when it may be so, bit 1 when it is. So AND is `&`, OR is `|` (Kleene's logic). */
export const FALSE = 0, UNKNOWN = 1, TRUE = 3;

/**
 * Compiles a pattern; `test` searches it anywhere in a text. Throws Error on a bad pattern. Must run in linear time. It is
 * cheap when searching a text again costs less than remembering what was found.
 */
export type RegexEngine = (pattern: string) => { test(text: string): boolean; readonly isCheap?: boolean };

/** A comparison ready to be decided for any number of dictionaries. `!=` and `!~=` are decided as what they negate. */
export interface Compared {
  /** Index of its dimension. */
  readonly d: number;
  readonly negated: boolean;
  /** Finds the entries that satisfy it (before negation). */
  readonly mark: Mark;
  /** A regular expression: worth more to remember than it costs. */
  readonly isRegex: boolean;
  /** Whether at most one value of a dictionary's traffic satisfies it (before negation). */
  readonly isSingle: (dictionary: Dictionary) => boolean;
}

/** @param memo what is known from other dictionaries */
type Mark = (dictionary: Dictionary, found: FoundEntries, memo?: ValueMemo) => void;

/** Entries found, in ascending order, in memory that is used again. */
export class FoundEntries {
  count = 0;
  entries = new Int32Array(0);

  /** Forgets those of the dictionary before. */
  open({ size }: Dictionary): void {
    if (this.entries.length < size) this.entries = new Int32Array(roomFor(size));
    this.count = 0;
  }

  add(entry: number): void {
    this.entries[this.count++] = entry;
  }
}

/** @throws Error for a comparison in which `filterMistakes` finds something */
export function compareEntries(comparison: Comparison, regex: RegexEngine): Compared {
  const mistake = comparisonMistake(comparison);
  if (mistake !== undefined) throw new Error(`Cannot filter by ${quote(comparison.dimension)}: ${mistake.message}`);
  const { operator, value } = comparison;
  const d = dimensionIndex(comparison.dimension), dimension = DIMENSIONS[d];
  const isEqual = operator === "=" || operator === "!=", isRegex = operator === "~=" || operator === "!~=";
  return {
    d,
    isRegex,
    negated: operator.startsWith("!"),
    mark: isEqual ? equal(dimension, value) : isRegex ? matching(value, regex) : ordered(operator, Number(value)),
    isSingle: (dictionary) => isEqual && isSingle(dimension, value, dictionary),
  };
}

/**
 * A class of statuses and a network wider than those that are counted can be satisfied by many values; so can an address
 * where sources mask differently: by each network that holds it.
 */
function isSingle(dimension: Dimension, value: string, dictionary: Dictionary): boolean {
  if (statusClass(dimension, value) !== undefined) return false;
  const wanted = entryOf(dimension, value);
  if (dimension.kind !== "prefix" || wanted === undefined || wanted.length === 0) return true;
  const [family, bits] = wanted, { size, offsets, bytes } = dictionary;
  let counted = -1;
  for (let e = OTHER + 1; e < size; e++) {
    if (bytes[offsets[e]] !== family) continue;
    const length = bytes[offsets[e] + 1];
    if (length > bits || counted >= 0 && length !== counted) return false;
    counted = length;
  }
  return counted >= 0;
}

function equal(dimension: Dimension, value: string): Mark {
  const hundreds = statusClass(dimension, value);
  if (hundreds !== undefined) return numbers((number) => Math.floor(number / 100) === hundreds);
  const wanted = entryOf(dimension, value);
  if (wanted === undefined || wanted.length === 0) return sameBytes(new Uint8Array(0));
  if (dimension.kind === "number") {
    const wantedNumber = Number(value);
    return numbers((number) => number === wantedNumber);
  }
  return dimension.kind === "prefix" ? related(wanted) : sameBytes(wanted);
}

/** Entries of a dictionary differ: at most one is the wanted one. */
function sameBytes(wanted: Uint8Array): Mark {
  const { length } = wanted;
  return ({ size, offsets, bytes }, found) => {
    for (let e = OTHER + 1, from = offsets[e]; e < size; e++) {
      const to = offsets[e + 1];
      let same = to - from === length;
      for (let i = 0; same && i < length; i++) same = bytes[from + i] === wanted[i];
      if (same) {
        found.add(e);
        return;
      }
      from = to;
    }
  };
}

/** Prefixes that contain the wanted one or lie in it. */
function related(wanted: Uint8Array): Mark {
  const [, bits, first] = wanted, firstTells = bits >= 8;
  return ({ size, offsets, bytes }, found) => {
    for (let e = OTHER + 1; e < size; e++) {
      const from = offsets[e];
      // Most differ in their first byte. What does not is looked at properly: entries from other hosts may be anything.
      if (firstTells && bytes[from + 2] !== first && bytes[from + 1] >= 8) continue;
      const to = offsets[e + 1];
      if (to - from < 3 || !sharesBits(wanted, bytes, from, to)) continue;
      const entry = bytes.subarray(from, to);
      if (prefixContains(wanted, entry) || prefixContains(entry, wanted)) found.add(e);
    }
  };
}

/** Whether the bytes that both prefixes cover whole are the same. */
function sharesBits(wanted: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  const whole = Math.min(wanted[1] >> 3, bytes[from + 1] >> 3, to - from - 2, wanted.length - 2);
  for (let i = 2; i < whole + 2; i++) if (bytes[from + i] !== wanted[i]) return false;
  return true;
}

function ordered(operator: CompareOperator, limit: number): Mark {
  switch (operator) {
    case ">":
      return numbers((number) => number > limit);
    case ">=":
      return numbers((number) => number >= limit);
    case "<":
      return numbers((number) => number < limit);
    default:
      return numbers((number) => number <= limit);
  }
}

function numbers(test: (number: number) => boolean): Mark {
  return ({ size, offsets, bytes }, found) => {
    for (let e = OTHER + 1; e < size; e++) if (test(numberOf(bytes, offsets[e], offsets[e + 1]))) found.add(e);
  };
}

/** The value of decimal digits; NaN, which satisfies nothing, for an absent value and for other bytes. */
function numberOf(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) return NaN;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** On the text of an entry, which is its label but for an absent value: that is empty text here, not a `-`. */
function matching(pattern: string, regex: RegexEngine): Mark {
  const compiled = regex(pattern);
  return (dictionary, found, given) => {
    const memo = compiled.isCheap === true ? undefined : given;
    const text = bytesTexts(dictionary.bytes, dictionary.offsets);
    const hashed = memo && entryHashes(dictionary, memo.seed);
    for (let e = OTHER + 1; e < dictionary.size; e++) {
      const place = memo?.place(dictionary, e, hashed!) ?? 0;
      const known = memo?.find(place) ?? -1, isFound = known < 0 ? compiled.test(text(e)) : known === 1;
      if (known < 0) memo?.keep(place, isFound);
      if (isFound) found.add(e);
    }
  };
}

/**
 * What a regular expression has said of values of other dictionaries: the same URIs come every minute, and finding one
 * again costs a third of a search. For one question, and then dropped.
 */
export class ValueMemo {
  #values: InternTable;
  /** Per value: 0 when nothing is known, 1 when it is not found, 2 when it is. */
  #truths = new Uint8Array(1024);

  /** @param seed of the process's hashes */
  constructor(readonly seed: number) {
    this.#values = new InternTable(seed);
  }

  /** The number of a value here. */
  place(dictionary: Dictionary, e: number, { view, hashes }: EntryHashes): number {
    // It begins again when it is full: what comes often is soon known again.
    if (this.#values.size > MEMO_VALUES_MAX) {
      this.#values = new InternTable(this.seed);
      this.#truths.fill(0);
    }
    const from = dictionary.offsets[e], to = dictionary.offsets[e + 1];
    const place = to + 3 < dictionary.bytes.length
      ? this.#values.internWords(view, from, to - from, hashes[e])
      : this.#values.intern(dictionary.bytes, from, to);
    if (place >= this.#truths.length) {
      const more = new Uint8Array(2 * this.#truths.length);
      more.set(this.#truths);
      this.#truths = more;
    }
    return place;
  }

  /** 1 when it is found, 0 when it is not, -1 when that is not known. */
  find(place: number): number {
    return this.#truths[place] - 1;
  }

  keep(place: number, isFound: boolean): void {
    this.#truths[place] = isFound ? 2 : 1;
  }
}

/** Values remembered while one question is answered: those of an hour, about 25 MB. */
const MEMO_VALUES_MAX = 300_000;
