/** What an asker is told and tells: `asker_worker.ts` is the thread, this is the side of whoever measures. */
import type { TopNQuestion } from "@/core/answer.ts";
import type { DimensionName } from "@/core/dimensions.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { WindowName } from "@/core/slices.ts";

export interface AskerOrder {
  readonly port: number;
  readonly questionsPerS: number;
  /** A slice that was published just now, and how many sources it is of. */
  readonly endS: number;
  readonly sources: number;
}

export type AskerReport =
  | { readonly kind: "answered"; readonly ms: number }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "skipped" }
  | { readonly kind: "delivered"; readonly endS: number; readonly ms: number };

/** Asked in turn: what somebody looks at who looks into trouble. */
export const QUESTIONS: readonly TopNQuestion[] = [
  question("5m", "website"),
  question("5m", "prefix", "status=429"),
  question("1m", "uri"),
  question("15m", "prefix"),
  question("5m", "source"),
  question("5m", "uri", "status>=400"),
  question("60m", "website", "status=503"),
  question("1m", "status"),
];

function question(window: WindowName, groupBy: DimensionName, expression = ""): TopNQuestion {
  const parsed = parseFilter(expression);
  if ("mistake" in parsed) throw new Error(`Cannot ask ${expression}: ${parsed.mistake.message}`);
  return { window, groupBy, n: 25, sort: REQUESTS, filter: parsed.filter };
}

/** What an asker has told so far. */
export class Asker {
  /** Milliseconds of every answer since they were last taken. */
  #answers: number[] = [];
  #failures: string[] = [];
  skipped = 0;
  readonly #worker = new Worker(new URL("./asker_worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, (ms: number) => void>();

  constructor(port: number, questionsPerS: number) {
    this.#worker.onmessage = ({ data }: MessageEvent<AskerReport>) => this.#take(data);
    this.#post({ port, questionsPerS, endS: 0, sources: 0 });
  }

  /** Resolves with the milliseconds until all of `sources` sources have delivered the slice that ends at `endS`. */
  delivered(endS: number, sources: number): Promise<number> {
    const told = new Promise<number>((resolve) => this.#waiting.set(endS, resolve));
    this.#post({ port: 0, questionsPerS: 0, endS, sources });
    return told;
  }

  takeAnswers(): readonly number[] {
    const answers = this.#answers;
    this.#answers = [];
    return answers;
  }

  takeFailures(): readonly string[] {
    const failures = this.#failures;
    this.#failures = [];
    return failures;
  }

  stop(): void {
    this.#worker.terminate();
  }

  #post(order: AskerOrder): void {
    this.#worker.postMessage(order);
  }

  #take(report: AskerReport): void {
    if (report.kind === "answered") this.#answers.push(report.ms);
    else if (report.kind === "failed") this.#failures.push(report.why);
    else if (report.kind === "skipped") this.skipped++;
    else {
      this.#waiting.get(report.endS)?.(report.ms);
      this.#waiting.delete(report.endS);
    }
  }
}
