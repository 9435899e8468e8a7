/**
 * Several formats in one stream: each line is of the first of them that takes it. Lines of one format mostly come in runs,
 * so the one that took the last line is asked first.
 */
import { COUNTED, MALFORMED_FIELDS } from "./ledger.ts";
import type { LineBatch, LineFormat } from "./line_batch.ts";

export class AnyFormat implements LineFormat {
  readonly expects: string;
  readonly isUntimed: boolean;
  #last = 0;

  /** @param formats no line should be of two of them; if one is, it is of the first, or of the one before it was. */
  constructor(readonly name: string, readonly formats: readonly LineFormat[]) {
    this.expects = formats.map(({ expects }) => expects).join("; or ");
    this.isUntimed = formats.some(({ isUntimed }) => isUntimed === true);
  }

  parse(bytes: Uint8Array, start: number, newline: number, batch: LineBatch): number {
    const { formats } = this, last = this.#last, scratchLength = batch.scratchLength;
    let outcome = formats[last].parse(bytes, start, newline, batch);
    let told = outcome === MALFORMED_FIELDS ? Infinity : last; // whose reason it is: not a matter of what came before
    for (let f = 0; f < formats.length && outcome !== COUNTED; f++) {
      if (f === last) continue;
      batch.scratchLength = scratchLength;
      const other = formats[f].parse(bytes, start, newline, batch);
      if (other === COUNTED) this.#last = f;
      // The reason of a format that got further than finding its fields says more.
      if (other === COUNTED || other !== MALFORMED_FIELDS && f < told) {
        outcome = other;
        told = f;
      }
    }
    return outcome;
  }

  scan(bytes: Uint8Array, view: DataView, start: number, end: number, batch: LineBatch): number {
    const { formats } = this;
    let p = start;
    // Each turn but the last takes a line at least.
    for (let idle = 0; idle < formats.length && p < end && !batch.isFull;) {
      const next = formats[this.#last].scan(bytes, view, p, end, batch);
      idle = next > p ? 0 : idle + 1;
      p = next;
      if (p < end && !batch.isFull) this.#last = (this.#last + 1) % formats.length;
    }
    return p;
  }
}
