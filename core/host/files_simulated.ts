/**
 * Files in memory, for tests: names point at inodes, an inode lives while a name or a handle refers to it, and its
 * number is given to the very next file once it is free, as real file systems do.
 *
 * Directories come into being with the first file in them, and note when a name last came or went. Symlinks are followed in the last segment of a path.
 */
import type { FileHandle, FileKind, Files, FileStatus, FileTrouble, GlobPaths } from "./files.ts";
import { globPaths } from "./files.ts";
import { constants, gunzipSync } from "node:zlib";
import { type DirectoryEntry, directoryOf } from "./glob.ts";
import { type GunzipHead, gunzipHead, type GunzipReader } from "./gunzip_reader.ts";

const DEVICE = 1;
const SYMLINKS_MAX = 8;

interface Inode {
  readonly number: number;
  readonly kind: FileKind;
  bytes: Uint8Array<ArrayBuffer>;
  size: number;
  modifiedMs: number;
  readonly bornMs: number | undefined;
  links: number;
  /** Names and open handles. */
  references: number;
  refused: boolean;
}

/** A file held open for appending, as nginx holds its log: it follows renames and outlives the name. */
export interface SimulatedWriter {
  append(content: string | Uint8Array): void;
  close(): void;
}

/** See the file's comment. Mistakes of the test itself (append to nothing) throw. */
export class SimulatedFiles implements Files {
  readonly #names = new Map<string, Inode>();
  readonly #symlinks = new Map<string, string>();
  readonly #handles = new Map<FileHandle, Inode>();
  readonly #refusedDirectories = new Set<string>();
  /** When a name last came, went or changed hands in a directory. */
  readonly #directories = new Map<string, number>();
  readonly #freeNumbers: number[] = [];
  #nextNumber = 100;
  #nextHandle = 3;

  /**
   * @param handlesMax open handles before `too_many`.
   * @param nowMs what `modifiedMs` and `bornMs` are taken from.
   * @param births whether this file system notes when a file was born.
   */
  constructor(readonly handlesMax = Infinity, readonly nowMs: () => number = () => 0, readonly births = true) {}

  // What the reader sees.

  openRead(path: string): FileHandle | FileTrouble {
    const inode = this.#lookUp(path);
    if ("trouble" in inode) return inode;
    if (inode.refused) return denied();
    if (this.#handles.size >= this.handlesMax) return { trouble: "too_many", reason: "too many open files" };
    inode.references++;
    this.#handles.set(this.#nextHandle, inode);
    return this.#nextHandle++;
  }

  readAt(handle: FileHandle, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const inode = this.#open(handle);
    const count = Math.max(0, Math.min(length, inode.size - position));
    buffer.set(inode.bytes.subarray(position, position + count), offset);
    return count;
  }

  stat(path: string): FileStatus | FileTrouble {
    const inode = this.#lookUp(path), changedMs = this.#directories.get(path);
    if (!("trouble" in inode)) return statusOf(inode);
    if (changedMs === undefined) return inode;
    return { device: DEVICE, inode: 2, size: 0, modifiedMs: changedMs, bornMs: undefined, links: 2, kind: "directory" };
  }

  fstat(handle: FileHandle): FileStatus {
    return statusOf(this.#open(handle));
  }

  close(handle: FileHandle): void {
    this.#release(this.#open(handle));
    this.#handles.delete(handle);
  }

  expandGlob(pattern: string): GlobPaths {
    return globPaths(
      pattern,
      (directory) => this.#refusedDirectories.has(directory) ? denied() : this.#entries(directory),
    );
  }

  list(directory: string): readonly string[] | FileTrouble {
    if (this.#refusedDirectories.has(directory)) return denied();
    return this.#entries(directory).map((entry) => entry.name);
  }

  /** Everything is there at once: what it is when the reader is made. */
  gunzip(handle: FileHandle, _onMore: () => void): GunzipReader {
    const inode = this.#open(handle), compressed = inode.bytes.slice(0, inode.size);
    const content = gunzipSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH });
    const over = isWhole(compressed) ? "ended" as const : "cut" as const;
    let at = 0, state: GunzipReader["state"] = "open";
    this.gunzipsOpen++;
    return {
      read: (into, offset, length) => {
        const taken = content.subarray(at, at + length);
        into.set(taken, offset);
        at += taken.length;
        if (taken.length === 0) state = over;
        return taken.length;
      },
      get state() {
        return state;
      },
      close: () => void this.gunzipsOpen--,
    };
  }

  gunzipHead(handle: FileHandle): GunzipHead | undefined {
    const inode = this.#open(handle);
    return gunzipHead(inode.bytes.subarray(0, inode.size));
  }

  // What the test does.

  /** Readers of gzip that are open: each takes memory. */
  gunzipsOpen = 0;

  /** Handles a reader has open: zero at the end of a test that leaks none. */
  get handlesOpen(): number {
    return this.#handles.size;
  }

  /** An empty file; one that exists is replaced by a new inode. */
  create(path: string, content: string | Uint8Array = "", kind: FileKind = "file"): void {
    if (this.#names.has(path)) this.unlink(path);
    const number = this.#freeNumbers.pop() ?? this.#nextNumber++;
    const bytes = new Uint8Array(64), bornMs = this.births ? this.nowMs() : undefined;
    const inode = { number, kind, bytes, size: 0, modifiedMs: 0, bornMs, links: 1, references: 1, refused: false };
    this.#names.set(path, inode);
    this.#changed(path);
    this.#appendTo(inode, content);
  }

  /** All bytes of a file. */
  content(path: string): Uint8Array<ArrayBuffer> {
    const inode = this.#named(path);
    return inode.bytes.slice(0, inode.size);
  }

  /** When a file was last written, as a program that compresses or copies one says of the other. */
  touch(path: string, modifiedMs: number): void {
    this.#named(path).modifiedMs = modifiedMs;
  }

  append(path: string, content: string | Uint8Array): void {
    this.#appendTo(this.#named(path), content);
  }

  /** Opens for appending; creates the file when there is none. */
  writer(path: string): SimulatedWriter {
    if (!this.#names.has(path)) this.create(path);
    const inode = this.#named(path);
    inode.references++;
    return {
      append: (content) => this.#appendTo(inode, content),
      close: () => this.#release(inode),
    };
  }

  /** Over an existing name too, as rename(2) does. */
  rename(from: string, to: string): void {
    const inode = this.#named(from);
    if (this.#names.has(to)) this.unlink(to);
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#changed(from);
    this.#changed(to);
  }

  /** A second name for the same inode. */
  link(path: string, other: string): void {
    const inode = this.#named(path);
    inode.references++;
    inode.links++;
    this.#names.set(other, inode);
    this.#changed(other);
  }

  /** Makes or re-points a symlink to a path. */
  symlink(path: string, target: string): void {
    this.#symlinks.set(path, target);
    this.#changed(path);
  }

  unlink(path: string): void {
    if (this.#symlinks.delete(path)) return;
    const inode = this.#named(path);
    this.#names.delete(path);
    inode.links--;
    this.#release(inode);
    this.#changed(path);
  }

  truncate(path: string, size = 0): void {
    const inode = this.#named(path);
    inode.size = Math.min(inode.size, size);
    inode.modifiedMs = this.nowMs();
  }

  /** Takes away or gives back the right to open a file, or to list a directory. */
  refuse(path: string, refused = true): void {
    const inode = this.#names.get(path);
    if (inode !== undefined) inode.refused = refused;
    else if (refused) this.#refusedDirectories.add(path);
    else this.#refusedDirectories.delete(path);
  }

  #entries(directory: string): readonly DirectoryEntry[] {
    const prefix = directory.endsWith("/") ? directory : `${directory}/`;
    const entries = new Map<string, DirectoryEntry>();
    for (const path of [...this.#names.keys(), ...this.#symlinks.keys()]) {
      if (!path.startsWith(prefix)) continue;
      const [name, below] = path.slice(prefix.length).split("/");
      const isSymlink = below === undefined && this.#symlinks.has(path);
      const isDirectory = below !== undefined || this.#names.get(path)?.kind === "directory";
      entries.set(name, { name, isFile: !isDirectory && !isSymlink, isDirectory, isSymlink });
    }
    return [...entries.values()];
  }

  #lookUp(path: string): Inode | FileTrouble {
    let at = path;
    for (let hop = 0; hop < SYMLINKS_MAX; hop++) at = this.#symlinks.get(at) ?? at;
    return this.#names.get(at) ?? { trouble: "missing", reason: "it does not exist" };
  }

  #named(path: string): Inode {
    const inode = this.#lookUp(path);
    if ("trouble" in inode) throw new Error(`no file ${path}`);
    return inode;
  }

  #open(handle: FileHandle): Inode {
    const inode = this.#handles.get(handle);
    if (inode === undefined) throw new Error(`handle ${handle} is not open`);
    return inode;
  }

  #changed(path: string): void {
    this.#directories.set(directoryOf(path), this.nowMs());
  }

  #release(inode: Inode): void {
    if (--inode.references === 0) this.#freeNumbers.push(inode.number);
  }

  #appendTo(inode: Inode, content: string | Uint8Array): void {
    const added = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const size = inode.size + added.length;
    if (size > inode.bytes.length) {
      const larger = new Uint8Array(2 * size);
      larger.set(inode.bytes.subarray(0, inode.size));
      inode.bytes = larger;
    }
    inode.bytes.set(added, inode.size);
    inode.size = size;
    inode.modifiedMs = this.nowMs();
  }
}

function statusOf(inode: Inode): FileStatus {
  return {
    device: DEVICE,
    inode: inode.number,
    size: inode.size,
    modifiedMs: inode.modifiedMs,
    bornMs: inode.bornMs,
    links: inode.links,
    kind: inode.kind,
  };
}

function isWhole(compressed: Uint8Array): boolean {
  try {
    gunzipSync(compressed);
    return true;
  } catch {
    return false;
  }
}

function denied(): FileTrouble {
  return { trouble: "denied", reason: "permission denied" };
}
