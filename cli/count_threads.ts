/**
 * Several threads over one job. They share two things: the number of the next part, which each takes by adding one to it, and
 * what each has read, which the main thread shows. Everything else they post when they are done.
 */
import type { Job } from "./count_job.ts";
import type { Progress } from "./count_progress.ts";
import type { Unread } from "./count_read.ts";
import type { TallyState } from "./count_tally.ts";

/** What a thread is started with. */
export interface ThreadStart {
  readonly job: Job;
  readonly board: SharedArrayBuffer;
  /** From 0; the main thread counts as well and is 0. */
  readonly thread: number;
}

/** What a thread posts when no part is left. */
export interface ThreadResult {
  readonly state: TallyState;
  readonly unread: readonly Unread[];
}

/** Starts one thread; its error is our bug. @param names what it will read */
export type StartThread = (start: ThreadStart, names: readonly string[]) => Promise<ThreadResult>;

/** The shared memory: the next part, then bytes and lines of each thread, each written by its thread alone. */
export class Board {
  readonly #next: Int32Array;
  readonly #read: Float64Array;

  /** @param memory of a board that another thread has made */
  constructor(threads: number, readonly memory = new SharedArrayBuffer(HEADER_BYTES + threads * THREAD_BYTES)) {
    this.#next = new Int32Array(memory, 0, 1);
    this.#read = new Float64Array(memory, HEADER_BYTES);
  }

  /** A part that nobody else gets; beyond the last one there is nothing left to do. */
  takePart(): number {
    return Atomics.add(this.#next, 0, 1);
  }

  report(thread: number, bytes: number, lines: number): void {
    this.#read[2 * thread] += bytes;
    this.#read[2 * thread + 1] = lines;
  }

  /** Of all threads. */
  progress(): Progress {
    let bytes = 0, lines = 0;
    for (let at = 0; at < this.#read.length; at += 2) {
      bytes += this.#read[at];
      lines += this.#read[at + 1];
    }
    return { bytes, lines };
  }
}

const HEADER_BYTES = 8, THREAD_BYTES = 16;
