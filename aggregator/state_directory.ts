/** An aggregator's state directory from its opening to its end: what is found there goes back into the fleet, what comes is saved. */
import { stateBytesMax } from "@/core/memory_budget.ts";
import type { Log } from "@/core/host/log.ts";
import { randomSeed } from "@/core/host/random.ts";
import { type StateFiles, systemStateFiles } from "@/core/host/state_files.ts";
import { StateLog } from "@/core/host/state_log.ts";
import { LET_GO, type SaverWords, type StateFacts, StateSaver, wakeableSleep } from "@/core/host/state_saver.ts";
import type { Fleet } from "./fleet.ts";
import { loadState } from "./state_load.ts";
import type { Standing, Taken } from "./state_record.ts";
import { keepingOf } from "./state_standing.ts";

export interface StateOptions {
  /** For messages: its name. */
  readonly directory: string;
  /** Gets back what it had; follows nobody yet. */
  readonly fleet: Fleet;
  readonly log: Log;
  /** Seconds since 1970, for messages. */
  readonly nowS: () => number;
  /** Milliseconds since an arbitrary start. */
  readonly monotonicMs: () => number;
  /** Those of the machine when absent; tests have their own. */
  readonly files?: StateFiles;
  readonly random?: () => number;
  readonly sleep?: typeof wakeableSleep;
  readonly segmentBytes?: number;
  readonly bytesMin?: number;
  readonly bytesMax?: number;
  readonly queueBytesMax?: number;
}

export interface OpenState {
  /** For whoever watches. */
  facts(): StateFacts;
  /** What is not being saved, in words; empty when everything is. */
  problem(): string;
  /** Where things stand as of the last durable record. */
  standing(): Standing;
  /** Ends with `stop`; rejects only when we have a bug. */
  readonly running: Promise<void>;
  /** Resolves when all that has come is saved, or cannot be. */
  stop(): Promise<void>;
}

/** Rejects with MachineRefusal when the directory cannot be used, is in use, or has state that is not for this aggregator. */
export async function openState(options: StateOptions): Promise<OpenState> {
  const { directory, fleet, log: messages, monotonicMs, nowS } = options, beganMs = monotonicMs();
  const { files = systemStateFiles(directory), random = randomSeed, segmentBytes } = options;
  const log = await StateLog.open({ files, directory, random, ...(segmentBytes && { segmentBytes }) });
  const bytes = log.bytes, { store, deltaLog, source } = fleet.view;
  const { standing, came, ...found } = await loadState({ log, directory, source, store, deltaLog, messages });
  const { sources, endS } = standing, took_ms = Math.round(monotonicMs() - beganMs);
  if (bytes === 0) messages.info("state begins here", { directory });
  else messages.info("state was read", { directory, bytes, took_ms, sources: sources.size, until: endS });
  const { bytesMax = stateBytesMax(true), bytesMin, queueBytesMax, sleep = wakeableSleep } = options;
  const saver: StateSaver<Standing, Taken> = new StateSaver({
    ...found,
    log,
    store,
    keeping: keepingOf((address) => fleet.isFollowed(address)),
    standing,
    onSaved: () => {},
    asked: () => {
      const held = deltaLog.identities();
      return (identity) => held.has(identity);
    },
    messages,
    words: WORDS,
    nowS,
    sleep,
    bytesMax,
    ...(bytesMin && { bytesMin }),
    ...(queueBytesMax && { queueBytesMax }),
  });
  fleet.restore({ standing, came }, (taken) => {
    if (taken.back !== undefined) saver.forgetAfter(taken.back.endS);
    saver.save(taken);
  });
  return {
    facts: () => saver.facts(),
    problem: () => saver.problem("buckets wait to be saved", "buckets are in memory alone"),
    standing: () => saver.standing,
    running: saver.running,
    stop: () => {
      fleet.save();
      return saver.stop();
    },
  };
}

const WORDS: SaverWords = {
  cannot:
    "state cannot be saved: following and answering go on, and what is not saved is asked for again after a restart; " +
    "it is tried again",
  tooMuch: "more waits to be saved than may: what comes is in memory alone until its slots can be written",
  letGo: LET_GO,
  savedAfterAll: "what was in memory alone is saved",
  stoppedWithout:
    "stopped without saving all that has come: it is asked for again at the next start, as far as sources " +
    "still hold it",
};
