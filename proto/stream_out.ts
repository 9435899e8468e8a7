/**
 * Server streams: from a feed to a reader of any speed. Whoever does not read loses what its feed cannot hold, is told
 * how much, and holds up nobody else.
 */
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import { SUBSCRIBERS_MAX } from "@/core/bounds.ts";
import type { Log } from "@/core/host/log.ts";
import type { Feed } from "@/core/subscriber.ts";
import type { Empty } from "./schema.ts";

/** A stream that answers `Request` with any number of `Message`. */
export type OutStream<Message, Request = Empty> = ServerWritableStream<Request, Message>;

/** The streams that are open, so that there are never too many and all can be ended. */
export class OpenStreams {
  /** Items that readers lost because they were slow. */
  dropped = 0;
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
 * Messages of one stream that gRPC holds because their reader does not take them. By itself it would take 16, of up to
 * 32 MiB each, and hold them for as long as the reader sleeps.
 */
const PENDING_MAX = 2;

/** A feed and how to end it, which happens exactly once. */
export interface Following<Item> {
  readonly feed: Feed<Item>;
  unfollow(): void;
}

/**
 * Sends what a feed has, at the reader's pace, until the stream ends.
 *
 * @param messages of one item; `dropped` items were lost just before it. When it throws, the stream ends as one that
 * can be opened again.
 */
export function streamItems<Item, Message, Request>(
  streams: OpenStreams,
  call: OutStream<Message, Request>,
  log: Log,
  follow: () => Following<Item>,
  messages: (item: Item, dropped: number) => readonly Message[],
): void {
  let unfollow = (): void => {};
  let ended = false;
  const opened = streams.open(call, () => {
    ended = true;
    unfollow();
  });
  if (!opened) return;
  const following = follow(), { feed } = following;
  unfollow = (): void => following.unfollow();
  // The stream may have ended while the subscription was being made.
  if (ended) return unfollow();

  let pending = 0, dropped = 0;
  // Called by whoever has something new: a stream's trouble must not become theirs.
  const send = (): void => {
    try {
      while (pending < PENDING_MAX && !ended) {
        const more = feed.takeDropped();
        streams.dropped += more;
        dropped += more;
        const item = feed.take();
        if (item === undefined) return;
        for (const message of messages(item, dropped)) {
          pending++;
          call.write(message, sent);
        }
        dropped = 0;
      }
    } catch (error) {
      endAsBug(call, log, error);
    }
  };
  const sent = (): void => {
    pending--;
    send();
  };
  feed.onReady = send;
  send();
}

/** Sends all of `messages` at the reader's pace, then ends the stream. Never rejects. */
export async function streamAll<Message>(
  streams: OpenStreams,
  call: OutStream<Message>,
  log: Log,
  messages: () => Iterable<Message>,
): Promise<void> {
  let ended = false;
  let wake = (): void => {};
  const opened = streams.open(call, () => {
    ended = true;
    wake();
  });
  if (!opened) return;
  try {
    for (const message of messages()) {
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        call.write(message, () => resolve());
      });
    }
    call.end();
  } catch (error) {
    endAsBug(call, log, error);
  }
}

/** Ends one stream when something that must not throw has thrown; the program goes on. */
function endAsBug<Message, Request>(call: OutStream<Message, Request>, log: Log, error: unknown): void {
  log.error("a stream could not go on: this is a bug", { call: call.getPath(), reason: String(error) });
  refuse(call, status.INTERNAL, "Cannot go on: a bug, which the log of this program describes");
}
