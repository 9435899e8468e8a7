/**
 * What each target said last, for the time when it says nothing: a page then shows since when, and the last numbers of
 * just this address, marked as old.
 */
import type { Answers } from "./answers.ts";

/** Pages kept. Beyond it the one shown longest ago goes first. */
const PAGES_MAX = 32;

/** Rows of the largest page that is kept. */
const ROWS_MAX = 100;

/** Targets whose silence is remembered; they are those that --target and --target-allow name. */
const TARGETS_MAX = 256;

/** What is known of a target that does not answer. */
export interface Silence {
  /** Seconds since 1970, when it was first asked in vain. */
  readonly sinceS: number;
  /** What it said last for this page. */
  readonly last: Answers | undefined;
}

export class LastGood {
  readonly #pages = new Map<string, Answers>();
  readonly #silentSinceS = new Map<string, number>();

  /** An answer has come. @param page what it was asked for, in one text */
  answered(address: string, page: string, answers: Answers): void {
    this.#silentSinceS.delete(address);
    if (answers.topN.entries.length > ROWS_MAX) return;
    this.#pages.delete(page);
    this.#pages.set(page, answers);
    if (this.#pages.size > PAGES_MAX) this.#pages.delete(this.#pages.keys().next().value!);
  }

  /** None has come at `nowS`. */
  silent(address: string, page: string, nowS: number): Silence {
    const sinceS = this.#silentSinceS.get(address) ?? nowS;
    if (this.#silentSinceS.size < TARGETS_MAX) this.#silentSinceS.set(address, sinceS);
    return { sinceS, last: this.#pages.get(page) };
  }
}
