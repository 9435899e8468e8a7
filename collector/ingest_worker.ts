/**
 * Entry of an ingest thread: it owns its logs, follows and counts them, and posts what it has sealed.
 *
 * It runs with read permission on the directories of its logs and on its own modules, and nothing else.
 */
import { delay } from "@std/async/delay";
import { systemClock } from "@/core/host/clock.ts";
import { systemFiles } from "@/core/host/files.ts";
import { OncePerMinute, openStyledLog } from "@/core/host/log.ts";
import { watchDirectories } from "@/core/host/watch.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { LineSpread } from "@/core/line_spread.ts";
import { Pipeline } from "@/core/pipeline.ts";
import { FileTail } from "./file_tail.ts";
import { waitingText } from "./file_waiting.ts";
import { Ingest } from "./ingest.ts";
import { AUTO_RULES, InputFormats } from "./input_formats.ts";
import { IngestSockets } from "./ingest_sockets.ts";
import { IngestTurns } from "./ingest_turn.ts";
import { SealedCredit } from "./sealed_credit.ts";
import { blocksOf, type FromThread, type ToThread } from "./thread_message.ts";

/** Milliseconds between two looks at all inputs when nothing wakes the thread. */
const POLL_MS = 1000;
/** Milliseconds between two looks at the clock while nothing is read: slices are sealed this punctually. */
const TICK_MS = 100;

/** Milliseconds between two reports of how far the inputs have come. */
const REPORT_MS = 1000;

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
  const log = openStyledLog("collector", start.style);
  const clock = systemClock(start.nowS);
  const { source, masks, seed, endS } = start, spread = start.spreads ? new LineSpread(seed) : undefined;
  let buckets = 0;
  const formats = new InputFormats(start.formats ?? AUTO_RULES, log);
  const ingest = new Ingest({
    pipeline: new Pipeline({ format: LOGTAIL_FORMAT, masks, source, seed, spread }),
    spread,
    clock,
    endS,
    positions: (of, handedBytes) => tail.positions(of, handedBytes),
    post: (sealed) => {
      const message = blocksOf(sealed);
      credit.posted(message.buckets.reduce((bytes, { byteLength }) => bytes + byteLength, 0));
      self.postMessage(message, [...message.buckets]);
      sockets.sealed();
      buckets += sealed.buckets.length;
    },
    trouble: () => waitingText(tail.waiting()),
    samples: new OncePerMinute(log),
    formats,
  });
  const credit = new SealedCredit(start.creditBytes), mayCount = (): boolean => credit.isLeft;
  const sockets = new IngestSockets(ingest, mayCount);
  start.sockets.forEach((socket) => sockets.open(socket));
  const nowS = (): number => clock.nowS();
  let stopping = false;
  let wake = (): void => {};
  const onMore = (): void => {
    turns.wake(false);
    wake();
  };
  const tail: FileTail = new FileTail({ ...start, files: systemFiles(), log, nowS, consumer: ingest, onMore });
  const watch = watchDirectories([], (names, poll) => {
    turns.wake(names, poll);
    wake();
  }, { pollMs: POLL_MS, log });
  const turns = new IngestTurns({
    tail,
    ingest,
    mayCount,
    onRescan: () => watch.update(tail.directories()),
    post: (scanned) => self.postMessage(scanned),
    monotonicMs: () => clock.monotonicMs(),
  });
  self.onmessage = ({ data }) => {
    if (data.kind === "stop") stopping = true;
    if (data.kind === "patterns") {
      turns.follow(data.patterns);
      formats.follow(data.formats);
    }
    if (data.kind === "socket") sockets.open(data.socket);
    if (data.kind === "taken") {
      credit.taken();
      sockets.takeHeld();
    }
    if (data.kind === "kernel drops") ingest.kernelDropped(data.datagrams);
    wake();
  };

  const report = (): void =>
    self.postMessage({ kind: "inputs", files: tail.followed(), buckets, sockets: sockets.counts() });
  const reporting = setInterval(report, REPORT_MS);
  while (!stopping) {
    const more = turns.turn();
    // Even with more to read, messages and watch events get their turn.
    await (more ? delay(0) : Promise.race([delay(TICK_MS), new Promise<void>((resolve) => wake = resolve)]));
  }
  watch.close();
  clearInterval(reporting);
  // What was written before the stop is still counted, as far as the time to stop allows.
  const untilMs = clock.monotonicMs() + LAST_READ_MS_MAX;
  turns.wake(true);
  while (turns.turn() && clock.monotonicMs() < untilMs);
  sockets.takeHeld(true);
  ingest.finish();
  report();
  sockets.close();
  tail.close();
  self.postMessage({ kind: "stopped" });
  self.close();
}
