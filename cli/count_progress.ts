/**
 * The bar on standard error while files are counted: one line, rewritten in place, gone when the answer comes. It is made
 * of plain characters alone, so that there is nothing that NO_COLOR would have to switch off.
 */
import { durationText, rateText, sizeText } from "./count_numbers.ts";

/** What has been done so far. */
export interface Progress {
  /** Bytes of files, as they lie on disk. */
  readonly bytes: number;
  readonly lines: number;
}

/** Where a bar can be drawn. */
export interface Terminal {
  /** Characters of a line; asked anew every time, since windows change. */
  columns(): number;
  write(text: string): void;
}

/** Milliseconds between two drawings, and before the first: what is over by then needs no bar. */
const REDRAW_MS = 100;

const BAR_COLUMNS = 24;

export class ProgressBar {
  #drawnMs: number;
  /** Characters on the screen. */
  #width = 0;

  /**
   * @param terminal undefined: nothing is drawn
   * @param total bytes to read; undefined when something is a stream
   */
  constructor(
    readonly terminal: Terminal | undefined,
    readonly total: number | undefined,
    readonly nowMs: () => number,
    readonly startedMs = nowMs(),
  ) {
    this.#drawnMs = startedMs;
  }

  /** Draws when it is time. Cheap otherwise: it may be called for every chunk. @param progress asked only then */
  update(progress: () => Progress): void {
    if (this.terminal === undefined) return;
    const nowMs = this.nowMs();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    // The last column is left alone: some terminals go to the next line with it.
    const columns = Math.max(0, this.terminal.columns() - 1);
    const text = progressText(progress(), this.total, nowMs - this.startedMs, columns);
    this.terminal.write(`\r${text.padEnd(Math.min(this.#width, columns))}`);
    this.#width = text.length;
  }

  /** Leaves the line as it was found. */
  clear(): void {
    if (this.#width > 0) this.terminal?.write(`\r${" ".repeat(this.#width)}\r`);
    this.#width = 0;
  }
}

/**
 *     [##########··············]  42 %  260 MB of 620 MB  4.5 M lines/s  560 MB/s  1 s left
 *
 * As many of these as fit, the first ones first.
 */
export function progressText(
  { bytes, lines }: Progress,
  total: number | undefined,
  elapsedMs: number,
  columns: number,
): string {
  const seconds = elapsedMs / 1000;
  const rates = [`${rateText(lines / seconds)} lines/s`, `${sizeText(bytes / seconds)}/s`];
  const parts = total === undefined || total === 0
    ? [sizeText(bytes), `${rateText(lines)} lines`, ...rates]
    : [...shareTexts(bytes / total), `${sizeText(bytes)} of ${sizeText(total)}`, ...rates];
  if (total !== undefined && bytes > 0 && bytes <= total) {
    parts.push(`${durationText(seconds * (total / bytes - 1))} left`);
  }
  let text = "";
  for (const part of parts) {
    const longer = text === "" ? part : `${text}  ${part}`;
    if (longer.length > columns) break;
    text = longer;
  }
  return text;
}

function shareTexts(share: number): readonly string[] {
  const full = Math.min(1, share), marks = Math.floor(full * BAR_COLUMNS);
  return [`[${"#".repeat(marks).padEnd(BAR_COLUMNS, "·")}]`, `${Math.floor(full * 100)} %`.padStart(5)];
}
