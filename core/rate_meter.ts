/**
 * How fast something counts up of late: over the last minute, in steps of ten seconds. Time is the caller's, in seconds, and
 * never goes back.
 */

/** Seconds of one step, and steps that a rate is over: what comes every ten seconds must not make it swing. */
const STEP_S = 10, STEPS = 6;

export class RateMeter {
  /** By step: what was counted in it. Only the steps of the last minute are kept. */
  readonly #counts = new Float64Array(STEPS + 1);
  #step = -1;
  #beganS = -1;

  /** Adds `count` at `nowS`. */
  add(nowS: number, count: number): void {
    this.#moveTo(nowS);
    this.#counts[this.#step % this.#counts.length] += count;
  }

  /** Counts a second of late; undefined before there is a whole step to tell from. */
  perSecond(nowS: number): number | undefined {
    if (this.#beganS < 0) return undefined;
    this.#moveTo(nowS);
    const seconds = Math.min(nowS - this.#beganS, nowS - (this.#step - STEPS) * STEP_S);
    return seconds < STEP_S ? undefined : this.#counts.reduce((sum, count) => sum + count, 0) / seconds;
  }

  #moveTo(nowS: number): void {
    const step = Math.floor(nowS / STEP_S);
    if (this.#beganS < 0) [this.#beganS, this.#step] = [nowS, step];
    for (let steps = Math.min(step - this.#step, this.#counts.length); steps > 0; steps--) {
      this.#counts[(step - steps + 1) % this.#counts.length] = 0;
    }
    this.#step = Math.max(step, this.#step);
  }
}
