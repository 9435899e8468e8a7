/**
 * Wakes a reader of files: when something happens in a directory, and every second in any case.
 *
 * An event only wakes, it decides nothing. But it says whether names may have changed, which costs more to find out than
 * whether a file has grown. Directories are watched, never files: a watched file that is renamed is
 * silent for ever. A directory that does not exist yet, vanishes, is replaced, or for which no watch is left is covered
 * by the poll, which also tries again.
 */
import type { Log } from "./log.ts";

/** Milliseconds during which further events of a wake-up are gathered into it. */
const GATHER_MS = 50;

/** Polls between two attempts after watching failed: watches are a resource of the machine that others give back. */
const POLLS_BEFORE_RETRY = 60;

export interface WatchOptions {
  /** Milliseconds between two wake-ups when nothing happens; default 1000. */
  readonly pollMs?: number;
  readonly log: Log;
}

export interface DirectoryWatch {
  /** Watches these directories from now on. Cheap when they are the same. */
  update(directories: readonly string[]): void;
  close(): void;
}

/**
 * Calls `onWake` when something may have changed, from a timer and never in a burst. Needs read on the directories.
 *
 * @param onWake told whether a name may have come, gone or changed hands; otherwise files were written to at most. And
 *   whether nothing happened but that time has passed.
 */
export function watchDirectories(
  directories: readonly string[],
  onWake: (names: boolean, poll: boolean) => void,
  options: WatchOptions,
): DirectoryWatch {
  return new Watching(directories, onWake, options);
}

class Watching implements DirectoryWatch {
  #directories: readonly string[];
  #watcher: Deno.FsWatcher | undefined;
  /** Which directories the watcher sees, as names and inodes: one that was replaced is another. */
  #watched = "";
  #pollsToWait = 0;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  /** Whether one of the events that are being gathered was about names. */
  #names = false;
  readonly #poll: ReturnType<typeof setInterval>;

  constructor(
    directories: readonly string[],
    readonly onWake: (names: boolean, poll: boolean) => void,
    readonly options: WatchOptions,
  ) {
    this.#directories = [...directories];
    this.#watch();
    this.#poll = setInterval(() => {
      this.#watch();
      this.onWake(true, true);
    }, options.pollMs ?? 1000);
  }

  update(directories: readonly string[]): void {
    const known = new Set(this.#directories);
    if (directories.length === known.size && directories.every((directory) => known.has(directory))) return;
    this.#directories = [...directories];
    this.#watch();
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#stop();
  }

  /** Watches what exists, anew if that is not what is being watched. */
  #watch(): void {
    if (this.#pollsToWait > 0 && --this.#pollsToWait > 0) return;
    const identities = this.#directories.map(identityOf);
    const existing = this.#directories.filter((_, index) => identities[index] !== undefined);
    const wanted = existing.length === 0 ? "" : JSON.stringify([this.#directories, identities]);
    if (wanted === this.#watched) return;
    this.#stop();
    this.#watched = wanted;
    if (existing.length === 0) return;
    try {
      this.#watcher = Deno.watchFs(existing, { recursive: false });
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#listen(this.#watcher);
    // What happened before the watch began has no event.
    this.#wakeSoon(true);
  }

  async #listen(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const { kind } of watcher) if (kind !== "access") this.#wakeSoon(kind !== "modify");
    } catch (error) {
      if (watcher === this.#watcher) this.#failed(error);
    }
  }

  #wakeSoon(names: boolean): void {
    this.#names ||= names;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      const named = this.#names;
      this.#names = false;
      this.onWake(named, false);
    }, GATHER_MS);
  }

  #failed(error: unknown): void {
    this.#stop();
    // A directory that vanished in between is no failure: the next poll sees that it did.
    if (error instanceof Deno.errors.NotFound) return;
    this.#pollsToWait = POLLS_BEFORE_RETRY;
    const reason = error instanceof Error ? error.message : String(error);
    const help = "logs are read by polling; raise fs.inotify.max_user_watches or max_user_instances";
    this.options.log.warn(`Cannot watch log directories: ${reason}; ${help}`);
  }

  #stop(): void {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    this.#watched = "";
    watcher?.close();
  }
}

/** With the time of birth, since inode numbers are reused at once. Undefined: no such directory, or no right to look. */
function identityOf(directory: string): string | undefined {
  try {
    const { dev, ino, birthtime, isDirectory } = Deno.statSync(directory);
    return isDirectory ? `${dev}:${ino}:${birthtime?.getTime()}` : undefined;
  } catch {
    return undefined;
  }
}
