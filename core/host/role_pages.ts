/**
 * What a role says of itself over HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever watches it. The same
 * for every role, with what each has in common: version, readiness, memory.
 */
import { MachineRefusal, VERSION } from "./endings.ts";
import { type HttpPage, type HttpServing, plain, serveHttp } from "./http.ts";
import { parseListenAddress } from "./listen_address.ts";
import type { Log } from "./log.ts";
import { printable } from "./printable.ts";
import { counter, gauge, type Metric, METRICS_TYPE, MetricsPage } from "./metrics_page.ts";

/** What a role shows. */
export interface RolePages {
  readonly metrics: RoleMetrics;
  /** Why it is not doing all it was asked to do, one sentence each; empty when all is well. */
  readonly reasons: () => readonly string[];
  /** What is amiss without being such a reason: told by `/readyz` while it is ready. */
  readonly notes?: () => readonly string[];
  /** What has to be fetched before `add` can tell it; must not reject. */
  readonly before?: () => Promise<void>;
  /** Adds what only this role has. */
  readonly add: (page: MetricsPage) => void;
  readonly process: () => ProcessState;
}

/** Of the process, as the runtime tells. */
export interface ProcessState {
  readonly residentBytes: number;
  /** Of it, what the runtime's heap holds. */
  readonly heapBytes: number;
  /** Of it, what lies outside of the heap: columns of buckets, above all. */
  readonly externalBytes: number;
  /** User and system together. */
  readonly cpuSeconds: number;
  /** Seconds since 1970. */
  readonly startedS: number;
}

/** What every role has, under its own name. */
export interface RoleMetrics {
  readonly info: Metric;
  readonly notReady: Metric;
  readonly heap: Metric;
  readonly external: Metric;
  readonly resident: Metric;
  readonly started: Metric;
  readonly cpu: Metric;
}

/** @param role such as `collector`. */
export function roleMetrics(role: string): RoleMetrics {
  return {
    info: gauge(`logtail_${role}_info`, "Always 1; the version is a label.", "version"),
    notReady: gauge(`logtail_${role}_not_ready_reasons`, "Reasons that /readyz gives; 0 when all is well."),
    heap: gauge(`logtail_${role}_heap_bytes`, "Memory that the runtime's heap holds, of the main thread."),
    external: gauge(`logtail_${role}_external_bytes`, "Memory outside of the heap: columns of buckets, above all."),
    resident: gauge("process_resident_memory_bytes", "Memory of the process."),
    started: gauge("process_start_time_seconds", "When the process was started, since 1970."),
    cpu: counter("process_cpu_seconds_total", "Time on a processor, of all threads, user and system."),
  };
}

/** The page at a path. */
export function pageAt({ metrics, reasons, notes, add, process }: RolePages, path: string): HttpPage | undefined {
  // Whoever asks gets an answer: the main thread is alive.
  if (path === "/healthz") return plain(200, "ok\n");
  if (path !== "/readyz" && path !== "/metrics") return undefined;
  const whys = reasons();
  if (path === "/readyz") return whys.length === 0 ? readyPage(notes?.() ?? []) : plain(503, linesOf(whys));
  const page = new MetricsPage(), { residentBytes, heapBytes, externalBytes, cpuSeconds, startedS } = process();
  page.add(metrics.info, 1, VERSION);
  add(page);
  page.add(metrics.notReady, whys.length);
  page.add(metrics.heap, heapBytes);
  page.add(metrics.external, externalBytes);
  page.add(metrics.resident, residentBytes);
  page.add(metrics.started, startedS);
  page.add(metrics.cpu, cpuSeconds);
  return { status: 200, type: METRICS_TYPE, body: page.text() };
}

async function pageWhenReady(pages: RolePages, path: string): Promise<HttpPage | undefined> {
  if (path === "/metrics") await pages.before?.();
  return pageAt(pages, path);
}

function readyPage(notes: readonly string[]): HttpPage {
  return plain(200, linesOf(["ok", ...notes]));
}

/** A reason may hold what somebody else has said: it stays one line. */
function linesOf(texts: readonly string[]): string {
  return texts.map((text) => `${printable(text)}\n`).join("");
}

/**
 * Serves them. A default port that cannot be had is only worth a warning, since other programs have the same default.
 *
 * @param listen as the flag has it; empty for none. @param asked whether somebody asked for this port. Throws MachineRefusal then.
 */
export async function servePages(
  listen: string,
  asked: boolean,
  pages: RolePages,
  log: Log,
): Promise<HttpServing | undefined> {
  if (listen === "") return undefined;
  const parsed = parseListenAddress(listen);
  if ("mistake" in parsed) throw new Error(`Cannot listen on ${listen}: ${parsed.mistake}`);
  try {
    const serving = await serveHttp({ address: parsed.address, pageAt: (path) => pageWhenReady(pages, path), log });
    log.info("serving metrics", { listen, port: serving.port });
    return serving;
  } catch (error) {
    if (!(error instanceof MachineRefusal) || asked) throw error;
    log.warn("metrics are not served; choose another address with --prom-listen, or none with --prom-listen=", {
      why: error.message,
    });
    return undefined;
  }
}
