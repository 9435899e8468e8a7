/** What an aggregator tells Prometheus; names and help are in `metric_table.ts`. */
import type { TargetInfo, TargetState } from "@/core/answer.ts";
import { METRICS_SOURCES_MAX } from "@/core/bounds.ts";
import { OTHER_LABEL } from "@/core/dimensions.ts";
import type { MetricsPage } from "@/core/host/metrics_page.ts";
import { COUNTED, READ } from "@/core/ledger.ts";
import type { Relayed } from "@/core/relay_budget.ts";
import type { Outcome } from "@/core/store.ts";
import { FLEET, SOURCE } from "./metric_table.ts";

const STATES: readonly TargetState[] = ["connected", "lagging", "connecting", "degraded", "gone"];
const OUTCOMES: readonly Outcome[] = ["merged", "duplicate", "overlaps", "too_old", "too_far_ahead", "too_scattered"];

/** Buckets by what became of them; what is not in it is none. */
export type OutcomeCounts = ReadonlyMap<Outcome, number>;

/** @param nowS seconds since 1970. */
export function addFleet(
  page: MetricsPage,
  targets: readonly TargetInfo[],
  outcomes: OutcomeCounts,
  nowS: number,
): void {
  for (const state of STATES) page.add(FLEET.sources, targets.filter((target) => target.state === state).length, state);
  for (const outcome of OUTCOMES) page.add(FLEET.taken, outcomes.get(outcome) ?? 0, outcome);
  const newestS = targets.reduce((newest, target) => Math.max(newest, target.newestS), 0);
  if (newestS > 0) {
    page.add(FLEET.newest, newestS);
    page.add(FLEET.lag, nowS - newestS);
  }
  const listed = targets.slice(0, METRICS_SOURCES_MAX), others = targets.slice(METRICS_SOURCES_MAX);
  page.add(FLEET.unlisted, others.length);
  for (const target of listed) addSource(page, target, nowS);
  if (others.length === 0) return;
  page.add(SOURCE.lines, others.reduce((sum, { ledger }) => sum + ledger[READ], 0), OTHER_LABEL, "");
  page.add(SOURCE.notCounted, others.reduce((sum, { ledger }) => sum + notCounted(ledger), 0), OTHER_LABEL, "");
}

/** What has been passed on to those who follow us. */
export function addRelayed(page: MetricsPage, { deltas, cut, bytesSent }: Relayed): void {
  page.add(FLEET.relayed, deltas - cut, "no");
  page.add(FLEET.relayed, cut, "yes");
  page.add(FLEET.relayedBytes, bytesSent);
}

function addSource(page: MetricsPage, target: TargetInfo, nowS: number): void {
  const { address, state, newestS, ledger, skewMs, memoryBytes } = target, name = target.name || address;
  page.add(SOURCE.up, state === "connected" ? 1 : 0, name, address);
  if (newestS > 0) page.add(SOURCE.lag, nowS - newestS, name, address);
  page.add(SOURCE.lines, ledger[READ], name, address);
  page.add(SOURCE.notCounted, notCounted(ledger), name, address);
  if (skewMs !== undefined) page.add(SOURCE.skew, skewMs / 1000, name, address);
  if (memoryBytes !== undefined) page.add(SOURCE.memory, memoryBytes, name, address);
}

function notCounted(ledger: TargetInfo["ledger"]): number {
  return ledger[READ] - ledger[COUNTED];
}
