/**
 * What a collector finds in its state directory when it starts: where it stands, and what goes back into its store and
 * among the deltas that can be asked for (`core/host/state_found.ts`).
 */
import type { DeltaLog } from "@/core/delta_log.ts";
import type { StateCovers } from "@/core/state_covers.ts";
import type { Store } from "@/core/store.ts";
import type { Log } from "@/core/host/log.ts";
import { type BucketFound, FoundState, tellFindings } from "@/core/host/state_found.ts";
import { type Outgoing, refusal, type StateLog, type StoredRecord } from "@/core/host/state_log.ts";
import { AGGREGATOR_BEGIN } from "@/core/host/state_record.ts";
import { BEGIN, type BeginText, SEALED, type SealedText, type Standing } from "./state_record.ts";
import { firstStanding, standingAfter, standingAt } from "./state_standing.ts";

export interface LoadedState {
  readonly standing: Standing;
  readonly covers: StateCovers;
  readonly unknown: ReadonlyMap<number, readonly Outgoing[]>;
}

export interface LoadOptions {
  readonly log: StateLog;
  /** For messages. */
  readonly directory: string;
  readonly source: string;
  /** Of the instance that begins when there is no state. */
  readonly instance: string;
  readonly store: Store;
  readonly deltaLog: DeltaLog;
  readonly messages: Log;
}

/** Fills the store and the log of deltas. Rejects with MachineRefusal when the state is not for this program, or not for this source. */
export async function loadState(options: LoadOptions): Promise<LoadedState> {
  const { log, store, deltaLog, messages, directory } = options;
  tellFindings(log, messages);
  const found = new Found(options);
  for (const record of log.records) found.take(record);
  found.end();
  const { standing, all } = found;
  const covers = await all.fill(log, store, deltaLog, standing.endS, standing.nowS);
  if (all.unknownKinds().has(AGGREGATOR_BEGIN)) {
    throw refusal(directory, "it is an aggregator's", "give each a directory of its own");
  }
  const unknown = await all.unknownRecords(log);
  log.endReading();
  return { standing, covers, unknown };
}

/** Texts taken in one after the other, and where things stand after the last. */
class Found {
  standing: Standing;
  readonly all: FoundState;

  constructor(readonly options: LoadOptions) {
    this.standing = firstStanding(options.source, options.instance);
    this.all = new FoundState(options.directory, [BEGIN, SEALED]);
  }

  take(record: StoredRecord): void {
    const own = this.all.take(record);
    if (own?.kind === BEGIN) this.#begin(JSON.parse(own.text));
    if (own?.kind === SEALED) this.#sealed(own, JSON.parse(own.text));
  }

  /** All texts have been taken. */
  end(): void {
    this.#dropUncommitted();
    if (this.all.unopenable === 0) return;
    const text =
      "buckets of the state have another layout, as of another version of this program; they are left out, " +
      "and what they counted is a gap; no line is read again or left out";
    this.options.messages.error(text, { records: this.all.unopenable });
  }

  #begin(text: BeginText): void {
    const { source, directory } = this.options;
    if (text.source !== source) {
      const remedy = `start it with --source=${text.source}, or give another --state-dir`;
      throw refusal(directory, `it is of source ${text.source}, and this collector is ${source}`, remedy);
    }
    this.all.begin(text.shape);
    this.standing = standingAt(text);
    if (text.started) this.#dropUncommitted();
  }

  #sealed(record: StoredRecord, text: SealedText): void {
    if (text.endS < this.standing.endS) this.all.forgetAfter(text.endS);
    this.standing = standingAfter(this.standing, text);
    const { source, instance } = this.standing, before = text.sequence - text.buckets.length;
    const buckets = text.buckets.map(({ startS, lengthS, checksum, bytes }, i): BucketFound => {
      const identity = { source, instance, sequence: before + i + 1, checksum };
      return { of: identity, startS, lengthS, bytes, arrivedS: text.nowS };
    });
    this.all.buckets(record, buckets);
  }

  /** Slots that hold what was never made to count: its lines have been read again since, or will be. */
  #dropUncommitted(): void {
    const { sequence } = this.standing;
    this.all.keepSlots((identities) => identities.every(({ ranges }) => ranges.every(([, last]) => last <= sequence)));
  }
}
