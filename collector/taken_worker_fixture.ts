/** An ingest thread that seals nothing, and once more when it is told that this was taken: it says so, and its credit. */
import type { FromThread, ToThread } from "./thread_message.ts";

interface ThreadScope {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
}

declare const self: ThreadScope;

let creditBytes = 0, told = 0;

self.onmessage = ({ data }) => {
  if (data.kind === "stop") return self.postMessage({ kind: "stopped" });
  if (data.kind === "start") {
    creditBytes = data.creditBytes;
    seal("");
  }
  if (data.kind === "taken" && told++ === 0) seal(`taken ${creditBytes}`);
};

function seal(problem: string): void {
  self.postMessage({ kind: "sealed", endS: 0, nowS: 0, problem, buckets: [], positions: [] });
}
