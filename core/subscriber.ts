/**
 * A subscriber: one bounded queue, whatever the transport behind it. A slow reader loses data of its own, is told how
 * much, and slows down nobody else.
 */
export class Subscriber<Item> {
  /** Called after a push; the transport takes what there is and must not block. */
  onReady: () => void = () => {};
  #items: Item[] = [];
  #dropped = 0;

  /** @param itemsMax items held for a reader that does not keep up; beyond it the oldest are dropped. */
  constructor(readonly itemsMax: number) {}

  push(item: Item): void {
    if (this.#items.length === this.itemsMax) {
      this.#items.shift();
      this.#dropped++;
    }
    this.#items.push(item);
    this.onReady();
  }

  /** The oldest item, or undefined when there is none. */
  take(): Item | undefined {
    return this.#items.shift();
  }

  /** Items dropped since the last call: what the reader has to be told before the next item. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  get waiting(): number {
    return this.#items.length;
  }
}
