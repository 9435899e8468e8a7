/** What the commands need of the world around them, so that tests can bring their own. */
import type { Inputs } from "@/core/host/input_file.ts";
import type { Screen } from "@/core/host/screen.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import type { Client } from "@/proto/client.ts";
import type { Terminal } from "./count_progress.ts";
import type { StartThread } from "./count_threads.ts";

export interface Shell {
  /**
   * Reads the files that the flags of a command name for TLS and tokens, before `giveUp`. Throws UsageError and
   * MachineRefusal.
   */
  secure(flags: FlagValues): Promise<void>;
  /** Never rejects; what cannot be reached is told by the first question. */
  connect(target: string): Promise<Client>;
  /** Writes to standard output; throws OutputClosed when nobody reads it any more. */
  out(text: string): void;
  /** Writes one line, named after the program, to standard error. */
  problem(line: string): void;
  /** Writes help to standard error, for whoever did not ask for it. */
  help(text: string): void;
  /** Whether the output may be dimmed. */
  readonly styled: boolean;
  /** Columns of the terminal that the output goes to; undefined when it goes elsewhere. */
  columns(): number | undefined;
  /** Minutes that local time is ahead of UTC at a time in seconds since 1970. */
  offsetMinutes(timeS: number): number;
  /** Ends after `ms` milliseconds, or when stopped; never rejects. */
  pause(ms: number, stop: AbortSignal): Promise<void>;
  /** Permissions of this process that a command has no use for: what it runs later cannot use them either. */
  giveUp(permission: "net" | "read"): void;
  /** Log files, for `count`. */
  readonly inputs: Inputs;
  /** Where progress is shown: standard error, when that is a terminal. */
  readonly terminal: Terminal | undefined;
  /** Takes the whole terminal. Throws MachineRefusal when there is none. */
  openScreen(): Screen;
  /** Milliseconds since the program was started. */
  nowMs(): number;
  /** Further threads, for `count`. */
  readonly startThread: StartThread;
  /** Aborted at the first SIGINT or SIGTERM from now on. */
  untilStopped(): AbortSignal;
}

/** Milliseconds before a stream that ended is opened again. */
export const RECONNECT_DELAY_MS = 5000;

/** Targets asked at the same time; further ones wait for their turn. Each costs a connection. */
export const TARGETS_AT_ONCE_MAX = 64;
