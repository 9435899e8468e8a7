/** An ingest thread that reports a position and then dies; started again, it reports its start message. */
import { NOTHING_READ } from "./position.ts";
import type { FromThread, ToThread } from "./thread_message.ts";

interface ThreadScope {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
}

declare const self: ThreadScope;

self.onmessage = ({ data }) => {
  if (data.kind === "stop") return self.postMessage({ kind: "stopped" });
  if (data.kind !== "start") return;
  if (data.positions.length > 0) {
    const problem = JSON.stringify(data), endS = data.nowS;
    return self.postMessage({ kind: "sealed", endS, nowS: data.nowS, problem, buckets: [], positions: data.positions });
  }
  const file = { path: "/log", device: 1, inode: 2, modifiedMs: 0, generation: 0, offset: 77 };
  const positions = [{ ...file, insideTooLong: false, fingerprint: NOTHING_READ, compressed: false, done: false }];
  self.postMessage({ kind: "scanned", patterns: ["/log"], positions });
  setTimeout(() => {
    throw new Error("the fixture dies");
  }, 0);
};
