/**
 * The log files that are held open: opened where a former thread stopped, bounded in number, and let go of when nobody
 * can be writing to them any more.
 *
 * A file is known by its device and inode. It stays open when its name is gone, since a writer that has not been told
 * to reopen writes on; only another file at its name, and then a minute of silence, say that it is done.
 */
import { FILES_MAX, SUPERSEDED_FILES_MAX, SUPERSEDED_QUIET_SECONDS_MIN, UNREAD_FILES_MAX } from "@/core/bounds.ts";
import { type FileHandle, type FileStatus, isTrouble } from "@/core/host/files.ts";
import type { Log } from "@/core/host/log.ts";
import type { WaitingList } from "./file_waiting.ts";
import { FollowedFile, type ReadContext, windowBytes } from "./followed_file.ts";
import { GzipContent, plainContent } from "./log_content.ts";
import { identity, type Position } from "./position.ts";
import { logOf } from "./rotation_names.ts";

/**
 * Seconds that a deleted file must have been quiet before it is closed, with no successor at its name: what is written
 * to it can be read nowhere else, but its disk space is not freed as long as it is open here.
 */
export const DELETED_QUIET_SECONDS_MIN = 3600;

/**
 * Logs of a family that are remembered after they were read to their end: rotation touches them once more, to compress
 * them. While an older one is still open, those that came after it are as many as may be open.
 */
const DONE_MAX = 2;

export interface Opened {
  readonly file: FollowedFile;
  /** Bytes, when it was opened. */
  readonly size: number;
}

export interface Opening {
  /** Identity of the file that it must be, where another would be read wrongly. */
  readonly only?: string;
  /** Where reading goes on in it. */
  readonly position?: Position;
  readonly compressed?: boolean;
}

/** See the file's comment. */
export class OpenFiles {
  readonly byIdentity = new Map<string, FollowedFile>();
  /** Logs that were read to their end, by the log whose family they are of: oldest first. */
  readonly #done = new Map<string, Position[]>();
  #missed: Map<string, number> | undefined;
  /** Whether nothing more can give way in this scan: to look for it costs a look at all. */
  #full = false;
  /** Files without a name of their own, at the end of the last scan. */
  #missedFiles = 0;

  constructor(
    readonly context: ReadContext,
    readonly log: Log,
    readonly waiting: WaitingList,
    readonly filesMax = FILES_MAX,
  ) {}

  /**
   * Opens what is at `at`. The name may have changed hands since `stat`: what counts is what was opened. Undefined when it
   * cannot be read, is open already or is another than it must be.
   *
   * @param path the name it is followed under.
   */
  open(
    at: string,
    path: string,
    pattern: number,
    { only, position, compressed = false }: Opening = {},
  ): Opened | undefined {
    const { files, nowS, chunkBytes, gunzipTurn } = this.context;
    const handle = this.#openRead(at);
    if (handle === undefined) return undefined;
    const status = files.fstat(handle), opened = isTrouble(status) ? "" : identity(status);
    if (isTrouble(status) || status.kind !== "file" || this.byIdentity.has(opened) || opened !== (only ?? opened)) {
      files.close(handle);
      return undefined;
    }
    const content = compressed
      ? new GzipContent(files, handle, windowBytes(chunkBytes), gunzipTurn, nowS)
      : plainContent(files, handle);
    const file = new FollowedFile(content, compressed, status, path, pattern, nowS());
    this.byIdentity.set(opened, file);
    if (position !== undefined) file.resumeAt(position);
    // It was rotated away.
    if (at !== path) this.#missedFiles++;
    return { file, size: status.size };
  }

  /** Lets go of superseded and deleted files that are quiet, and of the oldest where one path has had too many. */
  letGo(): void {
    this.#limitMissed();
    this.#missed = undefined;
    this.#full = false;
    this.#missedFiles = this.byIdentity.values().reduce(
      (sum, { missedAtS }) => sum + (missedAtS === undefined ? 0 : 1),
      0,
    );
    const nowS = this.context.nowS();
    for (const file of this.byIdentity.values()) {
      if (file.compressed) this.#letGoCompressed(file);
      if (file.compressed || file.missedAtS === undefined) continue;
      const quietS = nowS - file.quietSinceS();
      if (quietS < SUPERSEDED_QUIET_SECONDS_MIN || file.waits()) continue;
      if (file.supersededAtS === undefined && !this.#isGone(file, quietS)) continue;
      if (!file.unread(this.context)) this.#closeRead(file);
    }
  }

  close(file: FollowedFile): void {
    file.open = false;
    if (file.missedAtS !== undefined && this.#missedFiles > 0) this.#missedFiles--;
    this.byIdentity.delete(identity(file));
    file.content.close();
  }

  /** Whether a file is open, or was read to its end: with the time of birth, since numbers are reused at once. */
  knows(file: FileStatus, path: string): boolean {
    const isDone = (done: Position): boolean => identity(done) === identity(file) && done.bornMs === file.bornMs;
    return this.byIdentity.has(identity(file)) || this.done(path).some(isDone);
  }

  /** Logs of the family of this path that were read to their end, oldest first. */
  done(path: string): readonly Position[] {
    return this.#done.get(logOf(path)) ?? [];
  }

  /** All that were read to their end. */
  allDone(): readonly Position[] {
    return [...this.#done.values()].flat();
  }

  /** A log that was read to its end, here or by a former thread. */
  remember(position: Position): void {
    const log = logOf(position.path), family = this.#done.get(log) ?? [];
    family.push({ ...position, done: true });
    family.splice(0, Math.max(0, family.length - (this.#missedOf(log) > 1 ? SUPERSEDED_FILES_MAX : DONE_MAX)));
    this.#done.set(log, family);
  }

  /** Closes a compressed log that nothing more can be read from. */
  #letGoCompressed(file: FollowedFile): void {
    const { state } = file.content;
    if (state === "open" || file.queued || file.unread(this.context)) return;
    if (state === "ended") return this.#closeRead(file);
    const text = `Cannot read all of ${file.path}: its compressed file is damaged or ends in the middle`;
    this.log.warn(`${text}; lines behind the offset may be lost`, { offset: file.offset });
    this.context.consumer.cut(file, 0);
    this.#remember(file);
    this.close(file);
  }

  #openRead(path: string): FileHandle | undefined {
    const { files } = this.context;
    if (!this.#hasRoom() && !(this.#makeRoom() && this.#hasRoom())) {
      this.waiting.tooMany(this.filesMax);
      return undefined;
    }
    let handle = files.openRead(path);
    if (isTrouble(handle) && handle.trouble === "too_many" && this.#makeRoom()) handle = files.openRead(path);
    if (!isTrouble(handle)) return handle;
    this.waiting.cannotOpen(path, handle);
    return undefined;
  }

  /** What was rotated away is read beside what came after it: all may be rotated at once. */
  #hasRoom(): boolean {
    return this.byIdentity.size < this.filesMax + Math.min(this.#missedFiles, this.filesMax);
  }

  /** When no more files can be open, the one goes that has no name we know and has been quiet for longest. */
  #makeRoom(): boolean {
    if (this.#full) return false;
    const nowS = this.context.nowS();
    let quietest: FollowedFile | undefined;
    for (const file of this.byIdentity.values()) {
      if (file.missedAtS === undefined || nowS - file.quietSinceS() < SUPERSEDED_QUIET_SECONDS_MIN) continue;
      if (quietest === undefined || file.quietSinceS() < quietest.quietSinceS()) quietest = file;
    }
    this.#full = quietest === undefined || quietest.unread(this.context);
    if (!this.#full) this.#closeRead(quietest!);
    return !this.#full;
  }

  #isGone(file: FollowedFile, quietS: number): boolean {
    if (quietS < DELETED_QUIET_SECONDS_MIN) return false;
    return file.isDeleted();
  }

  /** How many files of a family were open without a name at the beginning of this round. */
  #missedOf(log: string): number {
    if (this.#missed === undefined) {
      this.#missed = new Map();
      for (const { path, missedAtS } of this.byIdentity.values()) {
        if (missedAtS !== undefined) this.#missed.set(logOf(path), (this.#missed.get(logOf(path)) ?? 0) + 1);
      }
    }
    return this.#missed.get(log) ?? 0;
  }

  #limitMissed(): void {
    const read = new Map<string, number>(), unread = new Map<string, number>();
    // Newest first, so that the oldest of too many go.
    for (const file of [...this.byIdentity.values()].reverse()) {
      if (file.missedAtS === undefined) continue;
      const counts = file.caughtUp ? read : unread, max = file.caughtUp ? SUPERSEDED_FILES_MAX : UNREAD_FILES_MAX;
      const count = (counts.get(file.path) ?? 0) + 1;
      counts.set(file.path, count);
      if (count > max) this.#giveUp(file, max);
    }
  }

  #giveUp(file: FollowedFile, max: number): void {
    const status = file.content.look(file.offset, file.readTo);
    const bytes = isTrouble(status) ? 0 : Math.max(0, status.size - file.offset);
    if (bytes > 0) {
      const text = `Cannot read all of ${file.path}: more than ${max} rotated files were unread`;
      this.log.warn(`${text}; rotate less often`, { bytes });
      this.context.consumer.cut(file, bytes);
    }
    this.#remember(file);
    this.close(file);
  }

  /** Nobody will finish its last line. */
  #closeRead(file: FollowedFile): void {
    file.readUnfinished(this.context);
    this.#remember(file);
    this.close(file);
  }

  #remember(file: FollowedFile): void {
    this.remember(file.position(0, undefined, this.context));
  }
}
