/** A collector's state directory from its opening to its end: what is found there goes back into the view, what is counted is saved. */
import type { Log } from "@/core/host/log.ts";
import { randomSeed } from "@/core/host/random.ts";
import { systemStateFiles } from "@/core/host/state_files.ts";
import { StateLog } from "@/core/host/state_log.ts";
import { stateBytesMax } from "@/core/memory_budget.ts";
import type { LiveView } from "@/core/live_view.ts";
import { publishTo } from "./delivery.ts";
import type { Former as FormerThread } from "./ingest_thread.ts";
import { type Position, positionMistake } from "./position.ts";
import type { Former as FormerSequence } from "./sequencer.ts";
import { loadState } from "./state_load.ts";
import { ledgerOf } from "@/core/host/state_record.ts";
import { wakeableSleep } from "@/core/host/state_saver.ts";
import type { Standing } from "./state_record.ts";
import { StateSaver } from "./state_saver.ts";

export interface StateOptions {
  readonly directory: string;
  readonly source: string;
  /** Of the instance that begins when there is no state. */
  readonly instance: string;
  /** Gets back what it had. */
  readonly view: LiveView;
  readonly log: Log;
  /** Seconds since 1970, for messages. */
  readonly nowS: () => number;
  /** Milliseconds since an arbitrary start. */
  readonly monotonicMs: () => number;
}

export interface OpenState {
  readonly saver: StateSaver;
  readonly instance: string;
  readonly sequence: FormerSequence;
  /** Undefined when nothing was found. */
  readonly thread: FormerThread | undefined;
}

/** Rejects with MachineRefusal when the directory cannot be used, is in use, or has state that is not for this collector. */
export async function openState(options: StateOptions): Promise<OpenState> {
  const { directory, view, log: messages, monotonicMs } = options, beganMs = monotonicMs();
  const log = await StateLog.open({ files: systemStateFiles(directory), directory, random: randomSeed });
  const bytes = log.bytes, { store, deltaLog } = view;
  const loaded = await loadState({ ...options, log, store, deltaLog, messages }), { standing } = loaded;
  const { endS, sequence, positions } = standing, took_ms = Math.round(monotonicMs() - beganMs);
  if (bytes === 0) messages.info("state begins here", { directory });
  else messages.info("state was read", { directory, bytes, took_ms, sequence, until: endS, positions: positions.size });
  const askedFrom = (): number => deltaLog.at(deltaLog.begin)?.identity.sequence ?? Infinity;
  const saver = new StateSaver({
    ...loaded,
    log,
    store,
    publish: publishTo(view),
    askedFrom,
    messages,
    nowS: options.nowS,
    sleep: wakeableSleep,
    bytesMax: stateBytesMax(false),
  });
  return {
    saver,
    instance: standing.instance,
    sequence: { sequence, endS, ledger: ledgerOf(standing.ledger) },
    thread: bytes === 0 ? undefined : formerThread(standing, messages),
  };
}

/** A position that this program cannot go on from is named: its log is taken for one never seen before. */
function formerThread({ positions: saved, scanned, endS, nowS }: Standing, messages: Log): FormerThread {
  const positions: Position[] = [];
  for (const text of saved.values()) {
    const position: unknown = JSON.parse(text), mistake = positionMistake(position);
    if (mistake === undefined) positions.push(position as Position);
    else messages.error("a position in the state cannot be used; its log is begun anew", { mistake, position: text });
  }
  return { positions, scanned, endS, nowS };
}
