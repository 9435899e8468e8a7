/**
 * One open log: where reading stands in it, and how its bytes reach the consumer.
 *
 * Nothing is carried over between reads but two hashes. The position is the offset after the last complete line; an
 * unfinished line is read again from there once there is more of it. So thousands of files cost one buffer. Every read
 * begins up to a KiB before the position, with bytes that were handed over already: are they others now, then the file
 * was truncated, or written anew, and has grown beyond the position since.
 */
import { type FileHandle, type Files, type FileStatus, type FileTrouble, isTrouble } from "@/core/host/files.ts";
import type { Ledger } from "@/core/ledger.ts";
import { type Frame, frameLines } from "@/core/lines.ts";
import { type Fingerprint, FINGERPRINT_BYTES, fingerprintHash, NOTHING_READ, type Position } from "./position.ts";

export type { Position } from "./position.ts";

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
  /** What became of its lines, when that is kept for each input: counting adds to it. */
  readonly tally?: Ledger;
}

/** Takes lines. It modifies nothing and is done with the bytes when it returns. An exception is our bug. */
export interface LineConsumer {
  /** Complete lines in `bytes[start…end)`; the last byte is a newline. `READ_SLACK_BYTES` behind `end` may be read. */
  lines(bytes: Uint8Array, start: number, end: number, origin: Origin): void;
  /** A line of more than `LINE_BYTES_MAX` bytes is skipped; called once for it. */
  tooLong(origin: Origin): void;
  /**
   * A log was truncated, or is gone, before it was surely read to its end.
   * @param unreadBytes what was seen in it, was not read, and is in no copy.
   */
  cut(origin: Origin, unreadBytes: number): void;
}

/** Bytes of a buffer that holds a chunk, what precedes it, and what parsers read behind it. */
export function readBufferBytes(chunkBytes: number): number {
  return FINGERPRINT_BYTES + chunkBytes + READ_SLACK_BYTES;
}

/** What all files of a thread share: one buffer, one consumer. */
export interface ReadContext {
  readonly files: Files;
  readonly consumer: LineConsumer;
  /** `readBufferBytes(chunkBytes)` bytes. */
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
  /** When it was last written, as far as was looked: by the file system's clock, milliseconds since 1970. */
  modifiedMs: number;
  generation = 0;
  offset = 0;
  /** Whether `offset` is inside a line that is too long. */
  insideTooLong = false;
  /** Up to where bytes were read, an unfinished line included: beyond it there is something new. */
  readTo = 0;
  /** Its size when it was last looked at. */
  seenBytes = 0;
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
  /** Of what was handed over. */
  #fingerprint = NOTHING_READ;
  /** Offset of the first byte in the buffer while lines of this file are handed over. */
  #handingFrom: number | undefined;

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
    this.modifiedMs = status.modifiedMs;
    this.grewAtS = nowS;
  }

  /** Goes on at a position that is of this file or of one with the same content: see `holds`. */
  resumeAt({ generation, offset, insideTooLong, fingerprint }: Position): void {
    this.generation = generation;
    this.offset = this.readTo = this.seenBytes = offset;
    this.insideTooLong = insideTooLong;
    this.#fingerprint = fingerprint;
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
    this.#fingerprint = fingerprintAt(context, this.handle, this.offset) ?? NOTHING_READ;
  }

  /** Whether there is something new to read. A truncated file starts anew. */
  unread({ files, nowS, tell }: ReadContext): boolean {
    const status = files.fstat(this.handle);
    if (isTrouble(status)) {
      tell.unreadable(this, status);
      return false;
    }
    if (status.size < this.offset) this.#startAnew(tell);
    // Written to, and not longer: perhaps with something else.
    const written = status.modifiedMs !== this.modifiedMs;
    this.modifiedMs = status.modifiedMs;
    this.seenBytes = status.size;
    // A size between the two means that an unfinished line was cut: nothing that was handed over is gone.
    if (status.size === this.readTo) return written;
    this.grewAtS = nowS();
    return true;
  }

  /** Reads one chunk and hands over its complete lines. True when there may be more. */
  readChunk(context: ReadContext): boolean {
    const count = this.#read(context, context.chunkBytes);
    if (count === undefined) return false;
    if (count < 0) return true;
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
    const read = this.#read(context, count);
    if (read === undefined || read <= 0) return;
    const { tailBytes } = this.#fingerprint, end = tailBytes + read;
    context.buffer[end] = 0x0a;
    this.#handingFrom = this.offset - tailBytes;
    context.consumer.lines(context.buffer, tailBytes, end + 1, this);
    this.offset += read;
    this.#handedOver(context);
  }

  /** @param handedBytes see `FileTail.positions`. */
  position(handedBytes: number, directoryMarkMs: number | undefined, context: ReadContext): Position {
    const { path, device, inode, bornMs, modifiedMs, generation, insideTooLong } = this;
    const offset = this.offset + handedBytes;
    const from = this.#handingFrom;
    return {
      path,
      device,
      inode,
      ...(bornMs === undefined ? {} : { bornMs }),
      modifiedMs,
      generation,
      offset,
      insideTooLong,
      fingerprint: from === undefined ? this.#fingerprint : this.#fingerprintOf(context.buffer, from, offset),
      compressed: false,
      done: false,
      ...(directoryMarkMs === undefined ? {} : { directoryMarkMs }),
    };
  }

  /** Since when nothing has happened to it. */
  quietSinceS(): number {
    return Math.max(this.grewAtS, this.missedAtS ?? 0, this.supersededAtS ?? 0);
  }

  /**
   * Reads what was handed over last, and up to `length` bytes behind it, to the buffer. How many are behind it; -1 when
   * the file was truncated and starts anew; undefined when it cannot be read.
   */
  #read({ files, buffer, tell }: ReadContext, length: number): number | undefined {
    const { tailBytes, tailHash } = this.#fingerprint;
    const read = files.readAt(this.handle, buffer, 0, tailBytes + length, this.offset - tailBytes);
    if (isTrouble(read)) {
      tell.unreadable(this, read);
      return undefined;
    }
    if (read >= tailBytes && fingerprintHash(buffer.subarray(0, tailBytes)) === tailHash) return read - tailBytes;
    this.#startAnew(tell);
    return -1;
  }

  /** The offset moves only after the consumer has returned, so that a position never covers lines it has not taken. */
  #handOver(context: ReadContext, count: number): void {
    const { buffer, consumer, frame, lineBytesMax } = context;
    const { tailBytes } = this.#fingerprint, end = tailBytes + count;
    const bufferOffset = this.#handingFrom = this.offset - tailBytes;
    frame.skipping = this.insideTooLong;
    let from = tailBytes;
    do {
      frameLines(buffer, from, end, frame, lineBytesMax);
      from = frame.next;
      const { linesStart, linesEnd, skipping, tooLong } = frame;
      if (linesEnd > linesStart) {
        this.offset = bufferOffset + linesStart;
        this.insideTooLong = false;
        consumer.lines(buffer, linesStart, linesEnd, this);
      }
      this.offset = bufferOffset + linesEnd;
      this.insideTooLong = skipping;
      if (tooLong) consumer.tooLong(this);
    } while (frame.tooLong);
    this.#handedOver(context);
  }

  #handedOver({ buffer }: ReadContext): void {
    this.#fingerprint = this.#fingerprintOf(buffer, this.#handingFrom!, this.offset);
    this.#handingFrom = undefined;
  }

  /** The fingerprint at an offset in a buffer that begins at `from` and holds the KiB before, or all there is. */
  #fingerprintOf(buffer: Uint8Array, from: number, offset: number): Fingerprint {
    const known = this.#fingerprint, headBytes = Math.min(FINGERPRINT_BYTES, offset);
    const tailBytes = headBytes, end = offset - from;
    const grown = headBytes > known.headBytes;
    return {
      headBytes,
      // As long as it grows the buffer holds the file from its first byte.
      headHash: grown ? fingerprintHash(buffer.subarray(0, headBytes)) : known.headHash,
      tailBytes,
      tailHash: fingerprintHash(buffer.subarray(end - tailBytes, end)),
    };
  }

  #startAnew(tell: Tell): void {
    tell.truncated(this);
    this.generation++;
    this.offset = this.readTo = this.seenBytes = 0;
    this.insideTooLong = false;
    this.#fingerprint = NOTHING_READ;
  }
}

/** The fingerprint of an open file at an offset; undefined when it cannot be read so far. Overwrites the buffer. */
export function fingerprintAt(
  { files, buffer }: Pick<ReadContext, "files" | "buffer">,
  handle: FileHandle,
  offset: number,
  headBytes = Math.min(FINGERPRINT_BYTES, offset),
  tailBytes = headBytes,
): Fingerprint | undefined {
  const hashAt = (length: number, at: number): number | undefined =>
    files.readAt(handle, buffer, 0, length, at) === length ? fingerprintHash(buffer.subarray(0, length)) : undefined;
  const headHash = hashAt(headBytes, 0), tailHash = hashAt(tailBytes, offset - tailBytes);
  return headHash === undefined || tailHash === undefined ? undefined : { headBytes, headHash, tailBytes, tailHash };
}

/** Whether an open file begins with all that was read up to this position, so that reading can go on there. */
export function holds(
  context: Pick<ReadContext, "files" | "buffer">,
  handle: FileHandle,
  { offset, fingerprint: { headBytes, headHash, tailBytes, tailHash } }: Position,
): boolean {
  const found = fingerprintAt(context, handle, offset, headBytes, tailBytes);
  return found?.headHash === headHash && found.tailHash === tailHash;
}
