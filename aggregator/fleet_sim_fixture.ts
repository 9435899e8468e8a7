/**
 * Time and network for the simulated fleet: events in the order of virtual time, and streams of buckets over links that
 * delay, repeat, stall, break and are cut. Nothing here waits for real time, and all chance comes from one seed.
 */
import type { Answerer } from "@/core/answer.ts";
import type { BackfillItem } from "@/core/backfill.ts";
import { type SimulatedClock, simulatedClock } from "@/core/host/clock.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { type BucketItem, type Client, RemoteError } from "@/proto/client.ts";

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

/** Promises that follow upon one another after an event: from a connection through `FollowedSource` into the view. */
const TURNS = 12;

export class VirtualTime {
  nowMs = 0;
  /** In order; of the same moment, as they were asked for. */
  readonly #events: Event[] = [];
  readonly #clocks = new Set<SimulatedClock>();

  /** A machine's clock, which is `skewS` ahead of `startS` when virtual time begins. */
  clock(startS: number, skewS: number): SimulatedClock {
    const clock = simulatedClock(startS + this.nowMs / 1000 + skewS);
    this.#clocks.add(clock);
    return clock;
  }

  forget(clock: SimulatedClock): void {
    this.#clocks.delete(clock);
  }

  /** Runs something after `delayMs`, unless the returned function is called before. */
  after(delayMs: number, run: () => void): () => void {
    const event: Event = { atMs: this.nowMs + delayMs, run };
    let at = this.#events.length;
    while (at > 0 && this.#events[at - 1].atMs > event.atMs) at--;
    this.#events.splice(at, 0, event);
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /** Lets time pass, with all that happens meanwhile. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (let event = this.#events[0]; event !== undefined && event.atMs <= endMs; event = this.#events[0]) {
      this.#events.shift();
      this.#moveTo(event.atMs);
      event.run();
      await settled();
    }
    this.#moveTo(endMs);
  }

  /** As `FleetOptions.sleep`. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.after(ms, resolve);
      signal.addEventListener("abort", () => {
        cancel();
        reject(new Error("aborted"));
      });
    });
  }

  #moveTo(ms: number): void {
    for (const clock of this.#clocks) clock.advanceMs(ms - this.nowMs);
    this.nowMs = ms;
  }
}

export async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
}

/** Messages of one stream that are under way at once, as `proto/stream_out.ts` has it. */
const PENDING_MAX = 2;

/** What listens at an address. */
export interface Peer {
  readonly view: Answerer;
  /** Milliseconds since 1970 on its clock. */
  nowMs(): number;
  /** Stopped, as by SIGSTOP: its connections stand, and nothing comes. */
  isPaused(): boolean;
}

/** What a link does to an item on its way: planted mistakes. */
export type Tamper = (item: BucketItem, address: string) => readonly BucketItem[];

export class Network {
  readonly #peers = new Map<string, Peer>();
  readonly #connections = new Set<Connection>();
  /** Links, `follower>address`, that are cut, and until when. */
  readonly #cut = new Map<string, number>();
  /** Items that arrived. */
  delivered = 0;

  constructor(
    readonly time: VirtualTime,
    readonly random: () => number,
    readonly tamper: Tamper = (item) => [item],
  ) {}

  listen(address: string, peer: Peer): void {
    this.#peers.set(address, peer);
  }

  /** The process at this address ends: its streams break. */
  hangUp(address: string): void {
    this.#peers.delete(address);
    this.#break((connection) => connection.address === address);
  }

  peer(address: string): Peer | undefined {
    return this.#peers.get(address);
  }

  /** Breaks the streams over a link. */
  reset(follower: string, address: string): void {
    this.#break((connection) => connection.follower === follower && connection.address === address);
  }

  /** Cuts a link; streams over it break, as keepalive does it, after half a minute at most, or go on if that was sooner. */
  cut(follower: string, address: string, ms: number): void {
    this.#cut.set(`${follower}>${address}`, this.time.nowMs + ms);
    const noticedMs = 30_000 * this.random();
    if (noticedMs < ms) this.time.after(noticedMs, () => this.reset(follower, address));
  }

  healAll(): void {
    this.#cut.clear();
  }

  isCut(follower: string, address: string): boolean {
    return (this.#cut.get(`${follower}>${address}`) ?? -Infinity) > this.time.nowMs;
  }

  /** All that waited on a peer that was paused, or on a link that was cut, goes on. */
  goOn(): void {
    for (const connection of [...this.#connections]) connection.pump();
  }

  client(follower: string, address: string): Client {
    const never = (): Promise<never> => Promise.reject(new Error("not asked"));
    const deltas = (signal: AbortSignal, has: readonly IdentityRanges[] = []): AsyncIterable<BucketItem> => {
      const connection = new Connection(this, follower, address);
      this.#connections.add(connection);
      signal.addEventListener("abort", () => this.#end(connection, undefined));
      const copy = structuredClone(has);
      this.time.after(this.delayMs(), () => {
        if (this.isCut(follower, address) || this.peer(address) === undefined) {
          this.#end(connection, new RemoteError("unreachable", `Cannot reach ${address}`));
        } else connection.open(this.peer(address)!, copy);
      });
      return { [Symbol.asyncIterator]: () => connection };
    };
    const snapshots = (): AsyncIterable<never> => ({ [Symbol.asyncIterator]: () => ({ next: never }) });
    return { topN: never, trend: never, targets: never, snapshots, deltas, close: () => {} };
  }

  /** Mostly short, sometimes long. */
  delayMs(): number {
    return 2 + Math.floor(60 * this.random() + (this.random() < 0.05 ? 8000 * this.random() : 0));
  }

  #break(which: (connection: Connection) => boolean): void {
    for (const connection of [...this.#connections]) {
      if (which(connection)) this.#end(connection, new RemoteError("unreachable", "the connection broke"));
    }
  }

  #end(connection: Connection, error: RemoteError | undefined): void {
    this.#connections.delete(connection);
    connection.end(error);
  }
}

/** One stream: the server's side takes from the feed as the reader takes, the client's side is iterated. */
class Connection implements AsyncIterator<BucketItem> {
  readonly #inbox: BucketItem[] = [];
  #wake = (): void => {};
  #ended = false;
  #error: RemoteError | undefined;
  #peer: Peer | undefined;
  #feed: ReturnType<Answerer["followDeltas"]> | undefined;
  #pending = 0;
  #dropped = 0;
  #lastMs = 0;
  #told = "[]";

  constructor(readonly network: Network, readonly follower: string, readonly address: string) {}

  open(peer: Peer, has: readonly IdentityRanges[]): void {
    if (this.#ended) return;
    const { view } = peer;
    this.#peer = peer;
    const newestS = view.targets().reduce((newest, target) => Math.max(newest, target.newestS), 0);
    this.#send([{ source: view.source, newestS }, this.#status(), ...this.#news()]);
    this.#feed = view.followDeltas(has);
    this.#feed.onReady = () => this.pump();
    this.pump();
  }

  /** What is ready goes on its way, as far as it may. */
  pump(): void {
    const feed = this.#feed, { network, follower, address } = this;
    while (feed !== undefined && this.#pending < PENDING_MAX && !this.#ended) {
      if (this.#peer!.isPaused() || network.isCut(follower, address)) return;
      this.#dropped += feed.takeDropped();
      const item: BackfillItem | undefined = feed.take(), dropped = this.#dropped;
      if (item === undefined) return;
      this.#dropped = 0;
      const sent: BucketItem[] = [...this.#news(), this.#status(), ...network.tamper(item, address)];
      // A sender that says everything twice is no trouble.
      if (network.random() < 0.02) sent.push(...sent);
      this.#send(dropped > 0 ? [{ dropped }, ...sent] : sent);
    }
  }

  end(error: RemoteError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#feed?.close();
    this.#feed = undefined;
    this.#wake();
  }

  async next(): Promise<IteratorResult<BucketItem>> {
    while (this.#inbox.length === 0 && !this.#ended) await new Promise<void>((resolve) => this.#wake = resolve);
    const item = this.#inbox.shift();
    if (item !== undefined && (!this.#ended || this.#error !== undefined)) return { done: false, value: item };
    if (this.#error !== undefined) throw this.#error;
    return { done: true, value: undefined };
  }

  /** As `proto/sources_message.ts` has it. */
  #news(): BucketItem[] {
    const behind = this.#peer!.view.sources?.() ?? [], text = JSON.stringify(behind);
    if (text === this.#told) return [];
    this.#told = text;
    return [{ behind }];
  }

  #status(): BucketItem {
    return { sentMs: this.#peer!.nowMs(), memoryBytes: 0 };
  }

  #send(items: readonly BucketItem[]): void {
    const { network } = this, { time } = network;
    this.#pending++;
    this.#lastMs = Math.max(this.#lastMs, time.nowMs + network.delayMs());
    time.after(this.#lastMs - time.nowMs, () => {
      if (this.#ended) return;
      this.#pending--;
      network.delivered += items.length;
      this.#inbox.push(...items);
      this.#wake();
      this.pump();
    });
  }
}
