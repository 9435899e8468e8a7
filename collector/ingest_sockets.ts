/** The counting thread's channels to the threads that receive: takes batches, gives their memory back, says what is safe. */
import type { SocketBatch, SocketPort, ToReceiver } from "./socket_batch.ts";
import { type SocketConsumer, SocketLines } from "./socket_lines.ts";
import type { SocketCount } from "./thread_message.ts";

interface Channel {
  readonly port: MessagePort;
  readonly lines: SocketLines;
}

export class IngestSockets {
  /** By number of the input. */
  readonly #channels = new Map<number, Channel>();

  /** What came while there was no room for what would be counted: SOCKET_BATCHES_MAX a channel, then receivers wait. */
  #held: { readonly channel: Channel; readonly batch: SocketBatch }[] = [];

  /** @param mayCount whether there is room now; say so with `takeHeld` when there is again. */
  constructor(readonly consumer: SocketConsumer, readonly mayCount: () => boolean = () => true) {}

  /** Takes an input on a channel; the one it came on before, from a thread that is no more, is closed. */
  open({ input, index, port }: SocketPort): void {
    const before = this.#channels.get(index);
    if (before !== undefined) this.takeHeld(true);
    before?.port.close();
    const lines = before?.lines ?? new SocketLines(input, this.consumer);
    lines.units = 0; // another thread counts from the start
    const channel: Channel = { port, lines };
    this.#channels.set(index, channel);
    port.onmessage = ({ data }: MessageEvent<SocketBatch>): void => {
      this.#held.push({ channel, batch: data });
      this.takeHeld();
    };
  }

  /** Counts what has been held back, as far as there is room; or all of it, which is the last chance. */
  takeHeld(all = false): void {
    let taken = 0;
    for (; taken < this.#held.length && (all || this.mayCount()); taken++) {
      const { channel: { port, lines }, batch } = this.#held[taken], { bytes, ends } = batch;
      lines.take(batch);
      post(port, { kind: "taken", bytes, ends }, [bytes, ends]);
    }
    this.#held = this.#held.slice(taken);
  }

  /** What has been taken so far is with the main thread now. */
  sealed(): void {
    for (const { port, lines } of this.#channels.values()) post(port, { kind: "sealed", units: lines.units });
  }

  counts(): readonly SocketCount[] {
    return [...this.#channels].map(([index, { lines: { packets, tally } }]) => ({ index, packets, tally }));
  }

  close(): void {
    for (const { port } of this.#channels.values()) port.close();
  }
}

function post(port: MessagePort, message: ToReceiver, transfer: Transferable[] = []): void {
  port.postMessage(message, transfer);
}
