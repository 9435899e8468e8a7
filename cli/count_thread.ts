/** Starts further threads of `nginx-logtail count`, each with the permissions that it needs and no more. */
import { MachineRefusal } from "@/core/host/endings.ts";
import { STANDARD_INPUT } from "@/core/host/input_file.ts";
import type { StartThread, ThreadResult } from "./count_threads.ts";

/** The thread's entry, beside this file; in a bundle, beside the bundle. */
const ENTRY = new URL(import.meta.url.endsWith(".js") ? "./count_worker.js" : "./count_worker.ts", import.meta.url);

/** The checkout, or wherever the modules are: a thread must be able to read what it imports. */
export const MODULES = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Rejects when the thread dies, which is our bug. Throws MachineRefusal when it may not be started. */
export const startThread: StartThread = (start, names) =>
  new Promise<ThreadResult>((resolve, reject) => {
    const worker = newWorker([MODULES, ...names.filter((name) => name !== STANDARD_INPUT)]);
    worker.onmessage = ({ data }: MessageEvent<ThreadResult>): void => resolve(data);
    worker.onerror = (event): void => {
      event.preventDefault();
      reject(new Error(`A counting thread died: ${event.message}`));
    };
    worker.postMessage(start);
  });

function newWorker(read: string[]): Worker {
  try {
    return new Worker(ENTRY, {
      type: "module",
      name: "count",
      deno: { permissions: { read, net: false, env: false, write: false, run: false, ffi: false, sys: false } },
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable || error instanceof TypeError)) throw error;
    throw new MachineRefusal(
      `Cannot start another thread: ${error.message}; run it with --allow-read=${read.join(",")}, or with --threads=1`,
    );
  }
}
