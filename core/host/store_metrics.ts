/** What the role's store holds, against what it may: the same for a collector and an aggregator. */
import type { LiveView } from "@/core/live_view.ts";
import { DELTA_BYTES_MAX, DERIVED_BYTES_MAX, UNPACKED_BYTES_MAX } from "@/core/bounds.ts";
import { derived, unpacked } from "@/core/derived.ts";
import type { MemoryBudget } from "@/core/memory_budget.ts";
import { TIERS } from "@/core/slices.ts";
import { gauge, type Metric, type MetricsPage } from "./metrics_page.ts";

export interface StoreMetrics {
  readonly slots: Metric;
  readonly slotBytes: Metric;
  readonly deltaBytes: Metric;
  readonly deltaBudget: Metric;
  readonly derivedBytes: Metric;
  readonly derivedBudget: Metric;
  readonly dataBudget: Metric;
  readonly runtimeBudget: Metric;
}

/** @param role such as `collector`. */
export function storeMetrics(role: string): StoreMetrics {
  const name = (rest: string): string => `logtail_${role}_${rest}`;
  return {
    slots: gauge(name("slots"), "Slots that hold anything, by length of their slice.", "tier"),
    slotBytes: gauge(name("slot_bytes"), "What their buckets take, merged or not.", "tier"),
    deltaBytes: gauge(name("delta_log_bytes"), "Deltas that are retained for followers."),
    deltaBudget: gauge(name("delta_log_budget_bytes"), "As much of them as is kept; the oldest go first."),
    derivedBytes: gauge(name("kept_for_questions_bytes"), "What questions have computed and left for the next one."),
    derivedBudget: gauge(name("kept_for_questions_budget_bytes"), "As much of it as is kept."),
    dataBudget: gauge(name("memory_data_budget_bytes"), "The most that data may take, as printed at start."),
    runtimeBudget: gauge(name("memory_runtime_budget_bytes"), "The most that the runtime may take beyond it."),
  };
}

export function addStore(page: MetricsPage, metrics: StoreMetrics, view: LiveView, budget: MemoryBudget): void {
  TIERS.forEach(({ sliceS }, t) => {
    const slots = view.store.rings[t].slots().filter(({ knownS }) => knownS > 0), tier = `${sliceS}s`;
    page.add(metrics.slots, slots.length, tier);
    page.add(metrics.slotBytes, slots.reduce((bytes, slot) => bytes + slot.bytes, 0), tier);
  });
  page.add(metrics.deltaBytes, view.deltaLog.bytes);
  page.add(metrics.deltaBudget, DELTA_BYTES_MAX);
  page.add(metrics.derivedBytes, derived.bytes + unpacked.bytes);
  page.add(metrics.derivedBudget, DERIVED_BYTES_MAX + UNPACKED_BYTES_MAX);
  page.add(metrics.dataBudget, budget.dataBytes);
  page.add(metrics.runtimeBudget, budget.runtimeBytes);
}
