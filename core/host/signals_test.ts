import { assertEquals } from "@std/assert";
import { onReload, onStop, type SignalHost } from "./signals.ts";

/** Delivers signals by hand and writes down exits. */
class FakeHost implements SignalHost {
  readonly exits: number[] = [];
  readonly #listeners = new Map<Deno.Signal, Set<() => void>>();

  addSignalListener(signal: Deno.Signal, handler: () => void): void {
    this.#listeners.set(signal, (this.#listeners.get(signal) ?? new Set()).add(handler));
  }

  removeSignalListener(signal: Deno.Signal, handler: () => void): void {
    this.#listeners.get(signal)?.delete(handler);
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  /** Listeners that heard it. */
  send(signal: Deno.Signal): number {
    const listeners = [...this.#listeners.get(signal) ?? []];
    for (const listener of listeners) listener();
    return listeners.length;
  }
}

Deno.test("the first SIGTERM or SIGINT stops, once; the second exits at once", () => {
  for (const [first, second, code] of [["SIGTERM", "SIGINT", 130], ["SIGINT", "SIGTERM", 143]] as const) {
    const host = new FakeHost();
    const stops: string[] = [];
    onStop((signal) => stops.push(signal), host);
    host.send(first);
    assertEquals([stops, host.exits], [[first], []]);
    host.send(second);
    assertEquals([stops, host.exits], [[first], [code]]);
  }
});

Deno.test("every SIGHUP reloads", () => {
  const host = new FakeHost();
  let reloads = 0;
  onReload(() => void reloads++, host);
  host.send("SIGHUP");
  host.send("SIGHUP");
  assertEquals(reloads, 2);
});

Deno.test("listeners can be taken away again", () => {
  const host = new FakeHost();
  onStop(() => {}, host)();
  onReload(() => {}, host)();
  assertEquals([host.send("SIGTERM"), host.send("SIGINT"), host.send("SIGHUP")], [0, 0, 0]);
});
