/**
 * The clock of a role: seconds since 1970 that do not jump when somebody sets the machine's time.
 *
 * Rings advance by monotonic time. The wall clock only says where on the calendar that is: it is followed at once
 * while it drifts by little (NTP slewing), and after it has held for five minutes when it jumps, since a jump that
 * is taken back (a bad NTP peer, a virtual machine that was paused and corrected) would otherwise empty every ring.
 */

/** Milliseconds that the wall clock may be away from the steady clock and still be followed at once. */
export const STEP_MS_MAX = 60_000;

/** Milliseconds that a larger step must hold before it is applied. */
export const STEP_HOLD_MS_MIN = 300_000;

export interface Clock {
  /** Seconds since 1970 from the steady clock, fractional. It may go back by up to a minute, when the wall clock does. */
  nowS(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
}

/** The clock of this machine. Monotonic time stands still while the machine sleeps, so waking is a step like any other. */
export function systemClock(): Clock {
  const steady = new SteadyClock(performance.now(), Date.now());
  return {
    nowS: () => steady.nowS(performance.now(), Date.now()),
    monotonicMs: () => performance.now(),
  };
}

/** Makes steady time out of readings of both clocks, each in milliseconds. Pure: it reads neither itself. */
export class SteadyClock {
  /** Wall time = monotonic time + this. */
  #offsetMs: number;
  /** The offset of a step that is waiting, and since when (monotonic) it has held. */
  #pendingOffsetMs = 0;
  #pendingSinceMs: number | undefined;

  /** The wall clock at the start is believed, whatever it says: there is nothing to hold it against. */
  constructor(monotonicMs: number, wallMs: number) {
    this.#offsetMs = wallMs - monotonicMs;
  }

  /**
   * Seconds since 1970. It goes back by no more than `STEP_MS_MAX` at once, unless a larger step back has held.
   * A step has "held" when all readings over `STEP_HOLD_MS_MIN` agreed on it to within `STEP_MS_MAX`.
   */
  nowS(monotonicMs: number, wallMs: number): number {
    const offsetMs = wallMs - monotonicMs;
    if (Math.abs(offsetMs - this.#offsetMs) <= STEP_MS_MAX) this.#follow(offsetMs);
    else this.#consider(offsetMs, monotonicMs);
    return (monotonicMs + this.#offsetMs) / 1000;
  }

  /** Seconds by which the wall clock is ahead of this clock: not zero while a step is waiting. For display. */
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
export class SimulatedClock implements Clock {
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
