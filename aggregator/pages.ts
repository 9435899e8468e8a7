/** What the aggregator says of itself over HTTP: its part of `core/host/role_pages.ts`. */
import type { TargetInfo } from "@/core/answer.ts";
import type { MemoryBudget } from "@/core/memory_budget.ts";
import type { ProcessState, RolePages } from "@/core/host/role_pages.ts";
import { addState } from "@/core/host/state_metrics.ts";
import { addStore } from "@/core/host/store_metrics.ts";
import { addCalls } from "@/proto/call_metric_table.ts";
import type { AnsweringThread } from "./answering_thread.ts";
import type { Fleet } from "./fleet.ts";
import { addFleet, addRelayed } from "./metrics.ts";
import { CALLS, ROLE_METRICS, STATE, STORE } from "./metric_table.ts";
import type { OpenState } from "./state_directory.ts";

/** Sources that `/readyz` names; of further ones only the number is told. */
const NAMED_MAX = 20;

export interface PagesOptions {
  readonly fleet: Pick<Fleet, "view" | "outcomes">;
  /** Undefined without a state directory. */
  readonly state: Pick<OpenState, "facts" | "problem"> | undefined;
  readonly answering: Pick<AnsweringThread, "calls" | "refreshCalls">;
  /** Seconds since 1970. */
  readonly nowS: () => number;
  readonly process: () => ProcessState;
  readonly budget: MemoryBudget;
}

export function aggregatorPages({ fleet, state, answering, nowS, process, budget }: PagesOptions): RolePages {
  const targets = (): readonly TargetInfo[] => fleet.view.targets();
  return {
    metrics: ROLE_METRICS,
    reasons: () => isHelpless(targets()) ? silence(targets()) : [],
    notes: () => [...silence(targets()), state?.problem() ?? ""].filter((text) => text !== ""),
    before: () => answering.refreshCalls(),
    add: (page) => {
      addFleet(page, targets(), fleet.outcomes, nowS());
      addRelayed(page, fleet.view.relayed);
      if (state !== undefined) addState(page, STATE, state.facts(), true);
      addStore(page, STORE, fleet.view, budget);
      addCalls(page, CALLS, answering.calls);
    },
    process,
  };
}

/**
 * An aggregator of which one source is away answers for all others, and says so with every answer; that is no reason to send
 * nobody to it. One without any has nothing to say.
 */
function isHelpless(targets: readonly TargetInfo[]): boolean {
  return targets.every(({ state }) => !delivers(state));
}

function delivers(state: TargetInfo["state"]): boolean {
  return state === "connected" || state === "lagging";
}

/** Who does not deliver as it should, and why. */
function silence(targets: readonly TargetInfo[]): readonly string[] {
  const away = targets.filter(({ state, problem }) => state !== "connected" || problem !== "");
  const named = away.slice(0, NAMED_MAX).map(({ name, address, state, problem }) =>
    `${name === "" ? address : `${name} (${address})`}: ${state}${problem === "" ? "" : `; ${problem}`}`
  );
  return away.length > NAMED_MAX ? [...named, `and ${away.length - NAMED_MAX} more`] : named;
}
