/**
 * What a record of a collector's state says, beside what all roles have (`core/host/state_record.ts`):
 *
 *   BEGIN    first in every segment: all that must be known to go on, and how buckets are laid out. No blocks.
 *   SEALED   what an ingest thread has sealed up to one read position: buckets, and what has changed since the record
 *            before. A block for each bucket, in order.
 */
import type { Bucket } from "@/core/bucket.ts";
import { VERSION } from "@/core/host/endings.ts";
import type { Outgoing } from "@/core/host/state_log.ts";
import {
  COLLECTOR_BEGIN,
  COLLECTOR_SEALED,
  type LedgerText,
  outgoing,
  ownShape,
  type Shape,
} from "@/core/host/state_record.ts";
import type { Position } from "./position.ts";

export const BEGIN = COLLECTOR_BEGIN, SEALED = COLLECTOR_SEALED;

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

export function beginRecord(standing: Standing, started: boolean): Outgoing {
  const positions = positionsText(standing.positions);
  const text: BeginText = { ...standing, program: VERSION, started, shape: ownShape(), positions };
  return outgoing(BEGIN, text, []);
}

export function sealedRecord(text: SealedText, buckets: readonly Bucket[]): Outgoing {
  return outgoing(SEALED, text, buckets);
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

export function addLedgerText(a: LedgerText, b: LedgerText): LedgerText {
  const sum: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}
