/**
 * Turns: heavy work that comes from many sides at once is taken piece by piece, first come, first served, and between two turns
 * whatever else has come is looked at, such as questions.
 *
 * Between them stands a timer of 0 ms and not `setImmediate`: with that the runtime looks at its sockets only once in about 60
 * turns (measured on Deno 2.9: an echo took 300 ms between pieces of 5 ms, and 5 ms with a timer, which costs 1 to 2 ms).
 */

/** What one turn may cost. A piece that costs more has a turn of its own. */
export class Turns {
  readonly #waiting: { readonly cost: number; readonly go: () => void }[] = [];
  #isComing = false;

  /**
   * @param costMax of the pieces of one turn together, in whatever unit `take` is told.
   * @param later calls back after everything else has been looked at.
   */
  constructor(readonly costMax: number, readonly later: (then: () => void) => void = afterAll) {}

  /** Resolves when it is the caller's turn: its work has to follow at once. */
  take(cost: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ cost, go: resolve });
      this.#come();
    });
  }

  #come(): void {
    if (this.#isComing || this.#waiting.length === 0) return;
    this.#isComing = true;
    this.later(() => this.#turn());
  }

  #turn(): void {
    let cost = 0, pieces = 0;
    while (pieces < this.#waiting.length && (pieces === 0 || cost + this.#waiting[pieces].cost <= this.costMax)) {
      cost += this.#waiting[pieces++].cost;
    }
    for (const { go } of this.#waiting.splice(0, pieces)) go();
    this.#isComing = false;
    this.#come();
  }
}

function afterAll(then: () => void): void {
  setTimeout(then, 0);
}
