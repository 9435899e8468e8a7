/**
 * What stands beside a log in its directory: the files under the names that rotation gives, and which of them can have
 * come since the last scan.
 *
 * A scan marks each directory with the time of its last change of names, so a file that is born later than the mark was
 * not there at that scan, and one that was followed at any scan was. Marks and births are of the same clock, that of the
 * file system, and a mark never goes back. (Not the time of the scan: a file system's clock moves in ticks, and a
 * server's may be anywhere.) Where the file system notes no births (NFS before 4.2) names and times of writing decide.
 */
import { type Files, type FileStatus, type FileTrouble, isTrouble } from "@/core/host/files.ts";
import { directoryOf } from "@/core/host/glob.ts";
import { identity, type Position } from "./position.ts";
import { readingsOf, type RotatedName } from "./rotation_names.ts";

/**
 * Milliseconds within which two changes may bear the same time: a tick of a slow kernel, and as much again for reading
 * the clock. A change that old is over; after a younger one, more may be born at its very time.
 */
const TICK_MS_MAX = 20;

/** A file of the family of a log: the log itself, or what rotation made of one. */
export interface Relative extends RotatedName {
  readonly path: string;
  readonly status: FileStatus;
}

/** See the file's comment. */
export class RotatedFiles {
  /** Marks of the scan before this one, and of this one: what is born at them or later is new. Milliseconds. */
  #before = new Map<string, number>();
  #now = new Map<string, number>();
  /** What is in a directory, as long as a scan lasts. */
  readonly #listings = new Map<string, Listing | FileTrouble>();

  /** @param refused told of a directory that cannot be listed. */
  constructor(readonly files: Files, readonly refused: (directory: string, trouble: FileTrouble) => void) {}

  /** Goes on with the marks that a former thread left in its positions. */
  resume(positions: readonly Position[]): void {
    for (const { path, directoryMarkMs } of positions) {
      if (directoryMarkMs === undefined) continue;
      const directory = directoryOf(path);
      this.#now.set(directory, Math.max(directoryMarkMs, this.#now.get(directory) ?? 0));
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

  /** Everything of the family of a log, itself included; trouble when its directory cannot be listed. */
  family(log: string): readonly Relative[] | FileTrouble {
    const listing = this.#listing(log);
    if (isTrouble(listing)) return listing;
    const relatives: Relative[] = [];
    for (const { path, ...name } of listing.families.get(log) ?? []) {
      const status = this.files.stat(path);
      if (!isTrouble(status) && status.kind === "file") relatives.push({ path, status, ...name });
    }
    return relatives;
  }

  /** Whether a file was in the directory of this path at its mark of the last scan; undefined when nobody noted. */
  wasThere(path: string, { bornMs }: FileStatus, mark = this.#before.get(directoryOf(path))): boolean | undefined {
    return mark === undefined || bornMs === undefined ? undefined : bornMs < mark;
  }

  /** Where the file with this position's numbers is now: at its path, or under another name in the same directory. */
  whereIs(position: Pick<Position, "path" | "device" | "inode">): string | undefined {
    const status = this.files.stat(position.path);
    if (!isTrouble(status) && identity(status) === identity(position)) return position.path;
    const listing = this.#listing(position.path);
    if (isTrouble(listing)) return undefined;
    listing.paths ??= this.#pathsByIdentity(listing);
    return listing.paths.get(identity(position));
  }

  /** Whether the directory of a path is there and was listed. */
  canList(path: string): boolean {
    return !isTrouble(this.#listing(path)) && !isTrouble(this.files.stat(directoryOf(path)));
  }

  /** The earliest time at which something can still be born after a change. */
  #after(changedMs: number): number {
    const over = Math.abs(this.files.nowMs() - changedMs) > TICK_MS_MAX;
    return over ? changedMs + 1 : changedMs;
  }

  #listing(path: string): Listing | FileTrouble {
    // A relative path stays as it was written.
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const known = this.#listings.get(folder);
    if (known !== undefined) return known;
    const directory = directoryOf(path), names = this.files.list(directory);
    if (isTrouble(names)) this.refused(directory, names);
    const listing = isTrouble(names) ? names : listingOf(names.map((name) => folder + name));
    this.#listings.set(folder, listing);
    return listing;
  }

  #pathsByIdentity({ all }: Listing): ReadonlyMap<string, string> {
    const paths = new Map<string, string>();
    for (const path of all) {
      const status = this.files.stat(path);
      if (!isTrouble(status) && status.kind === "file") paths.set(identity(status), path);
    }
    return paths;
  }
}

interface Listing {
  readonly all: readonly string[];
  /** By log: every name may be one of several families. */
  readonly families: ReadonlyMap<string, readonly (RotatedName & { readonly path: string })[]>;
  /** By identity, once somebody asked. */
  paths?: ReadonlyMap<string, string>;
}

function listingOf(all: readonly string[]): Listing {
  const families = new Map<string, (RotatedName & { readonly path: string })[]>();
  for (const path of all) {
    for (const name of readingsOf(path)) {
      const family = families.get(name.log);
      if (family === undefined) families.set(name.log, [{ path, ...name }]);
      else family.push({ path, ...name });
    }
  }
  return { all, families };
}
