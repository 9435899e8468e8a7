/**
 * What counts of the segments of a log, when it is opened: which records, what is torn, what is damaged, what is missing.
 *
 * Each record says up to which number records were durable when it was written, so the largest of these (the
 * *watermark*) parts what somebody may have been told of from what nobody was: a hole behind it is where writing was
 * interrupted, though disks write pages in any order and later records may be whole; a hole before it is damage.
 */
import { type Frame, framesIn, type NoFrame } from "./state_frame.ts";

/** Kinds of the log itself; its owner's begin at 16. */
export const HEAD = 1, FORGET = 2, LOST = 3;

export interface Segment {
  readonly index: number;
  readonly name: string;
  readonly mark: number;
  /** Bytes known to be durable. */
  bytes: number;
}

/** A record as it was found. */
export interface StoredRecord extends Frame {
  /** Number of its segment. */
  readonly segment: number;
}

/** Bytes of a segment that were records `first` to `last` and are none any more. */
export interface Damage extends NoFrame {
  readonly segment: Segment;
  readonly first: number;
  readonly last: number;
}

/** Records that are nowhere: they come before what is in this segment. */
export interface Missing {
  readonly first: number;
  readonly last: number;
  readonly before: Segment;
}

/** See the file's comment. */
export class Reading {
  records: StoredRecord[] = [];
  damaged: Damage[] = [];
  missing: Missing[] = [];
  /** From where on nothing counts, the segments behind this one included. */
  torn: { readonly segment: Segment; readonly from: number } | undefined;
  /** Number of the last record that counts, and the largest of any. */
  last = 0;
  largest = 0;
  /** Segments before this one have been given up. */
  oldest = 1;
  readonly #items: (readonly [Segment, Frame | NoFrame])[] = [];
  #watermark = 0;
  /** What is no record and has not been judged yet. */
  #gaps: (readonly [Segment, NoFrame])[] = [];
  /** Whether `last` means anything. */
  #begun = false;

  /** Takes the segments, oldest first. Keeps texts, not blocks. */
  segment(segment: Segment, bytes: Uint8Array<ArrayBuffer>): void {
    for (const item of framesIn(bytes, segment.mark)) {
      this.#items.push([segment, item]);
      if (!("kind" in item)) continue;
      this.largest = Math.max(this.largest, item.number);
      this.#watermark = Math.max(this.#watermark, item.durable);
    }
  }

  /** All segments have been taken. */
  end(): void {
    for (const [segment, item] of this.#items) {
      if (!("kind" in item)) this.#gaps.push([segment, item]);
      else if (!this.#take(segment, item)) break;
    }
    const [gap] = this.#gaps;
    if (gap !== undefined && this.torn === undefined) this.torn = { segment: gap[0], from: gap[1].from };
    this.#items.length = 0;
    // Of what has been given up some may still be there, and some not.
    this.records = this.records.filter(({ segment }) => segment >= this.oldest);
    this.damaged = this.damaged.filter(({ segment }) => segment.index >= this.oldest);
    this.missing = this.missing.filter(({ before }) => before.index > this.oldest);
  }

  /** False when nothing counts from here on. */
  #take(segment: Segment, frame: Frame): boolean {
    const before = frame.kind === HEAD ? numberIn(frame, "after") : frame.number - 1;
    if (!this.#begun && frame.kind !== HEAD && this.#gaps.length === 0) this.last = before;
    if (!this.#begun && frame.kind === HEAD) {
      if (before > 0) this.missing.push({ first: 0, last: before, before: segment });
      this.last = before;
    }
    this.#begun = true;
    if (before > this.last && !this.#isDamage(before, segment, frame)) return false;
    this.#gaps = [];
    if (frame.kind === HEAD) { while ((this.records.at(-1)?.number ?? 0) > before) this.records.pop(); }
    if (frame.kind === HEAD || frame.kind === FORGET) this.oldest = numberIn(frame, "oldest");
    this.last = frame.kind === LOST ? numberIn(frame, "until") : frame.number;
    if (frame.kind > LOST) this.records.push({ ...frame, segment: segment.index });
    return true;
  }

  /** Records from the last one to `before` are not there: damage, or where writing was interrupted (false). */
  #isDamage(before: number, segment: Segment, frame: Frame): boolean {
    const first = this.last + 1, [gap] = this.#gaps;
    if (first > this.#watermark) {
      this.torn = { segment: gap?.[0] ?? segment, from: gap?.[1].from ?? frame.from };
      return false;
    }
    if (gap === undefined) this.missing.push({ first, last: before, before: segment });
    else this.damaged.push({ segment: gap[0], ...gap[1], first, last: before });
    return true;
  }
}

function numberIn({ text }: Frame, name: string): number {
  return Number((JSON.parse(text) as Readonly<Record<string, unknown>>)[name]);
}
