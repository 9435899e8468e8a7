/**
 * Credit of a counting thread: how much of what it has sealed may be on its way to the main thread. Without any left it
 * reads no further, so that a main thread that cannot keep up makes logs wait on disk and not buckets in memory.
 */

export class SealedCredit {
  /** Bytes of each message on its way, in the order in which they were posted. */
  readonly #posted: number[] = [];
  #bytes = 0;

  /** @param bytesMax that may be on their way; what is posted at once beyond it still is. */
  constructor(readonly bytesMax: number) {}

  /** Buckets have been posted, of so many bytes together. */
  posted(bytes: number): void {
    this.#posted.push(bytes);
    this.#bytes += bytes;
  }

  /** The main thread has taken the oldest message that was on its way. */
  taken(): void {
    this.#bytes -= this.#posted.shift() ?? 0;
  }

  /** Whether more may be counted. */
  get isLeft(): boolean {
    return this.#bytes < this.bytesMax;
  }
}
