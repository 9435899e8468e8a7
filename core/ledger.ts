/**
 * The ledger: what became of every line read, and what never became a line.
 *
 * `read` equals `counted` plus the reasons for which a line was not counted, always; a test holds every hop to it.
 *
 * What the kernel dropped stands beside that: nobody has read it, and a kernel may not tell. Both numbers below are sums,
 * so that they add up over slices, threads and sources like all others, and *unknown* is no number at all but the absence
 * of a report: 0 dropped in 0 reports is not known, 0 dropped in 6 reports is none.
 *
 * So does what may have been lost with a log that was cut off under our eyes: how many lines that was nobody can say.
 */

const LINE_REASONS = [
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
  /** Received over the network more than a minute after its own time: that cannot write history. */
  "late",
  /** Received and then lost: its connection ended within it, or the thread that had counted it died before it was sealed. */
  "lost",
] as const;

/** Places in a ledger that are about lines: `read`, `counted`, and the reasons for not counting. */
export const LINE_REASON_COUNT = LINE_REASONS.length;

/** Names of all places in a ledger, as on the wire and in JSON. */
export const LEDGER_REASONS = [
  ...LINE_REASONS,
  /** Datagrams that the kernel dropped before anybody read them, as far as it told. */
  "kernel_drops",
  /** How often it told. */
  "kernel_drop_reports",
  /** How often a log was truncated, or was gone, before it was surely read to its end: lines may be lost with it. */
  "logs_cut",
  /** Bytes that were seen in such logs, and nobody can read any more. Bytes that were never seen may be missing as well. */
  "unread_bytes",
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
  FUTURE = 10,
  LATE = 11,
  LOST = 12,
  KERNEL_DROPS = 13,
  KERNEL_DROP_REPORTS = 14,
  LOGS_CUT = 15,
  UNREAD_BYTES = 16;

/** In the order of `LEDGER_REASONS`: lines by reason, then what the kernel dropped, and what may be lost with logs. */
export type Ledger = Float64Array<ArrayBuffer>;

export function emptyLedger(): Ledger {
  return new Float64Array(LEDGER_COUNT);
}

/** Adds `from` to `into`. */
export function addLedger(into: Ledger, from: Ledger): void {
  for (let reason = 0; reason < LEDGER_COUNT; reason++) into[reason] += from[reason];
}

/** Notes that the kernel told how many datagrams it dropped since it last told; 0 is worth telling. */
export function reportKernelDrops(ledger: Ledger, datagrams: number): void {
  ledger[KERNEL_DROPS] += datagrams;
  ledger[KERNEL_DROP_REPORTS]++;
}

/** Datagrams that the kernel dropped, as far as it told; null when it never did. */
export function kernelDrops(ledger: Ledger): number | null {
  return ledger[KERNEL_DROP_REPORTS] > 0 ? ledger[KERNEL_DROPS] : null;
}

/** Lines read that are neither counted nor given a reason: zero unless we have a bug. */
export function ledgerGap(ledger: Ledger): number {
  let gap = ledger[READ];
  for (let reason = COUNTED; reason < LINE_REASON_COUNT; reason++) gap -= ledger[reason];
  return gap;
}
