/**
 * Entry of the answering thread: gRPC in front of a mirror of what the main thread merges. A question waits for no merge, and
 * whoever asks reaches a thread that can connect to nobody and write nothing.
 */
import { serve, type Serving } from "@/proto/service.ts";
import { MachineRefusal, UsageError } from "@/core/host/endings.ts";
import { collectGarbage, GARBAGE_MS } from "@/core/host/garbage.ts";
import { openStyledLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { serverSecurity } from "@/core/host/security.ts";
import type { AnsweringStart, FromAnswering, ToAnswering } from "./answering_message.ts";
import { MirroredView } from "./mirrored_view.ts";

/** Milliseconds between two times that something is prepared for questions. */
const PREPARE_MS = 1000;

/** The part of a worker's global scope that is used here. */
interface ThreadScope {
  onmessage: ((event: MessageEvent<ToAnswering>) => void) | null;
  postMessage(message: FromAnswering): void;
  close(): void;
}

declare const self: ThreadScope;

const tell = (message: FromAnswering): void => self.postMessage(message);

let view: MirroredView | undefined;
let begin = (): void => {};
let serving: Serving | undefined;

self.onmessage = ({ data }) => {
  switch (data.kind) {
    case "start":
      ({ view, begin } = prepare(data.start));
      break;
    case "news":
      view?.show(data.news, data.targets);
      if (data.news.moment === undefined) break;
      tell({ kind: "shown" });
      begin();
      break;
    case "item":
      view?.take(data.feed, data.item, data.dropped);
      break;
    case "calls":
      if (serving !== undefined) tell({ kind: "calls", calls: serving.calls() });
      break;
    case "stop":
      void stop(data.graceMs);
  }
};

/** A view, and what makes it serve: once. */
function prepare({ listen, source, seed, style, credentials }: AnsweringStart): {
  view: MirroredView;
  begin: () => void;
} {
  const log = openStyledLog("aggregator", style);
  const view = new MirroredView({
    source,
    seed,
    regex: linearRegex,
    tell,
    monotonicMs: () => performance.now(),
    later: (then) => void setTimeout(then, 0),
  });
  const memoryBytes = (): number => Deno.memoryUsage().rss;
  let begun = false;
  const begin = async (): Promise<void> => {
    if (begun) return;
    begun = true;
    try {
      const security = serverSecurity({ text: (name) => credentials[name] ?? "" }, log);
      serving = await serve({ listen, answerer: view, regex: linearRegex, log, memoryBytes, security });
      tell({ kind: "serving", port: serving.port });
    } catch (error) {
      if (!(error instanceof MachineRefusal || error instanceof UsageError)) throw error;
      const mistakes = error instanceof UsageError ? error.mistakes : [];
      tell({ kind: "refused", why: error.message, mistakes });
    }
  };
  setInterval(collectGarbage, GARBAGE_MS);
  setInterval(() => view.prepare(), PREPARE_MS);
  return { view, begin: () => void begin() };
}

async function stop(graceMs: number): Promise<void> {
  await serving?.stop(graceMs);
  tell({ kind: "stopped" });
  self.close();
}
