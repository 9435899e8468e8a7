/**
 * A format whose lines all have the same time, so that a block of them is one slice whenever they were logged.
 *
 * A slice costs as much to seal as a thousand lines to count. That is nothing for a busy log; but in a year of a quiet site
 * every line has a slice of its own, and in a file that is not in order nearly every line opens one.
 */
import type { LineBatch, LineFormat } from "@/core/line_batch.ts";
import { COUNTED } from "@/core/ledger.ts";
import { FINEST_S } from "@/core/slices.ts";

export class TimelessFormat implements LineFormat {
  readonly name: string;
  readonly expects: string;
  /** The times that were taken away: the earliest and the latest since `forget`, seconds since 1970. */
  earliestS = Infinity;
  latestS = -Infinity;

  constructor(readonly format: LineFormat) {
    this.name = format.name;
    this.expects = format.expects;
  }

  forget(): void {
    this.earliestS = Infinity;
    this.latestS = -Infinity;
  }

  parse(bytes: Uint8Array, start: number, newline: number, batch: LineBatch): number {
    const outcome = this.format.parse(bytes, start, newline, batch);
    if (outcome === COUNTED) this.#takeTimes(batch, batch.count, batch.count + 1);
    return outcome;
  }

  scan(bytes: Uint8Array, view: DataView, start: number, end: number, batch: LineBatch): number {
    const from = batch.count, next = this.format.scan(bytes, view, start, end, batch);
    this.#takeTimes(batch, from, batch.count);
    return next;
  }

  /** Takes the times of the lines in places `from … to`. */
  #takeTimes({ times }: LineBatch, from: number, to: number): void {
    for (let line = from; line < to; line++) {
      const timeS = times[line];
      times[line] = 0;
      if (timeS < FINEST_S) continue; // no time of its own
      if (timeS < this.earliestS) this.earliestS = timeS;
      if (timeS > this.latestS) this.latestS = timeS;
    }
  }
}
