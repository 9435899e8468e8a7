/**
 * Follows a set of paths and globs: through appends, rotation, truncation, deletion and return.
 *
 * What decides is what `stat` says and what bytes can be read, never an event. A file is its device and inode, not its
 * name: as long as it is held open the system cannot give its number to another. `rescan` finds out which file stands
 * at which name; `readSome` reads. Neither knows what a line means, a timer, or the machine.
 *
 * Known limit: a file that is truncated and has grown beyond the old position before it is looked at again cannot be
 * told from one that grew. Loss by `copytruncate` happens inside the rotating program as well; it is counted, not prevented.
 */
import { globToRegExp, isGlob } from "@std/path";
import {
  CHUNK_BYTES,
  FILES_MAX,
  LINE_BYTES_MAX,
  SUPERSEDED_FILES_MAX,
  SUPERSEDED_QUIET_SECONDS_MIN,
} from "@/core/bounds.ts";
import { type Files, type FileStatus, isTrouble } from "@/core/host/files.ts";
import { globBase } from "@/core/host/glob.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { newFrame } from "@/core/lines.ts";
import { type Waiting, WaitingList } from "./file_waiting.ts";
import {
  FollowedFile,
  type LineConsumer,
  newTailStatistics,
  type Origin,
  type Position,
  READ_SLACK_BYTES,
  type ReadContext,
  type TailStatistics,
} from "./followed_file.ts";

export type { LineConsumer, Origin, Position, TailStatistics } from "./followed_file.ts";
export type { Waiting } from "./file_waiting.ts";

export interface FileTailOptions {
  readonly files: Files;
  /** Paths and globs, absolute or relative to the current directory. */
  readonly patterns: readonly string[];
  /**
   * Where a file starts that is there when its pattern is first looked at and has no position. Whatever appears
   * later is read from its start: all of its lines are new. A thread that replaces one which had already sent
   * positions is given "start" as well.
   */
  readonly from: "start" | "end";
  readonly log: Log;
  /** The steady clock, seconds. */
  readonly nowS: () => number;
  readonly consumer: LineConsumer;
  /** Where a former thread stopped. */
  readonly positions?: readonly Position[];
  /** Default `FILES_MAX`, `CHUNK_BYTES`, `LINE_BYTES_MAX`: smaller in tests. */
  readonly filesMax?: number;
  readonly chunkBytes?: number;
  readonly lineBytesMax?: number;
}

/** Chunks read between two looks at all files for new bytes. A look costs about 8 µs a file (one fstat, Deno 2.9). */
const CHUNKS_PER_LOOK = 16;

/** What a log rotator makes of an old log. It holds no lines, and the lines in it were read before. */
const COMPRESSED = /\.(gz|bz2|xz|zst|lz4|Z)$/;

/** See the file's comment. Call `rescan` first and then about every second, `readSome` whenever woken. */
export class FileTail {
  readonly #options: FileTailOptions;
  readonly #context: ReadContext;
  readonly #waiting: WaitingList;
  readonly #rarely: OncePerMinute;
  readonly #byIdentity = new Map<string, FollowedFile>();
  #patterns: readonly string[];
  #scan = 0;
  /** Patterns that were looked at before: what they match from then on is new. */
  readonly #scanned = new Set<string>();
  /** Paths and directories that could not be read at the first look: what is in them may be old. */
  readonly #unseen = new Set<string>();
  /** Positions of a former thread whose files could not be opened yet, by identity. */
  readonly #former = new Map<string, Position>();
  /** Paths that a former thread followed: another file there is new. */
  readonly #formerPaths = new Set<string>();
  /** Files to read in this round and the next, and how many chunks since the last look at all files. */
  #round: FollowedFile[] = [];
  #nextRound: FollowedFile[] = [];
  #chunksSinceLook = 0;

  constructor(options: FileTailOptions) {
    const { files, consumer, log, chunkBytes = CHUNK_BYTES, lineBytesMax = LINE_BYTES_MAX } = options;
    this.#options = options;
    this.#patterns = options.patterns;
    this.#waiting = new WaitingList(log);
    this.#rarely = new OncePerMinute(log);
    const buffer = new Uint8Array(chunkBytes + READ_SLACK_BYTES);
    const statistics = newTailStatistics();
    this.#context = { files, consumer, buffer, chunkBytes, lineBytesMax, frame: newFrame(), statistics };
  }

  /** Finds out what stands at which name: opens what is new, lets go of what is superseded and quiet. */
  rescan(): void {
    if (++this.#scan === 1) this.#resume(this.#options.positions ?? []);
    this.#waiting.begin();
    const visited = new Set<string>();
    const refused = new Set<string>();
    this.#patterns.forEach((pattern, index) => this.#expand(pattern, index, visited, refused));
    for (const path of this.#unseen) if (!refused.has(path)) this.#unseen.delete(path);
    for (const pattern of this.#patterns) this.#scanned.add(pattern);
    const nowS = this.#options.nowS();
    for (const file of this.#byIdentity.values()) {
      if (file.seenInScan !== this.#scan) this.#notFound(file, nowS);
    }
    this.#limitSuperseded();
    this.#closeQuiet(nowS);
  }

  /**
   * Reads up to `chunkBudget` chunks, in turn one of each file that has something new, so that a huge file starves no
   * other. True when there is more to read right now.
   */
  readSome(chunkBudget: number): boolean {
    for (let chunks = 0; chunks < chunkBudget; chunks++) {
      if (this.#round.length === 0) {
        [this.#round, this.#nextRound] = [this.#nextRound.reverse(), this.#round];
        if (this.#round.length === 0 && chunks > 0) return false;
        const lookDue = Math.max(CHUNKS_PER_LOOK, this.#byIdentity.size / CHUNKS_PER_LOOK);
        if (this.#round.length === 0 || this.#chunksSinceLook >= lookDue) this.#lookAtAll();
        if (this.#round.length === 0) return false;
      }
      const file = this.#round.pop()!;
      if (!file.open) continue;
      this.#chunksSinceLook++;
      if (file.readChunk(this.#context)) this.#nextRound.push(file);
      else file.queued = false;
    }
    return this.#round.length + this.#nextRound.length > 0;
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
    const open = [...this.#byIdentity.values()].map((file) => file.position(file === of ? handedBytes : 0));
    return [...open, ...this.#former.values()];
  }

  /** Directories whose changes matter. The target of a symlink is not among them: it is left to the poll. */
  directories(): readonly string[] {
    const directories = new Set(this.#patterns.map(globBase));
    for (const file of this.#byIdentity.values()) directories.add(globBase(file.path));
    return [...directories].sort();
  }

  /** Inputs that do not exist or cannot be read, and why. */
  waiting(): readonly Waiting[] {
    return this.#waiting.list();
  }

  statistics(): Readonly<TailStatistics> {
    return { ...this.#context.statistics, filesOpen: this.#byIdentity.size };
  }

  /** Closes everything. Unfinished lines are not handed over: the positions stand before them. */
  close(): void {
    for (const file of this.#byIdentity.values()) this.#close(file);
  }

  #expand(pattern: string, index: number, visited: Set<string>, refused: Set<string>): void {
    const glob = isGlob(pattern);
    const expanded = glob ? this.#options.files.expandGlob(pattern) : { paths: [pattern], refused: [] };
    for (const { directory, reason } of expanded.refused) {
      this.#waiting.cannotList(directory, reason);
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
    const status = this.#options.files.stat(path);
    if (isTrouble(status)) {
      this.#waiting.cannotReach(path, status);
      return status.trouble === "missing";
    }
    if (status.kind !== "file") {
      this.#waiting.notAFile(path, status.kind, named);
      return true;
    }
    const known = this.#byIdentity.get(identity(status));
    if (known === undefined) return this.#openNew(path, pattern);
    this.#found(known, path, pattern);
    return true;
  }

  /** Under two names it keeps the one it has for as long as that leads to it, else it gets the first. */
  #found(file: FollowedFile, path: string, pattern: number): void {
    const first = file.seenInScan !== this.#scan;
    file.seenInScan = this.#scan;
    file.supersededAtS = undefined;
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
    const opened = this.#open(path, path, pattern);
    if (opened === undefined) return false;
    const { file, size, resumed } = opened;
    const appearedLater = this.#scanned.has(this.#patterns[pattern]) || this.#formerPaths.has(path);
    const mayBeOld = !appearedLater || this.#mayBeOld(path);
    if (this.#options.from === "end" && mayBeOld && !resumed) file.startAtEnd(this.#context, size);
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

  /**
   * Opens what is at `at`, where a former thread stopped if it knew the file. The name may have changed hands since
   * `stat`: what counts is what was opened.
   *
   * @param path the name it is followed under.
   */
  #open(at: string, path: string, pattern: number): Opened | undefined {
    const { files, nowS, filesMax = FILES_MAX } = this.#options;
    if (this.#byIdentity.size >= filesMax) {
      this.#waiting.tooMany(filesMax);
      return undefined;
    }
    const handle = files.openRead(at);
    if (isTrouble(handle)) {
      this.#waiting.cannotOpen(at, handle);
      return undefined;
    }
    const status = files.fstat(handle);
    if (isTrouble(status) || status.kind !== "file" || this.#byIdentity.has(identity(status))) {
      files.close(handle);
      return undefined;
    }
    const file = new FollowedFile(handle, status, path, pattern, nowS());
    file.seenInScan = this.#scan;
    this.#byIdentity.set(identity(status), file);
    return { file, size: status.size, resumed: this.#resumeAt(file, status.size) };
  }

  #resumeAt(file: FollowedFile, size: number): boolean {
    const position = this.#former.get(identity(file));
    if (position === undefined) return false;
    this.#former.delete(identity(file));
    if (file.resumeAt(position, size)) this.#context.statistics.truncations++;
    return true;
  }

  /** A file no pattern led to in this scan: superseded, unless its name still leads to it. */
  #notFound(file: FollowedFile, nowS: number): void {
    const status = this.#options.files.stat(file.path);
    if (!isTrouble(status) && identity(status) === identity(file)) {
      // Either its directory cannot be listed just now, or the patterns have changed.
      if (!this.#patterns.some((pattern) => matches(pattern, file.path))) this.#close(file);
    } else if (file.supersededAtS === undefined && (!isTrouble(status) || status.trouble === "missing")) {
      file.supersededAtS = nowS;
      this.#options.log.info("a log was rotated or removed", { path: file.path, offset: file.offset });
    }
  }

  #limitSuperseded(): void {
    const counts = new Map<string, number>();
    // Newest first, so that the oldest of too many go.
    for (const file of [...this.#byIdentity.values()].reverse()) {
      if (file.supersededAtS === undefined) continue;
      const count = (counts.get(file.path) ?? 0) + 1;
      counts.set(file.path, count);
      if (count > SUPERSEDED_FILES_MAX) this.#giveUp(file);
    }
  }

  #giveUp(file: FollowedFile): void {
    const status = this.#context.files.fstat(file.handle);
    const bytes = isTrouble(status) ? 0 : Math.max(0, status.size - file.offset);
    if (bytes > 0) {
      this.#context.statistics.bytesAbandoned += bytes;
      const help = "rotate less often, or spread logs with --ingest-threads";
      const text =
        `Cannot read all of ${file.path}: more than ${SUPERSEDED_FILES_MAX} rotated files were unread; ${help}`;
      this.#options.log.warn(text, { bytes });
    }
    this.#close(file);
  }

  #closeQuiet(nowS: number): void {
    for (const file of this.#byIdentity.values()) {
      const { supersededAtS, grewAtS } = file;
      if (supersededAtS === undefined) continue;
      if (nowS - Math.max(supersededAtS, grewAtS) < SUPERSEDED_QUIET_SECONDS_MIN) continue;
      if (this.#unread(file, nowS)) continue;
      file.readUnfinished(this.#context);
      this.#close(file);
    }
  }

  /** Puts every file that has something new in line. */
  #lookAtAll(): void {
    this.#chunksSinceLook = 0;
    const nowS = this.#options.nowS();
    for (const file of this.#byIdentity.values()) {
      if (file.queued || !this.#unread(file, nowS)) continue;
      file.queued = true;
      this.#round.push(file);
    }
    this.#round.reverse();
  }

  #unread(file: FollowedFile, nowS: number): boolean {
    const status = this.#context.files.fstat(file.handle);
    if (isTrouble(status)) {
      this.#context.statistics.readErrors++;
      return false;
    }
    return file.grown(status.size, nowS, () => {
      this.#context.statistics.truncations++;
      const text = `${file.path} was truncated: lines written just before may be lost; rotate by renaming instead`;
      this.#rarely.warn(file.path, nowS, text, () => ({ generation: file.generation }));
    });
  }

  #close(file: FollowedFile): void {
    file.open = false;
    this.#byIdentity.delete(identity(file));
    this.#context.files.close(file.handle);
  }

  /** Opens the files of a former thread where it stopped, also those that were rotated since within their directory. */
  #resume(positions: readonly Position[]): void {
    const listings = new Map<string, ReadonlyMap<string, string>>();
    for (const position of positions) {
      const pattern = this.#patterns.findIndex((pattern) => matches(pattern, position.path));
      if (pattern < 0) continue;
      this.#formerPaths.add(position.path);
      const at = this.#pathOf(position, listings);
      if (at === undefined) {
        const text =
          `Cannot continue ${position.path}: the file read before is gone; lines behind the offset may be lost`;
        this.#options.log.warn(text, { offset: position.offset });
      } else {
        this.#former.set(identity(position), position);
        this.#open(at, position.path, pattern);
      }
    }
  }

  /** Where the file of this position is now: at its path, or under another name in the same directory. */
  #pathOf(position: Position, listings: Map<string, ReadonlyMap<string, string>>): string | undefined {
    if (this.#leadsTo(position.path, position)) return position.path;
    const directory = globBase(position.path);
    const listing = listings.get(directory) ?? this.#filesIn(directory);
    listings.set(directory, listing);
    return listing.get(identity(position));
  }

  /** Regular files of a directory: identity to path. */
  #filesIn(directory: string): ReadonlyMap<string, string> {
    const { files } = this.#options;
    const paths = new Map<string, string>();
    const names = files.list(directory);
    for (const name of isTrouble(names) ? [] : names) {
      const path = directory.endsWith("/") ? directory + name : `${directory}/${name}`;
      const status = files.stat(path);
      if (!isTrouble(status) && status.kind === "file") paths.set(identity(status), path);
    }
    return paths;
  }
}

interface Opened {
  readonly file: FollowedFile;
  /** Bytes, when it was opened. */
  readonly size: number;
  /** Whether it continues where a former thread stopped. */
  readonly resumed: boolean;
}

function identity(of: Pick<FileStatus, "device" | "inode">): string {
  return `${of.device}:${of.inode}`;
}

function matches(pattern: string, path: string): boolean {
  return pattern === path || (isGlob(pattern) && globToRegExp(pattern).test(path));
}
