/**
 * The main thread's side of the answering thread: starts it with narrowed permissions, tells it what has changed, hands over
 * what its followers are to get, and starts another when it dies.
 *
 * What has changed is told as often as it costs little: after something that took the main thread 10 ms to gather, the next is
 * told a second later. With each piece of news the answering thread has to look at slots for the first time.
 */
import type { TargetInfo } from "@/core/answer.ts";
import { MIRROR_NEWS_BYTES, RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from "@/core/bounds.ts";
import { MachineRefusal, UsageError } from "@/core/host/endings.ts";
import type { Log, LogStyle } from "@/core/host/log.ts";
import { listenGrants } from "@/core/host/permissions.ts";
import type { LiveView } from "@/core/live_view.ts";
import { Changes } from "@/core/mirror.ts";
import { type CallsSeen, NO_CALLS } from "@/proto/call_metric_table.ts";
import { type AnsweringStart, type FromAnswering, packItem, type ToAnswering } from "./answering_message.ts";
import { FeedSender } from "./distant_feed.ts";
import { MODULES } from "./modules.ts";

export interface AnsweringOptions {
  readonly listen: string;
  /** For hashes. */
  readonly seed: number;
  readonly view: LiveView;
  /** The flags of the server's certificates and token, by name, as far as they are given. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly style: LogStyle;
  readonly monotonicMs: () => number;
  /** The thread's module; `answering_worker.ts` unless a test brings another. */
  readonly entry?: URL;
}

/** Milliseconds between two times that something is told, at least and at most; and how much longer than it took. */
const TELL_MS_MIN = 50, TELL_MS_MAX = 2000, TELL_REST = 100;
/** Milliseconds after which targets are told though nothing has changed. */
const TARGETS_MS = 1000;
/** Milliseconds that the thread has to say what it knows of calls; after that the page has what it said before. */
const CALLS_MS_MAX = 500;
/** Milliseconds that a thread which was told to stop may take beyond its calls. */
const STOPPED_MS_MAX = 250;
/** Moments that are told and not yet shown. */
const UNSHOWN_MAX = 2;

export class AnsweringThread {
  #worker: Worker | undefined;
  #listen: string;
  #changes: Changes;
  readonly #senders = new Map<number, FeedSender>();
  #unshown = 0;
  #targetsMs = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_DELAY_MS_MIN;
  #calls: CallsSeen = NO_CALLS;
  #onCalls: (() => void)[] = [];
  #onServing: { readonly yes: (port: number) => void; readonly no: (why: Error) => void } | undefined;
  #onStopped: (() => void) | undefined;

  constructor(readonly options: AnsweringOptions) {
    this.#listen = options.listen;
    this.#changes = new Changes(options.view.store);
  }

  /** Resolves to the port when it serves. Rejects with MachineRefusal or UsageError when it cannot. */
  start(): Promise<number> {
    return new Promise((yes, no) => {
      this.#onServing = { yes, no };
      this.#launch();
    });
  }

  /** What is known of calls, as it was last told. */
  get calls(): CallsSeen {
    return this.#calls;
  }

  /** Asks for what is known of calls now; resolves when it is told, or after a while. */
  async refreshCalls(): Promise<void> {
    if (this.#worker === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const told = new Promise<void>((resolve) => {
      this.#onCalls.push(resolve);
      timer = setTimeout(resolve, CALLS_MS_MAX);
    });
    send(this.#worker, { kind: "calls" });
    await told;
    clearTimeout(timer);
  }

  /** Resolves when the thread has answered its calls in flight; soon after `graceMs` in any case, whatever it does then. */
  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#worker === undefined) return;
    let late: ReturnType<typeof setTimeout> | undefined;
    const stopped = new Promise<void>((resolve) => {
      this.#onStopped = resolve;
      late = setTimeout(resolve, graceMs + STOPPED_MS_MAX);
    });
    send(this.#worker, { kind: "stop", graceMs });
    await stopped;
    clearTimeout(late);
    this.#worker?.terminate();
    this.#end();
  }

  #launch(): void {
    const { credentials, seed, style, view } = this.options;
    const start: AnsweringStart = { listen: this.#listen, source: view.source, seed, style, credentials };
    const worker = this.#worker = newWorker(this.options.entry ?? ENTRY, this.#listen, Object.values(credentials));
    worker.onmessage = ({ data }: MessageEvent<FromAnswering>): void => this.#take(data);
    worker.onerror = (event): void => {
      event.preventDefault();
      worker.terminate();
      this.#died(event.message);
    };
    this.#changes = new Changes(view.store);
    this.#unshown = 0;
    this.#targetsMs = -Infinity;
    send(worker, { kind: "start", start });
    this.#tell();
  }

  /** Tells what has changed, and again later. */
  #tell(): void {
    if (this.#worker === undefined || this.#onStopped !== undefined) return;
    const { monotonicMs } = this.options, beganMs = monotonicMs();
    if (this.#unshown < UNSHOWN_MAX) this.#tellNews(this.#worker, beganMs);
    const restMs = Math.min(TELL_MS_MAX, Math.max(TELL_MS_MIN, TELL_REST * (monotonicMs() - beganMs)));
    this.#timer = setTimeout(() => this.#tell(), restMs);
  }

  #tellNews(worker: Worker, nowMs: number): void {
    const { view } = this.options;
    for (;;) {
      const news = this.#changes.take(MIRROR_NEWS_BYTES);
      if (news !== undefined && news.moment === undefined) {
        send(worker, { kind: "news", news, targets: [] });
        continue;
      }
      if (news === undefined && nowMs - this.#targetsMs < TARGETS_MS) return;
      this.#targetsMs = nowMs;
      this.#unshown++;
      const { endS, madeUntilS } = view.store, targets: readonly TargetInfo[] = view.targets();
      const same = { slots: [], moment: { endS, madeUntilS: [...madeUntilS] } };
      return send(worker, { kind: "news", news: news ?? same, targets });
    }
  }

  #take(message: FromAnswering): void {
    switch (message.kind) {
      case "serving":
        // Another thread listens where this one did, if the system chose.
        this.#listen = this.#listen.replace(/:0$/, `:${message.port}`);
        this.#retryMs = RETRY_DELAY_MS_MIN;
        this.#onServing?.yes(message.port);
        this.#onServing = undefined;
        break;
      case "refused":
        this.#refused(message.why, message.mistakes);
        break;
      case "shown":
        this.#unshown--;
        break;
      case "follow":
        this.#follow(message);
        break;
      case "want":
        this.#senders.get(message.feed)?.want();
        break;
      case "unfollow":
        this.#senders.get(message.feed)?.close();
        this.#senders.delete(message.feed);
        break;
      case "calls":
        this.#calls = message.calls;
        for (const told of this.#onCalls.splice(0)) told();
        break;
      case "stopped":
        this.#end();
        this.#onStopped?.();
    }
  }

  #follow({ feed, has, wanted }: Extract<FromAnswering, { kind: "follow" }>): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    const sender = new FeedSender(this.options.view.followDeltas(has), wanted, (item, dropped) => {
      send(worker, { kind: "item", feed, item: packItem(item), dropped });
    });
    this.#senders.set(feed, sender);
  }

  #refused(why: string, mistakes: readonly string[]): void {
    this.#worker?.terminate();
    this.#end();
    if (this.#onServing !== undefined) {
      this.#onServing.no(mistakes.length > 0 ? new UsageError(mistakes) : new MachineRefusal(why));
      this.#onServing = undefined;
    } else this.#again("the answering thread cannot serve; it is tried again", why);
  }

  #died(why: string): void {
    this.#end();
    if (this.#onServing !== undefined) {
      this.#onServing.no(new Error(why));
      this.#onServing = undefined;
    } else if (this.#onStopped !== undefined) this.#onStopped();
    else this.#again("the answering thread died; another is started", why);
  }

  #again(text: string, why: string): void {
    this.options.log.error(text, { why, after_ms: this.#retryMs });
    this.#timer = setTimeout(() => this.#launch(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_DELAY_MS_MAX);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#worker = undefined;
    for (const sender of this.#senders.values()) sender.close();
    this.#senders.clear();
    for (const told of this.#onCalls.splice(0)) told();
  }
}

/** The thread's entry, beside this file; in a bundle, beside the bundle. */
const ENTRY = new URL(
  import.meta.url.endsWith(".js") ? "./answering_worker.js" : "./answering_worker.ts",
  import.meta.url,
);

/** A worker that may listen there, read its credentials and its modules, and do nothing else. */
function newWorker(entry: URL, listen: string, credentials: readonly string[]): Worker {
  const read = [MODULES, ...credentials].filter((path) => isGranted({ name: "read", path }));
  if (!read.includes(MODULES)) {
    throw new MachineRefusal(
      `Cannot read modules in ${MODULES}: the aggregator was started without that permission; ` +
        `start it with --allow-read=${MODULES} beside what it has`,
    );
  }
  // What this process may not do itself, the thread says when it tries.
  const hosts = listenGrants(listen, "").map(({ value }) => value).flatMap((value) =>
    value.startsWith("[::]:") ? [value, value.replace("[::]", "0.0.0.0")] : [value]
  );
  const networks = hosts.filter((host) => host.includes("/")), net = hosts.filter((host) => !host.includes("/"));
  const granted = net.filter((host) => isGranted({ name: "net", host }));
  try {
    return workerWith(entry, [...granted, ...networks], read);
  } catch (error) {
    // Of a network the runtime does not say beforehand whether it is granted.
    if (networks.length === 0 || !(error instanceof Deno.errors.NotCapable)) throw error;
    return workerWith(entry, granted, read);
  }
}

function isGranted(what: Deno.NetPermissionDescriptor | Deno.ReadPermissionDescriptor): boolean {
  return Deno.permissions.querySync(what).state === "granted";
}

function workerWith(entry: URL, net: string[], read: string[]): Worker {
  return new Worker(entry, {
    type: "module",
    name: "answering",
    deno: { permissions: { net, read, env: false, write: false, run: false, ffi: false, sys: false } },
  });
}

function send(worker: Worker, message: ToAnswering): void {
  worker.postMessage(message);
}
