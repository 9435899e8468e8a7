/**
 * Entry of a further thread of `nginx-logtail count`: takes parts of the job until none is left, and posts what it has counted.
 *
 * It runs with read permission on the files of the job and on its own modules, and nothing else.
 */
import { systemInputs } from "@/core/host/input_file.ts";
import { readParts } from "./count_read.ts";
import { regexFor, Tally } from "./count_tally.ts";
import { Board, type ThreadResult, type ThreadStart } from "./count_threads.ts";

/** The part of a worker's global scope that is used here. */
interface ThreadScope {
  onmessage: ((event: MessageEvent<ThreadStart>) => void) | null;
  postMessage(message: ThreadResult): void;
  close(): void;
}

declare const self: ThreadScope;

self.onmessage = ({ data }) => void run(data);

async function run({ job, board: memory, thread }: ThreadStart): Promise<void> {
  const board = new Board(0, memory), tally = new Tally(job, await regexFor(job));
  const unread = await readParts({
    job,
    inputs: systemInputs(),
    tally,
    next: () => board.takePart(),
    onRead: (bytes) => board.report(thread, bytes, tally.lineCount),
  });
  board.report(thread, 0, tally.lineCount);
  self.postMessage({ state: tally.state(), unread });
  self.close();
}
