/**
 * The collector's counters in the text format of Prometheus, version 0.0.4.
 *
 * What is not known is left out, never told as 0.
 */
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
import type { ReceiverState } from "./receiver_thread.ts";

/** All that is shown. */
export interface MetricsState {
  readonly version: string;
  /** Of everything that has been sealed. */
  readonly ledger: Ledger;
  /** Log files that are open. */
  readonly files: number;
  readonly bucketsSealed: number;
  readonly threadsDied: number;
  /** End of the newest slice that was sealed, seconds since 1970; 0 before the first. */
  readonly newestS: number;
  readonly nowS: number;
  readonly startedS: number;
  /** Bytes of memory of the process. */
  readonly residentBytes: number;
  /** gRPC streams that are open. */
  readonly subscribers: number;
  readonly notReady: number;
  /** Datagrams; undefined when the kernel does not tell. */
  readonly kernelDrops: number | undefined;
  readonly inputs: readonly InputState[];
}

/** An input that is no file. */
export interface InputState {
  readonly receiver: ReceiverState;
  /** Datagrams. */
  readonly packets: number;
  readonly tally: Ledger;
}

/** Media type of the page. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;

/** The page. */
export function metricsText(state: MetricsState): string {
  const page = new MetricsPage(), { ledger, inputs } = state;
  page.value("logtail_collector_info", "gauge", "Always 1; the version is a label.", 1, { version: state.version });
  page.counter("logtail_collector_lines_read_total", "Lines read, whatever became of them.", ledger[READ]);
  page.counter("logtail_collector_lines_counted_total", "Lines counted.", ledger[COUNTED]);
  for (let reason = COUNTED + 1; reason < LINE_REASON_COUNT; reason++) {
    const help = "Lines read that were not counted, by reason.";
    page.counter("logtail_collector_lines_not_counted_total", help, ledger[reason], { reason: LEDGER_REASONS[reason] });
  }
  page.counter(
    "logtail_collector_logs_cut_total",
    "Logs that were cut off before they were surely read.",
    ledger[LOGS_CUT],
  );
  page.counter(
    "logtail_collector_log_unread_bytes_total",
    "Bytes seen in such logs and never read.",
    ledger[UNREAD_BYTES],
  );
  page.gauge("logtail_collector_files", "Log files that are open.", state.files);
  page.counter("logtail_collector_buckets_sealed_total", "Buckets sealed.", state.bucketsSealed);
  page.counter(
    "logtail_collector_threads_died_total",
    "Counting threads that died and were started again.",
    state.threadsDied,
  );
  if (state.newestS > 0) {
    page.gauge("logtail_collector_newest_slice_end_seconds", "When the newest slice ended, since 1970.", state.newestS);
    page.gauge(
      "logtail_collector_lag_seconds",
      "How long ago that was; up to 11 while all is well.",
      state.nowS - state.newestS,
    );
  }
  page.gauge("logtail_collector_subscribers", "gRPC streams that are open.", state.subscribers);
  page.gauge("logtail_collector_not_ready_reasons", "Reasons that /readyz gives; 0 when all is well.", state.notReady);
  page.gauge("process_resident_memory_bytes", "Memory of the process.", state.residentBytes);
  page.gauge("process_start_time_seconds", "When the process was started, since 1970.", state.startedS);
  udp(page, inputs.filter(({ receiver }) => receiver.input.kind === "udp"), state.kernelDrops);
  for (const input of inputs) ofInput(page, input);
  return page.text();
}

/** The names that the original has. Only for inputs of the UDP kind: syslog has names of its own. */
function udp(page: MetricsPage, inputs: readonly InputState[], kernelDrops: number | undefined): void {
  if (kernelDrops !== undefined) {
    page.counter(
      "logtail_udp_kernel_drops_total",
      "Datagrams that the kernel dropped before they were read.",
      kernelDrops,
    );
  }
  if (inputs.length === 0) return;
  const packets = inputs.reduce((sum, input) => sum + input.packets, 0), tally = emptyLedger();
  for (const input of inputs) addLedger(tally, input.tally);
  page.counter("logtail_udp_packets_received_total", "Datagrams received.", packets);
  page.counter(
    "logtail_udp_loglines_success_total",
    "Lines of datagrams that are lines of their format.",
    understood(tally),
  );
  page.counter("logtail_udp_loglines_consumed_total", "Lines of datagrams that were counted.", tally[COUNTED]);
}

function ofInput(page: MetricsPage, { receiver, packets, tally }: InputState): void {
  const { input, connections, problem } = receiver, labels = { input: input.name };
  page.gauge("logtail_collector_input_up", "Whether an input is listened on.", problem === "" ? 1 : 0, labels);
  page.counter("logtail_collector_input_lines_read_total", "Lines that came by an input.", tally[READ], labels);
  page.counter(
    "logtail_collector_input_lines_counted_total",
    "Those of them that were counted.",
    tally[COUNTED],
    labels,
  );
  if (input.transport === "udp" || input.transport === "unix") {
    page.counter("logtail_collector_input_datagrams_total", "Datagrams that came by an input.", packets, labels);
  }
  if (connections === undefined) return;
  const { open, accepted, refused, timedOut } = connections;
  page.gauge("logtail_collector_input_connections", "Connections that are open.", open, labels);
  page.counter("logtail_collector_input_connections_accepted_total", "Connections accepted.", accepted, labels);
  page.counter("logtail_collector_input_connections_refused_total", "Connections refused: too many.", refused, labels);
  page.counter(
    "logtail_collector_input_connections_timed_out_total",
    "Connections closed: too slow.",
    timedOut,
    labels,
  );
}

/** Lines that are what their format asks for, whatever became of them then. */
function understood(tally: Ledger): number {
  let lines = tally[READ] - tally[TOO_LONG] - tally[LOST];
  for (let reason = MALFORMED_FIELDS; reason <= MALFORMED_REQUEST_TIME; reason++) lines -= tally[reason];
  return lines;
}

/** Families of metrics, in the order in which they are first named. */
class MetricsPage {
  readonly #families = new Map<string, string[]>();

  counter(name: string, help: string, value: number, labels?: Labels): void {
    this.value(name, "counter", help, value, labels);
  }

  gauge(name: string, help: string, value: number, labels?: Labels): void {
    this.value(name, "gauge", help, value, labels);
  }

  value(name: string, type: "counter" | "gauge", help: string, value: number, labels: Labels = {}): void {
    const lines = this.#families.get(name) ?? [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
    const shown = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`).join(",");
    lines.push(`${name}${shown === "" ? "" : `{${shown}}`} ${value}`);
    this.#families.set(name, lines);
  }

  text(): string {
    return [...this.#families.values()].flat().join("\n") + "\n";
  }
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
