/**
 * What a record of a collector's state says. Three kinds (the frame around them is in `core/host/state_frame.ts`):
 *
 *   BEGIN    first in every segment: all that must be known to go on, and how buckets are laid out. No blocks.
 *   SEALED   what an ingest thread has sealed up to one read position: buckets, and what has changed since the record
 *            before. A block for each bucket, in order.
 *   SLOT     a slot as it has been merged: it replaces the deltas that it lists, in its tier. One block.
 *
 * Texts are JSON; a block is that of `core/bucket_block.ts`. A name that a reader does not know is left alone; one that it
 * cannot do without raises the version.
 */
import { type Ledger, LEDGER_REASONS } from "@/core/ledger.ts";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { MEASURES } from "@/core/measures.ts";
import { type Bucket, emptyBucket } from "@/core/bucket.ts";
import { blockOf, openBlock, openBlockWithLedger } from "@/core/bucket_block.ts";
import type { Outgoing } from "@/core/host/state_log.ts";
import { VERSION } from "@/core/host/endings.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import type { Position } from "./position.ts";

export const BEGIN = 16, SEALED = 17, SLOT = 18;
/** Of the three kinds together: a program refuses what has a larger one. */
export const STATE_VERSION = 1;

/** Where a collector stands after a record. */
export interface Standing {
  readonly source: string;
  readonly instance: string;
  /** Of the last bucket. */
  readonly sequence: number;
  /** As in `Sealed`. */
  readonly endS: number;
  readonly nowS: number;
  /** What became of all lines since the state began, by reason. */
  readonly ledger: LedgerText;
  readonly positions: Positions;
  /** Patterns that were looked at. */
  readonly scanned: readonly string[];
}

/** A ledger by names: reasons may be added. */
export type LedgerText = Readonly<Record<string, number>>;

/** How buckets lie in their blocks. */
export interface Shape {
  readonly layout: number;
  readonly dimensions: readonly string[];
  readonly measures: readonly string[];
  readonly ledger: readonly string[];
}

export interface BeginText extends Omit<Standing, "positions"> {
  /** Of the program that wrote it, for people. */
  readonly program: string;
  /** Whether it is the first of a process. */
  readonly started: boolean;
  readonly shape: Shape;
  readonly positions: PositionsText;
}

/** By key. */
export type PositionsText = Readonly<Record<string, Position>>;

export interface SealedText {
  /** Of the last bucket: they are numbered one by one, unless some before them could not be kept one by one. */
  readonly sequence: number;
  readonly endS: number;
  readonly nowS: number;
  readonly ledger: LedgerText;
  readonly buckets: readonly BucketText[];
  /** Positions that are new or have changed, and keys of those that are gone. */
  readonly positions: PositionsText;
  readonly gone: readonly string[];
  /** When they have changed. */
  readonly scanned?: readonly string[];
}

export interface BucketText {
  readonly startS: number;
  readonly lengthS: number;
  readonly checksum: number;
  /** Of its block. */
  readonly bytes: number;
}

export interface SlotText {
  readonly tier: number;
  readonly startS: number;
  /** As `Slot.known`. */
  readonly known: number;
  /** The deltas that it replaces. */
  readonly identities: readonly IdentityRanges[];
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

export function beginRecord(standing: Standing, started: boolean): Outgoing {
  const positions = positionsText(standing.positions);
  const text: BeginText = { ...standing, program: VERSION, started, shape: ownShape(), positions };
  return outgoing(BEGIN, text, []);
}

export function sealedRecord(text: SealedText, buckets: readonly Bucket[]): Outgoing {
  return outgoing(SEALED, text, buckets);
}

export function slotRecord(text: SlotText, bucket: Bucket): Outgoing {
  return outgoing(SLOT, text, [bucket]);
}

function outgoing(kind: number, text: BeginText | SealedText | SlotText, buckets: readonly Bucket[]): Outgoing {
  const blocks = buckets.map((bucket) => new Uint8Array(blockOf(bucket)));
  return { kind, version: STATE_VERSION, text: JSON.stringify(text), blocks };
}

/** Positions by what tells each from the others, as JSON. */
export type Positions = ReadonlyMap<string, string>;

/**
 * Each gets a key that it mostly keeps from list to list, so that only what has changed is written. Two may be of the same
 * device and inode: one of a file that is gone, and one of the file that got its number.
 */
export function positionsByKey(positions: readonly Position[]): Map<string, string> {
  const byKey = new Map<string, string>();
  for (const position of positions) {
    const { device, inode } = position;
    let n = 0;
    while (byKey.has(`${device}:${inode}:${n}`)) n++;
    byKey.set(`${device}:${inode}:${n}`, JSON.stringify(position));
  }
  return byKey;
}

export function positionsText(byKey: Positions): PositionsText {
  return Object.fromEntries([...byKey].map(([key, text]) => [key, JSON.parse(text)]));
}

export function ledgerText(ledger: Ledger): LedgerText {
  return Object.fromEntries(LEDGER_REASONS.map((reason, i) => [reason, ledger[i]] as const).filter(([, n]) => n !== 0));
}

export function addLedgerText(a: LedgerText, b: LedgerText): LedgerText {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}

/** The reasons that this program knows. */
export function ledgerOf(text: LedgerText): Ledger {
  return Float64Array.from(LEDGER_REASONS, (reason) => text[reason] ?? 0);
}
