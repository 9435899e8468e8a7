/**
 * Knows logs again by what was read of them: where a log is that was renamed, copied or compressed while nobody looked,
 * and which files were rotated away after it that nobody has ever seen.
 */
import { SUPERSEDED_QUIET_SECONDS_MIN } from "@/core/bounds.ts";
import { type FileStatus, isTrouble } from "@/core/host/files.ts";
import { beginsLike, holds, type ReadContext } from "./followed_file.ts";
import { FINGERPRINT_BYTES, identity, type Position } from "./position.ts";
import type { Relative, RotatedFiles } from "./rotated_files.ts";
import { compareAge, logOf } from "./rotation_names.ts";

/** Where reading can go on. */
export interface Found {
  readonly path: string;
  readonly status: FileStatus;
  readonly compressed: boolean;
}

/** A log of which a part, or all, was read. */
export interface Known {
  /** Where reading stands in it, or stood when it was let go of. */
  readonly position: Position;
  /** What it is in its family now; undefined when it has no name there. */
  readonly now: Relative | undefined;
}

/** What of a family was never read: oldest first. */
export interface Unread {
  readonly files: readonly Relative[];
  /** Compressed in a way that is not read here. */
  readonly unreadable: readonly Relative[];
}

export class KnownAgain {
  constructor(readonly context: ReadContext, readonly rotated: RotatedFiles) {}

  /**
   * Where the log of this position is: where its numbers say, else wherever its content is. `gone`: nowhere. `later`: not
   * to be said now, since something cannot be read.
   */
  locate(position: Position): Found | "gone" | "later" {
    const at = this.rotated.whereIs(position);
    const there = at === undefined ? "other" : this.#look(at, position, identity(position));
    if (there !== "other") return there;
    const family = this.rotated.canList(position.path) ? this.#familyOf(position) : undefined;
    if (family === undefined) return "later";
    // What rotation made before what stands at the name now; what can be read at once before what is compressed.
    const order = (relative: Relative): number =>
      relative.path === position.path ? 2 : relative.compression === "" ? 0 : 1;
    let later = false;
    for (const { path, status } of family.toSorted((a, b) => order(a) - order(b))) {
      if (position.fingerprint.headBytes === 0) break;
      const found = this.#look(path, position, identity(status));
      if (found === "later") later = true;
      else if (found !== "other") return found;
    }
    return later ? "later" : "gone";
  }

  /** Whether a file holds what one of these logs held: it is a copy of it, whether or not that has grown since. */
  isCopy({ path, compression }: Pick<Relative, "path" | "compression">, of: readonly Position[]): boolean {
    const { files } = this.context, handle = files.openRead(path);
    if (isTrouble(handle)) return false;
    const head = compression === ".gz" ? files.gunzipHead(handle)?.bytes : this.#head(handle);
    const copied = of.some((position) =>
      position.fingerprint.headBytes > 0 && head !== undefined && beginsLike(head, position)
    );
    files.close(handle);
    return copied;
  }

  /**
   * Files of the family of a log that came after the logs known of it, and stood at its name unseen.
   * @param markMs what is younger was not there when all was well, where that was not at the last scan.
   */
  unread(
    log: string,
    known: readonly Known[],
    isKnown: (status: FileStatus) => boolean,
    markMs?: number,
  ): Unread {
    const family = this.rotated.family(log);
    if (isTrouble(family)) return { files: [], unreadable: [] };
    const plain = new Set(family.filter(({ compression }) => compression === "").map(({ suffix }) => suffix));
    const positions = known.map(({ position }) => position);
    const unread = family.filter((relative) => {
      const { suffix, compression, status } = relative;
      // Beside the plain file it is a copy, and may be half written.
      if (suffix === "" || (compression !== "" && plain.has(suffix)) || isKnown(status)) return false;
      return this.#isYounger(relative, known, markMs) && !this.isCopy(relative, positions);
    }).sort(byAge);
    return {
      files: unread.filter(({ compression }) => compression === "" || compression === ".gz"),
      unreadable: unread.filter(({ compression }) => compression !== "" && compression !== ".gz"),
    };
  }

  /** Whether a file can only have stood at the name of the log after one that is known and was not read to its end. */
  #isYounger(relative: Relative, known: readonly Known[], markMs?: number): boolean {
    const { path, status, compression } = relative;
    const wasThere = this.rotated.wasThere(path, status, markMs);
    if (wasThere === true) return false;
    // The birth of a compressed file says nothing about the log it was made from.
    const isNew = wasThere === false && compression === "";
    if (known.length === 0) return isNew;
    const reading = known.filter(({ position }) => !position.done);
    return reading.length === 0
      ? known.every((each) => cameAfter(relative, isNew, each))
      : reading.some((each) => cameAfter(relative, isNew, each));
  }

  /** `other`: it is not that log. */
  #look(path: string, position: Position, only: string): Found | "other" | "later" {
    const { files } = this.context, handle = files.openRead(path);
    if (isTrouble(handle)) return handle.trouble === "missing" ? "other" : "later";
    const status = files.fstat(handle);
    let found: Found | "other" | "later" = "other";
    // Renamed just now.
    if (isTrouble(status) || identity(status) !== only) found = "later";
    else if (status.kind === "file") found = this.#compare(path, handle, status, position);
    files.close(handle);
    return found;
  }

  #compare(path: string, handle: number, status: FileStatus, position: Position): Found | "other" | "later" {
    const same = identity(status) === identity(position), born = position.bornMs;
    if (same && position.fingerprint.headBytes === 0 && born !== undefined && status.bornMs !== born) return "other";
    if (!path.endsWith(".gz")) {
      const held = !(same && position.compressed) && holds(this.context, handle, position);
      return held ? { path, status, compressed: false } : "other";
    }
    if (position.fingerprint.headBytes === 0) {
      return same && position.compressed ? { path, status, compressed: true } : "other";
    }
    const { files } = this.context, head = files.gunzipHead(handle);
    if (head !== undefined && beginsLike(head.bytes, position)) return { path, status, compressed: true };
    if (head === undefined || (!head.whole && head.bytes.length < position.fingerprint.headBytes)) {
      const quietMs = Math.abs(files.nowMs() - status.modifiedMs);
      // It is perhaps being written.
      if (quietMs < 1000 * SUPERSEDED_QUIET_SECONDS_MIN) return "later";
    }
    return "other";
  }

  #head(handle: number): Uint8Array | undefined {
    const { files, buffer } = this.context, count = files.readAt(handle, buffer, 0, FINGERPRINT_BYTES, 0);
    return isTrouble(count) || count === 0 ? undefined : buffer.subarray(0, count);
  }

  /** Relatives of the log that this position is of, under whatever name it was followed. */
  #familyOf({ path }: Position): readonly Relative[] | undefined {
    const log = logOf(path), relatives = new Map<string, Relative>();
    for (const name of new Set([path, log])) {
      const family = this.rotated.family(name);
      if (isTrouble(family)) return undefined;
      for (const relative of family) relatives.set(relative.path, relative);
    }
    return [...relatives.values()];
  }
}

/** Oldest first, by names where they say, else by when they were last written. */
export function byAge(a: Relative, b: Relative): number {
  return compareAge(a.suffix, b.suffix) || a.status.modifiedMs - b.status.modifiedMs;
}

/** @param isNew whether the file was not there at the last scan. */
function cameAfter({ suffix, status: { modifiedMs } }: Relative, isNew: boolean, { position, now }: Known): boolean {
  const unseen = position.fingerprint.headBytes === 0;
  // It was empty when it was last seen: it may have been filled, copied and truncated since.
  if (unseen && now?.suffix === "") return modifiedMs > position.modifiedMs;
  // It cannot be known again, since nothing was seen of it: this may be it.
  const unread = unseen && now === undefined;
  const bornMs = unread && !position.compressed ? position.bornMs : undefined;
  const writtenMs = now?.status.modifiedMs ?? bornMs ?? position.modifiedMs;
  if ((isNew || unread) && modifiedMs >= writtenMs) return true;
  const age = now === undefined ? 0 : compareAge(suffix, now.suffix);
  // Nothing that came after a log was written before that log was made: some rotators count upwards.
  // (The birth of a compressed file is another thing.)
  if (age > 0) return isNew || position.compressed || modifiedMs >= (position.bornMs ?? 0);
  return age === 0 && modifiedMs > writtenMs;
}
