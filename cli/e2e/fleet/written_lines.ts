/** What was written to the logs of a fleet, by slices of ten seconds, so that any window can be held to it. */
import { line } from "@/cli/e2e/lines.ts";
import { type Counts, increment } from "@/cli/e2e/tally.ts";
import { FINEST_S, sliceStart } from "@/core/slices.ts";

/** By what lines are counted here. */
export const WRITTEN_BY = ["website", "status", "source"] as const;
export type WrittenBy = typeof WRITTEN_BY[number];

const STATUSES = ["200", "200", "200", "200", "301", "404", "429", "503"];
const SITES = 5;

/** Seconds by which the time of a line lies before it is written, at most: requests that took long. */
const LATE_SECONDS_MAX = 8;

export class WrittenLines {
  /** Of all logs. */
  lines = 0;
  readonly #slices = new Map<number, Readonly<Record<WrittenBy, Counts>>>();

  count(timeS: number, values: Readonly<Record<WrittenBy, string>>): void {
    const startS = sliceStart(timeS, FINEST_S);
    const slice = this.#slices.get(startS) ?? { website: new Map(), status: new Map(), source: new Map() };
    this.#slices.set(startS, slice);
    for (const by of WRITTEN_BY) increment(slice[by], values[by]);
    this.lines++;
  }

  /** Of the slices in [fromS, toS). */
  within(fromS: number, toS: number, by: WrittenBy): Counts {
    const counts: Counts = new Map();
    for (const [startS, slice] of this.#slices) {
      if (startS < fromS || startS >= toS) continue;
      for (const [value, lines] of slice[by]) increment(counts, value, lines);
    }
    return counts;
  }

  /** Lines of one source. */
  of(source: string): number {
    return this.within(0, Infinity, "source").get(source) ?? 0;
  }
}

/** The log of one host, written a few lines at a time. */
export class FleetLog {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();

  constructor(
    readonly path: string,
    readonly source: string,
    readonly written: WrittenLines,
    readonly random: () => number,
  ) {
    this.#file = Deno.openSync(path, { append: true, create: true });
  }

  append(lines: number): void {
    let text = "";
    for (let i = 0; i < lines; i++) {
      const website = `site-${Math.floor(SITES * this.random() ** 2)}`;
      const status = STATUSES[Math.floor(STATUSES.length * this.random())];
      // In milliseconds, as nginx writes it, so that both sides find the same slice.
      const timeMs = Math.floor(Date.now() - 1000 * LATE_SECONDS_MAX * this.random() ** 4);
      text += line({ host: website, uri: `/p${Math.floor(50 * this.random())}`, status, time: timeText(timeMs) });
      this.written.count(timeMs / 1000, { website, status, source: this.source });
    }
    const bytes = this.#encoder.encode(text);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }

  close(): void {
    this.#file.close();
  }
}

function timeText(ms: number): string {
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}`;
}
