/** What the collector says of itself over HTTP: its part of `core/host/role_pages.ts`. */
import type { LiveView } from "@/core/live_view.ts";
import type { MemoryBudget } from "@/core/memory_budget.ts";
import type { MetricsPage } from "@/core/host/metrics_page.ts";
import type { ProcessState, RolePages } from "@/core/host/role_pages.ts";
import { addStore } from "@/core/host/store_metrics.ts";
import { addCalls } from "@/proto/call_metric_table.ts";
import type { Serving } from "@/proto/service.ts";
import { CALLS, ROLE_METRICS, STORE } from "./metric_table.ts";
import { addCounting } from "./metrics.ts";
import type { RequestMetrics } from "./request_metrics.ts";
import type { ReceiverState } from "./receiver_thread.ts";
import type { StateFacts } from "./state_saver.ts";
import type { CollectorStatus } from "./status.ts";

export interface PagesOptions {
  readonly status: CollectorStatus;
  /** Lists this collector as a source, alone. */
  readonly view: LiveView;
  readonly receivers: () => readonly ReceiverState[];
  readonly kernelDrops: () => number | undefined;
  /** Undefined without a state directory. */
  readonly state: () => StateFacts | undefined;
  readonly requests: RequestMetrics;
  readonly serving: Pick<Serving, "calls">;
  /** Seconds since 1970, on the counting thread's clock. */
  readonly nowS: () => number;
  readonly process: () => ProcessState;
  readonly budget: MemoryBudget;
}

export function collectorPages(options: PagesOptions): RolePages {
  const { status, view, receivers, nowS } = options;
  return {
    metrics: ROLE_METRICS,
    reasons: () => {
      status.look(view.targets()[0], nowS(), receivers());
      return status.readiness.reasons();
    },
    add: (page) => add(page, options),
    process: options.process,
  };
}

function add(page: MetricsPage, { status, view, receivers, nowS, ...options }: PagesOptions): void {
  const { ledger, newestS } = view.targets()[0], { files, bucketsSealed, threadsDied } = status;
  addCounting(page, {
    ...{ ledger, newestS, files, bucketsSealed, threadsDied },
    nowS: nowS(),
    kernelDrops: options.kernelDrops(),
    inputs: status.inputs(receivers()),
    state: options.state(),
  });
  addStore(page, STORE, view, options.budget);
  options.requests.addTo(page);
  addCalls(page, CALLS, options.serving.calls());
}
