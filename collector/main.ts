/**
 * The collector's entry: flags in, an ingest thread that counts, a live view over what it has sealed, and gRPC in front
 * of it. The main thread never opens a log.
 */
import { checkKernel } from "@/core/host/kernel_check.ts";
import { serve } from "@/proto/service.ts";
import { systemClock } from "@/core/host/clock.ts";
import { MachineRefusal, runProgram, UsageError } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { collectGarbage, GARBAGE_MS } from "@/core/host/garbage.ts";
import { openStyledLog } from "@/core/host/log.ts";
import { logStyle } from "@/core/host/log_style.ts";
import { processState } from "@/core/host/process_state.ts";
import { randomInstance, randomSeed } from "@/core/host/random.ts";
import { ProxyHint } from "./proxy_hint.ts";
import { Readiness } from "@/core/host/readiness.ts";
import { rereadFile } from "@/core/host/reread_file.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { servePages } from "@/core/host/role_pages.ts";
import { onReload, onStop } from "@/core/host/signals.ts";
import { serverSecurity } from "@/core/host/security.ts";
import { serviceManager } from "@/core/host/service_manager.ts";
import { sourceName } from "@/core/host/source_name.ts";
import type { TargetInfo } from "@/core/answer.ts";
import { zstd } from "@/core/host/zstd.ts";
import { LiveView } from "@/core/live_view.ts";
import { budgetFacts, memoryBudget, stateBytesMax } from "@/core/memory_budget.ts";
import { deliverTo } from "./delivery.ts";
import { COLLECTOR } from "./flags.ts";
import { type IngestThread, startIngestThread } from "./ingest_thread.ts";
import { LogList } from "./log_list.ts";
import { KernelDrops } from "./kernel_drops.ts";
import { collectorPages } from "./pages.ts";
import { RequestMetrics } from "./request_metrics.ts";
import { startReceivers } from "./receiver_thread.ts";
import { Sequencer } from "./sequencer.ts";
import { openState } from "./state_directory.ts";
import { socketInputs } from "./socket_input.ts";
import { CollectorStatus } from "./status.ts";

/** Milliseconds of a stop: what was read is sealed, it is saved, then calls in flight are answered. Together below 5 s. */
const STOP_MS_MAX = 1900, SAVE_MS_MAX = 1000;
/** Milliseconds between two looks at the clock. */
const TICK_MS = 1000;

/** Serves until SIGTERM or SIGINT. */
async function run(flags: FlagValues): Promise<void> {
  const style = logStyle(flags), log = openStyledLog("collector", style);
  const source = sourceName(flags);
  const sockets = socketInputs(flags);
  const security = serverSecurity(flags, log);
  const logs = new LogList({ flags, log, hasOthers: sockets.length > 0 }), first = logs.read();
  let onList = (): void => {}, ended = false;
  let onEnd = (): void => void (ended = true);
  onReload(() => onList()); // from now on a SIGHUP no longer ends the process
  const stopped = new Promise<void>((resolve) => onStop(() => resolve())); // nor does a stop, before all is in order

  checkKernel();
  const seed = randomSeed();
  const listen = flags.text("listen"), clock = systemClock(), directory = flags.text("state-dir");
  const targets = (): readonly TargetInfo[] => [sequencer.target(listen, state?.saver.problem())];
  const savedUntil = (): number => state?.saver.savedSequence ?? Infinity;
  const view: LiveView = new LiveView({ source, seed, regex: linearRegex, targets, savedUntil, packer: zstd });
  const instance = randomInstance(), nowS = (): number => clock.nowS(), monotonicMs = (): number => clock.monotonicMs();
  const state = directory === ""
    ? undefined
    : await openState({ directory, source, instance, view, log, nowS, monotonicMs });
  const sequencer: Sequencer = new Sequencer(source, state?.instance ?? instance, state?.sequence);
  if (state === undefined && flags.text("from") === "start") {
    log.warn("without --state-dir every start reads all logs again, and who follows this collector counts them again");
  }
  const memoryBytes = (): number => Deno.memoryUsage().rss;
  const serving = await serve({ listen, answerer: view, regex: linearRegex, log, memoryBytes, security });
  const receivers = await startReceivers({
    inputs: sockets,
    log,
    style,
    give: (socket) => thread.give(socket),
    onEnd: () => onEnd(),
  });
  const status = new CollectorStatus(new Readiness()), requests = new RequestMetrics();
  const showsRequests = flags.text("prom-listen") !== "";
  const deliver = deliverTo({ view, sequencer, log, save: state && ((change) => state.saver.save(change)) });
  const thread: IngestThread = startIngestThread({
    ...first,
    from: flags.text("from") === "start" ? "start" : "end",
    source,
    masks: { v4Bits: flags.number("v4prefix"), v6Bits: flags.number("v6prefix") },
    seed,
    clock,
    log,
    onScanned: (patterns, positions) => {
      log.info("looked at the list of logs", { patterns: patterns.length });
      state?.saver.saveScanned(patterns, positions);
    },
    style,
    spreads: showsRequests,
    onSealed: (sealed) => {
      if (showsRequests) requests.add(sealed);
      deliver(sealed);
    },
    // What sockets would have brought while nobody was there is not known: a gap, not a zero.
    former: state?.thread && { ...state.thread, endS: sockets.length > 0 ? 0 : state.thread.endS },
    sockets: receivers,
    onInputs: (counts) => status.counted(counts),
    onBegin: (died) => status.threadBegins(died),
  });
  const drops = new KernelDrops({
    tables: flags.list("udp-drops"),
    read: rereadFile,
    states: () => receivers.states(),
    log,
  });
  const holds = {
    ingestThreads: 1,
    sockets: sockets.length,
    followsSources: false,
    savesState: directory !== "",
    showsRequests,
  };
  const budget = memoryBudget(holds),
    own = {
      ...{ status, view, requests, serving, budget, process: processState },
      receivers: () => receivers.states(),
      kernelDrops: () => drops.total,
      state: () => state?.saver.facts(),
      nowS: () => thread.nowS(),
    };
  const pages = await servePages(flags.text("prom-listen"), flags.given("prom-listen"), collectorPages(own), log);
  log.info("serving", { listen, port: serving.port, source });
  const manager = serviceManager(log);
  manager.ready(`serving ${source} on ${listen}`);
  log.info("memory at most", budgetFacts(budget));
  if (state !== undefined) log.info("state on disk at most", { mb: Math.round(stateBytesMax(false) / 1e6) });
  const hint = new ProxyHint(view, log);
  const ticking = setInterval(() => {
    view.tick(thread.nowS());
    hint.look(thread.nowS());
    lookAtDrops();
  }, TICK_MS);
  const collecting = setInterval(collectGarbage, GARBAGE_MS);
  onList = (): void =>
    reload(() => {
      const { patterns, formats } = logs.read();
      thread.follow(patterns, formats);
    });

  const allRead = new Promise<void>((resolve) => {
    onEnd = (): void => {
      log.info("standard input has ended");
      if (sockets.length === 1 && first.patterns.length === 0) resolve();
    };
    if (ended) onEnd();
  });
  await Promise.race([stopped, allRead]);
  log.info("stopping");
  manager.stopping();
  clearInterval(ticking);
  clearInterval(collecting);
  lookAtDrops();
  await Promise.race([receivers.stop().then(() => thread.stop()), timeout(STOP_MS_MAX)]);
  await Promise.race([state?.saver.stop(), timeout(SAVE_MS_MAX)]);
  pages?.stop();
  await serving.stop(STOP_MS_MAX);
  log.info("stopped");

  function lookAtDrops(): void {
    const dropped = drops.look();
    if (dropped !== undefined) thread.kernelDropped(dropped);
  }

  function reload(follow: () => void): void {
    try {
      follow();
    } catch (error) {
      if (!(error instanceof MachineRefusal || error instanceof UsageError)) throw error;
      log.error("the list of logs was not read again; the logs followed so far are followed on", {
        why: error.message,
      });
    }
  }
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) await runProgram(COLLECTOR, run);
