/**
 * Questions that are asked again and again, as by pages that reload: they are asked once more of what is new before somebody
 * does. The first question over a new bucket numbers its values and adds up its rows by what it groups, which is most of what it
 * takes (`derived.ts`); whoever asks then finds that done.
 *
 * One at a turn, the one asked last first, and only for so long: who asks meanwhile waits for one of them at most.
 */
import type { TopNQuestion } from "@/core/answer.ts";

/** Questions that are remembered; of more, the one that was asked longest ago is forgotten. */
const QUESTIONS_MAX = 32;
/** Milliseconds after which a question that nobody asks again is forgotten. */
const ASKED_MS_MAX = 60_000;
/** Milliseconds that asking again may take each time that something is new. */
const AGAIN_MS_MAX = 200;

export class StandingQuestions {
  /** By their text; the one asked last comes last. */
  readonly #asked = new Map<string, { readonly question: TopNQuestion; readonly askedMs: number }>();
  #waiting: TopNQuestion[] = [];
  #spentMs = 0;
  #isComing = false;

  /**
   * @param ask what it throws, a question as too expensive, makes that one forgotten.
   * @param later calls back after everything else has been looked at.
   */
  constructor(
    readonly ask: (question: TopNQuestion) => void,
    readonly monotonicMs: () => number,
    readonly later: (then: () => void) => void,
  ) {}

  /** Somebody asks. */
  note(question: TopNQuestion): void {
    const text = JSON.stringify(question);
    this.#asked.delete(text);
    this.#asked.set(text, { question, askedMs: this.monotonicMs() });
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= QUESTIONS_MAX) break;
      this.#asked.delete(oldest);
    }
  }

  /** Something is new: all that are still asked will be asked of it. */
  refresh(): void {
    const nowMs = this.monotonicMs();
    for (const [text, { askedMs }] of this.#asked) if (nowMs - askedMs > ASKED_MS_MAX) this.#asked.delete(text);
    this.#waiting = [...this.#asked.values()].map(({ question }) => question);
    this.#spentMs = 0;
    this.#come();
  }

  #come(): void {
    if (this.#isComing || this.#waiting.length === 0) return;
    this.#isComing = true;
    this.later(() => {
      this.#isComing = false;
      const question = this.#waiting.pop();
      if (question === undefined) return;
      const beganMs = this.monotonicMs();
      try {
        this.ask(question);
      } catch {
        this.#asked.delete(JSON.stringify(question));
      }
      this.#spentMs += this.monotonicMs() - beganMs;
      if (this.#spentMs > AGAIN_MS_MAX) this.#waiting = [];
      this.#come();
    });
  }
}
