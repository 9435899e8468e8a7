/** Where a collector stands, record after record: what each says has changed, and what it makes of what was before. */
import { addLedger, emptyLedger } from "@/core/ledger.ts";
import type { Position } from "./position.ts";
import {
  addLedgerText,
  type BeginText,
  type BucketText,
  ledgerText,
  positionKey,
  type SealedText,
  type Standing,
} from "./state_record.ts";
import type { Delta } from "@/core/bucket.ts";
import { blockOf } from "@/core/bucket_block.ts";

/** Before anything has been counted. */
export function firstStanding(source: string, instance: string): Standing {
  return { source, instance, sequence: 0, endS: 0, nowS: 0, ledger: {}, positions: new Map(), scanned: [] };
}

/** What is new, as it comes from an ingest thread. */
export interface Change {
  readonly endS: number;
  readonly nowS: number;
  readonly deltas: readonly Delta[];
  readonly positions: readonly Position[];
  /** Absent when they have not changed. */
  readonly scanned?: readonly string[];
}

/** The record of a change after `before`. */
export function changeText(before: Standing, { endS, nowS, deltas, positions, scanned }: Change): SealedText {
  const ledger = emptyLedger(), keys = new Set<string>(), changed: Position[] = [];
  for (const { bucket } of deltas) addLedger(ledger, bucket.ledger);
  for (const position of positions) {
    const key = positionKey(position);
    keys.add(key);
    if (before.positions.get(key) !== JSON.stringify(position)) changed.push(position);
  }
  return {
    sequence: deltas.at(-1)?.identity.sequence ?? before.sequence,
    endS,
    nowS,
    ledger: ledgerText(ledger),
    buckets: deltas.map(({ identity: { checksum }, bucket }): BucketText => {
      return { startS: bucket.startS, lengthS: bucket.lengthS, checksum, bytes: blockOf(bucket).byteLength };
    }),
    positions: changed,
    gone: [...before.positions.keys()].filter((key) => !keys.has(key)),
    ...(scanned === undefined ? {} : { scanned }),
  };
}

/** Where things stand after a record. */
export function standingAfter(before: Standing, text: SealedText): Standing {
  const { sequence, endS, nowS, scanned = before.scanned } = text;
  const positions = new Map(before.positions);
  for (const key of text.gone) positions.delete(key);
  for (const position of text.positions) positions.set(positionKey(position), JSON.stringify(position));
  const ledger = addLedgerText(before.ledger, text.ledger);
  return { ...before, sequence, endS, nowS, ledger, positions, scanned };
}

/** The same where a segment begins. */
export function standingAt(
  { source, instance, sequence, endS, nowS, ledger, positions, scanned }: BeginText,
): Standing {
  const byKey = new Map(positions.map((position) => [positionKey(position), JSON.stringify(position)]));
  return { source, instance, sequence, endS, nowS, ledger, positions: byKey, scanned };
}
