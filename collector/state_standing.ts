/** Where a collector stands, record after record: what each says has changed, and what it makes of what was before. */
import { addLedger, emptyLedger, type Ledger } from "@/core/ledger.ts";
import { ledgerText } from "@/core/host/state_record.ts";
import type { Position } from "./position.ts";
import {
  addLedgerText,
  type BeginText,
  type BucketText,
  positionsByKey,
  positionsText,
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
  /** What buckets before had that are not here any more: the last number of theirs, if they had any, and what became of lines. */
  readonly folded?: { readonly sequence: number | undefined; readonly ledger: Ledger };
}

/** The record of a change after `before`. */
export function changeText(before: Standing, { endS, nowS, deltas, positions, scanned, folded }: Change): SealedText {
  const ledger = emptyLedger(), byKey = positionsByKey(positions);
  if (folded !== undefined) addLedger(ledger, folded.ledger);
  for (const { bucket } of deltas) addLedger(ledger, bucket.ledger);
  const changed = [...byKey].filter(([key, text]) => before.positions.get(key) !== text);
  return {
    sequence: deltas.at(-1)?.identity.sequence ?? folded?.sequence ?? before.sequence,
    endS,
    nowS,
    ledger: ledgerText(ledger),
    buckets: deltas.map(({ identity: { checksum }, bucket }): BucketText => {
      return { startS: bucket.startS, lengthS: bucket.lengthS, checksum, bytes: blockOf(bucket).byteLength };
    }),
    positions: positionsText(new Map(changed)),
    gone: [...before.positions.keys()].filter((key) => !byKey.has(key)),
    ...(scanned === undefined ? {} : { scanned }),
  };
}

/** Where things stand after a record. */
export function standingAfter(before: Standing, text: SealedText): Standing {
  const { sequence, endS, nowS, scanned = before.scanned } = text;
  const positions = new Map(before.positions);
  for (const key of text.gone) positions.delete(key);
  for (const [key, position] of Object.entries(text.positions)) positions.set(key, JSON.stringify(position));
  const ledger = addLedgerText(before.ledger, text.ledger);
  return { ...before, sequence, endS, nowS, ledger, positions, scanned };
}

/** The same where a segment begins. */
export function standingAt(
  { source, instance, sequence, endS, nowS, ledger, positions, scanned }: BeginText,
): Standing {
  const byKey = new Map(Object.entries(positions).map(([key, position]) => [key, JSON.stringify(position)]));
  return { source, instance, sequence, endS, nowS, ledger, positions: byKey, scanned };
}
