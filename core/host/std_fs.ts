/**
 * The part of `@std/fs` that this project and its tests need, under its own names and signatures, over the runtime's
 * `node:fs`. Mapped as `@std/fs`; where `jsr:` resolves, the import map can point there instead and nothing else changes.
 */
import { globToRegExp } from "@std/path";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { type DirectoryEntry, expandGlobOver } from "./glob.ts";

/** One entry found by walking or globbing. */
export interface WalkEntry {
  readonly path: string;
  readonly name: string;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
}

export interface ExpandGlobOptions {
  /** Directory a relative glob starts from; the current one when absent. */
  readonly root?: string;
  /** Globs of paths to leave out. */
  readonly exclude?: readonly string[];
  /** Default true. */
  readonly includeDirs?: boolean;
  /** Default false. */
  readonly followSymlinks?: boolean;
  readonly extended?: boolean;
  readonly globstar?: boolean;
  readonly caseInsensitive?: boolean;
}

export interface WalkOptions {
  /** Levels below the root; the root itself is level 0. Default: all. */
  readonly maxDepth?: number;
  readonly includeFiles?: boolean;
  readonly includeDirs?: boolean;
  readonly includeSymlinks?: boolean;
  /** Only paths that end in one of these. */
  readonly exts?: readonly string[];
  readonly match?: readonly RegExp[];
  readonly skip?: readonly RegExp[];
}

/** Whether something is at `path`; a dangling symlink counts as nothing. Errors: a refused permission. */
export function existsSync(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** As `existsSync`, without blocking. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Makes a directory and its parents; nothing to do when it exists. Errors: something else is there, or no permission. */
export function ensureDirSync(directory: string): void {
  mkdirSync(directory, { recursive: true });
}

/**
 * What matches a glob, sorted by path. Errors, as in the standard library: a directory below that cannot be read (the
 * message names it). A caller that must go on there uses `Files.expandGlob` instead.
 */
export function* expandGlobSync(glob: string, options: ExpandGlobOptions = {}): IterableIterator<WalkEntry> {
  const errors: unknown[] = [];
  const { matches, refused } = expandGlobOver(glob, (directory) => listOrKeepError(directory, errors), options);
  if (refused.length > 0) throw errors[0] ?? new Error(`Cannot expand "${glob}": ${refused[0].reason}`);
  const exclude = (options.exclude ?? []).map((pattern) => globToRegExp(pattern, options));
  for (const match of matches) {
    if (options.includeDirs === false && match.isDirectory) continue;
    if (!exclude.some((pattern) => pattern.test(match.path))) yield match;
  }
}

/** The tree below `root`, parents before children, without following symlinks. Errors: a directory that cannot be read. */
export function* walkSync(root: string, options: WalkOptions = {}): IterableIterator<WalkEntry> {
  const name = root.slice(root.lastIndexOf("/") + 1);
  yield* walkBelow({ path: root, name, isFile: false, isDirectory: true, isSymlink: false }, options, 0);
}

function* walkBelow(at: WalkEntry, options: WalkOptions, depth: number): IterableIterator<WalkEntry> {
  if (options.skip?.some((pattern) => pattern.test(at.path))) return;
  if (wanted(at, options)) yield at;
  if (!at.isDirectory || depth >= (options.maxDepth ?? Infinity)) return;
  for (const entry of listDirectory(at.path)) {
    const path = at.path.endsWith("/") ? at.path + entry.name : `${at.path}/${entry.name}`;
    yield* walkBelow({ ...entry, path }, options, depth + 1);
  }
}

function wanted(entry: WalkEntry, options: WalkOptions): boolean {
  if (entry.isFile && options.includeFiles === false) return false;
  if (entry.isDirectory && options.includeDirs === false) return false;
  if (entry.isSymlink && options.includeSymlinks === false) return false;
  if (options.exts !== undefined && !options.exts.some((ext) => entry.path.endsWith(ext))) return false;
  return options.match === undefined || options.match.some((pattern) => pattern.test(entry.path));
}

/** Entries of one directory. Errors: it does not exist or cannot be read. */
function listDirectory(directory: string): readonly DirectoryEntry[] {
  return readdirSync(directory, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    isFile: entry.isFile(),
    isDirectory: entry.isDirectory(),
    isSymlink: entry.isSymbolicLink(),
  }));
}

function listOrKeepError(directory: string, errors: unknown[]): readonly DirectoryEntry[] | string {
  try {
    return listDirectory(directory);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    errors.push(error);
    return String(error);
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
