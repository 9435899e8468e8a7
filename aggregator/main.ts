/**
 * The aggregator's entry: flags in, one follower per collector, a live view over what they deliver, and a thread that answers
 * from a mirror of it, with the same gRPC service as a collector has.
 */
import { delay } from "@std/async/delay";
import { connect } from "@/proto/client.ts";
import { SOURCES_MAX, TURN_ROWS_MAX } from "@/core/bounds.ts";
import { systemClock } from "@/core/host/clock.ts";
import { runProgram, UsageError } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { collectGarbage, GARBAGE_MS } from "@/core/host/garbage.ts";
import { readLinesFile } from "@/core/host/lines_file.ts";
import { targetMistake } from "@/core/host/listen_address.ts";
import { type Log, openStyledLog } from "@/core/host/log.ts";
import { logStyle } from "@/core/host/log_style.ts";
import { processState } from "@/core/host/process_state.ts";
import { randomSeed } from "@/core/host/random.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { servePages } from "@/core/host/role_pages.ts";
import { onReload, onStop } from "@/core/host/signals.ts";
import { clientSecurity, serverSecurity } from "@/core/host/security.ts";
import { SERVER_SECURITY_FLAGS } from "@/core/host/security_flags.ts";
import { Turns } from "@/core/host/turns.ts";
import { serviceManager } from "@/core/host/service_manager.ts";
import { sourceName } from "@/core/host/source_name.ts";
import { budgetFacts, type MemoryBudget, memoryBudget, SOURCE_BYTES, stateBytesMax } from "@/core/memory_budget.ts";
import { AnsweringThread } from "./answering_thread.ts";
import { AGGREGATOR, COLLECTORS_TOKEN } from "./flags.ts";
import { Fleet } from "./fleet.ts";
import { aggregatorPages } from "./pages.ts";
import { openState } from "./state_directory.ts";

/** Milliseconds of a stop: what has come is saved, then calls in flight are answered. Together below 5 s. */
const SAVE_MS_MAX = 1500, STOP_MS_MAX = 3000;
const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };
/** Milliseconds between two looks at the clock. */
const TICK_MS = 1000;

/** Serves until SIGTERM or SIGINT. */
async function run(flags: FlagValues): Promise<void> {
  const style = logStyle(flags), log = openStyledLog("aggregator", style);
  let onList = (): void => {};
  onReload(() => onList()); // from now on a SIGHUP no longer ends the process
  const stopped = new Promise<void>((resolve) => onStop(() => resolve())); // nor does a stop, before all is in order
  const clock = systemClock();
  const first = collectors(flags);
  const source = sourceName(flags);
  const towards = clientSecurity(flags, log, COLLECTORS_TOKEN);
  // Refused before anything has begun. The thread that serves reads them itself, and says what there is to say of them.
  serverSecurity(flags, SILENT);
  const turns = new Turns(TURN_ROWS_MAX);
  const fleet = new Fleet({
    source,
    seed: randomSeed(),
    regex: linearRegex,
    clock,
    log,
    connect: (address) => connect(address, towards, turns),
    random: Math.random,
    sleep: (ms, signal) => delay(ms, { signal }),
  });
  const directory = flags.text("state-dir"), nowS = (): number => fleet.clock.nowS();
  const monotonicMs = (): number => clock.monotonicMs();
  const state = directory === "" ? undefined : await openState({ directory, fleet, log, nowS, monotonicMs });
  const listen = flags.text("listen"), { view } = fleet;
  const answering = new AnsweringThread({
    listen,
    seed: randomSeed(),
    view,
    credentials: credentials(flags),
    log,
    style,
    monotonicMs,
  });
  fleet.follow(first); // before the first question, so that answers name whom they miss
  const port = await answering.start();
  log.info("serving", { listen, port, source, collectors: first.length });
  const manager = serviceManager(log);
  manager.ready(`following ${first.length} on ${listen}`);
  const budget = budgetOf(first.length, state !== undefined);
  const own = aggregatorPages({ fleet, state, answering, nowS, process: processState, budget });
  const pages = await servePages(flags.text("prom-listen"), flags.given("prom-listen"), own, log);
  tellBudget(log, budget);
  if (state !== undefined) log.info("state on disk at most", { mb: Math.round(stateBytesMax(true) / 1e6) });
  const ticking = setInterval(() => fleet.tick(), TICK_MS);
  const collecting = setInterval(collectGarbage, GARBAGE_MS);
  onList = (): void => reload(flags, fleet, log);

  await stopped;
  log.info("stopping");
  manager.stopping();
  clearInterval(ticking);
  clearInterval(collecting);
  // What is known of sources is saved before they are let go.
  await Promise.race([state?.stop(), delay(SAVE_MS_MAX)]);
  fleet.follow([]);
  pages?.stop();
  await answering.stop(STOP_MS_MAX);
  log.info("stopped");
}

/** Addresses of --collectors, files read. Throws UsageError with every mistake in them. */
function collectors(flags: FlagValues): string[] {
  const addresses: string[] = [];
  const mistakes: string[] = [];
  for (const value of flags.list("collectors")) {
    if (!value.startsWith("@")) {
      addresses.push(value);
      continue;
    }
    for (const address of readLinesFile("--collectors", value.slice(1))) {
      const mistake = targetMistake(address);
      if (mistake === undefined) addresses.push(address);
      else mistakes.push(`--collectors ${value}: "${address}": ${mistake}`);
    }
  }
  const distinct = [...new Set(addresses)];
  if (distinct.length > SOURCES_MAX) mistakes.push(`--collectors: ${distinct.length} of them; at most ${SOURCES_MAX}`);
  if (distinct.length === 0 && mistakes.length === 0) mistakes.push("--collectors: the list is empty");
  if (mistakes.length > 0) throw new UsageError(mistakes);
  return distinct;
}

/** The files that the server's certificates and token are in, by their flags, as far as they are given. */
function credentials(flags: FlagValues): Readonly<Record<string, string>> {
  const names = SERVER_SECURITY_FLAGS.map(({ name }) => name).filter((name) => flags.text(name) !== "");
  return Object.fromEntries(names.map((name) => [name, flags.text(name)]));
}

function budgetOf(sources: number, savesState: boolean): MemoryBudget {
  return memoryBudget({ ingestThreads: 0, followsSources: true, sources, savesState });
}

function tellBudget(log: Log, budget: MemoryBudget): void {
  log.info("memory at most", { ...budgetFacts(budget), each_source_mb: Math.round(SOURCE_BYTES / 1e6) });
}

/** A list that cannot be read now leaves everything as it is. */
function reload(flags: FlagValues, fleet: Fleet, log: Log): void {
  try {
    const addresses = collectors(flags);
    fleet.follow(addresses);
    log.info("read the list of collectors again", { collectors: addresses.length });
    tellBudget(log, budgetOf(addresses.length, flags.text("state-dir") !== ""));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    log.error("the list of collectors was not read again; those followed so far are followed on", {
      why: error.message,
    });
  }
}

if (import.meta.main) await runProgram(AGGREGATOR, run);
