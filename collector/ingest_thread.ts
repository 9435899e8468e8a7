/**
 * The main thread's side of an ingest thread: starts it with narrowed permissions, keeps its last positions, and starts
 * another from there when it dies, or when it is to follow logs that it may not read.
 */
import { RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN, UNTAKEN_BYTES_MAX } from "@/core/bounds.ts";
import type { Clock } from "@/core/host/clock.ts";
import { MachineRefusal } from "@/core/host/exit.ts";
import { globBase } from "@/core/host/glob.ts";
import type { Log, LogStyle } from "@/core/host/log.ts";
import type { ClientMasks } from "@/core/line_batch.ts";
import { AUTO_RULES, type FormatRules } from "./input_formats.ts";
import { MODULES } from "./modules.ts";
import type { Position } from "./position.ts";
import type { SocketPort } from "./socket_batch.ts";
import { type FromThread, type InputCounts, openSealed, type Sealed, type ToThread } from "./thread_message.ts";

export interface IngestThreadOptions {
  readonly patterns: readonly string[];
  /** How their lines are read; found out when absent. */
  readonly formats?: FormatRules;
  readonly from: "start" | "end";
  readonly source: string;
  readonly masks: ClientMasks;
  readonly seed: number;
  /** Whether what is sealed says how bytes and times of its lines are spread; not when absent. */
  readonly spreads?: boolean;
  /** What the first thread's time is taken from; then only its monotonic time is used. */
  readonly clock: Clock;
  readonly log: Log;
  /** How its own events are written; as usual when absent. */
  readonly style?: LogStyle;
  readonly onSealed: (sealed: Sealed) => void;
  /** Patterns are followed from now on: at the start, after `follow`, and by a thread that replaces another. */
  readonly onScanned?: (patterns: readonly string[], positions: readonly Position[]) => void;
  /** Where a former process stopped. */
  readonly former?: Former;
  /** Inputs that are no files: asked for new channels whenever a thread starts. None when absent. */
  readonly sockets?: SocketSupply;
  readonly onInputs?: (counts: InputCounts) => void;
  /** A thread begins to count. @param died whether the one before it did. */
  readonly onBegin?: (died: boolean) => void;
  /** The thread's module; `ingest_worker.ts` unless a test brings another. */
  readonly entry?: URL;
}

/** Where a thread gets its sockets from: other threads receive, and hand over on channels. */
export interface SocketSupply {
  /** New channels, for a thread that takes the place of any before. @param sealed whether that had sealed all that it took. */
  ports(sealed: boolean): readonly SocketPort[];
  /** Resolves when everything that was handed over has been taken; nothing more is, until `ports` is called. */
  hold(): Promise<void>;
}

/** Where counting stopped: what the next thread goes on from. */
export interface Former {
  readonly positions: readonly Position[];
  /** Patterns that were looked at. */
  readonly scanned: readonly string[];
  /** End of the newest slice that was sealed. */
  readonly endS: number;
  /** What time it was then. A clock that is behind it now has gone back, and is not believed at once. */
  readonly nowS: number;
}

export interface IngestThread {
  /** Hands the thread another channel of an input. */
  give(socket: SocketPort): void;
  /** The kernel has dropped so many datagrams since this was last told. */
  kernelDropped(datagrams: number): void;
  /**
   * Follows other patterns: a new one starts at `from`, one that stays goes on. Throws MachineRefusal, and follows the
   * former ones on, when this process may not read what they lead to.
   */
  follow(patterns: readonly string[], formats?: FormatRules): void;
  /**
   * Seconds since 1970 on the thread's clock, which decides for the process: two clocks would not follow a step of the
   * machine's time at the same moment, and windows would go back and forth in between.
   */
  nowS(): number;
  /** Resolves when the thread has sealed and posted all it had read. */
  stop(): Promise<void>;
}

/** Starts the thread. Throws MachineRefusal when it may not read what it is to follow. */
export function startIngestThread(options: IngestThreadOptions): IngestThread {
  return new RestartingThread(options);
}

class RestartingThread implements IngestThread {
  #patterns: readonly string[];
  #formats: FormatRules;
  /** Where a thread goes on: as the last one said. */
  #positions: readonly Position[] = [];
  #scanned: readonly string[] = [];
  #endS = 0;
  /** The thread's time = our monotonic time + this. */
  #offsetS: number;
  #retryMs = RETRY_DELAY_MS_MIN;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Undefined while none runs. */
  #worker: Worker | undefined;
  /** What the worker may read: that is fixed when it starts. */
  #granted: readonly string[] = [];
  /** Whether it has been told to stop, so that another can take its place. */
  #giving = false;
  #onStopped: (() => void) | undefined;
  #diedBefore = false;
  /** Datagrams that the kernel dropped while no thread ran. */
  #droppedBefore = 0;

  constructor(readonly options: IngestThreadOptions) {
    const { patterns, clock, former } = options;
    this.#patterns = patterns;
    this.#formats = options.formats ?? AUTO_RULES;
    this.#offsetS = Math.max(clock.nowS(), former?.nowS ?? 0) - clock.monotonicMs() / 1000;
    if (former !== undefined) {
      this.#positions = former.positions;
      this.#scanned = former.scanned;
      this.#endS = former.endS;
    }
    this.#launch();
  }

  nowS(): number {
    return this.options.clock.monotonicMs() / 1000 + this.#offsetS;
  }

  follow(patterns: readonly string[], formats: FormatRules = this.#formats): void {
    const directories = readsOf(patterns);
    refuseUnlessReadable(directories);
    this.#patterns = patterns;
    this.#formats = formats;
    // The next one starts with them.
    if (this.#worker === undefined || this.#giving) return;
    if (directories.every((directory) => isWithin(directory, this.#granted))) {
      return send(this.#worker, { kind: "patterns", patterns, formats });
    }
    this.#giving = true;
    void this.#release(this.#worker);
  }

  give(socket: SocketPort): void {
    // Another thread starts with new channels anyhow.
    if (this.#worker !== undefined && !this.#giving) send(this.#worker, { kind: "socket", socket }, [socket.port]);
  }

  kernelDropped(datagrams: number): void {
    if (this.#worker === undefined) this.#droppedBefore += datagrams;
    else send(this.#worker, { kind: "kernel drops", datagrams });
  }

  stop(): Promise<void> {
    clearTimeout(this.#retry);
    return new Promise((resolve) => {
      this.#onStopped = resolve;
      if (this.#worker === undefined) resolve();
      else if (!this.#giving) send(this.#worker, { kind: "stop" });
    });
  }

  #launch(): void {
    this.#granted = readsOf(this.#patterns);
    const worker = newWorker(this.options.entry ?? ENTRY, this.#granted);
    worker.onmessage = ({ data }: MessageEvent<FromThread>): void => this.#take(data);
    worker.onerror = (event): void => {
      event.preventDefault();
      worker.terminate();
      this.#died(event.message);
    };
    const { from, source, masks, seed } = this.options;
    const former = { positions: this.#positions, scanned: this.#scanned, endS: this.#endS, nowS: this.nowS() };
    const sockets = this.options.sockets?.ports(!this.#diedBefore) ?? [];
    send(
      worker,
      {
        kind: "start",
        patterns: this.#patterns,
        formats: this.#formats,
        from,
        source,
        masks,
        seed,
        ...former,
        sockets,
        style: this.options.style,
        spreads: this.options.spreads,
        creditBytes: UNTAKEN_BYTES_MAX,
      },
      sockets.map(({ port }) => port),
    );
    this.#giving = false;
    this.#worker = worker;
    this.options.onBegin?.(this.#diedBefore);
    this.#diedBefore = false;
    if (this.#droppedBefore > 0) this.kernelDropped(this.#droppedBefore);
    this.#droppedBefore = 0;
  }

  /** What was counted up to some positions is ours: a thread that dies later is followed by one that goes on from there. */
  #take(message: FromThread): void {
    if (message.kind === "stopped") return this.#ended();
    if (message.kind === "inputs") return this.options.onInputs?.(message);
    this.#positions = message.positions;
    if (message.kind === "scanned") {
      this.#scanned = message.patterns;
      this.options.onScanned?.(message.patterns, message.positions);
      return;
    }
    this.#endS = message.endS;
    this.#offsetS = message.nowS - this.options.clock.monotonicMs() / 1000;
    this.#retryMs = RETRY_DELAY_MS_MIN;
    this.options.onSealed(openSealed(message));
    if (this.#worker !== undefined) send(this.#worker, { kind: "taken" });
  }

  /** Tells a thread to stop, once nothing is on its way to it. */
  async #release(worker: Worker): Promise<void> {
    await this.options.sockets?.hold();
    if (worker === this.#worker) send(worker, { kind: "stop" });
  }

  #died(why: string): void {
    const { log } = this.options;
    log.error("an ingest thread died; it is started again from its last positions", { why, after_ms: this.#retryMs });
    this.#worker = undefined;
    this.#diedBefore = true;
    if (this.#onStopped !== undefined) return this.#onStopped();
    this.#launchLater();
  }

  #ended(): void {
    this.#worker = undefined;
    if (this.#onStopped !== undefined) return this.#onStopped();
    this.#tryLaunch();
  }

  #launchLater(): void {
    this.#retry = setTimeout(() => this.#tryLaunch(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_DELAY_MS_MAX);
  }

  #tryLaunch(): void {
    try {
      this.#launch();
    } catch (error) {
      if (!(error instanceof MachineRefusal)) throw error;
      this.options.log.error("no ingest thread can be started; it is tried again", {
        why: error.message,
        after_ms: this.#retryMs,
      });
      this.#launchLater();
    }
  }
}

/** The thread's entry, beside this file; in a bundle, beside the bundle. */
const ENTRY = new URL(import.meta.url.endsWith(".js") ? "./ingest_worker.js" : "./ingest_worker.ts", import.meta.url);

/** The directories of the logs, and the modules that a thread is made of. */
function readsOf(patterns: readonly string[]): readonly string[] {
  return [...new Set([MODULES, ...patterns.map(globBase)])];
}

/** A worker that may read these directories and do nothing else. */
function newWorker(entry: URL, read: readonly string[]): Worker {
  refuseUnlessReadable(read);
  try {
    return new Worker(entry, {
      type: "module",
      name: "ingest",
      deno: {
        permissions: { read: [...read], net: false, env: false, write: false, run: false, ffi: false, sys: false },
      },
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable || error instanceof TypeError)) throw error;
    throw new MachineRefusal(
      `Cannot start the ingest thread: ${error.message}; run the collector with --allow-read=${read.join(",")}`,
    );
  }
}

/** A thread can never have more than its parent. */
function refuseUnlessReadable(directories: readonly string[]): void {
  const missing = directories.filter((path) => Deno.permissions.querySync({ name: "read", path }).state !== "granted");
  if (missing.length === 0) return;
  const logs = missing.filter((path) => path !== MODULES).join(" and ");
  const what = [
    ...logs === "" ? [] : [`logs in ${logs}`],
    ...missing.includes(MODULES) ? [`modules in ${MODULES}`] : [],
  ];
  throw new MachineRefusal(
    `Cannot read ${what.join(" and ")}: the collector was started without that permission; ` +
      `start it with --allow-read=${missing.join(",")} beside what it has`,
  );
}

function isWithin(directory: string, granted: readonly string[]): boolean {
  return granted.some((above) =>
    directory === above || directory.startsWith(above.endsWith("/") ? above : `${above}/`)
  );
}

function send(worker: Worker, message: ToThread, transfer: readonly Transferable[] = []): void {
  worker.postMessage(message, [...transfer]);
}
