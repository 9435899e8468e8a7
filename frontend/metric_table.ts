/** What a frontend shows of itself to Prometheus: one entry a family. */
import { counter, gauge, histogram, type Metric } from "@/core/host/metrics_page.ts";
import { roleMetrics } from "@/core/host/role_pages.ts";

const ROLE = "frontend", own = (rest: string): string => `logtail_${ROLE}_${rest}`;

export const ROLE_METRICS = roleMetrics(ROLE);

/** Towards browsers. */
export const REQUEST = {
  answered: counter(own("requests_total"), "HTTP requests answered, by status.", "status"),
  seconds: histogram(own("request_duration_seconds"), "Time from an HTTP request to its answer."),
  waiting: gauge(own("requests_waiting"), "HTTP requests that are being answered."),
} as const;

/** Towards targets. */
export const UPSTREAM = {
  up: gauge(own("target_up"), "Whether --target has answered when it was last asked."),
  asked: counter(own("questions_total"), "Questions to targets, by what became of them.", "question", "outcome"),
  seconds: histogram(own("question_duration_seconds"), "Time from a question to a target to its answer.", "question"),
} as const;

/** All of it. */
export const FRONTEND_METRICS: readonly Metric[] = [REQUEST, UPSTREAM, ROLE_METRICS]
  .flatMap((families) => Object.values<Metric>({ ...families }));
