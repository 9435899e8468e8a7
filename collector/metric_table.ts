/** What a collector shows of itself to Prometheus: one entry a family. */
import { counter, gauge, type Metric } from "@/core/host/metrics_page.ts";
import { roleMetrics } from "@/core/host/role_pages.ts";
import { stateMetrics } from "@/core/host/state_metrics.ts";
import { storeMetrics } from "@/core/host/store_metrics.ts";
import { callMetrics } from "@/proto/call_metric_table.ts";
import { REQUEST_METRICS } from "./request_metrics.ts";

const ROLE = "collector", own = (rest: string): string => `logtail_${ROLE}_${rest}`;

export const ROLE_METRICS = roleMetrics(ROLE);
export const CALLS = callMetrics(ROLE);
export const STORE = storeMetrics(ROLE);
export const STATE = stateMetrics(ROLE);

/** Lines, logs and buckets. */
export const LINES = {
  read: counter(own("lines_read_total"), "Lines read, whatever became of them."),
  counted: counter(own("lines_counted_total"), "Lines counted."),
  notCounted: counter(own("lines_not_counted_total"), "Lines read that were not counted, by reason.", "reason"),
  logsCut: counter(own("logs_cut_total"), "Logs that were cut off before they were surely read."),
  unreadBytes: counter(own("log_unread_bytes_total"), "Bytes seen in such logs and never read."),
  files: gauge(own("files"), "Log files that are open."),
  sealed: counter(own("buckets_sealed_total"), "Buckets sealed."),
  died: counter(own("threads_died_total"), "Counting threads that died and were started again."),
  newest: gauge(own("newest_slice_end_seconds"), "When the newest slice ended, since 1970."),
  lag: gauge(own("lag_seconds"), "How long ago that was; up to 11 while all is well."),
} as const;

/** The names that the original has, for inputs of the UDP kind: syslog has names of its own. */
export const UDP = {
  drops: counter("logtail_udp_kernel_drops_total", "Datagrams that the kernel dropped before they were read."),
  packets: counter("logtail_udp_packets_received_total", "Datagrams received."),
  understood: counter("logtail_udp_loglines_success_total", "Lines of datagrams that are lines of their format."),
  consumed: counter("logtail_udp_loglines_consumed_total", "Lines of datagrams that were counted."),
} as const;

/** Of each input that is no file. */
export const INPUT = {
  up: gauge(own("input_up"), "Whether an input is listened on.", "input"),
  read: counter(own("input_lines_read_total"), "Lines that came by an input.", "input"),
  counted: counter(own("input_lines_counted_total"), "Those of them that were counted.", "input"),
  datagrams: counter(own("input_datagrams_total"), "Datagrams that came by an input.", "input"),
  connections: gauge(own("input_connections"), "Connections that are open.", "input"),
  accepted: counter(own("input_connections_accepted_total"), "Connections accepted.", "input"),
  refused: counter(own("input_connections_refused_total"), "Connections refused: too many.", "input"),
  timedOut: counter(own("input_connections_timed_out_total"), "Connections closed: too slow.", "input"),
} as const;

/** All of it. */
export const COLLECTOR_METRICS: readonly Metric[] = [
  REQUEST_METRICS,
  LINES,
  STATE,
  UDP,
  INPUT,
  STORE,
  CALLS,
  ROLE_METRICS,
]
  .flatMap((families) => Object.values<Metric>({ ...families }));
