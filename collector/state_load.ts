/**
 * What a collector finds in its state directory when it starts: where it stands, and what goes back into its store and
 * among the deltas that can be asked for.
 *
 * Texts are looked through first, and only the blocks that are needed are read then: of the last quarter of an hour, and
 * of every slot the newest.
 */
import { DELTA_SECONDS_MAX } from "@/core/bounds.ts";
import type { Bucket, Delta } from "@/core/bucket.ts";
import { openBlock } from "@/core/bucket_block.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { type Log } from "@/core/host/log.ts";
import { newer, type Outgoing, refusal, type StateLog, type StoredRecord } from "@/core/host/state_log.ts";
import type { DeltaLog } from "@/core/delta_log.ts";
import type { Store } from "@/core/store.ts";
import { TIERS } from "@/core/slices.ts";
import { type Place, StateCovers } from "./state_covers.ts";
import {
  BEGIN,
  type BeginText,
  opener,
  SEALED,
  type SealedText,
  SLOT,
  type SlotText,
  type Standing,
  STATE_VERSION,
} from "./state_record.ts";
import { firstStanding, standingAfter, standingAt } from "./state_standing.ts";

type Open = (block: ArrayBuffer) => Bucket;

/** A delta that was found, and where its block is. */
interface FoundDelta {
  readonly place: Place;
  readonly record: StoredRecord;
  readonly open: Open;
  /** In the blocks of the record. */
  readonly at: number;
  readonly arrivedS: number;
}

interface FoundSlot extends SlotText {
  readonly record: StoredRecord;
  readonly open: Open;
  /** The largest of its sequence numbers. */
  readonly sequence: number;
}

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
  const { log, store, deltaLog, messages } = options;
  for (const { serious, text, facts } of log.findings) {
    serious ? messages.error(text, facts) : messages.warn(text, facts);
  }
  const found = new Found(options);
  for (const record of log.records) found.take(record);
  found.end();
  const { standing } = found, covers = new StateCovers(), slots = found.newestSlots();
  for (const { place, record } of found.deltas) covers.placed(record.segment, [place]);
  for (const { record, tier, startS, identities } of slots) {
    covers.cover(record.segment, { tier, startS, identities, bytes: record.blocksBytes });
  }
  if (standing.endS > 0) {
    const restored = [];
    for (const { record, open, ...slot } of slots) {
      restored.push({ ...slot, bucket: open(await blockIn(log, record, 0, record.blocksBytes)) });
    }
    store.restoreSlots(standing.endS, restored.sort((a, b) => b.tier - a.tier));
    for (const { place: { identity, startS, lengthS, bytes }, record, open, at, arrivedS } of found.deltas) {
      const isRecent = arrivedS >= standing.nowS - DELTA_SECONDS_MAX;
      if (!isRecent && !store.lacks(identity, startS, lengthS)) continue;
      const bucket = open(await blockIn(log, record, at, bytes));
      // A block that was written anew has another checksum.
      const checksum = open === openBlock ? identity.checksum : bucketChecksum(bucket);
      const delta: Delta = { identity: { ...identity, checksum }, bucket };
      store.restoreDelta(delta);
      if (isRecent) deltaLog.add(delta, arrivedS);
    }
    store.endRestore();
  }
  const unknown = await found.unknownRecords();
  log.endReading();
  return { standing, covers, unknown };
}

/** Texts taken in one after the other, and what of them counts in the end. */
class Found {
  standing: Standing;
  deltas: FoundDelta[] = [];
  #slots: FoundSlot[] = [];
  readonly #unknown: StoredRecord[] = [];
  /** For blocks of the segment at hand; undefined when they are laid out as this program does not know it. */
  #open: Open | undefined;
  #unopenable = 0;

  constructor(readonly options: LoadOptions) {
    this.standing = firstStanding(options.source, options.instance);
  }

  take(record: StoredRecord): void {
    const { kind, version, text } = record, { directory } = this.options;
    if (kind !== BEGIN && kind !== SEALED && kind !== SLOT) return void this.#unknown.push(record);
    if (version > STATE_VERSION) throw newer(directory, `a record has version ${version}`);
    if (kind === BEGIN) this.#begin(JSON.parse(text));
    if (kind === SEALED) this.#sealed(record, JSON.parse(text));
    if (kind === SLOT) this.#slot(record, JSON.parse(text));
  }

  /** All texts have been taken. */
  end(): void {
    this.#dropUncommitted();
    if (this.#unopenable === 0) return;
    const text =
      "buckets of the state have another layout, as of another version of this program; they are left out, " +
      "and what they counted is a gap; no line is read again or left out";
    this.options.messages.error(text, { records: this.#unopenable });
  }

  /** Of every slot the newest record, in the order of segments. */
  newestSlots(): FoundSlot[] {
    const newest = new Map(this.#slots.map((slot) => [`${slot.tier} ${slot.startS}`, slot]));
    return [...newest.values()].sort((a, b) => a.record.number - b.record.number);
  }

  async unknownRecords(): Promise<ReadonlyMap<number, readonly Outgoing[]>> {
    const kept = new Map<number, Outgoing[]>();
    for (const record of this.#unknown) {
      const { kind, version, text, segment } = record;
      const blocks = [(await this.options.log.blocks(record)).slice()];
      kept.set(segment, [...kept.get(segment) ?? [], { kind, version, text, blocks }]);
    }
    return kept;
  }

  #begin(text: BeginText): void {
    const { source, directory } = this.options;
    if (text.source !== source) {
      const remedy = `start it with --source=${text.source}, or give another --state-dir`;
      throw refusal(directory, `it is of source ${text.source}, and this collector is ${source}`, remedy);
    }
    this.#open = opener(text.shape);
    this.standing = standingAt(text);
    if (text.started) this.#dropUncommitted();
  }

  #sealed(record: StoredRecord, text: SealedText): void {
    if (text.endS < this.standing.endS) this.#rebase(text.endS);
    this.standing = standingAfter(this.standing, text);
    const open = this.#open;
    if (open === undefined) {
      this.#unopenable += text.buckets.length > 0 ? 1 : 0;
      return;
    }
    const { source, instance } = this.standing;
    let sequence = text.sequence - text.buckets.length, at = 0;
    for (const { startS, lengthS, checksum, bytes } of text.buckets) {
      const place = { identity: { source, instance, sequence: ++sequence, checksum }, startS, lengthS, bytes };
      this.deltas.push({ place, record, open, at, arrivedS: text.nowS });
      at += bytes;
    }
  }

  #slot(record: StoredRecord, text: SlotText): void {
    const last = text.identities.flatMap(({ ranges }) => ranges.map(([, end]) => end));
    const open = this.#open;
    if (!TIERS[text.tier] || open === undefined) this.#unopenable++;
    else this.#slots.push({ ...text, record, open, sequence: Math.max(0, ...last) });
  }

  /** The clock went back: what lay after it was forgotten then. */
  #rebase(endS: number): void {
    this.deltas = this.deltas.filter(({ place }) => place.startS + place.lengthS <= endS);
    this.#slots = this.#slots.filter(({ tier, startS }) => startS + TIERS[tier].sliceS <= endS);
  }

  /** Slots that hold what was never made to count: its lines have been read again since, or will be. */
  #dropUncommitted(): void {
    this.#slots = this.#slots.filter(({ sequence }) => sequence <= this.standing.sequence);
  }
}

async function blockIn(log: StateLog, record: StoredRecord, at: number, bytes: number): Promise<ArrayBuffer> {
  return (await log.blocks(record)).slice(at, at + bytes).buffer;
}
