/**
 * What time it is, where this machine's clock may be far ahead, as of a machine without a battery or with a bad NTP peer: a year
 * too much would empty every ring. Sources say with all they send what time they have:
 *
 *   ours is far ahead of most of them, and of at least  the time of the middle one counts, until ours is no longer ahead
 *   two (one beside state)                              of it
 *   state was found that ours is far ahead of           it has to be asked first: nothing is taken and time does not go on
 *                                                       until more than half of the sources have said a word, or those that
 *                                                       are there have been waited for
 *
 * A clock that is behind empties nothing: what sources send is before its time then, and is held (`Store`, `FleetState`).
 */
import { AHEAD_SECONDS_MAX } from "@/core/bounds.ts";
import { TIERS } from "@/core/slices.ts";
import { type Clock, STEP_HOLD_MS_MIN } from "@/core/host/clock.ts";

/** Seconds by which ours may be ahead of what was found: what a restart takes, and the finest ring holds. */
const FOUND_SECONDS_MAX = TIERS[0].sliceS * TIERS[0].slots;

/** Seconds to which ours has to have come to theirs to count again: less than what made it doubtful, so that it is not both in turn. */
const BACK_SECONDS_MAX = AHEAD_SECONDS_MAX / 2;

/** Milliseconds after the first word of a source for which those of the others are waited for. */
const OTHERS_MS_MAX = 10_000;

/**
 * Milliseconds after which the largest time that a source has said is forgotten. What a message takes on its way makes a clock
 * look slow, so of several the largest is nearest the truth.
 */
const VOTE_MS_KEPT = 60_000;

/** What a source says: its time less our monotonic time. */
interface Vote {
  readonly offsetMs: number;
  readonly atMs: number;
}

export class BelievedClock implements Clock {
  /** By address. */
  readonly #votes = new Map<string, Vote>();
  /** Time of the middle one of the sources, less monotonic time; undefined where there are too few. */
  #theirsMs: number | undefined;
  #isCorrected = false;
  /** Since when the clock waits to be believed; undefined when it does not. */
  #waitsSinceMs: number | undefined;
  #firstWordMs = Infinity;
  /** Sources that it takes: beside state that says the same, one is enough. */
  #votesMin = 2;
  #settle = (): void => {};
  /** Resolves when it is known whom to believe; undefined when it is. */
  waiting: Promise<void> | undefined;

  constructor(readonly machine: Clock) {}

  nowS(): number {
    return this.#isCorrected ? Math.min(this.ownS(), this.#theirsS()) : this.ownS();
  }

  monotonicMs(): number {
    return this.machine.monotonicMs();
  }

  /** As this machine has it, whoever else does not. */
  ownS(): number {
    return this.machine.nowS();
  }

  /** Seconds by which ours is ahead of most others, and not believed; 0 when it is. */
  get aheadS(): number {
    return this.#isCorrected ? Math.max(0, this.ownS() - this.#theirsS()) : 0;
  }

  /** A former process had come to `endS`. Returns whether ours is so far ahead that it has to wait. */
  found(endS: number): boolean {
    if (endS === 0 || this.ownS() <= endS + FOUND_SECONDS_MAX) return false;
    this.#waitsSinceMs = this.monotonicMs();
    this.#votesMin = 1;
    this.waiting = new Promise((resolve) => this.#settle = resolve);
    return true;
  }

  /** The source at an address has sent something, and this is its time. */
  told(address: string, sentMs: number): void {
    const atMs = this.monotonicMs(), offsetMs = sentMs - atMs, before = this.#votes.get(address);
    this.#firstWordMs = Math.min(this.#firstWordMs, atMs);
    if (before !== undefined && offsetMs < before.offsetMs && atMs - before.atMs <= VOTE_MS_KEPT) return;
    this.#votes.set(address, { offsetMs, atMs });
  }

  /** A bucket has come, maybe of a source that does not tell its time. Resolves when it can be taken; undefined when it can now. */
  heard(): Promise<void> | undefined {
    if (this.waiting !== undefined) this.#firstWordMs = Math.min(this.#firstWordMs, this.monotonicMs());
    return this.waiting;
  }

  forget(address: string): void {
    this.#votes.delete(address);
  }

  /** Makes up its mind. Call it every second. @param followed sources that might say something */
  look(followed: number): void {
    this.#theirsMs = this.#middle();
    const { waiting } = this;
    if (waiting !== undefined && this.#hasWaited(followed)) {
      this.waiting = this.#waitsSinceMs = undefined;
      this.#settle();
    }
    if (this.#theirsMs === undefined || this.waiting !== undefined) this.#isCorrected = false;
    else this.#isCorrected = this.ownS() - this.#theirsS() > (this.#isCorrected ? BACK_SECONDS_MAX : AHEAD_SECONDS_MAX);
  }

  #hasWaited(followed: number): boolean {
    const nowMs = this.monotonicMs();
    return this.#votes.size > followed / 2 || nowMs - this.#firstWordMs >= OTHERS_MS_MAX ||
      nowMs - this.#waitsSinceMs! >= STEP_HOLD_MS_MIN;
  }

  /** Of an even number the later one, so that whoever is behind it is more than half. */
  #middle(): number | undefined {
    const { size } = this.#votes;
    if (size < this.#votesMin) return undefined;
    return Float64Array.from(this.#votes.values(), ({ offsetMs }) => offsetMs).sort()[size >> 1];
  }

  #theirsS(): number {
    return (this.monotonicMs() + this.#theirsMs!) / 1000;
  }
}
