/** What a role keeps on disk, and what waits for it: the same for a collector and an aggregator, with --state-dir. */
import { STATE_QUEUE_BYTES_MAX } from "@/core/bounds.ts";
import { stateBytesMax } from "@/core/memory_budget.ts";
import { counter, gauge, type Metric, type MetricsPage } from "./metrics_page.ts";
import type { StateFacts } from "./state_saver.ts";

export interface StateMetrics {
  readonly bytes: Metric;
  readonly budget: Metric;
  readonly segments: Metric;
  readonly queuedBytes: Metric;
  readonly queueBudget: Metric;
  readonly failing: Metric;
  readonly letGo: Metric;
}

/** @param role such as `collector`. */
export function stateMetrics(role: string): StateMetrics {
  const name = (rest: string): string => `logtail_${role}_state_${rest}`;
  return {
    bytes: gauge(name("bytes"), "State on disk."),
    budget: gauge(name("budget_bytes"), "The most of it, as printed at start."),
    segments: gauge(name("segments"), "Files that it is in."),
    queuedBytes: gauge(name("queue_bytes"), "What waits to be saved."),
    queueBudget: gauge(name("queue_budget_bytes"), "As much of it as may wait; beyond it delivery stops."),
    letGo: counter(
      name("let_go_deltas_total"),
      "Deltas that went from the disk for room while they could be asked for.",
    ),
    failing: gauge(name("failing"), "Whether state cannot be written at present."),
  };
}

/** @param followsSources as in the memory budget */
export function addState(page: MetricsPage, metrics: StateMetrics, facts: StateFacts, followsSources: boolean): void {
  page.add(metrics.bytes, facts.bytes);
  page.add(metrics.budget, stateBytesMax(followsSources));
  page.add(metrics.segments, facts.segments);
  page.add(metrics.queuedBytes, facts.queuedBytes);
  page.add(metrics.queueBudget, STATE_QUEUE_BYTES_MAX);
  page.add(metrics.letGo, facts.letGo);
  page.add(metrics.failing, facts.failing ? 1 : 0);
}
