/**
 * The format of one input, when it is still to be found out: each line is tried against the formats that it may be of, and
 * what most of the first lines are is the format from then on.
 *
 * A file is written by one program, so its format is fixed; when nothing has been of it for FORMAT_MISSES_MAX lines, it is
 * looked for again. What comes over the network comes from several, and what one of them writes must not decide for the
 * others: there every line may be of any of them.
 */
import { FORMAT_MISSES_MAX } from "./bounds.ts";
import { COUNTED, MALFORMED_FIELDS } from "./ledger.ts";
import { CHUNK_PADDING, LineBatch, type LineFormat } from "./line_batch.ts";

export class FormatChoice implements LineFormat {
  /** Lines that were of each of the formats since the choice began. */
  readonly matched: Float64Array;
  /** Lines that were of none. */
  refused = 0;
  /** Index of the format that is fixed, or -1. */
  #chosen: number;
  /** Index of the format that took the line before. */
  #last = 0;
  /** Lines in a row that were not of the fixed format. */
  #misses = 0;

  /**
   * @param formats in the order in which they are tried; a single one is fixed from the start
   * @param fixes whether one is fixed once it is known
   */
  constructor(readonly name: string, readonly formats: readonly LineFormat[], readonly fixes: boolean) {
    this.matched = new Float64Array(formats.length);
    this.#chosen = formats.length === 1 ? 0 : -1;
  }

  /** The format that is fixed, if one is. */
  get chosen(): LineFormat | undefined {
    return this.formats[this.#chosen];
  }

  get expects(): string {
    return this.chosen?.expects ?? `lines of ${this.formats.map(({ name }) => name).join(", ")}`;
  }

  /** Enough lines have been seen: fixes what most of them were. False when that has been done, or none is known. */
  settle(): boolean {
    if (this.#chosen >= 0 || !this.fixes) return false;
    const most = Math.max(...this.matched);
    if (most === 0) return false;
    this.#chosen = this.matched.indexOf(most);
    return true;
  }

  parse(bytes: Uint8Array, start: number, newline: number, batch: LineBatch): number {
    const chosen = this.#chosen, scratchLength = batch.scratchLength, first = chosen >= 0 ? chosen : this.#last;
    let outcome = this.formats[first].parse(bytes, start, newline, batch), at = first;
    let told = outcome === MALFORMED_FIELDS ? Infinity : first; // whose reason it is: not a matter of what came before
    for (let f = 0; f < this.formats.length && outcome !== COUNTED && chosen < 0; f++) {
      if (f === first) continue;
      batch.scratchLength = scratchLength;
      const other = this.formats[f].parse(bytes, start, newline, batch);
      if (other === COUNTED) at = f;
      if (other === COUNTED || other !== MALFORMED_FIELDS && f < told) {
        outcome = other;
        told = f;
      }
    }
    if (outcome === COUNTED) {
      this.matched[at]++;
      this.#last = at;
      this.#misses = 0;
    } else {
      this.refused++;
      if (++this.#misses >= FORMAT_MISSES_MAX && this.formats.length > 1) this.#beginAgain();
    }
    return outcome;
  }

  scan(bytes: Uint8Array, view: DataView, start: number, end: number, batch: LineBatch): number {
    const format = this.#chosen >= 0 ? this.#chosen : this.#last, before = batch.count;
    // Until a format is fixed, only the one that took the line before is asked: `parse` asks the others.
    const next = this.#chosen < 0 && this.matched[format] === 0
      ? start
      : this.formats[format].scan(bytes, view, start, end, batch);
    this.matched[format] += batch.count - before;
    if (batch.count > before) this.#misses = 0;
    return next;
  }

  #beginAgain(): void {
    this.matched.fill(0);
    this.#chosen = -1;
    this.#misses = 0;
  }
}

/** The first of the formats that a line is of: for messages. `newline` is where it ends; it is not counted. */
export function formatOfLine(
  formats: readonly LineFormat[],
  bytes: Uint8Array,
  start: number,
  newline: number,
): LineFormat | undefined {
  const length = newline - start, line = new Uint8Array(length + 1 + CHUNK_PADDING);
  line.set(bytes.subarray(start, newline + 1));
  const batch = new LineBatch(0, { v4Bits: 24, v6Bits: 48 });
  return formats.find((format) => {
    batch.clear();
    return format.parse(line, 0, length, batch) === COUNTED;
  });
}
