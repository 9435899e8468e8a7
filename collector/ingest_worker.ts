/**
 * Entry of an ingest thread: it owns its logs, follows and counts them, and posts what it has sealed.
 *
 * It runs with read permission on the directories of its logs and on its own modules, and nothing else.
 */
import { delay } from "@std/async/delay";
import { systemClock } from "@/core/host/clock.ts";
import { systemFiles } from "@/core/host/files.ts";
import { OncePerMinute, openLog } from "@/core/host/log.ts";
import { watchDirectories } from "@/core/host/watch.ts";
import { parseLogtail } from "@/core/format_logtail.ts";
import { Pipeline } from "@/core/pipeline.ts";
import { FileTail } from "./file_tail.ts";
import { Ingest } from "./ingest.ts";
import { bucketBuffers, type FromThread, type ToThread } from "./thread_message.ts";

/** Milliseconds between two looks at all inputs when nothing wakes the thread. */
const POLL_MS = 1000;
/** Chunks read between two looks at the clock and at messages: about 8 MiB, some tens of milliseconds. */
const CHUNKS_PER_TURN = 16;
/** Milliseconds between two looks at the clock while nothing is read: slices are sealed this punctually. */
const TICK_MS = 100;

/** Milliseconds for reading on after a stop was asked for. */
const LAST_READ_MS_MAX = 1000;

/** The part of a worker's global scope that is used here. */
interface ThreadScope {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread, transfer?: Transferable[]): void;
  close(): void;
}

declare const self: ThreadScope;

self.onmessage = ({ data }) => {
  if (data.kind === "start") void run(data);
};

async function run(start: Extract<ToThread, { kind: "start" }>): Promise<void> {
  const log = openLog("collector");
  const clock = systemClock();
  const { patterns, from, positions, source, masks, seed } = start;
  const ingest = new Ingest({
    pipeline: new Pipeline({ parse: parseLogtail, masks, source, seed }),
    clock,
    positions: (of, handedBytes) => tail.positions(of, handedBytes),
    post: (sealed) => self.postMessage(sealed, sealed.buckets.flatMap(bucketBuffers)),
    samples: new OncePerMinute(log),
  });
  const nowS = (): number => clock.nowS();
  const tail: FileTail = new FileTail({ files: systemFiles(), patterns, from, positions, log, nowS, consumer: ingest });

  let stopping = false;
  let wake = (): void => {};
  let rescanDue = true;
  const watch = watchDirectories([], () => {
    rescanDue = true;
    wake();
  }, { pollMs: POLL_MS, log });
  self.onmessage = ({ data }) => {
    if (data.kind === "stop") stopping = true;
    if (data.kind === "patterns") tail.follow(data.patterns);
    rescanDue = true;
    wake();
  };

  while (!stopping) {
    if (rescanDue) {
      rescanDue = false;
      tail.rescan();
      watch.update(tail.directories());
    }
    const more = tail.readSome(CHUNKS_PER_TURN);
    ingest.tick();
    // Even with more to read, messages and watch events get their turn.
    await (more ? delay(0) : Promise.race([delay(TICK_MS), new Promise<void>((resolve) => wake = resolve)]));
  }
  watch.close();
  // What was written before the stop is still counted, as far as the time to stop allows.
  const untilMs = clock.monotonicMs() + LAST_READ_MS_MAX;
  while (tail.readSome(CHUNKS_PER_TURN) && clock.monotonicMs() < untilMs) ingest.tick();
  ingest.finish();
  tail.close();
  self.postMessage({ kind: "stopped" });
  self.close();
}
