/** What a role that serves gRPC tells of calls: its families, and what `call_metrics.ts` has seen as plain data. */
import {
  counter,
  gauge,
  histogram,
  type HistogramState,
  type Metric,
  type MetricsPage,
} from "@/core/host/metrics_page.ts";

export interface CallMetrics {
  readonly ended: Metric;
  readonly seconds: Metric;
  readonly subscribers: Metric;
  readonly connections: Metric;
  readonly refused: Metric;
  readonly dropped: Metric;
}

/** @param role such as `collector`. */
export function callMetrics(role: string): CallMetrics {
  const name = (rest: string): string => `logtail_${role}_${rest}`;
  return {
    ended: counter(name("rpcs_total"), "gRPC calls that have ended, streams included.", "method", "code"),
    seconds: histogram(name("rpc_duration_seconds"), "Time from a unary gRPC call to its answer.", "method"),
    subscribers: gauge(name("subscribers"), "gRPC streams that are open."),
    connections: gauge(name("connections"), "gRPC connections that are open."),
    refused: counter(name("connections_refused_total"), "gRPC connections that were closed at once: too many."),
    dropped: counter(name("subscriber_dropped_total"), "Items that slow readers of streams did not get in time."),
  };
}

/** What a role that serves counts of its peers. */
export interface ServingCounts {
  readonly subscribers: number;
  readonly connections: number;
  readonly connectionsRefused: number;
  /** Items that streams lost since their readers were slow. */
  readonly dropped: number;
}

/** All of it, as plain data: it may come from another thread. */
export interface CallsSeen extends ServingCounts {
  readonly methods: readonly {
    readonly name: string;
    /** Calls by the name of the status they ended with. */
    readonly ended: ReadonlyMap<string, number>;
    /** Of unary ones; undefined when there was none. */
    readonly seconds: HistogramState | undefined;
  }[];
}

/** Before anybody has called. */
export const NO_CALLS: CallsSeen = {
  subscribers: 0,
  connections: 0,
  connectionsRefused: 0,
  dropped: 0,
  methods: [],
};

/** Adds what has been seen of calls to a role's page. */
export function addCalls(page: MetricsPage, metrics: CallMetrics, seen: CallsSeen): void {
  page.add(metrics.subscribers, seen.subscribers);
  page.add(metrics.connections, seen.connections);
  page.add(metrics.refused, seen.connectionsRefused);
  page.add(metrics.dropped, seen.dropped);
  for (const { name, ended } of seen.methods) {
    for (const [code, calls] of ended) page.add(metrics.ended, calls, name, code);
  }
  for (const { name, seconds } of seen.methods) {
    if (seconds !== undefined) page.addHistogram(metrics.seconds, seconds, name);
  }
}
