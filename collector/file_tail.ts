/**
 * Follows a set of paths and globs: through appends, rotation, truncation, deletion and return.
 *
 * What decides is what `stat` says and what bytes can be read, never an event. A file is its device and inode, not its
 * name: as long as it is held open the system cannot give its number to another. `rescan` finds out which file stands
 * at which name; `readSome` reads. Neither knows what a line means, a timer, or the machine. How bytes become lines is
 * in `followed_file.ts`, how long a file stays open in `open_files.ts`, whose turn it is to be read in
 * `reading_turns.ts`, and what rotation hides from a scan in `rotated_files.ts`.
 *
 * Loss by `copytruncate` happens inside the rotating program as well; it is told, not prevented.
 */
import { globToRegExp, isGlob } from "@std/path";
import { CHUNK_BYTES, LINE_BYTES_MAX } from "@/core/bounds.ts";
import { type Files, type FileStatus, type FileTrouble, isTrouble } from "@/core/host/files.ts";
import { directoryOf, globBase } from "@/core/host/glob.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { newFrame } from "@/core/lines.ts";
import { type Waiting, WaitingList } from "./file_waiting.ts";
import {
  type FollowedFile,
  identity,
  type LineConsumer,
  type Origin,
  type Position,
  readBufferBytes,
  type ReadContext,
  type Tell,
} from "./followed_file.ts";
import { OpenFiles } from "./open_files.ts";
import { ReadingTurns } from "./reading_turns.ts";
import { COMPRESSED, type RotatedFile, RotatedFiles } from "./rotated_files.ts";

export type { LineConsumer, Origin, Position } from "./followed_file.ts";
export type { Waiting } from "./file_waiting.ts";

export interface FileTailOptions {
  readonly files: Files;
  /** Paths and globs, absolute or relative to the current directory. */
  readonly patterns: readonly string[];
  /**
   * Where a file starts that is there when its pattern is first looked at and has no position. Whatever appears
   * later is read from its start: all of its lines are new.
   */
  readonly from: "start" | "end";
  readonly log: Log;
  /** The steady clock, seconds. */
  readonly nowS: () => number;
  readonly consumer: LineConsumer;
  /** Where a former thread stopped, and the patterns it had looked at: what else these match is new. */
  readonly positions?: readonly Position[];
  readonly scanned?: readonly string[];
  /** Default `FILES_MAX`, `CHUNK_BYTES`, `LINE_BYTES_MAX`: smaller in tests. */
  readonly filesMax?: number;
  readonly chunkBytes?: number;
  readonly lineBytesMax?: number;
}

/** See the file's comment. Call `rescan` first and then about every second, `readSome` whenever woken. */
export class FileTail {
  readonly #options: FileTailOptions;
  readonly #context: ReadContext;
  readonly #turns: ReadingTurns;
  readonly #rotated: RotatedFiles;
  readonly #waiting: WaitingList;
  readonly #open: OpenFiles;
  #patterns: readonly string[];
  #scan = 0;
  /** Patterns that were looked at before: what they match from then on is new. */
  readonly #scanned: Set<string>;
  /** Paths and directories that could not be read at the first look: what is in them may be old. */
  readonly #unseen = new Set<string>();
  /** Which file each path led to in the scan before, and in this one. */
  #stood = new Map<string, FollowedFile>();
  #standing = new Map<string, FollowedFile>();
  /** Logs that may have been rotated unseen, whatever they look like now: the next scan looks for it. */
  readonly #lookAgain = new Set<string>();
  /** Paths that a former thread followed: another file there is new. */
  readonly #formerPaths = new Set<string>();

  constructor(options: FileTailOptions) {
    const { files, consumer, log, nowS, chunkBytes = CHUNK_BYTES, lineBytesMax = LINE_BYTES_MAX } = options;
    this.#options = options;
    this.#patterns = options.patterns;
    this.#scanned = new Set(options.scanned);
    this.#waiting = new WaitingList(log);
    const buffer = new Uint8Array(readBufferBytes(chunkBytes)), frame = newFrame(), tell = tellIn(log, nowS);
    this.#context = { files, consumer, buffer, chunkBytes, lineBytesMax, frame, nowS, tell };
    this.#open = new OpenFiles(this.#context, log, this.#waiting, options.filesMax);
    this.#turns = new ReadingTurns(this.#context, this.#open.byIdentity);
    this.#rotated = new RotatedFiles(files, (directory, trouble) => this.#waiting.cannotList(directory, trouble));
  }

  /** Finds out what stands at which name: opens what is new, lets go of what is superseded and quiet. */
  rescan(): void {
    const positions = ++this.#scan === 1 ? this.#options.positions ?? [] : [];
    this.#rotated.resume(positions);
    this.#rotated.begin();
    this.#waiting.begin();
    this.#stood = this.#standing;
    this.#standing = new Map();
    for (const file of this.#open.byIdentity.values()) this.#rotated.mark(file.path);
    this.#resume(positions);
    const visited = new Set<string>();
    const refused = new Set<string>();
    this.#patterns.forEach((pattern, index) => this.#expand(pattern, index, visited, refused));
    for (const path of this.#unseen) if (!refused.has(path)) this.#unseen.delete(path);
    for (const pattern of this.#patterns) this.#scanned.add(pattern);
    this.#followRotated(this.#rotated.bornSince(this.#mayHaveRotated()));
    const nowS = this.#options.nowS();
    for (const file of this.#open.byIdentity.values()) {
      if (file.seenInScan !== this.#scan) this.#notFound(file, nowS);
    }
    this.#open.letGo();
  }

  /**
   * Reads up to `chunkBudget` chunks, in turn one of each file that has something new. True when there is more to read
   * right now.
   */
  readSome(chunkBudget: number): boolean {
    return this.#turns.readSome(chunkBudget);
  }

  /** Follows other patterns from the next `rescan` on: what only a former one matched is let go of, with its position. */
  follow(patterns: readonly string[]): void {
    this.#patterns = patterns;
    for (const pattern of this.#scanned) if (!patterns.includes(pattern)) this.#scanned.delete(pattern);
  }

  /**
   * Where every open file stands. While a consumer is being handed lines, the file they come from stands at the
   * first of them.
   *
   * @param of the origin a consumer was just given.
   * @param handedBytes how many of the bytes it was given it has counted: for one that seals in the middle of a chunk.
   */
  positions(of?: Origin, handedBytes = 0): readonly Position[] {
    const open = [...this.#open.byIdentity.values()].map((file) =>
      file.position(file === of ? handedBytes : 0, this.#rotated.markOf(file.path), this.#context)
    );
    return [...open, ...this.#open.former.values()];
  }

  /** How many files are open. */
  followed(): number {
    return this.#open.byIdentity.size;
  }

  /** Patterns that were looked at, for the `scanned` of a thread that goes on from the positions. */
  scanned(): readonly string[] {
    return [...this.#scanned];
  }

  /** Directories whose changes matter. The target of a symlink is not among them: it is left to the poll. */
  directories(): readonly string[] {
    const directories = new Set(this.#patterns.map(globBase));
    for (const file of this.#open.byIdentity.values()) directories.add(directoryOf(file.path));
    return [...directories].sort();
  }

  /** Inputs that do not exist or cannot be read, and why. */
  waiting(): readonly Waiting[] {
    return this.#waiting.list();
  }

  /** Closes everything. Unfinished lines are not handed over: the positions stand before them. */
  close(): void {
    for (const file of this.#open.byIdentity.values()) this.#open.close(file);
  }

  #expand(pattern: string, index: number, visited: Set<string>, refused: Set<string>): void {
    const glob = isGlob(pattern);
    const expanded = glob ? this.#options.files.expandGlob(pattern) : { paths: [pattern], refused: [] };
    for (const { directory, ...trouble } of expanded.refused) {
      this.#waiting.cannotList(directory, trouble);
      this.#couldNotSee(directory, pattern, refused);
    }
    if (expanded.paths.length === 0 && expanded.refused.length === 0) this.#waiting.nothingMatches(pattern);
    for (const path of expanded.paths) {
      if (visited.has(path)) continue;
      visited.add(path);
      if (glob && COMPRESSED.test(path)) this.#waiting.compressed(path);
      else if (!this.#lookAt(path, index, !glob)) this.#couldNotSee(path, pattern, refused);
    }
  }

  #couldNotSee(path: string, pattern: string, refused: Set<string>): void {
    refused.add(path);
    if (!this.#scanned.has(pattern)) this.#unseen.add(path);
  }

  /** False when something may be there and could not be read. @param named whether the path was named, not globbed. */
  #lookAt(path: string, pattern: number, named: boolean): boolean {
    this.#rotated.mark(path);
    const status = this.#options.files.stat(path);
    if (isTrouble(status)) {
      this.#waiting.cannotReach(path, status);
      return status.trouble === "missing";
    }
    if (status.kind !== "file") {
      this.#waiting.notAFile(path, status.kind, named);
      return true;
    }
    const known = this.#open.byIdentity.get(identity(status));
    if (known === undefined) return this.#openNew(path, pattern);
    this.#standing.set(path, known);
    this.#found(known, path, pattern);
    return true;
  }

  /** Under two names it keeps the one it has for as long as that leads to it, else it gets the first. */
  #found(file: FollowedFile, path: string, pattern: number): void {
    const first = file.seenInScan !== this.#scan;
    file.seenInScan = this.#scan;
    file.missedAtS = file.supersededAtS = undefined;
    if (first || path === file.path) file.pattern = pattern;
    if (!first || path === file.path || this.#leadsTo(file.path, file)) return;
    this.#options.log.info("a log was renamed", { from: file.path, to: path });
    file.path = path;
  }

  #leadsTo(path: string, file: Pick<FileStatus, "device" | "inode">): boolean {
    const status = this.#options.files.stat(path);
    return !isTrouble(status) && identity(status) === identity(file);
  }

  #openNew(path: string, pattern: number): boolean {
    const opened = this.#open.open(path, path, pattern);
    if (opened === undefined) return false;
    const { file, size, resumed } = opened;
    file.seenInScan = this.#scan;
    const appearedLater = this.#scanned.has(this.#patterns[pattern]) || this.#formerPaths.has(path);
    const mayBeOld = !appearedLater || this.#mayBeOld(path);
    if (this.#options.from === "end" && mayBeOld && !resumed) file.startAtEnd(this.#context, size);
    this.#standing.set(path, file);
    this.#options.log.info("following", { path, offset: file.offset });
    return true;
  }

  #mayBeOld(path: string): boolean {
    if (this.#unseen.size === 0) return false;
    for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
      if (this.#unseen.has(at)) return true;
    }
    return false;
  }

  /** Opens the files of a former thread where it stopped, also those that were rotated since within their directory. */
  #resume(positions: readonly Position[]): void {
    for (const position of positions) {
      const pattern = this.#patternOf(position.path);
      if (pattern < 0) continue;
      this.#rotated.mark(position.path);
      this.#lookAgain.add(position.path);
      this.#formerPaths.add(position.path);
      const at = this.#rotated.whereIs(position);
      if (at === undefined) {
        const text =
          `Cannot continue ${position.path}: the file read before is gone; lines behind the offset may be lost`;
        this.#options.log.warn(text, { offset: position.offset });
      } else {
        this.#open.former.set(identity(position), position);
        this.#open.open(at, position.path, pattern, identity(position));
      }
    }
  }

  /** Logs of which a file may have come and gone since the last scan. */
  #mayHaveRotated(): ReadonlySet<string> {
    const logs = new Set(this.#lookAgain);
    this.#lookAgain.clear();
    const changed = (path: string): boolean => this.#stood.get(path) !== this.#standing.get(path);
    for (const path of this.#stood.keys()) if (changed(path)) logs.add(path);
    for (const path of this.#standing.keys()) if (changed(path)) logs.add(path);
    // Nothing stands there, as in the last scan, but in between it may have.
    const absent = (path: string): boolean => !this.#standing.has(path) && this.#rotated.moved(path);
    for (const pattern of this.#patterns) if (!isGlob(pattern) && absent(pattern)) logs.add(pattern);
    for (const { path } of this.#open.byIdentity.values()) if (absent(path)) logs.add(path);
    return logs;
  }

  /** Reads from their start what was rotated away before it was ever seen at its name. */
  #followRotated(rotated: readonly RotatedFile[]): void {
    for (const { log, path, status } of rotated) {
      const pattern = this.#patternOf(log);
      if (pattern < 0 || this.#open.knows(status)) continue;
      if (this.#open.open(path, log, pattern, identity(status)) !== undefined) {
        this.#options.log.info("following a log that was rotated before it was seen", { path, offset: 0 });
      } else if (!this.#leadsTo(path, status)) {
        // Renamed once more, just now.
        this.#lookAgain.add(log);
        this.#rotated.keepMark(log);
      }
    }
  }

  /** A file no pattern led to in this scan: renamed, deleted or superseded, unless its name still leads to it. */
  #notFound(file: FollowedFile, nowS: number): void {
    const status = this.#options.files.stat(file.path);
    if (isTrouble(status) && status.trouble !== "missing") return;
    if (!isTrouble(status) && identity(status) === identity(file)) {
      // Either its directory cannot be listed just now, or the patterns have changed.
      if (this.#patternOf(file.path) < 0) this.#open.close(file);
      return;
    }
    if (file.missedAtS === undefined) {
      this.#options.log.info("a log was rotated or removed", { path: file.path, offset: file.offset });
      file.missedAtS = nowS;
    }
    if (!isTrouble(status)) file.supersededAtS ??= nowS;
  }

  #patternOf(path: string): number {
    return this.#patterns.findIndex((pattern) =>
      pattern === path || (isGlob(pattern) && globToRegExp(pattern).test(path))
    );
  }
}

function tellIn(log: Log, nowS: () => number): Tell {
  const truncations = new OncePerMinute(log), troubles = new OncePerMinute(log);
  return {
    truncated: ({ path, offset }): void => {
      const text = `${path} was truncated: lines written just before may be lost; rotate by renaming instead`;
      truncations.warn(path, nowS(), text, () => ({ offset }));
    },
    unreadable: ({ path, offset }, { reason }: FileTrouble): void =>
      troubles.warn(path, nowS(), `Cannot read ${path}: ${reason}; it is tried again`, () => ({ offset })),
  };
}
