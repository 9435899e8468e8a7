/**
 * What records of state have in common, whoever keeps them (the frame around them is in `state_frame.ts`; what else there is,
 * in each role's own `state_record.ts`):
 *
 *   SLOT     a slot as it has been merged: it replaces the deltas that it lists, in its tier. One block.
 *
 * Texts are JSON; a block is that of `core/bucket_block.ts`. A name that a reader does not know is left alone; one that it
 * cannot do without raises the version.
 */
import { type Bucket, emptyBucket, type Identity } from "@/core/bucket.ts";
import { blockOf, openBlock, openBlockWithLedger } from "@/core/bucket_block.ts";
import { DIMENSIONS } from "@/core/dimensions.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { type Ledger, LEDGER_REASONS } from "@/core/ledger.ts";
import { MEASURES } from "@/core/measures.ts";
import type { Place } from "@/core/state_covers.ts";
import type { Outgoing } from "./state_frame.ts";

/** Kinds of records. Those of one role's own are unknown to the other, and say whose state it is. */
export const COLLECTOR_BEGIN = 16, COLLECTOR_SEALED = 17, SLOT = 18, AGGREGATOR_BEGIN = 32, AGGREGATOR_TAKEN = 33;

/** Of all kinds together: a program refuses what has a larger one. */
export const STATE_VERSION = 1;

/** A ledger by names: reasons may be added. */
export type LedgerText = Readonly<Record<string, number>>;

/** How buckets lie in their blocks. */
export interface Shape {
  readonly layout: number;
  readonly dimensions: readonly string[];
  readonly measures: readonly string[];
  readonly ledger: readonly string[];
}

export interface SlotText {
  readonly tier: number;
  readonly startS: number;
  /** As `Slot.known`. */
  readonly known: number;
  /** The deltas that it replaces. */
  readonly identities: readonly IdentityRanges[];
  /** It counts when a later record of the same process says so. */
  readonly pending?: boolean;
}

/** How this program lays out buckets. */
export function ownShape(): Shape {
  return {
    layout: new Float64Array(blockOf(emptyBucket(0, 10)))[0],
    dimensions: DIMENSIONS.map(({ name }) => name),
    measures: MEASURES.map(({ name }) => name),
    ledger: [...LEDGER_REASONS],
  };
}

/** How blocks of this shape are opened; undefined when this program cannot. */
export function opener(shape: Shape): ((block: ArrayBuffer) => Bucket) | undefined {
  const own = ownShape(), same = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();
  if (shape.layout !== own.layout) return undefined;
  if (!same(shape.dimensions, own.dimensions) || !same(shape.measures, own.measures)) return undefined;
  return same(shape.ledger, own.ledger) ? openBlock : (block) => openBlockWithLedger(block, shape.ledger);
}

export function slotRecord(text: SlotText, bucket: Bucket): Outgoing {
  return outgoing(SLOT, text, [bucket]);
}

/** A record with a block for each bucket. @param text becomes JSON */
export function outgoing(kind: number, text: object, buckets: readonly Bucket[]): Outgoing {
  const blocks = buckets.map((bucket) => new Uint8Array(blockOf(bucket)));
  return { kind, version: STATE_VERSION, text: JSON.stringify(text), blocks };
}

/** Where a bucket is that a record has. */
export function placeOf(of: Identity | readonly IdentityRanges[], bucket: Bucket): Place {
  return { of, startS: bucket.startS, lengthS: bucket.lengthS, bytes: blockOf(bucket).byteLength };
}

export function ledgerText(ledger: Ledger): LedgerText {
  return Object.fromEntries(LEDGER_REASONS.map((reason, i) => [reason, ledger[i]] as const).filter(([, n]) => n !== 0));
}

/** The reasons that this program knows. */
export function ledgerOf(text: LedgerText): Ledger {
  return Float64Array.from(LEDGER_REASONS, (reason) => text[reason] ?? 0);
}
