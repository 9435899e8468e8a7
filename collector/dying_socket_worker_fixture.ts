/**
 * A counting thread that takes what sockets bring, seals none of it, and dies when a line says so. Started again, it tells how
 * many lines are said to be lost, and what came then.
 */
import { IngestSockets } from "./ingest_sockets.ts";
import type { FromThread, ToThread } from "./thread_message.ts";

interface ThreadScope {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
}

declare const self: ThreadScope;

let lost = 0, dying = false;

const sockets = new IngestSockets({
  lines: (bytes, start, end) => {
    const text = new TextDecoder().decode(bytes.subarray(start, end));
    if (!dying && !text.includes("die")) return tell(text);
    dying = true;
    // Out of any handler, as a bug in a timer would be.
    setTimeout(() => Promise.reject(new Error("the fixture dies")));
  },
  tooLong: () => {},
  lost: (lines) => void (lost += lines),
});

self.onmessage = ({ data }) => {
  if (data.kind === "start") data.sockets.forEach((socket) => sockets.open(socket));
  if (data.kind === "stop") self.postMessage({ kind: "stopped" });
};

/** In the place where a thread tells what is wrong with it. */
function tell(text: string): void {
  const problem = `${text.trimEnd()}, ${lost} lost`;
  self.postMessage({ kind: "sealed", endS: 0, nowS: 0, problem, buckets: [], positions: [] });
}
