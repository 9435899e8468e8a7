/**
 * Server streams: from a bounded queue to a reader of any speed. Whoever does not read waits in its own queue, loses
 * what does not fit there, is told how much, and holds up nobody else.
 */
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import { SUBSCRIBER_QUEUE_MAX, SUBSCRIBERS_MAX } from "@/core/bounds.ts";
import { Subscriber } from "@/core/subscriber.ts";
import type { Empty } from "./schema.ts";

/** A stream that answers `Request` with any number of `Message`. */
export type OutStream<Message, Request = Empty> = ServerWritableStream<Request, Message>;

/** The streams that are open, so that there are never too many and all can be ended. */
export class OpenStreams {
  readonly #ends = new Set<() => void>();
  #stopping = false;

  /** @param streamsMax streams at once. */
  constructor(readonly streamsMax: number = SUBSCRIBERS_MAX) {}

  get size(): number {
    return this.#ends.size;
  }

  /**
   * Opens a stream, or refuses it and returns false.
   *
   * @param onEnd called once, however the stream ends: by the reader, the network, an error or us.
   */
  open<Message, Request>(call: OutStream<Message, Request>, onEnd: () => void): boolean {
    if (this.#stopping) return refuse(call, status.UNAVAILABLE, STOPPING);
    if (this.#ends.size >= this.streamsMax) {
      const why = `Cannot open another stream: ${this.streamsMax} are open, which is the limit; close some first`;
      return refuse(call, status.RESOURCE_EXHAUSTED, why);
    }
    const end = (): void => void refuse(call, status.UNAVAILABLE, STOPPING);
    const ended = (): void => {
      if (this.#ends.delete(end)) onEnd();
    };
    this.#ends.add(end);
    // A reader that goes away shows as `cancelled`, a stream that we end as `finish`, a broken one as `close`.
    for (const event of ["cancelled", "finish", "close", "error"]) call.once(event, ended);
    return true;
  }

  /** Ends every stream, now and from now on, in a way that a follower takes as "try again". */
  endAll(): void {
    this.#stopping = true;
    for (const end of [...this.#ends]) end();
  }
}

const STOPPING = "This program is stopping; try again shortly";

function refuse<Message, Request>(call: OutStream<Message, Request>, code: status, details: string): false {
  call.emit("error", { code, details });
  return false;
}

/**
 * Sends what a subscription pushes until the stream ends.
 *
 * @param follow subscribes, and returns how to unsubscribe, which happens exactly once.
 * @param messages of one item; `dropped` items were lost just before it.
 */
export function streamItems<Item, Message>(
  streams: OpenStreams,
  call: OutStream<Message>,
  follow: (subscriber: Subscriber<Item>) => () => void,
  messages: (item: Item, dropped: number) => readonly Message[],
): void {
  const subscriber = new Subscriber<Item>(SUBSCRIBER_QUEUE_MAX);
  let unfollow = (): void => {};
  let ended = false;
  const opened = streams.open(call, () => {
    ended = true;
    subscriber.onReady = (): void => {};
    unfollow();
  });
  if (!opened) return;

  let full = false;
  const send = (): void => {
    while (!full && !ended) {
      const dropped = subscriber.takeDropped();
      const item = subscriber.take();
      if (item === undefined) return;
      for (const message of messages(item, dropped)) if (!call.write(message)) full = true;
    }
  };
  call.on("drain", () => {
    full = false;
    send();
  });
  subscriber.onReady = send;
  unfollow = follow(subscriber);
  // The stream may have ended while the subscription was being made.
  if (ended) unfollow();
}

/** Sends all of `messages` at the reader's pace, then ends the stream. */
export async function streamAll<Message>(
  streams: OpenStreams,
  call: OutStream<Message>,
  messages: Iterable<Message>,
): Promise<void> {
  let ended = false;
  let wake = (): void => {};
  const opened = streams.open(call, () => {
    ended = true;
    wake();
  });
  if (!opened) return;
  for (const message of messages) {
    if (ended) return;
    if (call.write(message)) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
      call.once("drain", resolve);
    });
  }
  call.end();
}
