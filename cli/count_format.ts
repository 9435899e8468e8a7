/**
 * A format whose lines all have the same time, so that a block of them is one slice whenever they were logged.
 *
 * A slice costs as much to seal as a thousand lines to count. That is nothing for a busy log; but in a year of a quiet site
 * every line has a slice of its own, and in a file that is not in order nearly every line opens one.
 */
import type { LineBatch, LineFormat } from "@/core/line_batch.ts";
import { COUNTED } from "@/core/ledger.ts";

export class TimelessFormat implements LineFormat {
  readonly name: string;
  /** The times that were taken away: the earliest and the latest since `forget`, seconds since 1970. */
  earliestS = Infinity;
  latestS = -Infinity;

  constructor(readonly format: LineFormat) {
    this.name = format.name;
  }

  forget(): void {
    this.earliestS = Infinity;
    this.latestS = -Infinity;
  }

  parse(bytes: Uint8Array, view: DataView, start: number, newline: number, batch: LineBatch): number {
    const outcome = this.format.parse(bytes, view, start, newline, batch);
    if (outcome === COUNTED) this.#takeTime(batch);
    return outcome;
  }

  scan(bytes: Uint8Array, view: DataView, start: number, batch: LineBatch): number {
    const next = this.format.scan(bytes, view, start, batch);
    if (next >= 0) this.#takeTime(batch);
    return next;
  }

  #takeTime({ times, count }: LineBatch): void {
    const timeS = times[count];
    if (timeS < this.earliestS) this.earliestS = timeS;
    if (timeS > this.latestS) this.latestS = timeS;
    times[count] = 0;
  }
}
