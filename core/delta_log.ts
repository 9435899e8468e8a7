/**
 * The deltas of the last minutes, one by one, for a subscriber that (re)connects. Bounded in age and in bytes; the oldest
 * go first.
 */
import { DELTA_BYTES_MAX, DELTA_SECONDS_MAX } from "./bounds.ts";
import { bucketBytes, type Delta } from "./bucket.ts";

export class DeltaLog {
  #held: { readonly delta: Delta; readonly arrivedS: number }[] = [];
  #bytes = 0;

  constructor(readonly bytesMax: number = DELTA_BYTES_MAX, readonly secondsMax: number = DELTA_SECONDS_MAX) {}

  /** Keeps a delta that arrived at `nowS`, and forgets what is too old or too much. */
  add(delta: Delta, nowS: number): void {
    this.#held.push({ delta, arrivedS: nowS });
    this.#bytes += bucketBytes(delta.bucket);
    while (this.#bytes > this.bytesMax || this.#held[0].arrivedS < nowS - this.secondsMax) {
      this.#bytes -= bucketBytes(this.#held[0].delta.bucket);
      this.#held.shift();
      if (this.#held.length === 0) return;
    }
  }

  /** Oldest first. */
  deltas(): Delta[] {
    return this.#held.map(({ delta }) => delta);
  }

  get bytes(): number {
    return this.#bytes;
  }
}
