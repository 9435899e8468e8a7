/**
 * Finds log files under the names that rotation gave them, in the directory of the log.
 *
 * A log that is created and rotated away between two scans has never been seen at its name. It is found again by its
 * birth: a scan marks each directory with the time of its last change of names, so a file that is born later than the
 * mark was not there at that scan, and one that was followed at any scan was. Marks and births are of the same clock,
 * that of the file system, and a mark never goes back; so no file is taken for new that was followed before. (Not the
 * time of the scan: a file system's clock moves in ticks, and a server's may be anywhere.)
 *
 * Where the file system notes no births (NFS before 4.2) nothing is found, and a log that was rotated twice between two
 * scans is lost, as it is when rotation moves it to another directory, deletes or compresses it at once.
 */
import { type Files, type FileStatus, type FileTrouble, isTrouble } from "@/core/host/files.ts";
import { directoryOf } from "@/core/host/glob.ts";
import { identity, type Position } from "./followed_file.ts";

/** What a log rotator makes of an old log. It holds no lines, and the lines in it were read before. */
export const COMPRESSED = /\.(gz|bz2|xz|zst|lz4|Z)$/;

/**
 * What rotation puts behind the name of a log: `.1`, `-20261121`, `.2026-11-21T04:52:56Z`, `.old`. Not just anything:
 * `access.log.json`, made anew in the same rotation, is a log of its own.
 */
const ROTATED = /^[.-](\d[\dTZ.:_-]*|old|prev|bak)$/i;

/**
 * Milliseconds within which two changes may bear the same time: a tick of a slow kernel, and as much again for reading
 * the clock. A change that old is over; after a younger one, more may be born at its very time.
 */
const TICK_MS_MAX = 20;

/** A file that was rotated away. */
export interface RotatedFile {
  /** The name it must have had. */
  readonly log: string;
  /** Where it is now. */
  readonly path: string;
  readonly status: FileStatus;
}

/** See the file's comment. */
export class RotatedFiles {
  /** Marks of the scan before this one, and of this one: what is born at them or later is new. Milliseconds. */
  #before = new Map<string, number>();
  #now = new Map<string, number>();
  /** Files of a directory by identity, as long as a scan lasts. */
  readonly #listings = new Map<string, ReadonlyMap<string, string>>();

  /** @param refused told of a directory that cannot be listed. */
  constructor(readonly files: Files, readonly refused: (directory: string, trouble: FileTrouble) => void) {}

  /** Goes on with the marks that a former thread left in its positions. */
  resume(positions: readonly Position[]): void {
    for (const { path, directoryMarkMs } of positions) {
      if (directoryMarkMs !== undefined) this.#now.set(directoryOf(path), directoryMarkMs);
    }
  }

  /** Begins a scan. */
  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
    this.#listings.clear();
  }

  /** Marks the directory of a path. Call it before looking at the path: what happens in between is newer than the mark. */
  mark(path: string): void {
    const directory = directoryOf(path);
    if (this.#now.has(directory)) return;
    const status = this.files.stat(directory), before = this.#before.get(directory) ?? 0;
    const mark = isTrouble(status) ? before : Math.max(before, this.#after(status.modifiedMs));
    if (mark > 0) this.#now.set(directory, mark);
  }

  /** Whether names have changed in the directory of a path since the scan before. */
  moved(path: string): boolean {
    const directory = directoryOf(path);
    return this.#now.get(directory) !== this.#before.get(directory);
  }

  /** The mark that the directory of a path got in the last scan. */
  markOf(path: string): number | undefined {
    return this.#now.get(directoryOf(path));
  }

  /** Something of this path was not settled: the next scan goes back as far as this one. */
  keepMark(path: string): void {
    const directory = directoryOf(path), before = this.#before.get(directory);
    if (before !== undefined) this.#now.set(directory, before);
  }

  /** Files that must have stood at one of these paths after the last scan, and do no longer: oldest first. */
  bornSince(logs: Iterable<string>): readonly RotatedFile[] {
    const wanted = new Set(logs), found: RotatedFile[] = [];
    for (const folder of new Set([...wanted].map(folderOf))) {
      const mark = this.#before.get(directoryOf(`${folder}.`));
      if (mark === undefined) continue;
      for (const path of this.#paths(folder)) {
        const log = logOf(path, wanted);
        if (log === undefined) continue;
        const status = this.files.stat(path);
        if (isTrouble(status) || status.kind !== "file" || status.bornMs === undefined) continue;
        if (status.bornMs >= mark) found.push({ log, path, status });
      }
    }
    return found.sort((a, b) => a.status.bornMs! - b.status.bornMs!);
  }

  /** Where the file of this position is now: at its path, or under another name in the same directory. */
  whereIs(position: Position): string | undefined {
    const status = this.files.stat(position.path);
    if (!isTrouble(status) && identity(status) === identity(position)) return position.path;
    const folder = folderOf(position.path);
    const listing = this.#listings.get(folder) ?? this.#filesIn(folder);
    this.#listings.set(folder, listing);
    return listing.get(identity(position));
  }

  /** The earliest time at which something can still be born after a change. */
  #after(changedMs: number): number {
    const over = Math.abs(this.files.nowMs() - changedMs) > TICK_MS_MAX;
    return over ? changedMs + 1 : changedMs;
  }

  #filesIn(folder: string): ReadonlyMap<string, string> {
    const paths = new Map<string, string>();
    for (const path of this.#paths(folder)) {
      const status = this.files.stat(path);
      if (!isTrouble(status) && status.kind === "file") paths.set(identity(status), path);
    }
    return paths;
  }

  #paths(folder: string): readonly string[] {
    const directory = directoryOf(`${folder}.`), names = this.files.list(directory);
    if (!isTrouble(names)) return names.map((name) => folder + name);
    this.refused(directory, names);
    return [];
  }
}

/** What stands before a path's last segment: a relative path stays as it was written. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** Which of these logs a path is a rotated name of, if any. */
function logOf(path: string, logs: ReadonlySet<string>): string | undefined {
  if (COMPRESSED.test(path)) return undefined;
  for (let at = path.lastIndexOf("/") + 2; at < path.length; at++) {
    if (path[at] !== "." && path[at] !== "-") continue;
    const log = path.slice(0, at);
    if (logs.has(log) && ROTATED.test(path.slice(at))) return log;
  }
  return undefined;
}
