/** The families of a role that serves gRPC: one entry each. They are filled in `call_metrics.ts`. */
import { counter, gauge, histogram, type Metric } from "@/core/host/metrics_page.ts";

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
