/**
 * A feed of buckets whose other end is in another thread: a few items are asked for ahead, and none comes unasked, so that a
 * reader that does not read holds up to so many items here and none on the way.
 *
 *     BucketFeed ── FeedSender ──▶ items ──▶ DistantFeed ── stream
 *                       ◀── wanted ──
 */
import type { BucketFeed } from "@/core/answer.ts";
import type { BackfillItem } from "@/core/backfill.ts";

/** Items that a reader has ahead: one to send, and one that comes meanwhile. */
export const FEED_AHEAD_MAX = 2;

/** The reader's end. */
export class DistantFeed implements BucketFeed {
  onReady: () => void = () => {};
  readonly #come: { readonly item: BackfillItem; dropped: number }[] = [];

  /** @param want asks for one more item. @param close tells the other end that nobody reads any more. */
  constructor(readonly want: () => void, readonly close: () => void) {}

  /** An item has come; `dropped` were lost before it. */
  put(item: BackfillItem, dropped: number): void {
    this.#come.push({ item, dropped });
    this.onReady();
  }

  take(): BackfillItem | undefined {
    const first = this.#come.shift();
    if (first !== undefined) this.want();
    return first?.item;
  }

  /** Of the next item alone: what was lost before those behind it is told with them. */
  takeDropped(): number {
    const first = this.#come.at(0);
    if (first === undefined) return 0;
    const { dropped } = first;
    first.dropped = 0;
    return dropped;
  }
}

/** The other end: hands over what the feed has, as far as it is wanted. */
export class FeedSender {
  #wanted: number;
  #dropped = 0;

  constructor(
    readonly feed: BucketFeed,
    wanted: number,
    readonly send: (item: BackfillItem, dropped: number) => void,
  ) {
    this.#wanted = wanted;
    feed.onReady = (): void => this.#go();
    this.#go();
  }

  want(): void {
    this.#wanted++;
    this.#go();
  }

  close(): void {
    this.feed.close();
  }

  #go(): void {
    while (this.#wanted > 0) {
      this.#dropped += this.feed.takeDropped();
      const item = this.feed.take();
      if (item === undefined) return;
      this.#wanted--;
      this.send(item, this.#dropped);
      this.#dropped = 0;
    }
  }
}
