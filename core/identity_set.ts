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

export class IdentitySet {
  readonly #ranges = new Map<string, Range[]>();
  readonly #sources = new Set<string>();

  /** Adds an identity; false when it was there already. */
  add({ source, instance, sequence }: Omit<Identity, "checksum">): boolean {
    const key = `${instance}\n${source}`;
    const ranges = this.#ranges.get(key) ?? [];
    // New sequence numbers are nearly always the largest: look from the end.
    let at = ranges.length;
    while (at > 0 && ranges[at - 1][0] > sequence) at--;
    const before = ranges[at - 1], after = ranges[at];
    if (before !== undefined && sequence <= before[1]) return false;
    const joinsBefore = before !== undefined && before[1] + 1 === sequence;
    const joinsAfter = after !== undefined && sequence + 1 === after[0];
    if (joinsBefore && joinsAfter) {
      before[1] = after[1];
      ranges.splice(at, 1);
    } else if (joinsBefore) before[1] = sequence;
    else if (joinsAfter) after[0] = sequence;
    else ranges.splice(at, 0, [sequence, sequence]);
    this.#ranges.set(key, ranges);
    this.#sources.add(source);
    return true;
  }

  has({ source, instance, sequence }: Omit<Identity, "checksum">): boolean {
    const ranges = this.#ranges.get(`${instance}\n${source}`) ?? [];
    return ranges.some(([first, last]) => first <= sequence && sequence <= last);
  }

  /** All of them, to be kept and added again by `addRanges`. */
  ranges(): IdentityRanges[] {
    return [...this.#ranges].map(([key, ranges]) => {
      const [instance, source] = key.split("\n");
      return { source, instance, ranges: ranges.map(([first, last]) => [first, last]) };
    });
  }

  addRanges(all: readonly IdentityRanges[]): void {
    for (const { source, instance, ranges } of all) {
      for (const [first, last] of ranges) {
        for (let sequence = first; sequence <= last; sequence++) this.add({ source, instance, sequence });
      }
    }
  }

  /** Names of the sources that have delivered. */
  get sources(): ReadonlySet<string> {
    return this.#sources;
  }
}
