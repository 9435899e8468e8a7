/**
 * Garbage, collected when it is known that there is some. V8 looks for it late when it lies outside of its heap, as columns
 * of buckets do: dropped slots add up to a tenth of everything held, or 75 MB, before it does (measured on Deno 2.9, 300 MB
 * held). A collection takes 30 ms.
 */
import v8 from "node:v8";
import vm from "node:vm";

/** Milliseconds between two collections of a role that merges buckets: a minute's are dropped every minute. */
export const GARBAGE_MS = 60_000;

let collect: (() => void) | undefined;

/** Collects this thread's garbage, all of it, before it returns. Does nothing where the runtime has no such function. */
export function collectGarbage(): void {
  collect ??= found();
  collect();
}

/** The function that `--expose-gc` adds to new contexts; the flag may come this late. */
function found(): () => void {
  try {
    v8.setFlagsFromString("--expose-gc");
    const gc: unknown = vm.runInNewContext("gc");
    if (typeof gc === "function") return () => void gc();
  } catch {
    // A runtime without it: garbage is then collected when V8 sees fit.
  }
  return () => {};
}
