/**
 * Follows a set of paths and globs: through appends, rotation, truncation, deletion and return.
 *
 * What decides is what `stat` says and what bytes can be read, never an event. A file is its device and inode, not its
 * name: as long as it is held open the system cannot give its number to another; later it is its content. `rescan` finds
 * out which file stands at which name; `readSome` reads. Neither knows what a line means, a timer, or the machine. How
 * bytes become lines is in `followed_file.ts`, how long a file stays open in `open_files.ts`, whose turn it is to be read
 * in `reading_turns.ts`, what rotation made beside a log in `rotated_files.ts`, and how a log is known again, with what
 * came after it unseen, in `known_again.ts` and `sought_logs.ts`.
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
  holds,
  type LineConsumer,
  type Origin,
  readBufferBytes,
  type ReadContext,
} from "./followed_file.ts";
import { byAge, type Known, KnownAgain } from "./known_again.ts";
import { GunzipTurn } from "./log_content.ts";
import { OpenFiles } from "./open_files.ts";
import { identity, type Position } from "./position.ts";
import { ReadingTurns } from "./reading_turns.ts";
import { type Relative, RotatedFiles } from "./rotated_files.ts";
import { isCompressed, logOf } from "./rotation_names.ts";
import { SoughtLogs } from "./sought_logs.ts";

export type { LineConsumer, Origin } from "./followed_file.ts";
export type { Position } from "./position.ts";
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
  /** Called when there is more to read, apart from what a poll finds: of a compressed log, which is read in the background. */
  readonly onMore?: () => void;
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
  #matchers: readonly ((path: string) => boolean)[];
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
  readonly #knownAgain: KnownAgain;
  readonly #sought: SoughtLogs;

  constructor(options: FileTailOptions) {
    const { files, consumer, log, nowS, chunkBytes = CHUNK_BYTES, lineBytesMax = LINE_BYTES_MAX } = options;
    const gunzipTurn = new GunzipTurn(options.onMore ?? ((): void => {}));
    this.#options = options;
    this.#patterns = options.patterns;
    this.#matchers = matchersOf(options.patterns);
    this.#scanned = new Set(options.scanned);
    this.#waiting = new WaitingList(log);
    const buffer = new Uint8Array(readBufferBytes(chunkBytes)), frame = newFrame(), troubles = new OncePerMinute(log);
    const tell = {
      truncated: (file: FollowedFile): void => this.#truncated(file),
      unreadable: ({ path, offset }: Origin, { reason }: FileTrouble): void =>
        troubles.warn(path, nowS(), `Cannot read ${path}: ${reason}; it is tried again`, () => ({ offset })),
    };
    this.#context = { files, consumer, buffer, chunkBytes, lineBytesMax, frame, nowS, tell, gunzipTurn };
    this.#open = new OpenFiles(this.#context, log, this.#waiting, options.filesMax);
    this.#turns = new ReadingTurns(this.#context, this.#open.byIdentity);
    this.#rotated = new RotatedFiles(files, (directory, trouble) => this.#waiting.cannotList(directory, trouble));
    this.#knownAgain = new KnownAgain(this.#context, this.#rotated);
    this.#sought = new SoughtLogs({
      context: this.#context,
      log,
      open: this.#open,
      rotated: this.#rotated,
      knownAgain: this.#knownAgain,
      patternOf: (path) => this.#patternOf(path),
      followedLog: (path) => this.#followedLog(path),
    });
  }

  /** Finds out what stands at which name: opens what is new, lets go of what is superseded and quiet. */
  rescan(): void {
    if (++this.#scan === 1) this.#resume(this.#options.positions ?? []);
    this.#noteVerified();
    this.#rotated.begin();
    this.#waiting.begin();
    this.#stood = this.#standing;
    this.#standing = new Map();
    for (const file of this.#open.byIdentity.values()) this.#rotated.mark(file.path);
    this.#sought.readOn(this.#lookAgain);
    const visited = new Set<string>();
    const refused = new Set<string>();
    this.#patterns.forEach((pattern, index) => this.#expand(pattern, index, visited, refused));
    for (const path of this.#unseen) if (!refused.has(path)) this.#unseen.delete(path);
    for (const pattern of this.#patterns) this.#scanned.add(pattern);
    this.#followRotated(this.#mayHaveRotated());
    const nowS = this.#options.nowS();
    for (const file of this.#open.byIdentity.values()) {
      if (file.seenInScan !== this.#scan) this.#notFound(file, nowS);
    }
    this.#open.letGo();
    for (const file of this.#open.byIdentity.values()) file.noteEmpty(this.#context);
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
    this.#matchers = matchersOf(patterns);
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
      file.position(file === of ? handedBytes : 0, this.#markOf(file), this.#context)
    );
    // What was empty when names were looked at last may have been filled, copied and truncated before it was read.
    const empty = [...this.#open.byIdentity.values()].flatMap((file) =>
      file.empty !== undefined && file.empty.modifiedMs !== file.modifiedMs ? [file.empty] : []
    );
    return [...open, ...this.#sought.positions(), ...empty, ...this.#open.allDone()];
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
      if (glob && isCompressed(path)) this.#waiting.compressed(path);
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
    if (known === undefined) return this.#openNew(path, pattern, status);
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

  #openNew(path: string, pattern: number, status: FileStatus): boolean {
    const only = identity(status);
    // It may be the one, and would be read anew.
    if (this.#sought.mayBe(status)) return false;
    const replaced = this.#replaced(path), position = replaced?.position(0, undefined, this.#context);
    const opened = this.#open.open(path, path, pattern, { only, position });
    if (opened === undefined) return false;
    const { file, size } = opened;
    file.seenInScan = file.newInScan = this.#scan;
    file.generation += this.#sought.takeGeneration(only);
    const appearedLater = this.#scanned.has(this.#patterns[pattern]) || this.#formerPaths.has(path);
    const mayBeOld = !appearedLater || this.#mayBeOld(path);
    if (replaced !== undefined) this.#open.close(replaced);
    else if (this.#isCopy(path, file)) file.skipAll(this.#context, size);
    else if (this.#options.from === "end" && mayBeOld) file.startAtEnd(this.#context, size);
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

  /** The log that this path led to, if it was replaced by a file that begins with all that was read of it: a newer copy. */
  #replaced(path: string): FollowedFile | undefined {
    const stood = this.#stood.get(path);
    if (stood === undefined || !stood.open || stood.compressed || stood.offset === 0 || !stood.isDeleted()) {
      return undefined;
    }
    const { files } = this.#context, handle = files.openRead(path);
    if (isTrouble(handle)) return undefined;
    const continued = holds(this.#context, handle, stood.position(0, undefined, this.#context));
    files.close(handle);
    return continued ? stood : undefined;
  }

  /** Whether what a glob has found is a copy that rotation made of a log that is followed. */
  #isCopy(path: string, copy: FollowedFile): boolean {
    const log = logOf(path), stood = this.#stood.get(log) ?? this.#standing.get(log);
    if (log === path || stood === undefined || stood === copy) return false;
    return this.#knownAgain.isCopy({ path, compression: "" }, [stood.position(0, undefined, this.#context)]);
  }

  /** Takes over what a former thread has left. */
  #resume(positions: readonly Position[]): void {
    this.#rotated.resume(positions);
    for (const position of positions) {
      if (this.#patternOf(position.path) < 0) continue;
      this.#formerPaths.add(position.path);
      if (position.done) this.#open.remember(position);
    }
    this.#sought.resume(positions.filter(({ done, path }) => !done && this.#patternOf(path) >= 0));
  }

  /** A log does not hold any more what was read of it: what was not read may be in a copy. */
  #truncated(file: FollowedFile): void {
    this.#sought.truncated(file, file.position(0, this.#markOf(file), this.#context));
  }

  /** The mark of the last scan after which a file was what it had been. */
  #markOf(file: FollowedFile): number | undefined {
    return file.verified ? this.#rotated.markOf(file.path) : file.verifiedMarkMs;
  }

  /** Remembers up to which mark logs were as they had been read. */
  #noteVerified(): void {
    for (const file of this.#open.byIdentity.values()) {
      file.looked = false;
      if (!file.verified) continue;
      file.verifiedMarkMs = this.#rotated.markOf(file.path);
      file.verified = false;
    }
  }

  /** Logs of which a file may have come and gone since the last scan. */
  #mayHaveRotated(): ReadonlySet<string> {
    const logs = new Set(this.#lookAgain);
    this.#lookAgain.clear();
    const changed = (path: string): boolean => this.#stood.get(path) !== this.#standing.get(path);
    for (const path of this.#stood.keys()) if (changed(path)) logs.add(path);
    for (const [path, file] of this.#standing) {
      if (changed(path)) logs.add(path);
      if (file.empty === undefined || !this.#rotated.moved(path)) continue;
      // It may have been filled, copied and truncated in between.
      logs.add(path);
      this.#sought.wasEmpty(file.empty);
    }
    // Nothing stands there, as in the last scan, but in between it may have.
    const absent = (path: string): boolean => !this.#standing.has(path) && this.#rotated.moved(path);
    for (const pattern of this.#patterns) if (!isGlob(pattern) && absent(pattern)) logs.add(pattern);
    for (const { path } of this.#open.byIdentity.values()) if (absent(path)) logs.add(path);
    return logs;
  }

  /** Reads from their start what was rotated away before it was ever seen at its name, and before what came after it. */
  #followRotated(paths: ReadonlySet<string>): void {
    if (paths.size === 0) return;
    const families = new Map<string, FollowedFile[]>([...paths].map((path) => [this.#followedLog(path), []]));
    for (const file of this.#open.byIdentity.values()) families.get(this.#followedLog(file.path))?.push(file);
    this.#sought.group();
    for (const [log, files] of families) {
      if (this.#patternOf(log) >= 0) this.#followFamily(log, files);
    }
  }

  #followFamily(log: string, files: readonly FollowedFile[]): void {
    const family = this.#rotated.family(log);
    if (isTrouble(family)) return;
    const now = new Map(family.map((relative) => [identity(relative.status), relative]));
    const known = files.filter((file) => file.newInScan !== this.#scan)
      .map((file): Known => ({ position: file.position(0, undefined, this.#context), now: now.get(identity(file)) }));
    const done = this.#open.done(log).map((position): Known => ({ position, now: now.get(identity(position)) }));
    const elsewhere = this.#sought.nowhere(log).map((position): Known => ({ position, now: undefined }));
    const empty = this.#sought.empty(log).map((position): Known => ({ position, now: now.get(identity(position)) }));
    // The scan before may have been after the truncation already.
    const markMs = this.#sought.truncatedSince(log);
    const isKnown = (status: FileStatus): boolean => this.#open.knows(status, log);
    const { files: unread, unreadable } = this.#knownAgain.unread(
      log,
      [...known, ...done, ...elsewhere, ...empty],
      isKnown,
      markMs,
    );
    for (const relative of unread) this.#followFromStart(log, relative);
    // What was empty is still there, and there is something that came after it: it was copied and truncated.
    const truncated = empty.find(({ position }) =>
      this.#sought.isAt(log, position) && unread.some(({ status }) => status.modifiedMs > position.modifiedMs)
    );
    if (truncated !== undefined) this.#sought.cut(truncated.position, 0);
    for (const { path } of unreadable) this.#cannotUncompress(log, path);
    this.#order(log, family);
  }

  #followFromStart(log: string, { path, status, compression }: Relative): void {
    const compressed = compression !== "", only = identity(status);
    if (this.#open.open(path, log, this.#patternOf(log), { only, compressed }) !== undefined) {
      this.#options.log.info("following a log that was rotated before it was seen", { path, offset: 0 });
    } else if (!this.#leadsTo(path, status)) {
      // Renamed once more, just now.
      this.#lookAgain.add(log);
      this.#rotated.keepMark(log);
    }
  }

  #cannotUncompress(log: string, path: string): void {
    const text =
      `Cannot read ${path}, which was rotated before it was seen: only gzip is read; compress with gzip or later`;
    this.#options.log.warn(text);
    this.#context.consumer.cut(
      { pattern: this.#patternOf(log), path, device: 0, inode: 0, generation: 0, offset: 0 },
      0,
    );
  }

  /** Of a family, what was written first is read first. */
  #order(log: string, family: readonly Relative[]): void {
    let older: FollowedFile | undefined;
    for (const { status } of family.toSorted(byAge)) {
      const file = this.#open.byIdentity.get(identity(status));
      if (file === undefined || this.#followedLog(file.path) !== log) continue;
      if (older !== undefined) file.comesAfter(older);
      older = file;
    }
  }

  /** The log whose family a path is of: as it is followed, or the one it is a rotated name of. */
  #followedLog(path: string): string {
    const log = logOf(path);
    return this.#patternOf(log) >= 0 ? log : path;
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
    return this.#matchers.findIndex((matches) => matches(path));
  }
}

/** By pattern: whether a path is one that it leads to. */
function matchersOf(patterns: readonly string[]): ((path: string) => boolean)[] {
  return patterns.map((pattern) => {
    const glob = isGlob(pattern) ? globToRegExp(pattern) : undefined;
    return (path) => path === pattern || (glob?.test(path) ?? false);
  });
}
