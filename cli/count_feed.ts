/**
 * From what is read, in pieces of any size, to complete lines.
 *
 *   bytes   [ unfinished line | room ………………………… | padding ]
 *
 * What is read goes straight into the room; complete lines are handed over in place, and the unfinished rest moves to the
 * front. One buffer, whatever is read.
 */
import { CHUNK_BYTES, LINE_BYTES_MAX } from "@/core/bounds.ts";
import { CHUNK_PADDING } from "@/core/line_batch.ts";
import { type Frame, frameLines, newFrame } from "@/core/lines.ts";

/** Takes lines, and is done with the bytes when it returns. */
export interface LineSink {
  /** Complete lines in `bytes[start…end)`; the last byte is a newline; CHUNK_PADDING bytes behind `end` may be read. */
  lines(bytes: Uint8Array, start: number, end: number): void;
  /** Where it has lines best, if there is such a place: CHUNK_PADDING bytes more than the longest line at least. */
  readonly room?: Uint8Array;
  /** A line of more than LINE_BYTES_MAX bytes was skipped. */
  tooLong(): void;
}

export class LineFeed {
  readonly #bytes: Uint8Array;
  /** Bytes of the unfinished line, at the front. */
  #length = 0;
  #frame: Frame = newFrame();

  /** @param chunkBytes more than `lineBytesMax`; both for tests. */
  constructor(
    readonly sink: LineSink,
    readonly chunkBytes = chunkBytesOf(sink),
    readonly lineBytesMax = LINE_BYTES_MAX,
  ) {
    this.#bytes = sink.room ?? new Uint8Array(chunkBytes + CHUNK_PADDING);
  }

  /** Begins anew. @param insideLine what comes first belongs to a line that is not ours. */
  begin(insideLine: boolean): void {
    this.#length = 0;
    this.#frame = newFrame();
    this.#frame.skipping = insideLine;
  }

  /** Where the next bytes go; never empty. */
  room(): Uint8Array {
    return this.#bytes.subarray(this.#length, this.chunkBytes);
  }

  /** So many bytes were put into the room. */
  take(count: number): void {
    const bytes = this.#bytes, frame = this.#frame, length = this.#length + count;
    let from = 0;
    do {
      frameLines(bytes, from, length, frame, this.lineBytesMax);
      from = frame.next;
      if (frame.linesEnd > frame.linesStart) this.sink.lines(bytes, frame.linesStart, frame.linesEnd);
      if (frame.tooLong) this.sink.tooLong();
    } while (frame.tooLong);
    bytes.copyWithin(0, from, length);
    this.#length = length - from;
  }

  /** The same for bytes that are somewhere else, any number of them. */
  takeFrom(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = this.room(), piece = bytes.subarray(at, at + room.length);
      room.set(piece);
      this.take(piece.length);
      at += piece.length;
    }
  }

  /** Nothing more comes: a last line without a newline is a line. */
  finish(): void {
    if (this.#length === 0) return;
    this.#bytes[this.#length] = NEWLINE;
    this.sink.lines(this.#bytes, 0, this.#length + 1);
    this.#length = 0;
  }
}

function chunkBytesOf({ room }: LineSink): number {
  return room === undefined ? CHUNK_BYTES : room.length - CHUNK_PADDING;
}

const NEWLINE = 0x0a;
