/**
 * What a frontend knows of itself: a handler and clients that are watched from outside, so that neither knows of metrics.
 */
import { Histogram, SECONDS_BOUNDS } from "@/core/histogram.ts";
import type { MetricsPage } from "@/core/host/metrics_page.ts";
import type { ProcessState, RolePages } from "@/core/host/role_pages.ts";
import type { Client } from "@/proto/client.ts";
import { RemoteError } from "@/proto/remote_error.ts";
import { ANSWER_MS_MAX } from "./answers.ts";
import type { Handler } from "./handler.ts";
import { REQUEST, ROLE_METRICS, UPSTREAM } from "./metric_table.ts";

/** Questions that a page asks, in the order in which they are shown. */
const QUESTIONS = ["topn", "trend", "targets"] as const;

type Question = typeof QUESTIONS[number];

/** `ok`, or why there was no answer: a RemoteError's code. Anything else is a bug of ours. */
const OUTCOMES = ["ok", "unreachable", "timeout", "refused", "invalid", "protocol", "bug"] as const;

type Outcome = typeof OUTCOMES[number];

export class FrontendWatch {
  #waiting = 0;
  readonly #statuses = new Map<number, number>();
  readonly #seconds = new Histogram(SECONDS_BOUNDS);
  readonly #outcomes = new Map<Question, Map<Outcome, number>>(QUESTIONS.map((question) => [question, new Map()]));
  readonly #questionSeconds = new Map(QUESTIONS.map((question) => [question, new Histogram(SECONDS_BOUNDS)]));
  /** Why the target does not answer; empty while it does, undefined before it was asked. */
  #trouble: string | undefined;

  /** @param nowMs monotonic. */
  constructor(readonly nowMs: () => number) {}

  /** The same handler, watched. */
  handler(handler: Handler): Handler {
    return async (request, client) => {
      const beganMs = this.nowMs();
      this.#waiting++;
      try {
        const response = await handler(request, client), { status } = response;
        this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
        return response;
      } finally {
        this.#waiting--;
        this.#seconds.observe((this.nowMs() - beganMs) / 1000);
      }
    };
  }

  /** The same client, watched. @param isTarget whether it is that of --target, which decides about readiness. */
  client(client: Client, isTarget: boolean): Client {
    return {
      topN: (question, timeoutMs) => this.#watched("topn", isTarget, client.topN(question, timeoutMs)),
      trend: (question, timeoutMs) => this.#watched("trend", isTarget, client.trend(question, timeoutMs)),
      targets: (timeoutMs) => this.#watched("targets", isTarget, client.targets(timeoutMs)),
      snapshots: (signal) => client.snapshots(signal),
      deltas: (signal, has) => client.deltas(signal, has),
      close: () => client.close(),
    };
  }

  /** Asks whether the target is there. @param target a client that is watched. Never rejects. */
  async look(target: Pick<Client, "targets">): Promise<void> {
    await target.targets(ANSWER_MS_MAX).catch(() => {});
  }

  pages(process: () => ProcessState): RolePages {
    return {
      metrics: ROLE_METRICS,
      reasons: () => this.#trouble === undefined ? ["the target has not been asked yet"] : this.#troubles(),
      add: (page) => this.#add(page),
      process,
    };
  }

  #troubles(): readonly string[] {
    return this.#trouble ? [this.#trouble] : [];
  }

  async #watched<Answer>(question: Question, isTarget: boolean, asked: Promise<Answer>): Promise<Answer> {
    const beganMs = this.nowMs();
    let outcome: Outcome = "ok", trouble = "";
    try {
      return await asked;
    } catch (error) {
      outcome = error instanceof RemoteError ? error.code : "bug";
      // A question that it does not understand is an answer.
      if (error instanceof RemoteError && error.code !== "invalid") trouble = error.message;
      throw error;
    } finally {
      const outcomes = this.#outcomes.get(question)!;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      this.#questionSeconds.get(question)!.observe((this.nowMs() - beganMs) / 1000);
      if (isTarget) this.#trouble = trouble;
    }
  }

  #add(page: MetricsPage): void {
    for (const [status, answered] of this.#statuses) page.add(REQUEST.answered, answered, String(status));
    page.addHistogram(REQUEST.seconds, this.#seconds);
    page.add(REQUEST.waiting, this.#waiting);
    if (this.#trouble !== undefined) page.add(UPSTREAM.up, this.#trouble === "" ? 1 : 0);
    for (const [question, outcomes] of this.#outcomes) {
      for (const outcome of OUTCOMES) page.add(UPSTREAM.asked, outcomes.get(outcome) ?? 0, question, outcome);
    }
    for (const [question, seconds] of this.#questionSeconds) page.addHistogram(UPSTREAM.seconds, seconds, question);
  }
}
