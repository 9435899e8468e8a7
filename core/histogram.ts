/**
 * A histogram as Prometheus has them: how many observations were at most each bound, and what all of them add up to. It
 * only grows.
 */

/** Upper bounds of times, in seconds: those that Prometheus' own libraries have, and the original for requests. */
export const SECONDS_BOUNDS: readonly number[] = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10];

export class Histogram {
  /** Observations between each bound and the one before it; the last are those above all bounds. */
  readonly counts: Float64Array<ArrayBuffer>;
  sum = 0;

  /** @param bounds upper ones, rising; an observation that equals one is within it. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > this.bounds[at]) at++;
    this.counts[at]++;
    this.sum += value;
  }

  /** All observations. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}
