/** What the collector says of itself over HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever watches it. */
import type { TargetInfo } from "@/core/answer.ts";
import { MachineRefusal, VERSION } from "@/core/host/endings.ts";
import { type HttpPage, type HttpServing, plain, serveHttp } from "@/core/host/http.ts";
import { parseListenAddress } from "@/core/host/listen_address.ts";
import type { Log } from "@/core/host/log.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";
import type { ReceiverState } from "./receiver_thread.ts";
import type { CollectorStatus } from "./status.ts";

export interface PagesOptions {
  readonly status: CollectorStatus;
  /** This collector as a source. */
  readonly own: () => TargetInfo;
  readonly receivers: () => readonly ReceiverState[];
  readonly kernelDrops: () => number | undefined;
  /** gRPC streams that are open. */
  readonly subscribers: () => number;
  /** Seconds since 1970, on the counting thread's clock. */
  readonly nowS: () => number;
  readonly startedS: number;
  /** Bytes of memory of the process. */
  readonly residentBytes: () => number;
}

/** The page at a path. */
export function pageAt(options: PagesOptions, path: string): HttpPage | undefined {
  const { status, own, receivers, nowS } = options;
  // Whoever asks gets an answer: the main thread is alive.
  if (path === "/healthz") return plain(200, "ok\n");
  if (path !== "/readyz" && path !== "/metrics") return undefined;
  status.look(own(), nowS(), receivers());
  const reasons = status.readiness.reasons();
  if (path === "/readyz") return reasons.length === 0 ? plain(200, "ok\n") : plain(503, `${reasons.join("\n")}\n`);
  const { ledger, newestS } = own(), { files, bucketsSealed, threadsDied } = status;
  const body = metricsText({
    ...{ version: VERSION, ledger, files, bucketsSealed, threadsDied, newestS },
    nowS: nowS(),
    startedS: options.startedS,
    residentBytes: options.residentBytes(),
    subscribers: options.subscribers(),
    notReady: reasons.length,
    kernelDrops: options.kernelDrops(),
    inputs: status.inputs(receivers()),
  });
  return { status: 200, type: METRICS_TYPE, body };
}

/**
 * Serves them. A default port that cannot be had is only worth a warning, since other programs have the same default.
 *
 * @param listen as the flag has it; empty for none. @param asked whether somebody asked for this port. Throws MachineRefusal then.
 */
export async function servePages(
  listen: string,
  asked: boolean,
  options: PagesOptions,
  log: Log,
): Promise<HttpServing | undefined> {
  if (listen === "") return undefined;
  const parsed = parseListenAddress(listen);
  if ("mistake" in parsed) throw new Error(`Cannot listen on ${listen}: ${parsed.mistake}`);
  try {
    const serving = await serveHttp({ address: parsed.address, pageAt: (path) => pageAt(options, path), log });
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
