/**
 * The main thread's side of the threads that receive: one for each input that is no file, started with permission for its own
 * address, and started again when it dies. Their messages go to the counting thread directly.
 */
import { RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from "@/core/bounds.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import type { Log, LogStyle } from "@/core/host/log.ts";
import { MODULES } from "./modules.ts";
import type { ConnectionCounts, ReceiverOrder, ReceiverReport, SocketPort } from "./socket_batch.ts";
import { grantOf, type SocketInput } from "./socket_input.ts";

export interface ReceiversOptions {
  readonly inputs: readonly SocketInput[];
  readonly log: Log;
  /** How receivers write their own events; as usual when absent. */
  readonly style?: LogStyle;
  /** A receiver was replaced: the counting thread takes its input on this channel now. */
  readonly give: (socket: SocketPort) => void;
  /** Standard input has ended. */
  readonly onEnd?: () => void;
}

/** What an operator can know of an input without asking who counts. */
export interface ReceiverState {
  readonly input: SocketInput;
  /** The port it listens on; 0 while it does not, and where there is none. */
  readonly port: number;
  /** Why nothing is received, in words; empty when it is. */
  readonly problem: string;
  /** How often it has begun to listen. */
  readonly starts: number;
  /** Datagrams of our own that the kernel dropped while its room was measured. */
  readonly probesDropped: number;
  readonly connections: ConnectionCounts | undefined;
}

export interface Receivers {
  /** New channels for a counting thread that starts. @param sealed whether the one before it had sealed all that it took. */
  ports(sealed: boolean): readonly SocketPort[];
  /** Resolves when nothing is on its way to the counting thread; nothing more is handed over until `ports`. */
  hold(): Promise<void>;
  states(): readonly ReceiverState[];
  /** Receives nothing more. Resolves when all that was received has been taken. */
  stop(): Promise<void>;
}

/** Where the buffer of the kernel is set. */
const SYSCTL_FILE = "packaging/sysctl.d/60-nginx-logtail.conf";

/** Resolves when all inputs are listened on; a thread that dies later is started again. Rejects with MachineRefusal. */
export async function startReceivers(options: ReceiversOptions): Promise<Receivers> {
  const receivers = options.inputs.map((input, index) => new Receiver(input, index, options));
  try {
    await Promise.all(receivers.map((receiver) => receiver.bound));
  } catch (error) {
    for (const receiver of receivers) receiver.abandon();
    throw error;
  }
  return {
    ports: (sealed) => receivers.map((receiver) => receiver.attach(sealed)),
    hold: async () => void await Promise.all(receivers.map((receiver) => receiver.hold())),
    states: () => receivers,
    stop: async () => void await Promise.all(receivers.map((receiver) => receiver.stop())),
  };
}

class Receiver implements ReceiverState {
  port = 0;
  problem = "";
  starts = 0;
  probesDropped = 0;
  connections: ConnectionCounts | undefined;
  /** Resolves when it listens for the first time. */
  readonly bound: Promise<void>;
  readonly #first = Promise.withResolvers<void>();
  #worker: Worker | undefined;
  #retryMs = RETRY_DELAY_MS_MIN;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Whether a counting thread takes what comes. */
  #attached = false;
  #onHeld: (() => void) | undefined;
  #onStopped: (() => void) | undefined;

  constructor(readonly input: SocketInput, readonly index: number, readonly options: ReceiversOptions) {
    this.bound = this.#first.promise;
    this.#launch();
  }

  attach(sealed: boolean): SocketPort {
    const { port1, port2 } = new MessageChannel();
    this.#attached = true;
    this.#order({ kind: "attach", port: port1, sealed }, [port1]);
    return { input: this.input, index: this.index, port: port2 };
  }

  hold(): Promise<void> {
    this.#attached = false;
    if (this.#worker === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onHeld = resolve;
      this.#order({ kind: "hold" });
    });
  }

  stop(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#worker === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onStopped = resolve;
      this.#order({ kind: "stop" });
    });
  }

  abandon(): void {
    clearTimeout(this.#retry);
    this.#worker?.terminate();
  }

  #launch(): void {
    const worker = this.#worker = newWorker(this.input);
    worker.onmessage = ({ data }: MessageEvent<ReceiverReport>): void => this.#hear(data);
    worker.onerror = (event): void => {
      event.preventDefault();
      worker.terminate();
      this.#died(event.message);
    };
    this.#order({ kind: "start", input: this.input, style: this.options.style });
  }

  #hear(report: ReceiverReport): void {
    switch (report.kind) {
      case "bound":
        return this.#listens(report.port, report.room);
      case "refused":
        return this.#refused(report.why);
      case "held":
        return this.#onHeld?.();
      case "connections":
        this.connections = report.counts;
        return;
      case "ended":
        this.problem = "standard input has ended";
        return this.options.onEnd?.();
      case "stopped":
        this.#worker = undefined;
        return this.#onStopped?.();
    }
  }

  #listens(port: number, room?: { readonly sent: number; readonly kept: number }): void {
    const { log } = this.options, { name } = this.input;
    this.port = port;
    this.problem = "";
    this.starts++;
    this.#retryMs = RETRY_DELAY_MS_MIN;
    this.probesDropped = room === undefined ? 0 : room.sent - room.kept;
    log.info("receiving", { input: name, ...port > 0 && { port } });
    if (this.probesDropped > 0) {
      log.warn(
        `the receive buffer is small: the kernel keeps ${
          room!.kept
        } datagrams while we are busy, and drops what comes then; ` +
          `install ${SYSCTL_FILE} as /etc/sysctl.d/60-nginx-logtail.conf, run sysctl --system, and restart the collector`,
        { input: name },
      );
    }
    this.#first.resolve();
  }

  /** At the start that ends the program; later it is tried again. */
  #refused(why: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#first.reject(new MachineRefusal(`${why}${this.#grantHint(why)}`));
    this.#again(why);
  }

  #grantHint(why: string): string {
    const { transport, path } = this.input, grant = grantOf(this.input);
    if (!why.includes("permission:")) return "";
    const paths = transport === "unix" ? ` --allow-read=${path} --allow-write=${path}` : "";
    return `; start the collector with --allow-net=${grant}${paths} beside what it has`;
  }

  #died(why: string): void {
    this.#worker = undefined;
    this.options.log.error("a receiving thread died; it is started again", {
      input: this.input.name,
      why,
      after_ms: this.#retryMs,
    });
    this.#onHeld?.();
    this.#again(why);
  }

  #again(why: string): void {
    this.problem = why;
    this.port = 0;
    if (this.#onStopped !== undefined) return this.#onStopped();
    this.#retry = setTimeout(() => this.#relaunch(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_DELAY_MS_MAX);
  }

  #relaunch(): void {
    try {
      this.#launch();
    } catch (error) {
      if (!(error instanceof MachineRefusal)) throw error;
      return this.#again(error.message);
    }
    if (this.#attached) this.options.give(this.attach(true)); // it has handed over nothing yet
  }

  #order(order: ReceiverOrder, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(order, transfer);
  }
}

/** The thread's entry, beside this file; in a bundle, beside the bundle. */
const ENTRY = new URL(
  import.meta.url.endsWith(".js") ? "./receiver_worker.js" : "./receiver_worker.ts",
  import.meta.url,
);

/** A worker that may listen on the input's address and do nothing else. Throws MachineRefusal. */
function newWorker(input: SocketInput): Worker {
  const { transport, path } = input;
  const paths = transport === "unix" ? [path] : [];
  const net = transport === "stdin" ? false : [grantOf(input)];
  try {
    return new Worker(ENTRY, {
      type: "module",
      name: `receiver ${input.name}`,
      deno: {
        permissions: {
          net,
          read: [MODULES, ...paths],
          write: paths.length > 0 && paths,
          env: false,
          run: false,
          ffi: false,
          sys: false,
        },
      },
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable || error instanceof TypeError)) throw error;
    const needs = [
      ...net === false ? [] : [`--allow-net=${net[0]}`],
      `--allow-read=${[MODULES, ...paths].join(",")}`,
      ...paths.length === 0 ? [] : [`--allow-write=${path}`],
    ];
    throw new MachineRefusal(
      `Cannot listen on ${input.name}: ${error.message}; start the collector with ${
        needs.join(" ")
      } beside what it has`,
    );
  }
}
