/** Signals: stop (SIGTERM, SIGINT) and reload (SIGHUP). Needs no permission. */

export type StopSignal = "SIGTERM" | "SIGINT";

/** The part of the runtime that signals need; tests bring their own. */
export interface SignalHost {
  addSignalListener(signal: Deno.Signal, handler: () => void): void;
  removeSignalListener(signal: Deno.Signal, handler: () => void): void;
  exit(code: number): void;
}

/** Exit codes of a program that a signal ended, as shells have it: 128 and the signal's number. */
const CODES: Readonly<Record<StopSignal, number>> = { SIGTERM: 143, SIGINT: 130 };

/**
 * Calls `handler` at the first SIGTERM or SIGINT, once. A second signal exits at once: whoever asks twice does not want to
 * wait.
 *
 * @returns takes the listeners away again, after which a signal does what it does by default
 */
export function onStop(handler: (signal: StopSignal) => void, host: SignalHost = Deno): () => void {
  let stopping = false;
  const listeners = (["SIGTERM", "SIGINT"] as const).map((signal) => {
    function listener(): void {
      if (stopping) return host.exit(CODES[signal]);
      stopping = true;
      handler(signal);
    }
    host.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) host.removeSignalListener(signal, listener);
  };
}

/**
 * Calls `handler` at every SIGHUP.
 *
 * @returns takes the listener away again
 */
export function onReload(handler: () => void, host: SignalHost = Deno): () => void {
  host.addSignalListener("SIGHUP", handler);
  return () => host.removeSignalListener("SIGHUP", handler);
}
