/**
 * One open log: where reading stands in it, and how its bytes reach the consumer.
 *
 * Nothing is carried over between reads. The position is the offset after the last complete line; an unfinished line
 * is read again from there once there is more of it. So thousands of files cost one buffer.
 */
import { type FileHandle, type Files, type FileStatus, type FileTrouble, isTrouble } from "@/core/host/files.ts";
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
  /** How the lines came when not from a file: then they have no position, and `path` is the address they came to. */
  readonly kind?: "udp" | "syslog" | "stdin";
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
  /** Its directory's mark at the last scan (`rotated_files.ts`): whatever was rotated since then was not seen. */
  readonly directoryMarkMs: number | undefined;
}

/** What all files of a thread share: one buffer, one consumer. */
export interface ReadContext {
  readonly files: Files;
  readonly consumer: LineConsumer;
  /** `chunkBytes + READ_SLACK_BYTES` bytes. */
  readonly buffer: Uint8Array;
  /** `CHUNK_BYTES` and `LINE_BYTES_MAX`, except in tests. A chunk holds more than a line. */
  readonly chunkBytes: number;
  readonly lineBytesMax: number;
  readonly frame: Frame;
  /** The steady clock, seconds. */
  readonly nowS: () => number;
  readonly tell: Tell;
}

/** Where trouble with an open file is told. Each is told once a minute and path. */
export interface Tell {
  /** It was shorter than what had been read of it. */
  truncated(file: Origin): void;
  /** It is open and could not be read. */
  unreadable(file: Origin, trouble: FileTrouble): void;
}

/** What makes a file itself while it is open: the system gives its number to no other. */
export function identity(of: Pick<FileStatus, "device" | "inode">): string {
  return `${of.device}:${of.inode}`;
}

/** See the file's comment. Who follows which name, and for how long, is decided by `FileTail`. */
export class FollowedFile implements Origin {
  readonly device: number;
  readonly inode: number;
  readonly bornMs: number | undefined;
  generation = 0;
  offset = 0;
  /** Whether `offset` is inside a line that is too long. */
  insideTooLong = false;
  /** Up to where bytes were read, an unfinished line included: beyond it there is something new. */
  readTo = 0;
  /** When new bytes were last seen. Seconds, as all times here. */
  grewAtS: number;
  /** Since when its path has not led to it: it was renamed or deleted, and its writer may not know yet. */
  missedAtS: number | undefined;
  /** Since when another file has stood at its path, so that its writer has reopened or is about to. */
  supersededAtS: number | undefined;
  /** Number of the scan that last found the file at a path that is followed. */
  seenInScan = 0;
  /** Whether it waits for its turn to be read. */
  queued = false;
  open = true;

  /** @param status of the open file. @param path the name it is followed under. @param nowS when it was opened. */
  constructor(
    readonly handle: FileHandle,
    status: FileStatus,
    public path: string,
    public pattern: number,
    nowS: number,
  ) {
    this.device = status.device;
    this.inode = status.inode;
    this.bornMs = status.bornMs;
    this.grewAtS = nowS;
  }

  /** Continues at a position of this file. A file shorter than that was truncated meanwhile and starts anew. */
  resumeAt(position: Position, size: number, { tell }: ReadContext): void {
    this.generation = position.generation;
    if (size < position.offset) {
      this.#startAnew();
      tell.truncated(this);
      return;
    }
    this.offset = this.readTo = position.offset;
    this.insideTooLong = position.insideTooLong;
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

  /** Whether there is something new to read. A truncated file starts anew. */
  unread({ files, nowS, tell }: ReadContext): boolean {
    const status = files.fstat(this.handle);
    if (isTrouble(status)) {
      tell.unreadable(this, status);
      return false;
    }
    if (status.size < this.offset) {
      this.#startAnew();
      tell.truncated(this);
    }
    // A size between the two means that an unfinished line was cut: nothing that was handed over is gone.
    if (status.size === this.readTo) return false;
    this.grewAtS = nowS();
    return true;
  }

  /** Reads one chunk and hands over its complete lines. True when there may be more. */
  readChunk(context: ReadContext): boolean {
    const count = context.files.readAt(this.handle, context.buffer, 0, context.chunkBytes, this.offset);
    if (isTrouble(count)) {
      context.tell.unreadable(this, count);
      return false;
    }
    this.readTo = this.offset + count;
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
  position(handedBytes: number, directoryMarkMs: number | undefined): Position {
    const { path, device, inode, generation, insideTooLong } = this;
    return { path, device, inode, generation, offset: this.offset + handedBytes, insideTooLong, directoryMarkMs };
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

  /** Since when nothing has happened to it. */
  quietSinceS(): number {
    return Math.max(this.grewAtS, this.missedAtS ?? 0, this.supersededAtS ?? 0);
  }

  #startAnew(): void {
    this.generation++;
    this.offset = this.readTo = 0;
    this.insideTooLong = false;
  }
}
