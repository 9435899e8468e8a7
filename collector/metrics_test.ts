import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  COUNTED,
  emptyLedger,
  LEDGER_REASONS,
  LINE_REASON_COUNT,
  MALFORMED_FIELDS,
  READ,
  TOO_OLD,
} from "@/core/ledger.ts";
import { MetricsPage } from "@/core/host/metrics_page.ts";
import { Readiness } from "@/core/host/readiness.ts";
import { addCounting, type InputState, type MetricsState } from "./metrics.ts";
import type { ReceiverState } from "./receiver_thread.ts";
import { parseSyslogInput, type SocketInput, udpInput } from "./socket_input.ts";
import { CollectorStatus } from "./status.ts";

function receiver(input: SocketInput, more: Partial<ReceiverState> = {}): ReceiverState {
  return { input, port: 1, starts: 1, problem: "", probesDropped: 0, connections: undefined, ...more };
}

function syslogInput(text: string): SocketInput {
  const parsed = parseSyslogInput(text);
  if ("mistake" in parsed) throw new Error(parsed.mistake);
  return parsed.input;
}

function inputState(state: ReceiverState): InputState {
  const tally = emptyLedger();
  tally[READ] = 10;
  tally[COUNTED] = 6;
  tally[MALFORMED_FIELDS] = 3;
  tally[TOO_OLD] = 1;
  return { receiver: state, packets: 7, tally };
}

function state(more: Partial<MetricsState> = {}): MetricsState {
  const ledger = emptyLedger();
  ledger[READ] = 12;
  ledger[COUNTED] = 9;
  const numbers = {
    files: 2,
    bucketsSealed: 5,
    threadsDied: 0,
    newestS: 100,
    nowS: 107,
  };
  return { ledger, ...numbers, kernelDrops: undefined, inputs: [], state: undefined, ...more };
}

function metricsText(state: MetricsState): string {
  const page = new MetricsPage();
  addCounting(page, state);
  return page.text();
}

/** Values by name and labels. */
function values(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]));
}

Deno.test("lines read are lines counted and those not counted, by every reason", () => {
  const all = values(metricsText(state()));
  const reasons = LEDGER_REASONS.slice(COUNTED + 1, LINE_REASON_COUNT);
  const shown = reasons.map((reason) => all.get(`logtail_collector_lines_not_counted_total{reason="${reason}"}`));
  assertEquals(shown.every((value) => value === "0"), true);
  assertEquals([all.get("logtail_collector_lines_read_total"), all.get("logtail_collector_lag_seconds")], ["12", "7"]);
});

Deno.test("the original's names count what came by UDP: datagrams, lines understood, lines counted", () => {
  const inputs = [inputState(receiver(udpInput(":9514"))), inputState(receiver(syslogInput("udp://:514")))];
  const all = values(metricsText(state({ inputs })));
  const names = ["packets_received", "loglines_success", "loglines_consumed"];
  assertEquals(names.map((name) => all.get(`logtail_udp_${name}_total`)), ["7", "7", "6"]);
  assertEquals(all.get('logtail_collector_input_lines_read_total{input="udp://:514"}'), "10");
});

Deno.test("what is not known is not there", () => {
  assertEquals([...values(metricsText(state())).keys()].filter((name) => name.includes("udp")), []);
  assertEquals(values(metricsText(state({ kernelDrops: 0 }))).get("logtail_udp_kernel_drops_total"), "0");
  assertEquals(values(metricsText(state({ newestS: 0 }))).has("logtail_collector_lag_seconds"), false);
  const facts = { bytes: 5, segments: 1, queuedBytes: 3, failing: true, letGo: 4 };
  assertEquals([...values(metricsText(state())).keys()].some((name) => name.includes("state")), false);
  assertEquals(values(metricsText(state({ state: facts }))).get("logtail_collector_state_failing"), "1");
});

Deno.test("labels say what they are given, quotes and newlines escaped", () => {
  const odd = { ...syslogInput("unix:/run/x"), name: 'unix:/a"b\\c\nd' };
  assertStringIncludes(metricsText(state({ inputs: [inputState(receiver(odd))] })), 'input="unix:/a\\"b\\\\c\\nd"');
});

Deno.test("counters go on when the counting thread is another", () => {
  const status = new CollectorStatus(new Readiness()), tally = emptyLedger();
  const receivers = [receiver(udpInput(":9514"))];
  tally[READ] = 5;
  assertEquals(status.inputs(receivers)[0].packets, 0);
  status.counted({ kind: "inputs", files: 3, buckets: 2, sockets: [{ index: 0, packets: 4, tally }] });
  status.threadBegins(true);
  status.counted({ kind: "inputs", files: 1, buckets: 1, sockets: [{ index: 0, packets: 1, tally }] });
  const [{ packets, tally: all }] = status.inputs(receivers);
  assertEquals([packets, all[READ], status.files, status.bucketsSealed, status.threadsDied], [5, 10, 1, 3, 1]);
});

Deno.test("it is ready once its inputs were looked at, and as long as nothing is waited for, closed or silent", () => {
  const readiness = new Readiness(), status = new CollectorStatus(readiness);
  const udp = receiver(udpInput(":9514"));
  const reasons = (newestS: number, nowS: number, own = "", ofInput = ""): readonly string[] => {
    status.look({ newestS, problem: own }, nowS, [{ ...udp, problem: ofInput }]);
    return readiness.reasons();
  };
  assertEquals(reasons(0, 100), ["the inputs have not been looked at yet"]);
  status.counted({ kind: "inputs", files: 0, buckets: 0, sockets: [] });
  assertEquals(reasons(0, 100), []);
  assertEquals(reasons(100, 111), []);
  assertEquals(reasons(100, 131), ["nothing has been sealed for 31 s"]);
  const waiting = "waiting for /a: it does not exist";
  assertEquals(reasons(100, 101, waiting, "it died"), [waiting, "udp://:9514: it died"]);
  assertEquals(reasons(100, 101), []);
});
