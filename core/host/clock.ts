/**
 * The clock of a role: seconds since 1970 that do not jump when somebody sets the machine's time.
 *
 * Rings advance by monotonic time. The wall clock only says where on the calendar that is:
 *
 *   ahead by up to a minute    followed at once
 *   behind by up to a minute   followed by running slower until it has caught up, since time that goes back would count
 *                              a slice as over that begins again
 *   further away               followed at once, forward or back, when it has held for five minutes: a jump that is taken
 *                              back (a bad NTP peer, a virtual machine that was paused) would otherwise empty every ring
 */

/** Milliseconds that the wall clock may be away from the steady clock and still be followed. */
export const STEP_MS_MAX = 60_000;

/**
 * Seconds of this clock that pass in a second while the wall clock is behind. A slice of 10 s then takes 13.3 s, so that
 * answers stay less than 15 s old; a minute is made up for in four minutes, less than a larger step has to hold.
 */
export const CATCH_UP_SPEED = 0.75;

/** Milliseconds that a larger step must hold before it is applied. */
export const STEP_HOLD_MS_MIN = 300_000;

export interface Clock {
  /** Seconds since 1970 from the steady clock, fractional. Never goes back but by a step of more than a minute that has held. */
  nowS(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
}

/** A clock that tells what it holds against the wall clock. */
export interface MachineClock extends Clock {
  /** Seconds by which the wall clock was ahead of this clock when it was last read: not zero while a step is waiting. */
  pendingStepS(): number;
}

/**
 * The clock of this machine. Monotonic time stands still while the machine sleeps, so waking is a step like any other.
 *
 * @param startS what time it is now, for one that goes on where another clock of this process stopped; the wall clock's
 *   otherwise.
 */
export function systemClock(startS?: number): MachineClock {
  const steady = new SteadyClock(performance.now(), startS === undefined ? Date.now() : 1000 * startS);
  return {
    nowS: () => steady.nowS(performance.now(), Date.now()),
    monotonicMs: () => performance.now(),
    pendingStepS: () => steady.pendingStepS(),
  };
}

/** Makes steady time out of readings of both clocks, each in milliseconds. Pure: it reads neither itself. */
export class SteadyClock {
  /** Wall time = monotonic time + this. */
  #offsetMs: number;
  /** Monotonic time of the last reading. */
  #readAtMs: number;
  /** The offset of a step that is waiting, and since when (monotonic) it has held. */
  #pendingOffsetMs = 0;
  #pendingSinceMs: number | undefined;

  /** The wall clock at the start is believed, whatever it says: there is nothing to hold it against. */
  constructor(monotonicMs: number, wallMs: number) {
    this.#offsetMs = wallMs - monotonicMs;
    this.#readAtMs = monotonicMs;
  }

  /**
   * Seconds since 1970. It never goes back, unless a step back of more than `STEP_MS_MAX` has held.
   * A step has "held" when all readings over `STEP_HOLD_MS_MIN` agreed on it to within `STEP_MS_MAX`.
   */
  nowS(monotonicMs: number, wallMs: number): number {
    const offsetMs = wallMs - monotonicMs;
    // Behind, the offset shrinks more slowly than monotonic time grows, so that their sum still grows.
    const slowestMs = this.#offsetMs - (1 - CATCH_UP_SPEED) * (monotonicMs - this.#readAtMs);
    this.#readAtMs = monotonicMs;
    if (Math.abs(offsetMs - this.#offsetMs) <= STEP_MS_MAX) this.#follow(Math.max(offsetMs, slowestMs));
    else this.#consider(offsetMs, monotonicMs);
    return (monotonicMs + this.#offsetMs) / 1000;
  }

  /** See `MachineClock`. */
  pendingStepS(): number {
    return this.#pendingSinceMs === undefined ? 0 : (this.#pendingOffsetMs - this.#offsetMs) / 1000;
  }

  #follow(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    this.#pendingSinceMs = undefined;
  }

  #consider(offsetMs: number, monotonicMs: number): void {
    const another = Math.abs(offsetMs - this.#pendingOffsetMs) > STEP_MS_MAX;
    if (this.#pendingSinceMs === undefined || another) {
      this.#pendingOffsetMs = offsetMs;
      this.#pendingSinceMs = monotonicMs;
    } else if (monotonicMs - this.#pendingSinceMs >= STEP_HOLD_MS_MIN) {
      this.#follow(offsetMs);
    }
  }
}

/** A clock that a test moves. Both times start at `startS`, as if the machine had just been started then. */
export class SimulatedClock implements MachineClock {
  readonly #steady: SteadyClock;
  #monotonicMs = 0;
  #wallMs: number;

  /** @param startS seconds since 1970. */
  constructor(startS = 1_700_000_000) {
    this.#wallMs = startS * 1000;
    this.#steady = new SteadyClock(0, this.#wallMs);
  }

  nowS(): number {
    return this.#steady.nowS(this.#monotonicMs, this.#wallMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  pendingStepS(): number {
    return this.#steady.pendingStepS();
  }

  /** Lets time pass on both clocks. */
  advanceMs(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  /** Sets the wall clock forward or back, as an administrator or NTP would. */
  stepWallMs(ms: number): void {
    this.#wallMs += ms;
  }
}

/** The twin of `systemClock` for tests. */
export function simulatedClock(startS?: number): SimulatedClock {
  return new SimulatedClock(startS);
}
