/**
 * What became of calls to our services: how many ended with which status, and how long unary ones took. Seen from an
 * interceptor, so that what is refused before it reaches a service (no token, a message too large) is counted as well.
 */
import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { Histogram, SECONDS_BOUNDS } from "@/core/histogram.ts";
import type { MetricsPage } from "@/core/host/metrics_page.ts";
import type { CallMetrics } from "./call_metric_table.ts";

/** What a role that serves counts of its peers. */
export interface ServingCounts {
  readonly subscribers: number;
  readonly connections: number;
  readonly connectionsRefused: number;
  /** Items that streams lost since their readers were slow. */
  readonly dropped: number;
}

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

  add(page: MetricsPage, metrics: CallMetrics, counts: ServingCounts): void {
    page.add(metrics.subscribers, counts.subscribers);
    page.add(metrics.connections, counts.connections);
    page.add(metrics.refused, counts.connectionsRefused);
    page.add(metrics.dropped, counts.dropped);
    for (const [name, { ended }] of this.#methods) {
      for (const [code, calls] of ended) page.add(metrics.ended, calls, name, code);
    }
    for (const [name, { seconds }] of this.#methods) {
      if (seconds.count > 0) page.addHistogram(metrics.seconds, seconds, name);
    }
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
