/**
 * What a role finds in its state when it starts, put back into its store and among the deltas that can be asked for.
 *
 * Texts are looked through first, and only the blocks that are needed are read then: of the last quarter of an hour, and
 * of every slot the newest.
 */
import { DELTA_SECONDS_MAX } from "@/core/bounds.ts";
import type { Bucket, Identity } from "@/core/bucket.ts";
import { openBlock } from "@/core/bucket_block.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import type { DeltaLog } from "@/core/delta_log.ts";
import type { IdentityRanges, IdentitySet } from "@/core/identity_set.ts";
import { TIERS } from "@/core/slices.ts";
import { type Place, StateCovers } from "@/core/state_covers.ts";
import type { MergedSlot, Store } from "@/core/store.ts";
import type { Log } from "./log.ts";
import { newer, type Outgoing, type StateLog, type StoredRecord } from "./state_log.ts";
import { opener, type Shape, SLOT, type SlotText, STATE_VERSION } from "./state_record.ts";

/** A bucket that a record has beside its text: of a delta, or as a source had merged it. */
export interface BucketFound {
  readonly of: Identity | SlotText;
  readonly startS: number;
  readonly lengthS: number;
  /** Of its block. */
  readonly bytes: number;
  readonly arrivedS: number;
}

interface Found extends BucketFound {
  readonly record: StoredRecord;
  readonly open: Open;
  /** In the blocks of the record. */
  readonly at: number;
}

interface FoundSlot extends SlotText {
  readonly record: StoredRecord;
  readonly open: Open;
}

type Open = (block: ArrayBuffer) => Bucket;

/** Texts taken in one after the other, and what of them counts in the end. */
export class FoundState {
  #buckets: Found[] = [];
  #slots: FoundSlot[] = [];
  readonly #unknown: StoredRecord[] = [];
  /** For blocks of the segment at hand; undefined when they are laid out as this program does not know it. */
  #open: Open | undefined;
  /** Records whose buckets cannot be opened. */
  unopenable = 0;

  /** @param own kinds of the owner's records, which it reads itself */
  constructor(readonly directory: string, readonly own: readonly number[]) {}

  /** Hands the owner's own records back, and takes the others. Throws MachineRefusal when one is of a newer program. */
  take(record: StoredRecord): StoredRecord | undefined {
    const { kind, version, text } = record, isOwn = this.own.includes(kind);
    if (!isOwn && kind !== SLOT) return void this.#unknown.push(record);
    if (version > STATE_VERSION) throw newer(this.directory, `a record has version ${version}`);
    if (isOwn) return record;
    const slot: SlotText = JSON.parse(text), open = this.#open;
    if (!TIERS[slot.tier] || open === undefined) this.unopenable++;
    else this.#slots.push({ ...slot, record, open });
  }

  /** How the buckets are laid out that follow. */
  begin(shape: Shape): void {
    this.#open = opener(shape);
  }

  /** The buckets of a record, in the order of its blocks. */
  buckets(record: StoredRecord, all: readonly BucketFound[]): void {
    const open = this.#open;
    if (open === undefined) {
      this.unopenable += all.length > 0 ? 1 : 0;
      return;
    }
    let at = 0;
    for (const bucket of all) {
      this.#buckets.push({ ...bucket, record, open, at });
      at += bucket.bytes;
    }
  }

  /** The clock went back: what lay after it was forgotten then. */
  forgetAfter(endS: number): void {
    this.#buckets = this.#buckets.filter(({ startS, lengthS }) => startS + lengthS <= endS);
    this.#slots = this.#slots.filter(({ tier, startS }) => startS + TIERS[tier].sliceS <= endS);
  }

  /** Nothing else was there when the clock went back: what it had stood after by then, it had forgotten. */
  keepKnown(known: IdentitySet): void {
    this.#buckets = this.#buckets.filter(({ of }) => "sequence" in of ? known.has(of) : known.hasAll(of.identities));
    this.keepSlots((identities) => known.hasAll(identities));
  }

  /** Slots that were to count with a later record: that has come, or it never will. */
  endPending(come: boolean): void {
    if (!come) this.#slots = this.#slots.filter(({ pending }) => pending !== true);
    else this.#slots = this.#slots.map((slot) => slot.pending === true ? { ...slot, pending: false } : slot);
  }

  /** Only slots stay all of whose deltas count. */
  keepSlots(counts: (identities: readonly IdentityRanges[]) => boolean): void {
    this.#slots = this.#slots.filter(({ identities }) => counts(identities));
  }

  /** Fills an empty store as it was when time had come to `endS`, and the log of deltas; `nowS` is when it was written last. */
  async fill(log: StateLog, store: Store, deltaLog: DeltaLog, endS: number, nowS: number): Promise<StateCovers> {
    const covers = new StateCovers(), slots = this.#newestSlots();
    for (const found of this.#buckets) covers.placed(found.record.segment, [placeOf(found)]);
    for (const { record, tier, startS, identities } of slots) {
      covers.cover(record.segment, { tier, startS, identities, bytes: record.blocksBytes });
    }
    if (endS === 0) return covers;
    const restored: MergedSlot[] = [];
    for (const { record, open, ...slot } of slots) {
      restored.push({ ...slot, bucket: open(await blockIn(log, record, 0, record.blocksBytes)) });
    }
    store.restoreSlots(endS, restored.sort((a, b) => b.tier - a.tier));
    for (const found of this.#buckets) await this.#putBack(log, found, store, deltaLog, nowS);
    store.endRestore();
    return covers;
  }

  /** Records of kinds that nobody knows, by the segment they are in. */
  async unknownRecords(log: StateLog): Promise<ReadonlyMap<number, readonly Outgoing[]>> {
    const kept = new Map<number, Outgoing[]>();
    for (const record of this.#unknown) {
      const { kind, version, text, segment } = record;
      const blocks = [(await log.blocks(record)).slice()];
      kept.set(segment, [...kept.get(segment) ?? [], { kind, version, text, blocks }]);
    }
    return kept;
  }

  /** Kinds of records that nobody knows. */
  unknownKinds(): ReadonlySet<number> {
    return new Set(this.#unknown.map(({ kind }) => kind));
  }

  async #putBack(log: StateLog, found: Found, store: Store, deltaLog: DeltaLog, nowS: number): Promise<void> {
    const { of, startS, lengthS, record, open, at, bytes, arrivedS } = found;
    if (!("sequence" in of)) {
      if (store.lacksSlot(of)) store.restoreSlot({ ...of, bucket: open(await blockIn(log, record, at, bytes)) });
      return;
    }
    const isRecent = arrivedS >= nowS - DELTA_SECONDS_MAX;
    if (!isRecent && !store.lacks(of, startS, lengthS)) return;
    const bucket = open(await blockIn(log, record, at, bytes));
    // A block that was written anew has another checksum.
    const checksum = open === openBlock ? of.checksum : bucketChecksum(bucket),
      delta = { identity: { ...of, checksum }, bucket };
    store.restoreDelta(delta);
    if (isRecent) deltaLog.add(delta, arrivedS);
  }

  /** Of every slot the newest record, in the order of segments. */
  #newestSlots(): FoundSlot[] {
    const newest = new Map(this.#slots.map((slot) => [`${slot.tier} ${slot.startS}`, slot]));
    return [...newest.values()].sort((a, b) => a.record.number - b.record.number);
  }
}

/** Tells what was found to be torn, damaged or missing; whether anything that counted is lost. */
export function tellFindings({ findings }: StateLog, messages: Log): boolean {
  for (const { serious, text, facts } of findings) serious ? messages.error(text, facts) : messages.warn(text, facts);
  return findings.some(({ serious }) => serious);
}

function placeOf({ of, startS, lengthS, bytes }: Found): Place {
  return { of: "sequence" in of ? of : of.identities, startS, lengthS, bytes };
}

async function blockIn(log: StateLog, record: StoredRecord, at: number, bytes: number): Promise<ArrayBuffer> {
  return (await log.blocks(record)).slice(at, at + bytes).buffer;
}
