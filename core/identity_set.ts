/**
 * Which deltas have been merged: identities as ranges of sequence numbers, since a source counts up by one.
 */
import type { Identity } from "./bucket.ts";

/** A range of sequence numbers, both ends included. */
type Range = [first: number, last: number];

export class IdentitySet {
  readonly #ranges = new Map<string, Range[]>();
  readonly #sources = new Set<string>();

  /** Adds an identity; false when it was there already. */
  add({ source, instance, sequence }: Identity): boolean {
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

  has({ source, instance, sequence }: Identity): boolean {
    const ranges = this.#ranges.get(`${instance}\n${source}`) ?? [];
    return ranges.some(([first, last]) => first <= sequence && sequence <= last);
  }

  /** Names of the sources that have delivered. */
  get sources(): ReadonlySet<string> {
    return this.#sources;
  }
}
