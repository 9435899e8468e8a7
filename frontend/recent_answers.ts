/**
 * Answers for whoever asks the same within a second. A wall of screens that reload the same page asks the target once:
 * its data changes every ten seconds, so nobody sees anything older than they would have.
 */
import { filterText } from "@/core/filter_tree.ts";
import type { TopNAnswer, TopNQuestion, TrendAnswer, TrendQuestion } from "@/core/answer.ts";
import type { Client } from "@/proto/client.ts";

/** Milliseconds for which an answer is given again. */
export const RECENT_MS_MAX = 1000;

/** Answers kept at once. Beyond it the oldest goes first. */
const RECENT_MAX = 64;

/** Entries of the largest ranking that is kept: others are rare, and megabytes. */
const RECENT_ENTRIES_MAX = 1000;

interface Recent {
  readonly atMs: number;
  readonly answer: Promise<unknown>;
}

export class RecentAnswers {
  readonly #answers = new Map<string, Recent>();

  constructor(readonly nowMs: () => number) {}

  topN(client: Client, address: string, question: TopNQuestion, timeoutMs: number): Promise<TopNAnswer> {
    const { window, groupBy, n, sort, detail, filter } = question;
    const ask = (): Promise<TopNAnswer> => client.topN(question, timeoutMs);
    if (n > RECENT_ENTRIES_MAX) return ask();
    return this.#once([address, "top", window, groupBy, n, sort, detail, filter && filterText(filter)], ask);
  }

  trend(client: Client, address: string, question: TrendQuestion, timeoutMs: number): Promise<TrendAnswer> {
    const { window, detail, filter } = question;
    return this.#once(
      [address, "trend", window, detail, filter && filterText(filter)],
      () => client.trend(question, timeoutMs),
    );
  }

  /** The answer under this key: one that is under way or recent, else a new one. Failures are not kept. */
  #once<Answer>(parts: readonly unknown[], ask: () => Promise<Answer>): Promise<Answer> {
    const key = JSON.stringify(parts), known = this.#answers.get(key), nowMs = this.nowMs();
    if (known !== undefined && nowMs - known.atMs < RECENT_MS_MAX) return known.answer as Promise<Answer>;
    const answer = ask();
    this.#answers.delete(key);
    this.#answers.set(key, { atMs: nowMs, answer });
    if (this.#answers.size > RECENT_MAX) this.#answers.delete(this.#answers.keys().next().value!);
    answer.catch(() => {
      if (this.#answers.get(key)?.answer === answer) this.#answers.delete(key);
    });
    return answer;
  }
}
