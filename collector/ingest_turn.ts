/**
 * One turn of an ingest thread: look at names when they may have changed, read what there is, seal what is over.
 *
 * Looking at names costs about 20 µs a file, reading only what has grown less, so that a busy log must not make every
 * other log be looked up again. And where there are very many, names are looked at less often: at most a fifth of the time
 * goes into it while names change, and a twentieth while nothing says that they do.
 */
import type { FileTail } from "./file_tail.ts";
import type { Ingest } from "./ingest.ts";
import type { Scanned } from "./thread_message.ts";

/** Chunks read between two looks at the clock and at messages: about 8 MiB, some tens of milliseconds. */
const CHUNKS_PER_TURN = 16;

/** How many times as long as a look at names took has to pass until the next: when one may have changed, and when not. */
const NAMES_PAUSE = 4, POLL_PAUSE = 19;

export interface TurnOptions {
  readonly tail: Pick<FileTail, "follow" | "rescan" | "readSome" | "positions" | "scanned">;
  readonly ingest: Pick<Ingest, "tick">;
  /** Whether there is room for what would be counted. */
  readonly mayCount: () => boolean;
  /** Called after every look at names. */
  readonly onRescan: () => void;
  readonly post: (scanned: Scanned) => void;
  /** Milliseconds that only go on. */
  readonly monotonicMs: () => number;
}

export class IngestTurns {
  #rescanDue = true;
  #readDue = true;
  /** Whether the patterns have not been looked at yet. */
  #patternsNew = true;
  /** When names may be looked at again, and when they are though nothing says that they changed. */
  #namesAfterMs = 0;
  #pollAfterMs = 0;

  constructor(readonly options: TurnOptions) {}

  /**
   * Something may have changed.
   * @param names whether it may have been a name.
   * @param poll whether nothing says so but the time that has passed.
   */
  wake(names: boolean, poll = false): void {
    this.#readDue = true;
    this.#rescanDue ||= names && (!poll || this.options.monotonicMs() >= this.#pollAfterMs);
  }

  /** Follows other patterns from the next turn on. */
  follow(patterns: readonly string[]): void {
    this.options.tail.follow(patterns);
    this.#patternsNew = true;
    this.#namesAfterMs = 0;
    this.wake(true);
  }

  /** Does what is due, as far as it may. True when there is more to read right now. */
  turn(): boolean {
    const { tail, ingest, mayCount, monotonicMs } = this.options;
    if (this.#rescanDue && monotonicMs() >= this.#namesAfterMs) this.#rescan();
    if (!mayCount()) return false;
    if (this.#readDue) this.#readDue = tail.readSome(CHUNKS_PER_TURN);
    ingest.tick();
    return this.#readDue;
  }

  #rescan(): void {
    const { tail, onRescan, post, monotonicMs } = this.options;
    this.#rescanDue = false;
    this.#readDue = true;
    const beginMs = monotonicMs();
    tail.rescan();
    onRescan();
    const endMs = monotonicMs(), tookMs = endMs - beginMs;
    this.#namesAfterMs = endMs + NAMES_PAUSE * tookMs;
    this.#pollAfterMs = endMs + POLL_PAUSE * tookMs;
    if (!this.#patternsNew) return;
    this.#patternsNew = false;
    // A thread that replaces this one before anything is sealed goes on from here, not from the end of each file.
    post({ kind: "scanned", patterns: tail.scanned(), positions: tail.positions() });
  }
}
