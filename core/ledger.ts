/**
 * The ledger: what became of every line read. `read` equals `counted` plus all the others, always; a test holds every
 * hop to it.
 */

export const LEDGER_REASONS = [
  "read",
  "counted",
  "malformed_fields",
  "malformed_address",
  "malformed_time",
  "malformed_status",
  "malformed_bytes",
  "malformed_request_time",
  "too_long",
  "too_old",
  "future",
] as const;

export const LEDGER_COUNT = LEDGER_REASONS.length;

/** Indexes into a ledger. */
export const READ = 0,
  COUNTED = 1,
  MALFORMED_FIELDS = 2,
  MALFORMED_ADDRESS = 3,
  MALFORMED_TIME = 4,
  MALFORMED_STATUS = 5,
  MALFORMED_BYTES = 6,
  MALFORMED_REQUEST_TIME = 7,
  TOO_LONG = 8,
  TOO_OLD = 9,
  FUTURE = 10;

/** Lines by reason, in the order of `LEDGER_REASONS`. */
export type Ledger = Float64Array<ArrayBuffer>;

export function emptyLedger(): Ledger {
  return new Float64Array(LEDGER_COUNT);
}

/** Adds `from` to `into`. */
export function addLedger(into: Ledger, from: Ledger): void {
  for (let reason = 0; reason < LEDGER_COUNT; reason++) into[reason] += from[reason];
}

/** Lines read that are neither counted nor given a reason: zero unless we have a bug. */
export function ledgerGap(ledger: Ledger): number {
  let gap = ledger[READ];
  for (let reason = COUNTED; reason < LEDGER_COUNT; reason++) gap -= ledger[reason];
  return gap;
}
