/** What a collector tells Prometheus; names and help are in `metric_table.ts`. */
import type { MetricsPage } from "@/core/host/metrics_page.ts";
import { addState } from "@/core/host/state_metrics.ts";
import {
  addLedger,
  COUNTED,
  emptyLedger,
  type Ledger,
  LEDGER_REASONS,
  LINE_REASON_COUNT,
  LOGS_CUT,
  LOST,
  MALFORMED_FIELDS,
  MALFORMED_REQUEST_TIME,
  READ,
  TOO_LONG,
  UNREAD_BYTES,
} from "@/core/ledger.ts";
import { INPUT, LINES, STATE, UDP } from "./metric_table.ts";
import type { ReceiverState } from "./receiver_thread.ts";
import type { StateFacts } from "./state_saver.ts";

/** All that is shown of counting. */
export interface MetricsState {
  /** Of everything that has been sealed. */
  readonly ledger: Ledger;
  /** Log files that are open. */
  readonly files: number;
  readonly bucketsSealed: number;
  readonly threadsDied: number;
  /** End of the newest slice that was sealed, seconds since 1970; 0 before the first. */
  readonly newestS: number;
  readonly nowS: number;
  /** Datagrams; undefined when the kernel does not tell. */
  readonly kernelDrops: number | undefined;
  readonly inputs: readonly InputState[];
  /** Undefined without a state directory. */
  readonly state: StateFacts | undefined;
}

/** An input that is no file. */
export interface InputState {
  readonly receiver: ReceiverState;
  /** Datagrams. */
  readonly packets: number;
  readonly tally: Ledger;
}

export function addCounting(page: MetricsPage, counting: MetricsState): void {
  const { ledger, inputs, newestS, nowS, state } = counting;
  page.add(LINES.read, ledger[READ]);
  page.add(LINES.counted, ledger[COUNTED]);
  for (let reason = COUNTED + 1; reason < LINE_REASON_COUNT; reason++) {
    page.add(LINES.notCounted, ledger[reason], LEDGER_REASONS[reason]);
  }
  page.add(LINES.logsCut, ledger[LOGS_CUT]);
  page.add(LINES.unreadBytes, ledger[UNREAD_BYTES]);
  page.add(LINES.files, counting.files);
  page.add(LINES.sealed, counting.bucketsSealed);
  page.add(LINES.died, counting.threadsDied);
  if (newestS > 0) {
    page.add(LINES.newest, newestS);
    page.add(LINES.lag, nowS - newestS);
  }
  if (state !== undefined) addState(page, STATE, state, false);
  addUdp(page, inputs.filter(({ receiver }) => receiver.input.kind === "udp"), counting.kernelDrops);
  for (const input of inputs) addInput(page, input);
}

function addUdp(page: MetricsPage, inputs: readonly InputState[], kernelDrops: number | undefined): void {
  if (kernelDrops !== undefined) page.add(UDP.drops, kernelDrops);
  if (inputs.length === 0) return;
  const tally = emptyLedger();
  for (const input of inputs) addLedger(tally, input.tally);
  page.add(UDP.packets, inputs.reduce((sum, input) => sum + input.packets, 0));
  page.add(UDP.understood, understood(tally));
  page.add(UDP.consumed, tally[COUNTED]);
}

function addInput(page: MetricsPage, { receiver, packets, tally }: InputState): void {
  const { input: { name, transport }, connections, problem } = receiver;
  page.add(INPUT.up, problem === "" ? 1 : 0, name);
  page.add(INPUT.read, tally[READ], name);
  page.add(INPUT.counted, tally[COUNTED], name);
  if (transport === "udp" || transport === "unix") page.add(INPUT.datagrams, packets, name);
  if (connections === undefined) return;
  page.add(INPUT.connections, connections.open, name);
  page.add(INPUT.accepted, connections.accepted, name);
  page.add(INPUT.refused, connections.refused, name);
  page.add(INPUT.timedOut, connections.timedOut, name);
}

/** Lines that are what their format asks for, whatever became of them then. */
function understood(tally: Ledger): number {
  let lines = tally[READ] - tally[TOO_LONG] - tally[LOST];
  for (let reason = MALFORMED_FIELDS; reason <= MALFORMED_REQUEST_TIME; reason++) lines -= tally[reason];
  return lines;
}
