/**
 * Syslog over TCP: many connections, each a stream of messages, and none of them able to keep the others waiting.
 *
 * A connection that has said something whole may be quiet for as long as it likes, as relays are at night. One that has begun
 * a message must end it within SYSLOG_MESSAGE_SECONDS_MAX, however slowly its bytes drip in; a new one has as long for its first.
 */
import {
  SYSLOG_CONNECTION_BYTES_PER_SECOND_MAX,
  SYSLOG_CONNECTIONS_MAX,
  SYSLOG_CONNECTIONS_PER_PEER_MAX,
  SYSLOG_MESSAGE_SECONDS_MAX,
  SYSLOG_READ_BYTES,
  SYSLOG_UNFINISHED_BYTES_MAX,
} from "@/core/bounds.ts";
import { type FrameSink, SyslogFrames } from "@/core/syslog_frames.ts";
import type { OncePerMinute } from "@/core/host/log.ts";
import type { Connection } from "@/core/host/tcp_listener.ts";
import type { ConnectionCounts } from "./socket_batch.ts";

/** Where messages go; `SocketOutbox` is one. */
export interface MessageSink extends FrameSink {
  room(): Promise<void>;
  lost(messages: number): void;
}

export interface SyslogConnectionsOptions {
  readonly sink: MessageSink;
  readonly monotonicMs: () => number;
  /** Waits; tests bring their own. */
  readonly pause: (ms: number) => Promise<void>;
  readonly warnings: OncePerMinute;
}

interface Open {
  readonly connection: Connection;
  readonly frames: SyslogFrames;
  /** Since when a whole message is waited for; undefined while none is. */
  waitingSinceMs: number | undefined;
  /** Read since `second` began. */
  secondBytes: number;
  secondMs: number;
}

export class SyslogConnections {
  readonly #open = new Set<Open>();
  readonly #byPeer = new Map<string, number>();
  #accepted = 0;
  #refused = 0;
  #timedOut = 0;
  #heldBytes = 0;

  constructor(readonly options: SyslogConnectionsOptions) {}

  get counts(): ConnectionCounts {
    const open = this.#open.size;
    return { open, accepted: this.#accepted, refused: this.#refused, timedOut: this.#timedOut };
  }

  /** Reads a connection until it ends. Resolves then; it need not be waited for. */
  async take(connection: Connection): Promise<void> {
    const { peer } = connection, ofPeer = this.#byPeer.get(peer) ?? 0;
    if (this.#open.size >= SYSLOG_CONNECTIONS_MAX || ofPeer >= SYSLOG_CONNECTIONS_PER_PEER_MAX) {
      this.#refused++;
      connection.close();
      return this.#warn("refused a syslog connection: too many are open", peer);
    }
    this.#accepted++;
    const nowMs = this.options.monotonicMs();
    const open: Open = {
      connection,
      frames: new SyslogFrames(),
      waitingSinceMs: nowMs,
      secondBytes: 0,
      secondMs: nowMs,
    };
    this.#open.add(open);
    this.#byPeer.set(peer, ofPeer + 1);
    await this.#read(open);
    this.#heldBytes -= open.frames.heldBytes;
    this.#open.delete(open);
    const left = this.#byPeer.get(peer)! - 1;
    if (left > 0) this.#byPeer.set(peer, left);
    else this.#byPeer.delete(peer);
    connection.close();
  }

  /** Closes connections that take too long. Call it every second or so. */
  closeSlow(): void {
    const beforeMs = this.options.monotonicMs() - 1000 * SYSLOG_MESSAGE_SECONDS_MAX;
    for (const { connection, waitingSinceMs } of this.#open) {
      if (waitingSinceMs === undefined || waitingSinceMs > beforeMs) continue;
      this.#timedOut++;
      this.#warn("closed a syslog connection: it did not complete a message in time", connection.peer);
      connection.close();
    }
  }

  /** Closes all. */
  close(): void {
    for (const { connection } of this.#open) connection.close();
  }

  async #read(open: Open): Promise<void> {
    const { sink, monotonicMs } = this.options, { connection, frames } = open;
    const into = new Uint8Array(SYSLOG_READ_BYTES);
    let messages = 0;
    const counting: FrameSink = {
      message: (bytes, start, end) => {
        messages++;
        sink.message(bytes, start, end);
      },
      tooLong: () => sink.tooLong(),
    };
    for (;;) {
      const count = await connection.read(into);
      if (count < 0) return sink.lost(frames.isHolding ? 1 : 0);
      await this.#slowDown(open, count);
      if (count === 0) return sink.lost(frames.finish(counting) ? 1 : 0);
      const heldBefore = frames.heldBytes, wasWaiting = open.waitingSinceMs, before = messages;
      frames.push(into.subarray(0, count), counting);
      this.#heldBytes += frames.heldBytes - heldBefore;
      if (messages > before) open.waitingSinceMs = frames.isUnfinished ? monotonicMs() : undefined;
      else if (frames.isUnfinished) open.waitingSinceMs = wasWaiting ?? monotonicMs();
      if (this.#heldBytes > SYSLOG_UNFINISHED_BYTES_MAX && frames.heldBytes > 0) {
        this.#warn("closed a syslog connection: unfinished messages take too much memory", connection.peer);
        return sink.lost(1);
      }
    }
  }

  /** Waits until there is room for what was read and, when the connection is over its rate, until the second is over. */
  async #slowDown(open: Open, count: number): Promise<void> {
    const { sink, monotonicMs, pause } = this.options, waiting = open.waitingSinceMs, beganMs = monotonicMs();
    open.waitingSinceMs = undefined; // it is we who take the time
    await sink.room();
    if (beganMs - open.secondMs >= 1000) {
      open.secondMs = beganMs;
      open.secondBytes = 0;
    }
    open.secondBytes += count;
    if (open.secondBytes > SYSLOG_CONNECTION_BYTES_PER_SECOND_MAX) await pause(open.secondMs + 1000 - beganMs);
    open.waitingSinceMs = waiting === undefined ? undefined : waiting + monotonicMs() - beganMs;
  }

  #warn(text: string, peer: string): void {
    this.options.warnings.warn(text, this.options.monotonicMs() / 1000, text, () => ({ peer, ...this.counts }));
  }
}
