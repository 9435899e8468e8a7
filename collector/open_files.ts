/**
 * The log files that are held open: opened where a former thread stopped, bounded in number, and let go of when nobody
 * can be writing to them any more.
 *
 * A file is known by its device and inode. It stays open when its name is gone, since a writer that has not been told
 * to reopen writes on; only another file at its name, and then a minute of silence, say that it is done.
 */
import { FILES_MAX, SUPERSEDED_FILES_MAX, SUPERSEDED_QUIET_SECONDS_MIN } from "@/core/bounds.ts";
import { type FileHandle, type FileStatus, isTrouble } from "@/core/host/files.ts";
import type { Log } from "@/core/host/log.ts";
import type { WaitingList } from "./file_waiting.ts";
import { FollowedFile, holds, identity, type Position, type ReadContext } from "./followed_file.ts";

/**
 * Seconds that a deleted file must have been quiet before it is closed, with no successor at its name: what is written
 * to it can be read nowhere else, but its disk space is not freed as long as it is open here.
 */
export const DELETED_QUIET_SECONDS_MIN = 3600;

/** Files remembered after they were closed: a tick of the file system's clock is not long enough for more. */
const CLOSED_MAX = 64;

export interface Opened {
  readonly file: FollowedFile;
  /** Bytes, when it was opened. */
  readonly size: number;
  /** Whether it continues where a former thread stopped. */
  readonly resumed: boolean;
}

/** See the file's comment. */
export class OpenFiles {
  readonly byIdentity = new Map<string, FollowedFile>();
  /** Positions of a former thread whose files could not be opened yet, by identity. */
  readonly former = new Map<string, Position>();
  /** The last files closed, oldest first. */
  readonly #closed = new Set<string>();

  constructor(
    readonly context: ReadContext,
    readonly log: Log,
    readonly waiting: WaitingList,
    readonly filesMax = FILES_MAX,
  ) {}

  /**
   * Opens what is at `at`, where a former thread stopped if it knew the file. The name may have changed hands since
   * `stat`: what counts is what was opened. Undefined when it cannot be read, is open already or is another than `only`.
   *
   * @param path the name it is followed under.
   * @param only identity of the file that it must be, where another would be read wrongly.
   */
  open(at: string, path: string, pattern: number, only?: string): Opened | undefined {
    const { files, nowS } = this.context;
    const handle = this.#openRead(at);
    if (handle === undefined) return undefined;
    const status = files.fstat(handle), opened = isTrouble(status) ? "" : identity(status);
    if (isTrouble(status) || status.kind !== "file" || this.byIdentity.has(opened) || opened !== (only ?? opened)) {
      files.close(handle);
      return undefined;
    }
    const file = new FollowedFile(handle, status, path, pattern, nowS());
    this.byIdentity.set(opened, file);
    const position = this.former.get(opened), { size } = status;
    if (position === undefined) return { file, size, resumed: false };
    if (holds(this.context, handle, position)) {
      file.resumeAt(position);
    } else {
      file.generation = position.generation + 1;
      this.context.tell.truncated({ ...position, pattern });
    }
    this.former.delete(opened);
    return { file, size, resumed: true };
  }

  /** Lets go of superseded and deleted files that are quiet, and of the oldest where one path has had too many. */
  letGo(): void {
    this.#limitMissed();
    const nowS = this.context.nowS();
    for (const file of this.byIdentity.values()) {
      if (file.missedAtS === undefined) continue;
      const quietS = nowS - file.quietSinceS();
      if (quietS < SUPERSEDED_QUIET_SECONDS_MIN) continue;
      if (file.supersededAtS === undefined && !this.#isGone(file, quietS)) continue;
      if (!file.unread(this.context)) this.#closeRead(file);
    }
  }

  close(file: FollowedFile): void {
    file.open = false;
    this.byIdentity.delete(identity(file));
    this.context.files.close(file.handle);
    if (this.#closed.size === CLOSED_MAX) {
      for (const oldest of this.#closed.values().take(1)) this.#closed.delete(oldest);
    }
    this.#closed.add(life(file));
  }

  /** Whether a file is open, or was until recently: with the time of birth, since numbers are reused at once. */
  knows(file: FileStatus): boolean {
    return this.byIdentity.has(identity(file)) || this.#closed.has(life(file));
  }

  #openRead(path: string): FileHandle | undefined {
    const { files } = this.context;
    if (this.byIdentity.size >= this.filesMax && !this.#makeRoom()) {
      this.waiting.tooMany(this.filesMax);
      return undefined;
    }
    let handle = files.openRead(path);
    if (isTrouble(handle) && handle.trouble === "too_many" && this.#makeRoom()) handle = files.openRead(path);
    if (!isTrouble(handle)) return handle;
    this.waiting.cannotOpen(path, handle);
    return undefined;
  }

  /** When no more files can be open, the one goes that has no name we know and has been quiet for longest. */
  #makeRoom(): boolean {
    const nowS = this.context.nowS();
    let quietest: FollowedFile | undefined;
    for (const file of this.byIdentity.values()) {
      if (file.missedAtS === undefined || nowS - file.quietSinceS() < SUPERSEDED_QUIET_SECONDS_MIN) continue;
      if (quietest === undefined || file.quietSinceS() < quietest.quietSinceS()) quietest = file;
    }
    if (quietest === undefined || quietest.unread(this.context)) return false;
    this.#closeRead(quietest);
    return true;
  }

  #isGone(file: FollowedFile, quietS: number): boolean {
    if (quietS < DELETED_QUIET_SECONDS_MIN) return false;
    const status = this.context.files.fstat(file.handle);
    return !isTrouble(status) && status.links === 0;
  }

  #limitMissed(): void {
    const counts = new Map<string, number>();
    // Newest first, so that the oldest of too many go.
    for (const file of [...this.byIdentity.values()].reverse()) {
      if (file.missedAtS === undefined) continue;
      const count = (counts.get(file.path) ?? 0) + 1;
      counts.set(file.path, count);
      if (count > SUPERSEDED_FILES_MAX) this.#giveUp(file);
    }
  }

  #giveUp(file: FollowedFile): void {
    const status = this.context.files.fstat(file.handle);
    const bytes = isTrouble(status) ? 0 : Math.max(0, status.size - file.offset);
    if (bytes > 0) {
      const text = `Cannot read all of ${file.path}: more than ${SUPERSEDED_FILES_MAX} rotated files were unread`;
      this.log.warn(`${text}; rotate less often`, { bytes });
    }
    this.close(file);
  }

  /** Nobody will finish its last line. */
  #closeRead(file: FollowedFile): void {
    file.readUnfinished(this.context);
    this.close(file);
  }
}

function life(file: Pick<FileStatus, "device" | "inode" | "bornMs">): string {
  return `${identity(file)}:${file.bornMs}`;
}
