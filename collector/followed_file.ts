/**
 * One open log: where reading stands in it, and how its bytes reach the consumer.
 *
 * Nothing is carried over between reads. The position is the offset after the last complete line; an unfinished line
 * is read again from there once there is more of it. So thousands of files cost one buffer.
 */
import { type FileHandle, type Files, type FileStatus, isTrouble } from "@/core/host/files.ts";
import { type Frame, frameLines } from "@/core/lines.ts";

/** Bytes behind the content of the read buffer: parsers read ahead by words, and an unfinished last line gets a newline. */
export const READ_SLACK_BYTES = 64;

/** Where bytes come from. The object is reused and changes: a consumer copies what it keeps. */
export interface Origin {
  /** Index of the pattern that led to the file. */
  readonly pattern: number;
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  /** How often the file was truncated: offsets are comparable within one generation. */
  readonly generation: number;
  /** Offset in the file, bytes: of `bytes[start]`, or where the line that is too long starts. */
  readonly offset: number;
}

/** Takes lines. It modifies nothing and is done with the bytes when it returns. An exception is our bug. */
export interface LineConsumer {
  /** Complete lines in `bytes[start…end)`; the last byte is a newline. `READ_SLACK_BYTES` behind `end` may be read. */
  lines(bytes: Uint8Array, start: number, end: number, origin: Origin): void;
  /** A line of more than `LINE_BYTES_MAX` bytes is skipped; called once for it. */
  tooLong(origin: Origin): void;
}

/** What a follower needs to continue exactly where another stopped. Plain data: it can be posted and stored. */
export interface Position {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  readonly generation: number;
  /** Bytes: everything before it was handed over. */
  readonly offset: number;
  /** Whether the offset is inside a line that is too long and was reported already. */
  readonly insideTooLong: boolean;
}

/** What all files of a thread share: one buffer, one consumer, one set of counts. */
export interface ReadContext {
  readonly files: Files;
  readonly consumer: LineConsumer;
  /** `chunkBytes + READ_SLACK_BYTES` bytes. */
  readonly buffer: Uint8Array;
  /** `CHUNK_BYTES` and `LINE_BYTES_MAX`, except in tests. A chunk holds more than a line. */
  readonly chunkBytes: number;
  readonly lineBytesMax: number;
  readonly frame: Frame;
  readonly statistics: TailStatistics;
}

/** Running totals, except `filesOpen`. */
export interface TailStatistics {
  /** Bytes read for the first time. */
  bytesRead: number;
  /** Times a file was shorter than what had been read of it. Lines written just before may be lost. */
  truncations: number;
  /** Bytes known to be lost: of rotated files given up unread because there were too many. */
  bytesAbandoned: number;
  /** Read attempts that failed. */
  readErrors: number;
  /** Files open now. */
  filesOpen: number;
}

export function newTailStatistics(): TailStatistics {
  return { bytesRead: 0, truncations: 0, bytesAbandoned: 0, readErrors: 0, filesOpen: 0 };
}

/** See the file's comment. Who follows which name, and for how long, is decided by `FileTail`. */
export class FollowedFile implements Origin {
  readonly device: number;
  readonly inode: number;
  generation = 0;
  offset = 0;
  /** Whether `offset` is inside a line that is too long. */
  insideTooLong = false;
  /** Up to where bytes were read, an unfinished line included: beyond it there is something new. */
  readTo = 0;
  /** When new bytes were last seen, and since when the file has no longer been the one at its path. Seconds. */
  grewAtS: number;
  supersededAtS: number | undefined;
  /** Number of the scan that last found the file at a path that is followed. */
  seenInScan = 0;
  /** Whether it waits for its turn to be read. */
  queued = false;
  open = true;

  constructor(
    readonly handle: FileHandle,
    status: FileStatus,
    public path: string,
    public pattern: number,
    nowS: number,
  ) {
    this.device = status.device;
    this.inode = status.inode;
    this.grewAtS = nowS;
  }

  /** Continues at a position of this file. A file shorter than that was truncated meanwhile: true, and it starts anew. */
  resumeAt(position: Position, size: number): boolean {
    this.generation = position.generation;
    if (size < position.offset) {
      this.#startAnew();
      return true;
    }
    this.offset = this.readTo = position.offset;
    this.insideTooLong = position.insideTooLong;
    return false;
  }

  /**
   * Starts at the end, so that only lines completed from now on count: after the last newline, since a writer may be
   * in the middle of a line.
   */
  startAtEnd(context: ReadContext, size: number): void {
    const from = Math.max(0, size - context.chunkBytes);
    const count = context.files.readAt(this.handle, context.buffer, 0, size - from, from);
    const newline = isTrouble(count) || count === 0 ? -1 : context.buffer.lastIndexOf(0x0a, count - 1);
    const found = newline >= 0 || from === 0;
    this.offset = this.readTo = found ? from + newline + 1 : size;
    this.insideTooLong = !found;
  }

  /** Whether the size says there is something new; a truncated file starts anew, and `truncated` is told. */
  grown(size: number, nowS: number, truncated: () => void): boolean {
    if (size < this.offset) {
      this.#startAnew();
      truncated();
    }
    // A size between the two means that an unfinished line was cut: nothing that was handed over is gone.
    if (size === this.readTo) return false;
    this.grewAtS = nowS;
    return true;
  }

  /** Reads one chunk and hands over its complete lines. True when there may be more. */
  readChunk(context: ReadContext): boolean {
    const count = context.files.readAt(this.handle, context.buffer, 0, context.chunkBytes, this.offset);
    if (isTrouble(count)) {
      context.statistics.readErrors++;
      return false;
    }
    const readTo = this.offset + count;
    context.statistics.bytesRead += Math.max(0, readTo - this.readTo);
    this.readTo = readTo;
    this.#handOver(context, count);
    return count === context.chunkBytes;
  }

  /** Hands over a last line without a newline, once nobody will finish it. */
  readUnfinished(context: ReadContext): void {
    this.readChunk(context);
    const count = this.readTo - this.offset;
    if (count === 0 || this.insideTooLong) return;
    // The chunk began at an offset that has moved since if it held complete lines: read the rest alone.
    const read = context.files.readAt(this.handle, context.buffer, 0, count, this.offset);
    if (isTrouble(read) || read === 0) return;
    context.buffer[read] = 0x0a;
    context.consumer.lines(context.buffer, 0, read + 1, this);
    this.offset += read;
  }

  /** @param handedBytes see `FileTail.positions`. */
  position(handedBytes: number): Position {
    const { path, device, inode, generation, insideTooLong } = this;
    return { path, device, inode, generation, offset: this.offset + handedBytes, insideTooLong };
  }

  /** The offset moves only after the consumer has returned, so that a position never covers lines it has not taken. */
  #handOver(context: ReadContext, count: number): void {
    const { buffer, consumer, frame, lineBytesMax } = context;
    const chunkOffset = this.offset;
    frame.skipping = this.insideTooLong;
    let from = 0;
    do {
      frameLines(buffer, from, count, frame, lineBytesMax);
      from = frame.next;
      const { linesStart, linesEnd, skipping, tooLong } = frame;
      if (linesEnd > linesStart) {
        this.offset = chunkOffset + linesStart;
        this.insideTooLong = false;
        consumer.lines(buffer, linesStart, linesEnd, this);
      }
      this.offset = chunkOffset + linesEnd;
      this.insideTooLong = skipping;
      if (tooLong) consumer.tooLong(this);
    } while (frame.tooLong);
  }

  #startAnew(): void {
    this.generation++;
    this.offset = this.readTo = 0;
    this.insideTooLong = false;
  }
}
