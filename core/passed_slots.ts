/**
 * Slots that a source had merged and that have just been taken from it, for those who follow us and are caught up already: they
 * cannot be told from what they are merged into any more. Held until all followers have read them, and bounded in bytes; of more
 * the oldest go, and who had not read them is told how many.
 */
import { PASSED_SLOTS_BYTES_MAX } from "./bounds.ts";
import { bucketBytes } from "./bucket_block.ts";
import type { MergedSlot } from "./store.ts";

export class PassedSlots {
  /** By position, counted from 0. */
  readonly #held = new Map<number, MergedSlot>();
  readonly #followers = new Set<PassedCursor>();
  #begin = 0;
  #end = 0;
  #bytes = 0;

  constructor(readonly bytesMax: number = PASSED_SLOTS_BYTES_MAX) {}

  /** Without followers nothing is held: whoever comes is sent what it lacks. */
  add(slot: MergedSlot): void {
    if (this.#followers.size === 0) return;
    this.#held.set(this.#end++, slot);
    this.#bytes += bucketBytes(slot.bucket);
    while (this.#bytes > this.bytesMax && this.#begin < this.#end - 1) this.#forgetFirst();
    for (const follower of this.#followers) follower.onReady();
  }

  /** From now on. Close it. */
  follow(): PassedCursor {
    const close = (): void => {
      this.#followers.delete(cursor);
      this.forgetRead();
    };
    const cursor: PassedCursor = new PassedCursor(this, close);
    this.#followers.add(cursor);
    return cursor;
  }

  /** Forgets what everybody has read. */
  forgetRead(): void {
    let read = this.#end;
    for (const { position } of this.#followers) read = Math.min(read, position);
    while (this.#begin < read) this.#forgetFirst();
  }

  at(position: number): MergedSlot | undefined {
    return this.#held.get(position);
  }

  get begin(): number {
    return this.#begin;
  }

  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.#bytes;
  }

  #forgetFirst(): void {
    const slot = this.#held.get(this.#begin)!;
    this.#held.delete(this.#begin++);
    this.#bytes -= bucketBytes(slot.bucket);
  }
}

/** One follower's place. */
export class PassedCursor {
  onReady: () => void = () => {};
  position: number;
  #dropped = 0;

  constructor(readonly slots: PassedSlots, readonly close: () => void) {
    this.position = slots.end;
  }

  /** The next slot; it stays the next until `next` is called. */
  peek(): MergedSlot | undefined {
    const gone = Math.max(0, this.slots.begin - this.position);
    this.position += gone;
    this.#dropped += gone;
    return this.slots.at(this.position);
  }

  next(): void {
    this.position++;
    this.slots.forgetRead();
  }

  /** Slots that went unread since the last call. */
  takeDropped(): number {
    this.peek();
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
