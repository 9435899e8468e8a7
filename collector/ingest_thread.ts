/**
 * The main thread's side of an ingest thread: starts it with narrowed permissions, keeps its last positions, and starts
 * it again from there when it dies.
 */
import { fromFileUrl } from "@std/path";
import { RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from "@/core/bounds.ts";
import { MachineRefusal } from "@/core/host/exit.ts";
import { globBase } from "@/core/host/glob.ts";
import type { Log } from "@/core/host/log.ts";
import type { ClientMasks } from "@/core/line_batch.ts";
import type { Position } from "./followed_file.ts";
import type { FromThread, Sealed, ToThread } from "./thread_message.ts";

export interface IngestThreadOptions {
  readonly patterns: readonly string[];
  readonly from: "start" | "end";
  readonly source: string;
  readonly masks: ClientMasks;
  readonly seed: number;
  readonly log: Log;
  readonly onSealed: (sealed: Sealed) => void;
  /** The thread's module; `ingest_worker.ts` unless a test brings another. */
  readonly entry?: URL;
}

export interface IngestThread {
  follow(patterns: readonly string[]): void;
  /** Resolves when the thread has sealed and posted all it had read. */
  stop(): Promise<void>;
}

/** The checkout, or wherever the modules are: a thread must be able to read what it imports. */
const MODULES = fromFileUrl(new URL("../", import.meta.url));

/** Starts the thread. Throws MachineRefusal when it may not read what it is to follow. */
export function startIngestThread(options: IngestThreadOptions): IngestThread {
  return new RestartingThread(options);
}

class RestartingThread implements IngestThread {
  #patterns: readonly string[];
  #from: "start" | "end";
  #positions: readonly Position[] = [];
  #retryMs = RETRY_DELAY_MS_MIN;
  #worker: Worker;
  #onStopped: (() => void) | undefined;

  constructor(readonly options: IngestThreadOptions) {
    this.#patterns = options.patterns;
    this.#from = options.from;
    this.#worker = this.#launch();
  }

  follow(patterns: readonly string[]): void {
    this.#patterns = patterns;
    send(this.#worker, { kind: "patterns", patterns });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#onStopped = resolve;
      send(this.#worker, { kind: "stop" });
    });
  }

  #launch(): Worker {
    const worker = newWorker(this.options.entry ?? ENTRY, this.#patterns);
    worker.onmessage = ({ data }: MessageEvent<FromThread>): void => this.#take(data);
    worker.onerror = (event): void => {
      event.preventDefault();
      worker.terminate();
      this.#restart(event.message);
    };
    const { source, masks, seed } = this.options;
    const start = { patterns: this.#patterns, from: this.#from, positions: this.#positions, source, masks, seed };
    send(worker, { kind: "start", ...start });
    return worker;
  }

  #take(message: FromThread): void {
    if (message.kind === "stopped") return this.#onStopped?.();
    // What was counted up to here is ours: a thread that dies later is followed by one that goes on from here, and
    // files it had not seen yet are new.
    this.#positions = message.positions;
    this.#from = "start";
    this.#retryMs = RETRY_DELAY_MS_MIN;
    this.options.onSealed(message);
  }

  #restart(why: string): void {
    const { log } = this.options;
    log.error("an ingest thread died; it is started again from its last positions", { why, after_ms: this.#retryMs });
    if (this.#onStopped !== undefined) return this.#onStopped();
    setTimeout(() => this.#worker = this.#launch(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_DELAY_MS_MAX);
  }
}

/** The thread's entry, beside this file; in a bundle, beside the bundle. */
const ENTRY = new URL(import.meta.url.endsWith(".js") ? "./ingest_worker.js" : "./ingest_worker.ts", import.meta.url);

/** A worker that may read its logs' directories and the modules it is made of, and do nothing else. */
function newWorker(entry: URL, patterns: readonly string[]): Worker {
  const read = [...new Set([MODULES, ...patterns.map(globBase)])];
  try {
    return new Worker(entry, {
      type: "module",
      name: "ingest",
      deno: { permissions: { read, net: false, env: false, write: false, run: false, ffi: false, sys: false } },
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable || error instanceof TypeError)) throw error;
    throw new MachineRefusal(
      `Cannot start the ingest thread: ${error.message}; run the collector with --allow-read=${read.join(",")}`,
    );
  }
}

function send(worker: Worker, message: ToThread): void {
  worker.postMessage(message);
}
