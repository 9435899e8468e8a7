/**
 * A receiver's side of the way to the counting thread: messages are gathered into batches, and a batch is handed over when it
 * is full or its first message has waited for SOCKET_BATCH_MS_MAX.
 *
 * There are SOCKET_BATCHES_MAX pieces of memory. When all of them are on their way, `hasRoom` is false and the receiver
 * receives no more: what comes then waits in the kernel, or is dropped there and counted there.
 */
import {
  LINE_BYTES_MAX,
  SOCKET_BATCH_BYTES,
  SOCKET_BATCH_MESSAGES_MAX,
  SOCKET_BATCH_MS_MAX,
  SOCKET_BATCHES_MAX,
} from "@/core/bounds.ts";
import { newBatchMemory, type SocketBatch, type ToReceiver, unitsOf } from "./socket_batch.ts";

/** The part of a MessagePort that is needed; tests bring their own. */
export interface BatchPort {
  onmessage: ((event: MessageEvent<ToReceiver>) => void) | null;
  postMessage(message: SocketBatch, transfer: Transferable[]): void;
  close(): void;
}

/** Calls back after some milliseconds; tests bring their own. */
export type Later = (callback: () => void, ms: number) => void;

const NEWLINE = 0x0a;

/** Batches on their way with which a batch that is not full waits. */
const AWAY_MAX = 2;

interface BatchMemory {
  readonly bytes: ArrayBuffer;
  readonly ends: ArrayBuffer;
}

export class SocketOutbox {
  /** Undefined while nothing may be handed over. */
  #port: BatchPort | undefined;
  #holding = false;
  readonly #free: BatchMemory[] = [];
  /** Batches that wait to be handed over. */
  readonly #full: SocketBatch[] = [];
  /** Units of the batches that are on their way. */
  #away: number[] = [];
  /** The batch at hand. */
  #memory: BatchMemory | undefined;
  #bytes = new Uint8Array(0);
  #ends = new Int32Array(0);
  #messages = 0;
  #length = 0;
  #packets = 0;
  #tooLong = 0;
  #lost = 0;
  #flushing = false;
  /** Units handed over to the thread at hand and taken by it, and those of them that are safe. */
  #taken = 0;
  #sealed = 0;
  #waiting: (() => void)[] = [];

  constructor(readonly later: Later = (callback, ms) => void setTimeout(callback, ms)) {}

  /** Whether one more message of any length can be taken. */
  get hasRoom(): boolean {
    return this.#fits || this.#free.length > 0 || this.#pieces < SOCKET_BATCHES_MAX;
  }

  /** Resolves at once when there is room, and otherwise when there is. */
  async room(): Promise<void> {
    while (!this.hasRoom) await this.#change();
  }

  /** Adds one message of at most LINE_BYTES_MAX bytes. When there is no room it takes more memory: look at `hasRoom` before. */
  message(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#fits) this.#next();
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length += end - start;
    if (bytes[end - 1] !== NEWLINE) this.#bytes[this.#length++] = NEWLINE;
    this.#ends[this.#messages++] = this.#length;
    this.#flushLater();
  }

  /** A datagram came, whatever was in it. */
  packet(): void {
    this.#packets++;
    this.#flushLater();
  }

  tooLong(): void {
    this.#tooLong++;
    this.#flushLater();
  }

  /** Messages were received, and are lost. */
  lost(messages: number): void {
    this.#lost += messages;
    this.#flushLater();
  }

  /**
   * Hands over to another thread from now on. What the former one has not sealed is lost.
   *
   * @param sealed whether it has sealed all that it had taken. Only the main thread knows: what it says itself comes on another way.
   */
  attach(port: BatchPort, sealed = false): void {
    this.#port?.close();
    const onTheWay = this.#away.reduce((sum, units) => sum + units, 0);
    this.lost(onTheWay + (sealed ? 0 : this.#taken - this.#sealed));
    this.#taken = this.#sealed = 0;
    this.#away = []; // the memory of its batches went with it
    this.#holding = false;
    this.#port = port;
    port.onmessage = ({ data }): void => this.#hear(data, port);
    this.#handOver();
    this.#changed();
  }

  /** Hands over nothing more until the next `attach`. Resolves when everything that was handed over has been taken. */
  async hold(): Promise<void> {
    this.#holding = true;
    while (this.#away.length > 0) await this.#change();
  }

  /** Resolves when everything has been handed over and taken; nothing may be added meanwhile. */
  async emptied(): Promise<void> {
    if (this.#isPending) {
      if (this.#memory === undefined) this.#next();
      this.#finish();
    }
    while (this.#port !== undefined && this.#away.length + this.#full.length > 0) await this.#change();
  }

  /** Whether the batch at hand has room. */
  get #fits(): boolean {
    return this.#memory !== undefined && this.#messages < SOCKET_BATCH_MESSAGES_MAX &&
      this.#length + LINE_BYTES_MAX < SOCKET_BATCH_BYTES;
  }

  get #isPending(): boolean {
    return this.#messages + this.#packets + this.#tooLong + this.#lost > 0;
  }

  /** Pieces of memory that exist. */
  get #pieces(): number {
    return this.#free.length + this.#full.length + this.#away.length + (this.#memory === undefined ? 0 : 1);
  }

  /** Begins another batch. */
  #next(): void {
    this.#finish();
    const memory = this.#memory = this.#free.pop() ?? newBatchMemory();
    this.#bytes = new Uint8Array(memory.bytes);
    this.#ends = new Int32Array(memory.ends);
  }

  /** Puts the batch at hand in line. */
  #finish(): void {
    if (this.#memory === undefined) return;
    const counts = { messages: this.#messages, length: this.#length, packets: this.#packets };
    this.#full.push({ kind: "batch", ...this.#memory, ...counts, tooLong: this.#tooLong, lost: this.#lost });
    this.#messages =
      this.#length =
      this.#packets =
      this.#tooLong =
      this.#lost =
        0;
    this.#memory = undefined;
    this.#handOver();
  }

  #handOver(): void {
    while (this.#port !== undefined && !this.#holding && this.#full.length > 0) {
      const batch = this.#full.shift()!;
      this.#away.push(unitsOf(batch));
      this.#port.postMessage(batch, [batch.bytes, batch.ends]);
    }
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.later(() => this.#flush(), SOCKET_BATCH_MS_MAX);
  }

  #flush(): void {
    this.#flushing = false;
    if (!this.#isPending) return;
    // While the counting thread is busy, the batch at hand grows: so all memory is filled before a datagram is lost.
    const isBusy = this.#away.length >= AWAY_MAX || this.#holding || this.#port === undefined;
    if (isBusy) return this.#flushLater();
    if (this.#memory === undefined) this.#next();
    this.#finish();
  }

  #hear(message: ToReceiver, from: BatchPort): void {
    if (from !== this.#port) return;
    if (message.kind === "sealed") {
      this.#sealed = message.units;
      return;
    }
    this.#taken += this.#away.shift() ?? 0; // in the order in which they were handed over
    if (this.#pieces < SOCKET_BATCHES_MAX) this.#free.push({ bytes: message.bytes, ends: message.ends });
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
