/**
 * Which file is read next: in turn one chunk of each that has something new, so that a huge file starves no other. What
 * was written before, and is still being caught up with, comes first.
 */
import type { FollowedFile, ReadContext } from "./followed_file.ts";

/** Chunks read between two looks at all files for new bytes. A look costs about 8 µs a file (one fstat, Deno 2.9). */
const CHUNKS_PER_LOOK = 16;

export class ReadingTurns {
  /** Files to read in this round and in the next, and how many chunks since the last look at all files. */
  #round: FollowedFile[] = [];
  #nextRound: FollowedFile[] = [];
  #chunksSinceLook = 0;
  /** Files that were not looked at because an older one has to be read first. */
  #held: FollowedFile[] = [];

  /** @param open the files that are open; it may change between two calls. */
  constructor(readonly context: ReadContext, readonly open: ReadonlyMap<string, FollowedFile>) {}

  /** Reads up to `chunkBudget` chunks. True when there is more to read right now. */
  readSome(chunkBudget: number): boolean {
    for (let chunks = 0; chunks < chunkBudget; chunks++) {
      if (this.#round.length === 0) {
        [this.#round, this.#nextRound] = [this.#nextRound.reverse(), this.#round];
        const over = this.#round.length === 0;
        if (over && chunks > 0 && !this.#held.some((file) => file.open && !file.waits())) return false;
        const lookDue = Math.max(CHUNKS_PER_LOOK, this.open.size / CHUNKS_PER_LOOK);
        if (over || this.#chunksSinceLook >= lookDue) this.#lookAtAll();
        if (this.#round.length === 0) return false;
      }
      const file = this.#round.pop()!;
      if (!file.open) continue;
      this.#chunksSinceLook++;
      if (file.readChunk(this.context)) {
        this.#nextRound.push(file);
      } else {
        file.queued = false;
        file.caughtUp ||= !file.content.busy;
      }
    }
    return this.#round.length + this.#nextRound.length > 0 || this.#held.some((file) => file.open && !file.waits());
  }

  /** Puts every file that has something new in line: an older one before those that wait for it. */
  #lookAtAll(): void {
    this.#chunksSinceLook = 0;
    this.#held = [];
    for (const file of this.open.values()) {
      if (file.queued) continue;
      if (file.waits()) this.#held.push(file);
      else this.#look(file);
    }
    // What they waited for may have had nothing to read.
    for (let before = Infinity; this.#held.length < before;) {
      before = this.#held.length;
      const held = this.#held;
      this.#held = [];
      for (const file of held) {
        if (file.waits()) this.#held.push(file);
        else this.#look(file);
      }
    }
    this.#round.reverse();
  }

  #look(file: FollowedFile): void {
    if (!file.unread(this.context)) {
      file.caughtUp ||= !file.content.busy;
      return;
    }
    file.queued = true;
    this.#round.push(file);
  }
}
