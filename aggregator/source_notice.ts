/** What is said of a source for a while after buckets of its did not come, or could not be used: how many, and why the last. */
import { GAP_NOTICE_SECONDS } from "@/core/bounds.ts";

/** What is still to be said, and for how long. */
export interface Left {
  readonly count: number;
  readonly why: string;
  readonly leftMs: number;
}

export class SourceNotice {
  #count = 0;
  #why = "";
  #untilMs = -Infinity;

  /** @param what became of them: `missing`, `refused`. */
  constructor(readonly what: string, readonly nowMs: () => number) {}

  add(buckets: number, why: string): void {
    if (this.nowMs() >= this.#untilMs) this.#count = 0;
    this.#count += buckets;
    this.#why = why;
    this.#untilMs = this.nowMs() + 1000 * GAP_NOTICE_SECONDS;
  }

  /** It was not so, or is not so any more. */
  takeBack(): void {
    this.#untilMs = -Infinity;
  }

  /** What is still to be said, for a restart; null when nothing is. */
  left(): Left | null {
    const leftMs = this.#untilMs - this.nowMs();
    return leftMs > 0 ? { count: this.#count, why: this.#why, leftMs } : null;
  }

  /** Goes on where a former process stopped. */
  restore({ count, why, leftMs }: Left): void {
    this.#count = count;
    this.#why = why;
    this.#untilMs = this.nowMs() + leftMs;
  }

  /** Empty when nothing was added for a while. */
  text(): string {
    if (this.nowMs() >= this.#untilMs) return "";
    return `${this.#count} ${this.#count === 1 ? "bucket is" : "buckets are"} ${this.what}: ${this.#why}`;
  }
}
