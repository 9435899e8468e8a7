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
import type { GunzipTurn, LogContent } from "./log_content.ts";
import { type Fingerprint, FINGERPRINT_BYTES, fingerprintHash, NOTHING_READ, type Position } from "./position.ts";

export { identity, type Position } from "./position.ts";

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

/** Bytes that a reader holds of a compressed file: a chunk, and what precedes it. */
export function windowBytes(chunkBytes: number): number {
  return FINGERPRINT_BYTES + chunkBytes;
}

/** Bytes of a buffer that holds a chunk, what precedes it, and what parsers read behind it. */
export function readBufferBytes(chunkBytes: number): number {
  return windowBytes(chunkBytes) + READ_SLACK_BYTES;
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
  /** One compressed log at a time is read. */
  readonly gunzipTurn: GunzipTurn;
}

/** Where trouble with an open file is told. Each is told once a minute and path. */
export interface Tell {
  /** It does not hold what had been read of it: it was truncated. It is as it was before it starts anew. */
  truncated(file: FollowedFile): void;
  /** It is open and could not be read. */
  unreadable(file: Origin, trouble: FileTrouble): void;
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
  /** Its size when it was last looked at and held what was read of it before. */
  seenBytes = 0;
  #lookedBytes = 0;
  /** When new bytes were last seen. Seconds, as all times here. */
  grewAtS: number;
  /** Since when its path has not led to it: it was renamed or deleted, and its writer may not know yet. */
  missedAtS: number | undefined;
  /** Since when another file has stood at its path, so that its writer has reopened or is about to. */
  supersededAtS: number | undefined;
  /** Number of the scan that last found the file at a path that is followed. */
  seenInScan = 0;
  /** Number of the scan that found it as a file nobody had seen before. */
  newInScan = 0;
  /** Whether it waits for its turn to be read. */
  queued = false;
  open = true;
  /** Whether it was once read to its end, as it was then. */
  caughtUp = false;
  /** Its position while it was empty in the scan before. */
  empty: Position | undefined;
  /** Whether all that its status says was looked at since the last scan: until the next its length will do. */
  looked = false;
  /** Whether it was found to hold what had been read of it since the last scan, and the mark of the scan before that. */
  verified = true;
  verifiedMarkMs: number | undefined;
  /** Whether it is a copy of another log and nothing of it is to be read, unless that is truncated too soon. */
  skipped = false;
  /** The log that was written before it and is read first. */
  older: FollowedFile | undefined;
  /** Of what was handed over. */
  #fingerprint = NOTHING_READ;
  /** Offset of the first byte in the buffer while lines of this file are handed over. */
  #handingFrom: number | undefined;

  /** @param status of the open file. @param path the name it is followed under. @param nowS when it was opened. */
  constructor(
    readonly content: LogContent,
    readonly compressed: boolean,
    status: FileStatus,
    public path: string,
    public pattern: number,
    nowS: number,
  ) {
    this.device = status.device;
    this.inode = status.inode;
    this.bornMs = status.bornMs;
    this.modifiedMs = status.modifiedMs;
    this.#lookedBytes = compressed ? 0 : status.size;
    this.grewAtS = nowS;
  }

  /** Goes on at a position that is of this file or of one with the same content: see `holds`. */
  resumeAt({ generation, offset, insideTooLong, fingerprint }: Position): void {
    this.generation = generation;
    this.offset = this.readTo = this.seenBytes = offset;
    this.insideTooLong = insideTooLong;
    this.#fingerprint = fingerprint;
    this.skipped = false;
  }

  /**
   * Starts at the end, so that only lines completed from now on count: after the last newline, since a writer may be
   * in the middle of a line.
   */
  startAtEnd(context: ReadContext, size: number): void {
    const { content } = this;
    const from = Math.max(0, size - context.chunkBytes);
    const count = content.readAt(context.buffer, 0, size - from, from);
    const newline = isTrouble(count) || count === 0 ? -1 : context.buffer.lastIndexOf(0x0a, count - 1);
    const found = newline >= 0 || from === 0;
    this.offset = this.readTo = found ? from + newline + 1 : size;
    this.insideTooLong = !found;
    const read: ReadAt = (buffer, offset, length, position) => content.readAt(buffer, offset, length, position);
    this.#fingerprint = fingerprintAt(read, context.buffer, this.offset) ?? NOTHING_READ;
  }

  /** Takes all of it for read: it is a copy of another log, and was made by rotation. */
  skipAll(context: ReadContext, size: number): void {
    this.startAtEnd(context, size);
    this.offset = this.readTo = size;
    this.skipped = true;
  }

  /** Whether there is something new to read. A truncated file starts anew. */
  unread({ nowS, tell }: ReadContext): boolean {
    if (this.looked && this.content.isAsLong(this.readTo)) return false;
    this.looked = true;
    const status = this.content.look(this.offset - this.#fingerprint.tailBytes, this.readTo);
    if (isTrouble(status)) {
      tell.unreadable(this, status);
      return false;
    }
    // Of a file of which nothing was read yet, what was seen is all there is to compare with.
    if (status.size < this.offset || (this.offset === 0 && status.size < this.#lookedBytes)) this.#startAnew(tell);
    // Written to, and not longer: perhaps with something else.
    const written = status.modifiedMs !== this.modifiedMs;
    this.modifiedMs = status.modifiedMs;
    this.#lookedBytes = status.size;
    // A size between the two means that an unfinished line was cut: nothing that was handed over is gone.
    if (status.size === this.readTo) {
      this.verified ||= !written;
      return written;
    }
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
      fingerprint: from === undefined ? this.#seen() : this.#fingerprintOf(context.buffer, from, offset),
      compressed: this.compressed,
      done: false,
      ...(directoryMarkMs === undefined ? {} : { directoryMarkMs }),
    };
  }

  /** Is read after another one, unless that already waits for it: names do not always say which is older. */
  comesAfter(older: FollowedFile): void {
    if (this.caughtUp || this.queued || older.caughtUp) return;
    for (let at: FollowedFile | undefined = older; at !== undefined; at = at.older) if (at === this) return;
    this.older = older;
  }

  /** Notes at the end of a scan whether nothing was seen of it by then. */
  noteEmpty(context: ReadContext): void {
    // What is not read yet is known by its first lines, should it be gone by then.
    if (this.offset === 0 && this.#lookedBytes > 0) this.#seen();
    if (this.offset > 0 || this.#lookedBytes > 0 || this.compressed) this.empty = undefined;
    else if (this.empty?.modifiedMs !== this.modifiedMs) {
      this.empty = { ...this.position(0, undefined, context), fingerprint: NOTHING_READ };
    }
  }

  /** Whether no name leads to it any more. */
  isDeleted(): boolean {
    const status = this.content.look(this.offset - this.#fingerprint.tailBytes, this.readTo);
    return !isTrouble(status) && status.links === 0;
  }

  /** Whether a log that was written before it is still being read. */
  waits(): boolean {
    while (this.older !== undefined && (this.older.caughtUp || !this.older.open)) this.older = this.older.older;
    return this.older !== undefined;
  }

  /** Since when nothing has happened to it. */
  quietSinceS(): number {
    return Math.max(this.grewAtS, this.missedAtS ?? 0, this.supersededAtS ?? 0);
  }

  /**
   * Reads what was handed over last, and up to `length` bytes behind it, to the buffer. How many are behind it; -1 when
   * the file was truncated and starts anew; undefined when it cannot be read.
   */
  #read({ buffer, tell }: ReadContext, length: number): number | undefined {
    const { tailBytes, tailHash } = this.#fingerprint;
    if (tailBytes === 0 && !this.#beginsAsSeen()) {
      this.#startAnew(tell);
      return -1;
    }
    const read = this.content.readAt(buffer, 0, tailBytes + length, this.offset - tailBytes);
    if (isTrouble(read)) {
      tell.unreadable(this, read);
      return undefined;
    }
    if (read >= tailBytes && fingerprintHash(buffer.subarray(0, tailBytes)) === tailHash) {
      this.verified = true;
      this.seenBytes = Math.max(this.#lookedBytes, this.offset);
      return read - tailBytes;
    }
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

  /** Whether the first lines are those that were seen when nothing had been read yet. */
  #beginsAsSeen(): boolean {
    const { headBytes, headHash } = this.#fingerprint;
    if (headBytes === 0) return true;
    const head = this.content.head();
    return head !== undefined && head.length >= headBytes && fingerprintHash(head.subarray(0, headBytes)) === headHash;
  }

  /** With the first lines, also when none of them was handed over. */
  #seen(): Fingerprint {
    if (this.#fingerprint.headBytes > 0) return this.#fingerprint;
    const head = this.content.head();
    const headBytes = head === undefined ? 0 : head.lastIndexOf(0x0a, FINGERPRINT_BYTES - 1) + 1;
    if (headBytes > 0) {
      this.#fingerprint = { ...this.#fingerprint, headBytes, headHash: fingerprintHash(head!.subarray(0, headBytes)) };
    }
    return this.#fingerprint;
  }

  /** The fingerprint at an offset in a buffer that begins at `from` and holds the KiB before, or all there is. */
  #fingerprintOf(buffer: Uint8Array, from: number, offset: number): Fingerprint {
    const { headBytes, headHash } = this.#fingerprint;
    const tailBytes = Math.min(FINGERPRINT_BYTES, offset), end = offset - from;
    // As long as the head grows the buffer holds the file from its first byte.
    const head = tailBytes > headBytes
      ? { headBytes: tailBytes, headHash: fingerprintHash(buffer.subarray(0, tailBytes)) }
      : { headBytes, headHash };
    return {
      ...head,
      tailBytes,
      tailHash: fingerprintHash(buffer.subarray(end - tailBytes, end)),
    };
  }

  #startAnew(tell: Tell): void {
    tell.truncated(this);
    this.generation++;
    this.offset =
      this.readTo =
      this.seenBytes =
      this.#lookedBytes =
        0;
    this.insideTooLong = false;
    this.#fingerprint = NOTHING_READ;
  }
}

type ReadAt = (buffer: Uint8Array, offset: number, length: number, position: number) => number | FileTrouble;

/** The fingerprint at an offset; undefined when it cannot be read so far. Overwrites the buffer. */
function fingerprintAt(
  readAt: ReadAt,
  buffer: Uint8Array,
  offset: number,
  headBytes = Math.min(FINGERPRINT_BYTES, offset),
  tailBytes = headBytes,
): Fingerprint | undefined {
  const hashAt = (length: number, at: number): number | undefined =>
    readAt(buffer, 0, length, at) === length ? fingerprintHash(buffer.subarray(0, length)) : undefined;
  const headHash = hashAt(headBytes, 0), tailHash = hashAt(tailBytes, offset - tailBytes);
  return headHash === undefined || tailHash === undefined ? undefined : { headBytes, headHash, tailBytes, tailHash };
}

/** Whether an open file begins with all that was read up to this position, so that reading can go on there. */
export function holds(
  { files, buffer }: Pick<ReadContext, "files" | "buffer">,
  handle: FileHandle,
  { offset, fingerprint: { headBytes, headHash, tailBytes, tailHash } }: Position,
): boolean {
  const readAt: ReadAt = (buffer, at, length, position) => files.readAt(handle, buffer, at, length, position);
  const found = fingerprintAt(readAt, buffer, offset, headBytes, tailBytes);
  return found?.headHash === headHash && found.tailHash === tailHash;
}

/** Whether content begins like that of this position. */
export function beginsLike(content: Uint8Array, { fingerprint: { headBytes, headHash } }: Position): boolean {
  return content.length >= headBytes && fingerprintHash(content.subarray(0, headBytes)) === headHash;
}
