/**
 * Where reading stands in a log, and how the log is known again after a restart.
 *
 * A file is its device and inode only as long as it is held open: the numbers of a deleted one are given away at once,
 * a truncated file keeps its own, and a compressed copy has others. What is known again is the content: length and hash
 * of the first KiB and of the KiB before the position, of a `.gz` what it decompresses to.
 */
import { crc32c } from "@/core/checksum.ts";

/** Bytes at the beginning, and before the position, that a file is known again by: several lines, with their times. */
export const FINGERPRINT_BYTES = 1024;

/**
 * What was read of a file, in 16 bytes and two lengths. Two different logs have the same one once in 2^64 times, if
 * their lines differ at all; it is no defence against whoever can write both.
 */
export interface Fingerprint {
  /** How many of the first bytes were hashed: complete lines that were seen, read or not; 1024 at most. */
  readonly headBytes: number;
  /** CRC-32C. */
  readonly headHash: number;
  /** How many of the bytes before the offset were hashed: as many as there are, 1024 at most. */
  readonly tailBytes: number;
  /** CRC-32C. */
  readonly tailHash: number;
}

/**
 * What a follower needs to go on exactly where another stopped. Plain data without `undefined` inside objects that
 * matter: it can be posted, and written and read as JSON.
 */
export interface Position {
  /** The name it is followed under; it may have been rotated away from it since. */
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  /** Milliseconds since 1970; absent where the file system does not note it. */
  readonly bornMs?: number;
  /** When it was last seen to be written, by the file system's clock: milliseconds since 1970. */
  readonly modifiedMs: number;
  /** How often the file was truncated. */
  readonly generation: number;
  /** Bytes, of a compressed file those of its content: everything before it was handed over. */
  readonly offset: number;
  /** Whether the offset is inside a line that is too long and was reported already. */
  readonly insideTooLong: boolean;
  readonly fingerprint: Fingerprint;
  /** Whether it was read as gzip: then `device` and `inode` are the compressed file's. */
  readonly compressed: boolean;
  /** Whether it was read to its end and let go of. It is listed only so that a copy of it is not taken for new. */
  readonly done: boolean;
  /**
   * Its directory's mark (`rotated_files.ts`) at the last scan after which it was found to hold what had been read of it:
   * whatever was rotated since then was not seen.
   */
  readonly directoryMarkMs?: number;
}

/** What makes a file itself while it is open: the system gives its number to no other. */
export function identity({ device, inode }: Pick<Position, "device" | "inode">): string {
  return `${device}:${inode}`;
}

/** Of a file of which nothing has been read: every file begins like it. */
export const NOTHING_READ: Fingerprint = { headBytes: 0, headHash: 0, tailBytes: 0, tailHash: 0 };

/** The hash of a head or tail. */
export function fingerprintHash(bytes: Uint8Array): number {
  return crc32c(bytes);
}

/** Why a value read from elsewhere is no position, such as `no offset`; undefined when it is one. */
export function positionMistake(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "not an object";
  const position = value as Readonly<Record<string, unknown>>;
  const { path, fingerprint, bornMs, directoryMarkMs } = position;
  if (typeof path !== "string" || path === "") return "no path";
  for (const name of ["insideTooLong", "compressed", "done"]) {
    if (typeof position[name] !== "boolean") return `no ${name}`;
  }
  for (const name of ["inode", "generation", "offset"]) if (!whole(position[name])) return `no ${name}`;
  for (const name of ["device", "modifiedMs"]) if (!Number.isFinite(position[name])) return `no ${name}`;
  for (const ms of [bornMs, directoryMarkMs]) {
    if (ms !== undefined && !Number.isFinite(ms)) return "a time that is none";
  }
  if (typeof fingerprint !== "object" || fingerprint === null) return "no fingerprint";
  const { headBytes, headHash, tailBytes, tailHash } = fingerprint as Readonly<Record<string, unknown>>;
  if (!whole(headBytes) || headBytes > FINGERPRINT_BYTES) return "no length of a fingerprint";
  if (!whole(tailBytes) || tailBytes > Math.min(FINGERPRINT_BYTES, Number(position.offset))) {
    return "no length of a fingerprint";
  }
  return whole(headHash) && whole(tailHash) ? undefined : "no hash in its fingerprint";
}

function whole(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0;
}
