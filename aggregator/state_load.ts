/**
 * What an aggregator finds in its state directory when it starts: what goes back into its store and among the deltas that can
 * be asked for (`core/host/state_found.ts`), and which deltas it need not ask for.
 *
 * Where state is damaged, or laid out as this program does not know it, deltas count as known that are really here: the rest
 * is asked for again.
 */
import { DELTA_SECONDS_MAX } from "@/core/bounds.ts";
import type { Identity } from "@/core/bucket.ts";
import type { DeltaLog } from "@/core/delta_log.ts";
import { type IdentityRanges, IdentitySet } from "@/core/identity_set.ts";
import { TIERS } from "@/core/slices.ts";
import type { StateCovers } from "@/core/state_covers.ts";
import type { Store } from "@/core/store.ts";
import type { Log } from "@/core/host/log.ts";
import { type BucketFound, FoundState, tellFindings } from "@/core/host/state_found.ts";
import { type Outgoing, refusal, type StateLog, type StoredRecord } from "@/core/host/state_log.ts";
import { COLLECTOR_BEGIN } from "@/core/host/state_record.ts";
import { BEGIN, type BeginText, type Standing, TAKEN, type TakenText } from "./state_record.ts";
import { firstStanding, knownIn, rangesOf, standingAfter, standingAt } from "./state_standing.ts";

export interface LoadedState {
  readonly standing: Standing;
  /** By which address the deltas of the last quarter of an hour came, oldest first. */
  readonly came: readonly Came[];
  readonly covers: StateCovers;
  readonly unknown: ReadonlyMap<number, readonly Outgoing[]>;
}

export interface Came {
  readonly by: string;
  readonly identity: Identity;
}

export interface LoadOptions {
  readonly log: StateLog;
  /** For messages. */
  readonly directory: string;
  readonly source: string;
  readonly store: Store;
  readonly deltaLog: DeltaLog;
  readonly messages: Log;
}

/** Fills the store and the log of deltas. Rejects with MachineRefusal when the state is not for this program, or not for this source. */
export async function loadState(options: LoadOptions): Promise<LoadedState> {
  const { log, store, deltaLog, messages, directory } = options;
  const isDamaged = tellFindings(log, messages), found = new Found(options);
  for (const record of log.records) found.take(record);
  found.all.endPending(false);
  const { all } = found, { endS, nowS } = found.standing;
  if (all.unknownKinds().has(COLLECTOR_BEGIN)) {
    throw refusal(directory, "it is a collector's", "give each a directory of its own");
  }
  const covers = await all.fill(log, store, deltaLog, endS, nowS);
  const unknown = await all.unknownRecords(log);
  log.endReading();
  if (all.unopenable > 0) messages.error(LEFT_OUT, { records: all.unopenable });
  const isWhole = !isDamaged && all.unopenable === 0;
  const known = isWhole ? knownIn(found.standing) : identitiesIn(store);
  return { standing: { ...found.standing, known, since: [] }, came: found.recent(), covers, unknown };
}

const LEFT_OUT =
  "buckets of the state have another layout, as of another version of this program; they are left out, and " +
  "what they counted is asked for again";

/** Texts taken in one after the other, and where things stand after the last. */
class Found {
  standing: Standing;
  readonly all: FoundState;
  #came: (Came & { readonly atS: number })[] = [];

  constructor(readonly options: LoadOptions) {
    this.standing = firstStanding(options.source);
    this.all = new FoundState(options.directory, [BEGIN, TAKEN]);
  }

  take(record: StoredRecord): void {
    const own = this.all.take(record);
    if (own?.kind === BEGIN) this.#begin(JSON.parse(own.text));
    if (own?.kind === TAKEN) this.#taken(own, JSON.parse(own.text));
  }

  recent(): Came[] {
    return this.#came.filter(({ atS }) => atS >= this.standing.nowS - DELTA_SECONDS_MAX);
  }

  #begin(text: BeginText): void {
    const { source, directory } = this.options;
    if (text.source !== source) {
      const remedy = `start it with --source=${text.source}, or give another --state-dir`;
      throw refusal(directory, `it is of aggregator ${text.source}, and this one is ${source}`, remedy);
    }
    this.all.begin(text.shape);
    this.standing = standingAt(text);
    if (text.started) this.all.endPending(false);
  }

  #taken(record: StoredRecord, text: TakenText): void {
    const { nowS: arrivedS, deltas, slots, back, folded } = text;
    if (back !== undefined) {
      const known = new IdentitySet();
      known.addRanges(back.known);
      this.all.forgetAfter(back.endS);
      this.all.keepKnown(known);
    }
    const buckets = deltas.map(({ source, instance, sequence, checksum, startS, lengthS, bytes }): BucketFound => {
      return { of: { source, instance, sequence, checksum }, startS, lengthS, bytes, arrivedS };
    });
    const merged = slots.map(({ tier, startS, known, identities, bytes }): BucketFound => {
      const of = { tier, startS, known, identities };
      return { of, startS, lengthS: TIERS[tier].sliceS, bytes, arrivedS };
    });
    this.all.buckets(record, [...buckets, ...merged]);
    for (const { by, source, instance, sequence, checksum } of deltas) {
      this.#came.push({ by, identity: { source, instance, sequence, checksum }, atS: arrivedS });
    }
    if (folded === true) this.all.endPending(true);
    const identities = [...rangesOf(deltas), ...slots.flatMap((slot) => slot.identities)];
    this.standing = standingAfter(
      this.standing,
      { ...text, sources: new Map(Object.entries(text.sources)) },
      identities,
    );
  }
}

/** All that is in a store. */
export function identitiesIn({ rings }: Store): readonly IdentityRanges[] {
  const all = new IdentitySet();
  for (const ring of rings) for (const slot of ring.slots()) all.addRanges(slot.identities.ranges());
  return all.ranges();
}
