/**
 * Saves what a collector counts (`core/host/state_saver.ts`): a delta is published when its record is durable, and not before.
 *
 * While nothing can be saved, what was sealed waits. When more waits than may, delivery stops: what is sealed from then on
 * is in the store alone, and the positions that were saved last stay those from which a restart reads again.
 */
import type { Delta } from "@/core/bucket.ts";
import { addLedger, emptyLedger } from "@/core/ledger.ts";
import type { Log } from "@/core/host/log.ts";
import type { Outgoing, StateLog } from "@/core/host/state_log.ts";
import {
  type Keeping,
  LET_GO,
  type SaverWords,
  type StateFacts,
  StateSaver as Saver,
} from "@/core/host/state_saver.ts";
import type { StateCovers } from "@/core/state_covers.ts";
import type { Store } from "@/core/store.ts";
import { beginRecord, sealedRecord, type Standing } from "./state_record.ts";
import { type Change, changeText, standingAfter } from "./state_standing.ts";

export type { StateFacts } from "@/core/host/state_saver.ts";

export interface SaverOptions {
  readonly log: StateLog;
  readonly store: Store;
  /** Where things stand in the log. */
  readonly standing: Standing;
  /** What was found in it. */
  readonly covers: StateCovers;
  /** Records of kinds that this program does not know, by the segment they are in. */
  readonly unknown: ReadonlyMap<number, readonly Outgoing[]>;
  /** Hands out deltas that are durable. */
  readonly publish: (deltas: readonly Delta[], nowS: number) => void;
  /** Sequence number of the oldest delta that can still be asked for; Infinity when none can. */
  readonly askedFrom: () => number;
  readonly messages: Log;
  /** Seconds since 1970, for messages. */
  readonly nowS: () => number;
  /** Resolves after some milliseconds, or sooner when `wake` is called. */
  readonly sleep: (ms: number) => { readonly over: Promise<void>; readonly wake: () => void };
  readonly queueBytesMax?: number;
  readonly bytesMin?: number;
  readonly bytesMax: number;
}

export class StateSaver {
  readonly #saver: Saver<Standing, Change>;
  /** End of the newest slice that was sealed. */
  #endS: number;

  constructor(options: SaverOptions) {
    const { publish, askedFrom } = options;
    this.#endS = options.standing.endS;
    this.#saver = new Saver({
      ...options,
      waitsForRoom: true,
      keeping: KEEPING,
      words: WORDS,
      onSaved: ({ deltas, nowS }) => publish(deltas, nowS),
      asked: () => {
        const from = askedFrom();
        return ({ sequence }) => sequence >= from;
      },
    });
  }

  /** Ends with `stop`; rejects only when we have a bug. */
  get running(): Promise<void> {
    return this.#saver.running;
  }

  /** Sequence number up to which everything is durable. */
  get savedSequence(): number {
    return this.#saver.standing.sequence;
  }

  /** Takes what was sealed and is in the store already. */
  save(change: Change): void {
    if (change.endS < this.#endS) this.#saver.forgetAfter(change.endS);
    this.#endS = change.endS;
    this.#saver.save(change);
  }

  /** Patterns were looked at: they and the positions are saved, with nothing counted. */
  saveScanned(scanned: readonly string[], positions: Change["positions"]): void {
    const { endS, nowS } = this.#saver.newest ?? this.#saver.standing;
    this.save({ endS, nowS, deltas: [], positions, scanned });
  }

  /** What is not being saved, in words; empty when everything is. */
  problem(): string {
    return this.#saver.problem(
      "buckets wait to be delivered",
      "buckets are in this collector's own answers alone, and delivery has stopped",
    );
  }

  /** How much is on the disk, how much waits for it, and whether it cannot be written at present. */
  facts(): StateFacts {
    return this.#saver.facts();
  }

  /** Resolves when all that was sealed is saved, or cannot be. */
  stop(): Promise<void> {
    return this.#saver.stop();
  }
}

const KEEPING: Keeping<Standing, Change> = {
  begin: beginRecord,
  record: (standing, change) => {
    const text = changeText(standing, change);
    return {
      record: sealedRecord(text, change.deltas.map(({ bucket }) => bucket)),
      after: () => standingAfter(standing, text),
    };
  },
  // The last says where things stand; patterns that were looked at before it still have been.
  fold: (before, change) => {
    const ledger = emptyLedger();
    for (const { folded, deltas } of before === undefined ? [change] : [before, change]) {
      if (folded !== undefined) addLedger(ledger, folded.ledger);
      for (const { bucket } of deltas) addLedger(ledger, bucket.ledger);
    }
    const last = change.deltas.at(-1)?.identity.sequence,
      sequence = last ?? change.folded?.sequence ?? before?.folded?.sequence;
    return { ...before, ...change, deltas: [], folded: { sequence, ledger } };
  },
  bytesOf: ({ positions }) => 300 * positions.length + 1000,
  inOrder: () => true,
};

const WORDS: SaverWords = {
  cannot: "state cannot be saved: counting and answering go on, delivery waits; it is tried again",
  tooMuch: "delivery has stopped: more waits to be saved than may; counting and answering go on, and who follows " +
    "this collector will see a gap",
  letGo: LET_GO,
  savedAfterAll: "what was counted while delivery had stopped is saved; who follows this collector has a gap",
  stoppedWithout:
    "stopped without saving all that was counted: its lines are read again at the next start, as far as " +
    "they are in files",
};
