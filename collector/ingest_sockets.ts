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

  constructor(readonly consumer: SocketConsumer) {}

  /** Takes an input on a channel; the one it came on before, from a thread that is no more, is closed. */
  open({ input, index, port }: SocketPort): void {
    const before = this.#channels.get(index);
    before?.port.close();
    const lines = before?.lines ?? new SocketLines(input, this.consumer);
    lines.units = 0; // another thread counts from the start
    this.#channels.set(index, { port, lines });
    port.onmessage = ({ data }: MessageEvent<SocketBatch>): void => {
      lines.take(data);
      const { bytes, ends } = data;
      post(port, { kind: "taken", bytes, ends }, [bytes, ends]);
    };
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
