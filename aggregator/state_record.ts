/**
 * What a record of an aggregator's state says, beside what all roles have (`core/host/state_record.ts`):
 *
 *   BEGIN    first in every segment: all that must be known to go on, and how buckets are laid out. No blocks.
 *   TAKEN    what has come since the record before: deltas, then slots as sources had merged them, a block for each; and what
 *            has changed of the rest.
 *
 * Nothing waits for a record. What was merged is known by the identities that its source gave it: what a crash takes is asked
 * for again, and what is here is not counted twice, whoever sends it.
 */
import type { Bucket, Delta } from "@/core/bucket.ts";
import { blockOf } from "@/core/bucket_block.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import type { MergedSlot } from "@/core/store.ts";
import { VERSION } from "@/core/host/endings.ts";
import type { Outgoing } from "@/core/host/state_log.ts";
import {
  AGGREGATOR_BEGIN,
  AGGREGATOR_TAKEN,
  type LedgerText,
  outgoing,
  ownShape,
  type Shape,
  type SlotText,
} from "@/core/host/state_record.ts";
import type { SavedChange } from "@/core/host/state_saver.ts";
import type { Apart } from "./clone_watch.ts";

export const BEGIN = AGGREGATOR_BEGIN, TAKEN = AGGREGATOR_TAKEN;

/** What is known of a source, by the address that it is followed at. */
export interface SourceText {
  /** As it calls itself. */
  readonly name: string;
  readonly instance: string;
  /** End of its newest slice. */
  readonly newestS: number;
  /** When it was heard of last, seconds since 1970. */
  readonly heardS: number;
  readonly ledger: LedgerText;
  /** Deltas of its that are missing and have been told. */
  readonly missing: number;
  /** A gap that is still to be seen among the targets, and until when. */
  readonly gap: { readonly count: number; readonly why: string; readonly untilS: number } | null;
  /** Whose deltas came by this address. */
  readonly delivers: readonly string[];
}

/** Where an aggregator stands after a record. */
export interface Standing {
  /** Its own name. */
  readonly source: string;
  /** End of the newest slice, and what time it was. */
  readonly endS: number;
  readonly nowS: number;
  /** All deltas that need not be sent: those that are here, and those that cannot be merged any more. */
  readonly known: readonly IdentityRanges[];
  /** Those that have come since `known` was put together. */
  readonly since: readonly (readonly IdentityRanges[])[];
  readonly sources: ReadonlyMap<string, SourceText>;
  readonly apart: readonly Apart[];
}

/** What has come. */
export interface Taken extends SavedChange {
  readonly endS: number;
  readonly nowS: number;
  readonly deltas: readonly Delta[];
  /** The address that each delta came by. */
  readonly by: readonly string[];
  readonly slots: readonly MergedSlot[];
  /** Deltas that need not be sent, besides those above. */
  readonly knows: readonly IdentityRanges[];
  /** By address: of those that have changed. */
  readonly sources: ReadonlyMap<string, SourceText>;
  /** When it has changed. */
  readonly apart?: readonly Apart[];
  /** When the clock went back. */
  readonly back?: Back;
  /** It makes slots count that were written before it; later changes may have been written before it as well. */
  readonly folded?: boolean;
}

/** The clock went back: what ended after this was forgotten, and this is all that is known. */
export interface Back {
  readonly endS: number;
  readonly known: readonly IdentityRanges[];
}

export interface BeginText {
  /** Of the program that wrote it, for people. */
  readonly program: string;
  /** Whether it is the first of a process. */
  readonly started: boolean;
  readonly shape: Shape;
  readonly source: string;
  readonly endS: number;
  readonly nowS: number;
  readonly known: readonly IdentityRanges[];
  readonly sources: Readonly<Record<string, SourceText>>;
  readonly apart: readonly Apart[];
}

export interface DeltaText {
  readonly source: string;
  readonly instance: string;
  readonly sequence: number;
  readonly checksum: number;
  readonly startS: number;
  readonly lengthS: number;
  /** Of its block. */
  readonly bytes: number;
  /** The address it came by. */
  readonly by: string;
}

export interface TakenSlotText extends SlotText {
  /** Of its block. */
  readonly bytes: number;
}

export interface TakenText {
  readonly endS: number;
  readonly nowS: number;
  readonly deltas: readonly DeltaText[];
  readonly slots: readonly TakenSlotText[];
  readonly knows: readonly IdentityRanges[];
  readonly sources: Readonly<Record<string, SourceText>>;
  readonly apart?: readonly Apart[];
  readonly back?: Back;
  readonly folded?: boolean;
}

/** @param known all of it */
export function beginRecord(standing: Standing, known: readonly IdentityRanges[], started: boolean): Outgoing {
  const { source, endS, nowS, sources, apart } = standing, shape = ownShape();
  const text: BeginText = {
    program: VERSION,
    started,
    shape,
    source,
    endS,
    nowS,
    known,
    sources: Object.fromEntries(sources),
    apart,
  };
  return outgoing(BEGIN, text, []);
}

export function takenRecord(taken: Taken): Outgoing {
  const { deltas, by, slots, sources, ...rest } = taken;
  const text: TakenText = {
    ...rest,
    deltas: deltas.map(({ identity, bucket }, i) => ({ ...identity, ...placed(bucket), by: by[i] })),
    slots: slots.map(({ tier, startS, known, identities, bucket }) => {
      return { tier, startS, known, identities, bytes: blockOf(bucket).byteLength };
    }),
    sources: Object.fromEntries(sources),
  };
  return outgoing(TAKEN, text, [...deltas, ...slots].map(({ bucket }) => bucket));
}

function placed(bucket: Bucket): { readonly startS: number; readonly lengthS: number; readonly bytes: number } {
  return { startS: bucket.startS, lengthS: bucket.lengthS, bytes: blockOf(bucket).byteLength };
}
