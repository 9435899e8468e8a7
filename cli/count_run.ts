/** Counts one job with as many threads as asked for, the calling thread being one of them. */
import type { Inputs } from "@/core/host/input_file.ts";
import type { Job } from "./count_job.ts";
import type { ProgressBar } from "./count_progress.ts";
import { readParts, type Unread } from "./count_read.ts";
import { regexFor, Tally } from "./count_tally.ts";
import { Board, type StartThread } from "./count_threads.ts";

/** What `runJob` needs of the world. */
export interface RunOptions {
  readonly inputs: Inputs;
  readonly bar: ProgressBar;
  readonly threads: number;
  readonly startThread: StartThread;
  /** Ends after `ms` milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}

export interface Counted {
  readonly tally: Tally;
  /** In the order in which the operator named the files; each once. */
  readonly unread: readonly Unread[];
  /** Bytes of the files, as they lie on disk. */
  readonly bytes: number;
}

/** Milliseconds between two looks at what the other threads have done, once this one has nothing left to do. */
const WAIT_MS = 100;

export async function runJob(job: Job, options: RunOptions): Promise<Counted> {
  const { inputs, bar, startThread } = options;
  // More threads than parts would start for nothing.
  const threads = Math.max(1, Math.min(options.threads, job.parts.length));
  const board = new Board(threads);
  const names = [...new Set(job.parts.map(({ name }) => name))];
  const others = Array.from(
    { length: threads - 1 },
    (_, index) => startThread({ job, board: board.memory, thread: index + 1 }, names),
  );
  const tally = new Tally(job, await regexFor(job));
  const unread = [
    ...await readParts({
      job,
      inputs,
      tally,
      next: () => board.takePart(),
      onRead: (bytes) => {
        board.report(0, bytes, tally.lineCount);
        bar.update(() => board.progress());
      },
    }),
  ];
  board.report(0, 0, tally.lineCount);
  for (const result of await waitForAll(others, options, board)) {
    tally.add(result.state);
    unread.push(...result.unread);
  }
  tally.finish();
  return { tally, unread: onceEach(unread), bytes: board.progress().bytes };
}

async function waitForAll<Result>(
  others: readonly Promise<Result>[],
  options: RunOptions,
  board: Board,
): Promise<Result[]> {
  if (others.length === 0) return [];
  let waiting = true;
  const all = Promise.all(others).finally(() => waiting = false);
  all.catch(() => {}); // told by the await below
  while (waiting) {
    await Promise.race([all, options.pause(WAIT_MS)]);
    options.bar.update(() => board.progress());
  }
  return await all;
}

/** A file that was cut into parts is named once. */
function onceEach(unread: readonly Unread[]): readonly Unread[] {
  const sorted = unread.toSorted((a, b) => a.order - b.order);
  return sorted.filter(({ name }, index) => sorted.findIndex((other) => other.name === name) === index);
}
