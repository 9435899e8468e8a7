/**
 * Pages as they were drawn last, for whoever looks at the same within the second in which they say how old their data is:
 * a wall of screens costs one drawing a second.
 */
import type { Answers } from "./answers.ts";

/** Pages kept, and characters of the longest: 20 MB at most. Beyond it the one drawn longest ago goes first. */
const PAGES_MAX = 32, PAGE_CHARS_MAX = 300_000;

interface Drawn {
  readonly answers: Answers;
  readonly second: number;
  readonly html: string;
}

export class RecentPages {
  readonly #pages = new Map<string, Drawn>();

  /** The page with this address, drawn anew unless it was drawn from the same answers in the same second. */
  page(address: string, { topN, trend }: Answers, nowS: number, draw: () => string): string {
    const known = this.#pages.get(address), second = Math.floor(nowS);
    if (known?.second === second && known.answers.topN === topN && known.answers.trend === trend) return known.html;
    const html = draw();
    this.#pages.delete(address);
    if (html.length <= PAGE_CHARS_MAX) this.#pages.set(address, { answers: { topN, trend }, second, html });
    if (this.#pages.size > PAGES_MAX) this.#pages.delete(this.#pages.keys().next().value!);
    return html;
  }
}
