/**
 * Globbing over anything that can list a directory: the real file system and the simulated one alike.
 *
 * A pattern is matched level by level, as a shell does, so nothing outside its own fixed part is ever looked at. A
 * directory that cannot be read is named in the answer and does not hide what the others hold.
 */
import { GLOB_DIRECTORIES_MAX } from "@/core/bounds.ts";
import { globToRegExp, isGlob } from "@std/path";

export interface DirectoryEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
}

/** A directory that exists and was not read, and why. */
export interface Refusal {
  readonly directory: string;
  readonly reason: string;
}

/** Lists one directory: its entries in any order; empty when it does not exist or is none; a reason when refused. */
export type ListDirectory = (directory: string) => readonly DirectoryEntry[] | string;

export interface GlobMatch extends DirectoryEntry {
  readonly path: string;
}

export interface GlobOptions {
  /** What a relative pattern is relative to; paths are then joined to it. */
  readonly root?: string;
  readonly extended?: boolean;
  readonly globstar?: boolean;
  readonly caseInsensitive?: boolean;
  /** Whether a symlink in the middle of a pattern is followed, as a shell does. `**` never follows one: it may loop. */
  readonly followSymlinks?: boolean;
}

export interface Expansion {
  /** Sorted by path; every path once. */
  readonly matches: readonly GlobMatch[];
  readonly refused: readonly Refusal[];
}

/** Everything that matches `pattern`, whatever kind of file it is. The last segment matches by its entry in a listing. */
export function expandGlobOver(pattern: string, list: ListDirectory, options: GlobOptions = {}): Expansion {
  return new Walk(list, options).expand(pattern);
}

/** The part of a pattern before its first wildcard segment: the directory below which all matches are. */
export function globBase(pattern: string): string {
  const segments = pattern.split("/");
  const fixed = segments.findIndex((segment) => isGlob(segment));
  const base = segments.slice(0, fixed < 0 ? segments.length - 1 : fixed).join("/");
  return base !== "" ? base : pattern.startsWith("/") ? "/" : ".";
}

class Walk {
  readonly #matches = new Map<string, GlobMatch>();
  readonly #refused = new Map<string, Refusal>();
  #listed = 0;

  constructor(readonly list: ListDirectory, readonly options: GlobOptions) {}

  expand(pattern: string): Expansion {
    const absolute = pattern.startsWith("/");
    const root = absolute ? "/" : this.options.root ?? "";
    this.#match(root, pattern.split("/").filter((segment) => segment !== "" && segment !== "."), 0);
    const matches = [...this.#matches.values()].sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
    return { matches, refused: [...this.#refused.values()] };
  }

  /** Matches `segments[at…]` below `directory`. */
  #match(directory: string, segments: readonly string[], at: number): void {
    let below = directory;
    // Fixed segments are joined, not listed: /var/log/*.log needs no permission on /var.
    while (at < segments.length - 1 && !isGlob(segments[at])) below = joinPath(below, segments[at++]);
    if (at >= segments.length) return;
    if (segments[at] === "**" && this.options.globstar !== false) this.#matchAnyDepth(below, segments, at);
    else this.#matchLevel(below, segments, at);
  }

  #matchLevel(directory: string, segments: readonly string[], at: number): void {
    const pattern = globToRegExp(segments[at], this.options);
    const hidden = segments[at].startsWith(".");
    for (const entry of this.#entries(directory)) {
      if (
        !(isGlob(segments[at])
          ? (hidden || !entry.name.startsWith(".")) && pattern.test(entry.name)
          : entry.name === segments[at])
      ) continue;
      const path = joinPath(directory, entry.name);
      if (at === segments.length - 1) this.#matches.set(path, { ...entry, path });
      else if (entry.isDirectory || (entry.isSymlink && this.options.followSymlinks)) {
        this.#match(path, segments, at + 1);
      }
    }
  }

  /** `**`: this directory and every one below it. As the last segment it matches everything below. */
  #matchAnyDepth(directory: string, segments: readonly string[], at: number): void {
    const last = at === segments.length - 1;
    if (!last) this.#match(directory, segments, at + 1);
    for (const entry of this.#entries(directory)) {
      if (entry.name.startsWith(".")) continue;
      const path = joinPath(directory, entry.name);
      if (last) this.#matches.set(path, { ...entry, path });
      if (entry.isDirectory) this.#matchAnyDepth(path, segments, at);
    }
  }

  #entries(below: string): readonly DirectoryEntry[] {
    const directory = below === "" ? "." : below;
    const listed = ++this.#listed > GLOB_DIRECTORIES_MAX
      ? `more than ${GLOB_DIRECTORIES_MAX} directories match; use a narrower pattern`
      : this.list(directory);
    if (typeof listed !== "string") return listed;
    // One refusal is enough once the bound is reached.
    if (this.#listed <= GLOB_DIRECTORIES_MAX + 1) this.#refused.set(directory, { directory, reason: listed });
    return [];
  }
}

/** The directory that a path's last segment stands in. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash > 0 ? path.slice(0, slash) : slash === 0 ? "/" : ".";
}

function joinPath(directory: string, name: string): string {
  return directory === "" ? name : directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}
