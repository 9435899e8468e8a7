/** An answering thread that dies when it is asked what it knows of calls. */
import "./answering_worker.ts";
import type { FromAnswering, ToAnswering } from "./answering_message.ts";

interface ThreadScope {
  onmessage: ((event: MessageEvent<ToAnswering>) => void) | null;
  postMessage(message: FromAnswering): void;
}

declare const self: ThreadScope;

const take = self.onmessage;
self.onmessage = (event): void => {
  if (event.data.kind === "calls") throw new Error("the fixture dies");
  take?.(event);
};
