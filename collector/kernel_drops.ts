/**
 * Datagrams that the kernel dropped because we were busy: looked up every second in the kernel's table, where that was handed
 * in. What cannot be looked up is unknown, and never told as 0.
 */
import { socketDrops } from "@/core/kernel_drops.ts";
import { type FileTrouble, isTrouble } from "@/core/host/file_trouble.ts";
import type { Log } from "@/core/host/log.ts";
import type { ReceiverState } from "./receiver_thread.ts";

export interface KernelDropsOptions {
  /** Files that hold the tables, `-` for standard input; none when nothing was handed in. */
  readonly tables: readonly string[];
  readonly read: (table: string) => string | FileTrouble;
  readonly states: () => readonly ReceiverState[];
  readonly log: Log;
}

export class KernelDrops {
  /** Datagrams dropped since the start, as far as it is known; undefined while it is not. */
  total: number | undefined;
  /** Per input: which start of its receiver, and what the table said then last. */
  readonly #before = new Map<ReceiverState, { readonly starts: number; readonly drops: number }>();
  #told = "";

  constructor(readonly options: KernelDropsOptions) {}

  /** Datagrams dropped since the last look, on all inputs; undefined when that is not known of each of them. */
  look(): number | undefined {
    const { tables, states } = this.options;
    const inputs = states().filter(({ input, port }) => input.transport === "udp" && port > 0);
    if (tables.length === 0 || inputs.length === 0) return undefined;
    const text = this.#read();
    if (text === undefined) return undefined;
    const now = inputs.map((state) => socketDrops(text, { ...state.input, port: state.port }));
    const missing = inputs.find((_, i) => now[i] === undefined);
    if (missing !== undefined) {
      return this.#unknown(
        `${missing.input.name} is not in the table; hand in /proc/net/udp6 as well as /proc/net/udp`,
      );
    }
    this.#told = "";
    let dropped = 0;
    inputs.forEach((state, i) => {
      const { starts, probesDropped } = state, before = this.#before.get(state), drops = now[i]!;
      // A new socket begins with what was dropped while its room was measured: that was our own.
      dropped += Math.max(0, drops - (before?.starts === starts ? before.drops : probesDropped));
      this.#before.set(state, { starts, drops });
    });
    this.total = (this.total ?? 0) + dropped;
    return dropped;
  }

  #read(): string | undefined {
    const { tables, read } = this.options;
    let text = "";
    for (const table of tables) {
      const more = read(table);
      if (isTrouble(more)) {
        return this.#unknown(`cannot read ${table === "-" ? "standard input" : table}: ${more.reason}`);
      }
      text += more;
    }
    return text;
  }

  /** Told once for each reason. */
  #unknown(why: string): undefined {
    if (why !== this.#told) this.options.log.warn("how many datagrams the kernel drops is not known", { why });
    this.#told = why;
    return undefined;
  }
}
