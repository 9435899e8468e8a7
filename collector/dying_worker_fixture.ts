/** An ingest thread that reports a position and then dies, and reports its start message when it is started again. */
import type { FromThread, ToThread } from "./thread_message.ts";

interface ThreadScope {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
}

declare const self: ThreadScope;

self.onmessage = ({ data }) => {
  if (data.kind === "stop") return self.postMessage({ kind: "stopped" });
  if (data.kind !== "start") return;
  const again = data.positions.length > 0;
  const positions = [{
    path: "/log",
    device: 1,
    inode: 2,
    generation: 0,
    offset: 77,
    insideTooLong: false,
    directoryMarkMs: undefined,
  }];
  // The second thread answers with what it was started with, as the "end" of its slice.
  const endS = again && data.from === "start" ? data.positions[0].offset : 0;
  self.postMessage({ kind: "sealed", endS, buckets: [], positions });
  if (!again) {
    setTimeout(() => {
      throw new Error("the fixture dies");
    }, 0);
  }
};
