/** What an aggregator shows of itself to Prometheus: one entry a family. */
import { counter, gauge, type Metric } from "@/core/host/metrics_page.ts";
import { roleMetrics } from "@/core/host/role_pages.ts";
import { stateMetrics } from "@/core/host/state_metrics.ts";
import { storeMetrics } from "@/core/host/store_metrics.ts";
import { callMetrics } from "@/proto/call_metric_table.ts";

const ROLE = "aggregator", own = (rest: string): string => `logtail_${ROLE}_${rest}`;

export const ROLE_METRICS = roleMetrics(ROLE);
export const CALLS = callMetrics(ROLE);
export const STORE = storeMetrics(ROLE);
export const STATE = stateMetrics(ROLE);

/** The fleet as a whole. */
export const FLEET = {
  sources: gauge(own("sources"), "Sources that are followed, by state.", "state"),
  taken: counter(own("buckets_total"), "Buckets that sources sent, by what became of them.", "outcome"),
  newest: gauge(own("newest_slice_end_seconds"), "When the newest slice of any source ended, since 1970."),
  lag: gauge(own("lag_seconds"), "How long ago that was; up to 12 while all is well."),
  relayed: counter(own("relayed_buckets_total"), "Buckets passed on to aggregators that follow.", "cut"),
  relayedBytes: counter(own("relayed_bytes_total"), "What they take when each is passed on once, after cutting."),
  unlisted: gauge(own("sources_unlisted"), "Sources that have no series of their own, since there are too many."),
} as const;

/** Of each source; those beyond METRICS_SOURCES_MAX add up under (other), where adding up makes sense. */
export const SOURCE = {
  up: gauge(own("source_up"), "Whether a source delivers, and is not behind.", "source", "address"),
  lag: gauge(own("source_lag_seconds"), "How long ago its newest slice ended.", "source", "address"),
  lines: counter(own("source_lines_read_total"), "Lines it has read, as far as received.", "source", "address"),
  notCounted: counter(
    own("source_lines_not_counted_total"),
    "Those of them that it did not count.",
    "source",
    "address",
  ),
  skew: gauge(own("source_clock_skew_seconds"), "How far its clock is ahead of ours.", "source", "address"),
  memory: gauge(own("source_memory_bytes"), "Memory of its process, as it says.", "source", "address"),
} as const;

/** All of it. */
export const AGGREGATOR_METRICS: readonly Metric[] = [FLEET, SOURCE, STATE, STORE, CALLS, ROLE_METRICS]
  .flatMap((families) => Object.values<Metric>({ ...families }));
