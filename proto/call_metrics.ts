/**
 * What became of calls to our services: how many ended with which status, and how long unary ones took. Seen from an
 * interceptor, so that what is refused before it reaches a service (no token, a message too large) is counted as well.
 */
import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { Histogram, SECONDS_BOUNDS } from "@/core/histogram.ts";
import type { CallsSeen, ServingCounts } from "./call_metric_table.ts";

/** Methods that are told apart: what our services have. Any other name is one that a peer made up. */
const METHODS: readonly string[] = [
  "TopN",
  "Trend",
  "ListTargets",
  "StreamSnapshots",
  "DumpSnapshots",
  "StreamBuckets",
  "Check",
  "Watch",
  "ServerReflectionInfo",
];

interface Method {
  readonly ended: Map<string, number>;
  readonly seconds: Histogram;
}

export class CallWatch {
  readonly #methods = new Map<string, Method>();

  /** @param nowMs monotonic. */
  constructor(readonly nowMs: () => number) {}

  /** The first of all interceptors: it sees what the others refuse. */
  readonly interceptor: ServerInterceptor = ({ path, responseStream }, call) => {
    const beganMs = this.nowMs(), method = this.#methodOf(path);
    let open = true;
    const end = (code: string): void => {
      if (!open) return;
      open = false;
      method.ended.set(code, (method.ended.get(code) ?? 0) + 1);
      if (!responseStream) method.seconds.observe((this.nowMs() - beganMs) / 1000);
    };
    return new ServerInterceptingCall(call, {
      start: (next) => next({ onCancel: () => end("CANCELLED") }),
      sendStatus: (ended, next) => {
        end(status[ended.code ?? status.UNKNOWN] ?? "UNKNOWN");
        next(ended);
      },
    });
  };

  /** What has been seen so far. */
  seen(counts: ServingCounts): CallsSeen {
    const methods = [...this.#methods].map(([name, { ended, seconds }]) => {
      const { bounds, counts, sum } = seconds;
      return { name, ended, seconds: seconds.count > 0 ? { bounds, counts, sum } : undefined };
    });
    return { ...counts, methods };
  }

  #methodOf(path: string): Method {
    const last = path.slice(path.lastIndexOf("/") + 1), name = METHODS.includes(last) ? last : "(other)";
    let method = this.#methods.get(name);
    if (method === undefined) {
      this.#methods.set(name, method = { ended: new Map(), seconds: new Histogram(SECONDS_BOUNDS) });
    }
    return method;
  }
}
