/**
 * Which deltas have been merged: identities as ranges of sequence numbers, since a source counts up by one.
 */
import type { Identity } from "./bucket.ts";

/** A range of sequence numbers, both ends included. */
type Range = [first: number, last: number];

/** Identities of one instance. Plain data. */
export interface IdentityRanges {
  readonly source: string;
  readonly instance: string;
  /** First and last sequence number of each range, in order. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** How many identities these are, none of them twice. */
export function countOf(all: readonly IdentityRanges[]): number {
  return all.flatMap(({ ranges }) => ranges).reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

export class IdentitySet {
  readonly #ranges = new Map<string, Range[]>();
  readonly #sources = new Set<string>();

  /** Adds an identity; false when it was there already. */
  add({ source, instance, sequence }: Omit<Identity, "checksum">): boolean {
    return this.#add(source, instance, sequence, sequence);
  }

  has({ source, instance, sequence }: Omit<Identity, "checksum">): boolean {
    const ranges = this.#ranges.get(keyOf(source, instance)) ?? [];
    return ranges.some(([first, last]) => first <= sequence && sequence <= last);
  }

  /** All of them, to be kept or sent, and added again by `addRanges`. */
  ranges(): IdentityRanges[] {
    return [...this.#ranges].map(([key, ranges]) => {
      const end = key.indexOf("\n"), instance = key.slice(0, end), source = key.slice(end + 1);
      return { source, instance, ranges: ranges.map(([first, last]) => [first, last]) };
    });
  }

  addRanges(all: readonly IdentityRanges[]): void {
    for (const { source, instance, ranges } of all) {
      for (const [first, last] of ranges) this.#add(source, instance, first, last);
    }
  }

  /** Whether any of these is here. */
  hasAny(all: readonly IdentityRanges[]): boolean {
    return all.some(({ source, instance, ranges }) => {
      const own = this.#ranges.get(keyOf(source, instance)) ?? [];
      return ranges.some(([first, last]) => own.some((range) => range[0] <= last && first <= range[1]));
    });
  }

  /** Whether all of these are here. */
  hasAll(all: readonly IdentityRanges[]): boolean {
    return all.every(({ source, instance, ranges }) => {
      const own = this.#ranges.get(keyOf(source, instance)) ?? [];
      return ranges.every(([first, last]) => own.some((range) => range[0] <= first && last <= range[1]));
    });
  }

  /** Takes ranges out again. Names of sources stay. */
  removeRanges(all: readonly IdentityRanges[]): void {
    for (const { source, instance, ranges } of all) {
      const key = keyOf(source, instance);
      let left = this.#ranges.get(key) ?? [];
      for (const [first, last] of ranges) left = left.flatMap((range) => outside(range, first, last));
      if (left.length > 0) this.#ranges.set(key, left);
      else this.#ranges.delete(key);
    }
  }

  /** Ranges of all instances. */
  get pieces(): number {
    let pieces = 0;
    for (const ranges of this.#ranges.values()) pieces += ranges.length;
    return pieces;
  }

  /** Notes that these have delivered, whatever it was: names are all that an answer asks for. */
  noteSources(names: Iterable<string>): void {
    for (const name of names) this.#sources.add(name);
  }

  /** Names of the sources that have delivered. */
  get sources(): ReadonlySet<string> {
    return this.#sources;
  }

  /** Adds a range; false when all of it was there. Cost: linear in the ranges of the instance, of which there are few. */
  #add(source: string, instance: string, first: number, last: number): boolean {
    const key = keyOf(source, instance), ranges = this.#ranges.get(key) ?? [];
    // New sequence numbers are nearly always the largest: look from the end. What touches the range becomes one with it.
    let to = ranges.length;
    while (to > 0 && ranges[to - 1][0] > last + 1) to--;
    let from = to;
    while (from > 0 && ranges[from - 1][1] >= first - 1) from--;
    if (to - from === 1 && ranges[from][0] <= first && last <= ranges[from][1]) return false;
    const joined = ranges.slice(from, to);
    const range: Range = [
      Math.min(first, ...joined.map(([begin]) => begin)),
      Math.max(last, ...joined.map(([, end]) => end)),
    ];
    ranges.splice(from, to - from, range);
    this.#ranges.set(key, ranges);
    this.#sources.add(source);
    return true;
  }
}

/** What of a range is not from `first` to `last`. */
function outside([begin, end]: Range, first: number, last: number): Range[] {
  if (last < begin || end < first) return [[begin, end]];
  const parts: Range[] = [[begin, first - 1], [last + 1, end]];
  return parts.filter(([from, to]) => from <= to);
}

/** Instances are hexadecimal digits: the first line break ends them, whatever the source's name has in it. */
function keyOf(source: string, instance: string): string {
  return `${instance}\n${source}`;
}
