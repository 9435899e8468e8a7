/**
 * What an open log holds, as something that can be read at a position: a plain file anywhere, a compressed one forward.
 *
 * A compressed log was rotated away, so nobody appends to it; but it may be half written when it is found. Its content is
 * held from a little before the position to a chunk behind it, and one at a time is read: each takes a MiB.
 */
import { SUPERSEDED_QUIET_SECONDS_MIN } from "@/core/bounds.ts";
import { type FileHandle, type Files, type FileTrouble, isTrouble } from "@/core/host/files.ts";
import type { GunzipReader } from "@/core/host/gunzip_reader.ts";
import { FINGERPRINT_BYTES } from "./position.ts";

/** Seconds between two attempts to read a compressed file that ends in the middle. */
const CUT_RETRY_SECONDS_MIN = 2;

/** Size of the content as far as it is known, and when the file was last written, milliseconds since 1970. */
export interface ContentStatus {
  readonly size: number;
  readonly modifiedMs: number;
  /** Names that lead to the file: 0 when it was deleted. */
  readonly links: number;
}

/** `open`: more may come. `ended`: nothing will. `lost`: nothing can be read any more, and there may have been more. */
export type ContentState = "open" | "ended" | "lost";

export interface LogContent {
  readonly state: ContentState;
  /** Whether more is on its way right now. */
  readonly busy: boolean;
  /** Whether surely nothing was added or cut since it was read up to `readTo`: costs a fifth of a look. */
  isAsLong(readTo: number): boolean;
  /**
   * @param position where reading goes on: what is before it is not asked for again.
   * @param readTo up to where it was read before.
   */
  look(position: number, readTo: number): ContentStatus | FileTrouble;
  /** Reads up to `length` bytes from `position` to `buffer[offset…]`; how many; 0 at or behind the end. */
  readAt(buffer: Uint8Array, offset: number, length: number, position: number): number | FileTrouble;
  /** The first KiB, or as much as there is; undefined when that cannot be seen. */
  head(): Uint8Array | undefined;
  close(): void;
}

/** Two bytes that nobody looks at. */
const PROBE = new Uint8Array(2);

/** A file as it is. Owns the handle. */
export function plainContent(files: Files, handle: FileHandle): LogContent {
  return {
    state: "open",
    busy: false,
    // The last byte is there, and none behind it.
    isAsLong: (readTo) => readTo > 0 && files.readAt(handle, PROBE, 0, 2, readTo - 1) === 1,
    look: () => files.fstat(handle),
    readAt: (buffer, offset, length, position) => files.readAt(handle, buffer, offset, length, position),
    head: () => {
      const head = new Uint8Array(FINGERPRINT_BYTES), count = files.readAt(handle, head, 0, head.length, 0);
      return isTrouble(count) ? undefined : head.subarray(0, count);
    },
    close: () => files.close(handle),
  };
}

/** Who may read a compressed log now, and who is told when there is more of it. */
export class GunzipTurn {
  reading: GzipContent | undefined;
  constructor(readonly onMore: () => void) {}
}

/** The content of a gzip file. Owns the handle. */
export class GzipContent implements LogContent {
  state: ContentState = "open";
  #reader: GunzipReader | undefined;
  /** What is held: `window[0…length)` is the content from `start`. */
  #window = new Uint8Array(0);
  #start = 0;
  #length = 0;
  /** Compressed bytes when it was found to end in the middle, since when they are as many, and when to try again. */
  #cutBytes = -1;
  #cutSinceS = 0;
  #retryAtS = 0;

  /** @param windowBytes a chunk and what precedes it. @param nowS the steady clock, seconds. */
  constructor(
    readonly files: Files,
    readonly handle: FileHandle,
    readonly windowBytes: number,
    readonly turn: GunzipTurn,
    readonly nowS: () => number,
  ) {}

  get busy(): boolean {
    return this.state === "open" && this.#retryAtS === 0;
  }

  isAsLong(): boolean {
    return false;
  }

  look(position: number, readTo: number): ContentStatus | FileTrouble {
    const status = this.files.fstat(this.handle);
    if (isTrouble(status)) return status;
    if (this.state === "open" && this.#mayRead(status.size)) this.#fill(position);
    // What is still to be skipped was there before.
    return { size: Math.max(readTo, this.#start + this.#length), modifiedMs: status.modifiedMs, links: status.links };
  }

  readAt(buffer: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#reader !== undefined) this.#fill(position);
    const from = position - this.#start, held = this.#window.subarray(from, Math.min(from + length, this.#length));
    if (from < 0 || from >= this.#length) return 0;
    buffer.set(held, offset);
    return held.length;
  }

  head(): Uint8Array | undefined {
    return this.files.gunzipHead(this.handle)?.bytes;
  }

  close(): void {
    this.#stop();
    this.files.close(this.handle);
  }

  #mayRead(compressedBytes: number): boolean {
    if (this.#reader !== undefined) return true;
    if (this.turn.reading !== undefined) return false;
    const nowS = this.nowS();
    if (this.#retryAtS > 0) {
      if (nowS < this.#retryAtS) return false;
      this.#retryAtS = nowS + CUT_RETRY_SECONDS_MIN;
      if (compressedBytes === this.#cutBytes) {
        if (nowS - this.#cutSinceS >= SUPERSEDED_QUIET_SECONDS_MIN) this.state = "lost";
        return false;
      }
    }
    this.#retryAtS = 0;
    this.turn.reading = this;
    this.#window = new Uint8Array(this.windowBytes);
    this.#start = this.#length = 0;
    this.#reader = this.files.gunzip(this.handle, this.turn.onMore);
    return true;
  }

  /** Lets go of what is before the position, and takes what there is room for. */
  #fill(position: number): void {
    const window = this.#window;
    while (true) {
      const past = Math.min(Math.max(0, position - this.#start), this.#length);
      if (past > 0) window.copyWithin(0, past, this.#length);
      this.#start += past;
      this.#length -= past;
      const room = window.length - this.#length;
      const count = room === 0 ? 0 : this.#reader!.read(window, this.#length, room);
      if (count === 0) {
        if (room > 0) this.#ended();
        return;
      }
      this.#length += count;
    }
  }

  #ended(): void {
    const { state } = this.#reader!;
    if (state === "open") return;
    if (state === "cut") {
      const status = this.files.fstat(this.handle), bytes = isTrouble(status) ? this.#cutBytes : status.size;
      if (bytes !== this.#cutBytes) this.#cutSinceS = this.nowS();
      this.#cutBytes = bytes;
      this.#retryAtS = this.nowS() + CUT_RETRY_SECONDS_MIN;
    } else {
      this.state = state === "ended" ? "ended" : "lost";
    }
    this.#stop();
  }

  #stop(): void {
    this.#reader?.close();
    this.#reader = undefined;
    if (this.turn.reading === this) this.turn.reading = undefined;
  }
}
