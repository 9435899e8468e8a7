/**
 * The file-system operations a follower of files needs, each answering with a value or with a `FileTrouble`: a file
 * that cannot be read is an ordinary day, not an exception. The twin for tests is `files_simulated.ts`.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, type Stats, statSync } from "node:fs";
import { type FileTrouble, isTrouble, troubleOf } from "./file_trouble.ts";
import { type DirectoryEntry, expandGlobOver } from "./glob.ts";
import { GUNZIP_HEAD_BYTES, type GunzipHead, gunzipHead, type GunzipReader, gunzipReader } from "./gunzip_reader.ts";

export { type FileTrouble, isTrouble, troubleOf } from "./file_trouble.ts";

/** An open file. Owned by whoever opened it until `close`. */
export type FileHandle = number;

export type FileKind = "file" | "directory" | "fifo" | "socket" | "device";

/**
 * What identifies a file, its size, and when it was made and last written, by the file system's clock. Device and inode are numbers as the runtime gives
 * them: above 2^53 (some network and overlay file systems) two files could look like one.
 */
export interface FileStatus {
  readonly device: number;
  readonly inode: number;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. Of a directory: when a name last came, went or changed hands in it. */
  readonly modifiedMs: number;
  /** Milliseconds since 1970; undefined where the file system does not note it (NFS before 4.2, old kernels). */
  readonly bornMs: number | undefined;
  /** Names that lead to it, symlinks apart: 0 when it was deleted and is only held open. */
  readonly links: number;
  readonly kind: FileKind;
}

/** A directory that exists and was not listed, and why. */
export interface RefusedDirectory extends FileTrouble {
  readonly directory: string;
}

export interface GlobPaths {
  /** Sorted; of any kind of file. */
  readonly paths: readonly string[];
  readonly refused: readonly RefusedDirectory[];
}

export interface Files {
  /** Opens for reading, without ever waiting (a FIFO has no reader to wait for). Follows symlinks. */
  openRead(path: string): FileHandle | FileTrouble;
  /** Reads up to `length` bytes from `position` to `buffer[offset…]`; how many; 0 at or behind the end. */
  readAt(
    handle: FileHandle,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number | FileTrouble;
  /** Follows symlinks. */
  stat(path: string): FileStatus | FileTrouble;
  fstat(handle: FileHandle): FileStatus | FileTrouble;
  close(handle: FileHandle): void;
  /** All that matches; directories below that cannot be read are named and skipped. */
  expandGlob(pattern: string): GlobPaths;
  /** Names in a directory, in any order; none when it does not exist. */
  list(directory: string): readonly string[] | FileTrouble;
  /** Takes the content of a gzip file from its beginning. The handle stays the caller's; it must outlive the reader. */
  gunzip(handle: FileHandle, onMore: () => void): GunzipReader;
  /** The first KiB of a gzip file's content, or more; undefined when there is nothing to see yet, or it is none. */
  gunzipHead(handle: FileHandle): GunzipHead | undefined;
  /** The clock that times of files are compared with: the machine's, and for a local file system its own. */
  nowMs(): number;
}

/** The files of this machine. Needs read permission on what it is asked for and nothing else. */
export function systemFiles(): Files {
  return {
    openRead: (path) => attempt(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)),
    readAt: (handle, buffer, offset, length, position) =>
      attempt(() => readSync(handle, buffer, offset, length, position)),
    stat: (path) => attempt(() => statusOf(statSync(path))),
    fstat: (handle) => attempt(() => statusOf(fstatSync(handle))),
    close: (handle) => void attempt(() => closeSync(handle)),
    expandGlob: (pattern) => globPaths(pattern, listEntries),
    list: (directory) => {
      const names = attempt(() => readdirSync(directory));
      return isTrouble(names) && names.trouble === "missing" ? [] : names;
    },
    gunzip: (handle, onMore) => {
      let position = 0;
      return gunzipReader((into) => {
        const count = readUpTo(handle, into, position);
        position += count;
        return count;
      }, onMore);
    },
    gunzipHead: (handle) => {
      const start = new Uint8Array(GUNZIP_HEAD_BYTES);
      return gunzipHead(start.subarray(0, readUpTo(handle, start, 0)));
    },
    nowMs: () => Date.now(),
  };
}

/** What cannot be read is not there. */
function readUpTo(handle: FileHandle, into: Uint8Array, position: number): number {
  const count = attempt(() => readSync(handle, into, 0, into.length, position));
  return isTrouble(count) ? 0 : count;
}

/** `FileTrouble` where a listing is refused, for both twins. */
export function globPaths(
  pattern: string,
  list: (directory: string) => readonly DirectoryEntry[] | FileTrouble,
): GlobPaths {
  const troubles = new Map<string, FileTrouble>();
  const { matches, refused } = expandGlobOver(pattern, (directory) => {
    const listed = list(directory);
    if (!isTrouble(listed)) return listed;
    troubles.set(directory, listed);
    return listed.reason;
  }, { followSymlinks: true });
  return {
    paths: matches.map((match) => match.path),
    // A refusal of the expansion itself: too many directories.
    refused: refused.map(({ directory, reason }) => ({
      trouble: "other",
      reason,
      ...troubles.get(directory),
      directory,
    })),
  };
}

function listEntries(directory: string): readonly DirectoryEntry[] | FileTrouble {
  const entries = attempt(() => readdirSync(directory, { withFileTypes: true }));
  if (isTrouble(entries)) return entries.trouble === "missing" ? [] : entries;
  return entries.map((entry) => ({
    name: entry.name,
    isFile: entry.isFile(),
    isDirectory: entry.isDirectory(),
    isSymlink: entry.isSymbolicLink(),
  }));
}

function attempt<Answer>(operation: () => Answer): Answer | FileTrouble {
  try {
    return operation();
  } catch (error) {
    return troubleOf(error);
  }
}

function statusOf(stats: Stats): FileStatus {
  const { dev: device, ino: inode, size, mtimeMs: modifiedMs, nlink: links, birthtimeMs } = stats;
  // The runtime gives 0 for a birth that the file system did not note.
  const bornMs = birthtimeMs > 0 ? birthtimeMs : undefined;
  return { device, inode, size, modifiedMs, bornMs, links, kind: kindOf(stats) };
}

function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isFIFO()) return "fifo";
  return stats.isSocket() ? "socket" : "device";
}
