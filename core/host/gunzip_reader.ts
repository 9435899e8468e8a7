/**
 * The content of a gzip file that is followed: taken piece by piece without ever waiting, whatever the file holds.
 *
 * zlib works in a thread of its own; what it has made so far can be taken, and who takes it is called when there is more.
 * It stops as long as nobody takes: a MiB of zeros that holds a GiB of them costs a MiB of memory. Apart from `gunzip.ts`,
 * which reads files that are whole, from beginning to end.
 */
import type { TransformOptions } from "node:stream";
import { constants, createGunzip, gunzipSync, type ZlibOptions } from "node:zlib";

/** Compressed bytes given to zlib at once. */
const PIECE_BYTES = 64 * 1024;
/** Bytes of content that wait to be taken. */
const CONTENT_BYTES_MAX = 512 * 1024;
const OPTIONS: ZlibOptions & TransformOptions = { chunkSize: PIECE_BYTES, readableHighWaterMark: CONTENT_BYTES_MAX };

/** Compressed bytes that surely hold the first KiB of content, if there is one: names and comments stand before it. */
export const GUNZIP_HEAD_BYTES = 8 * 1024;

/** `open`: there may be more. `cut`: the file ends in the middle: it is still being written, or was cut. */
export type GunzipState = "open" | "ended" | "cut" | "damaged";

/** The beginning of a content, or all of it. */
export interface GunzipHead {
  readonly bytes: Uint8Array;
  /** Whether nothing follows. */
  readonly whole: boolean;
}

export interface GunzipReader {
  /** Takes up to `length` bytes to `into[offset…]`; how many. 0 says what `state` says, or that there are none yet. */
  read(into: Uint8Array, offset: number, length: number): number;
  /** What the bytes taken so far have come to. */
  readonly state: GunzipState;
  close(): void;
}

/**
 * @param next gives compressed bytes to `into`, from where it stopped; how many; 0 at the end of the file.
 * @param onMore called when there may be more to take, never from within `read`.
 */
export function gunzipReader(next: (into: Uint8Array) => number, onMore: () => void): GunzipReader {
  return new StreamReader(next, onMore);
}

/**
 * The first bytes of content, at least a KiB where there are as many, without going on from there. Undefined when there
 * is nothing to see yet, or the file is none of gzip.
 *
 * @param start the first bytes of the file, `GUNZIP_HEAD_BYTES` where there are as many. Takes 10 MB at most for a moment.
 */
export function gunzipHead(start: Uint8Array): GunzipHead | undefined {
  const whole = start.length < GUNZIP_HEAD_BYTES ? unzipped(start, constants.Z_FINISH) : undefined;
  if (whole !== undefined) return { bytes: whole, whole: true };
  const bytes = unzipped(start.subarray(0, GUNZIP_HEAD_BYTES), constants.Z_SYNC_FLUSH);
  return bytes === undefined || bytes.length === 0 ? undefined : { bytes, whole: false };
}

function unzipped(compressed: Uint8Array, finishFlush: number): Uint8Array | undefined {
  try {
    return gunzipSync(compressed, { finishFlush });
  } catch {
    return undefined;
  }
}

class StreamReader implements GunzipReader {
  state: GunzipState = "open";
  readonly #stream = createGunzip(OPTIONS);
  /** What was taken from the stream and not from here yet. */
  #left: Uint8Array = new Uint8Array(0);
  #closed = false;
  /** Why the stream is over, once it is: what it has made before is taken first. */
  #over: GunzipState | undefined;

  constructor(readonly next: (into: Uint8Array) => number, readonly onMore: () => void) {
    this.#stream.on("readable", () => this.#more());
    this.#stream.on("end", () => this.#finish("ended"));
    this.#stream.on("error", (error: Error & { code?: string }) => {
      this.#finish(error.code === "Z_BUF_ERROR" ? "cut" : "damaged");
    });
    this.#feed();
  }

  read(into: Uint8Array, offset: number, length: number): number {
    let count = 0;
    while (count < length) {
      if (this.#left.length === 0) this.#left = this.#closed ? this.#left : this.#stream.read() ?? this.#left;
      if (this.#left.length === 0) break;
      const taken = this.#left.subarray(0, length - count);
      into.set(taken, offset + count);
      this.#left = this.#left.subarray(taken.length);
      count += taken.length;
    }
    if (count === 0 && this.#over !== undefined) this.state = this.#over;
    return count;
  }

  close(): void {
    this.#closed = true;
    this.#stream.destroy();
  }

  /** Gives the stream one piece after the other, each when it is done with the one before. */
  #feed(): void {
    if (this.#closed || this.#over !== undefined) return;
    const piece = new Uint8Array(PIECE_BYTES), count = this.next(piece);
    if (count === 0) this.#stream.end();
    else this.#stream.write(piece.subarray(0, count), () => this.#feed());
  }

  #finish(over: GunzipState): void {
    this.#over ??= over;
    this.#more();
  }

  #more(): void {
    if (!this.#closed) this.onMore();
  }
}
