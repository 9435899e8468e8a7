/**
 * A subscriber: one bounded queue, whatever the transport behind it. A slow reader loses data of its own, is told how
 * much, and slows down nobody else.
 */

/** What a stream reads from: items in order, as fast as it asks for them. A `Subscriber` is one, a `DeltaCursor` too. */
export interface Feed<Item> {
  /** Called when there is something to take; the transport takes what it can and must not block. */
  onReady: () => void;
  /** The next item, or undefined when there is none. */
  take(): Item | undefined;
  /** Items dropped since the last call: what the reader has to be told before the next item. */
  takeDropped(): number;
}

export class Subscriber<Item> implements Feed<Item> {
  onReady: () => void = () => {};
  readonly #items: { readonly item: Item; readonly bytes: number }[] = [];
  #bytes = 0;
  #dropped = 0;

  /**
   * @param itemsMax items held for a reader that does not keep up; beyond it the oldest are dropped.
   * @param bytesMax the same in bytes; the newest item is held whatever its size.
   * @param bytesOf bytes of one item in memory, nearly.
   */
  constructor(
    readonly itemsMax: number,
    readonly bytesMax: number = Infinity,
    readonly bytesOf: (item: Item) => number = () => 0,
  ) {}

  push(item: Item): void {
    const bytes = this.bytesOf(item);
    while (this.#items.length === this.itemsMax || (this.#items.length > 0 && this.#bytes + bytes > this.bytesMax)) {
      this.take();
      this.#dropped++;
    }
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    this.onReady();
  }

  take(): Item | undefined {
    const first = this.#items.shift();
    if (first === undefined) return undefined;
    this.#bytes -= first.bytes;
    return first.item;
  }

  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  get waiting(): number {
    return this.#items.length;
  }
}
