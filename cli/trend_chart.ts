/**
 * A trend as a chart for a terminal: requests a second over the window, in blocks.
 *
 *     123/s ┤      ▂█
 *           │     ▅██▁
 *      62/s ┤    ▇████
 *           │▃▄▅▆█████▆▅
 *         0 └───·──────┄
 *           05:45      05:49
 */
import type { TrendAnswer } from "@/core/answer.ts";
import { dim, localTime } from "./table.ts";
import { GAP, highestOf, inColumns, LEVELS, type Rate, ratesOf, rateText } from "./sparkline.ts";
import type { Shell } from "./shell.ts";

/** A terminal must be so wide to have a chart. */
export const CHART_COLUMNS_MIN = 60;

/** More would show no more. */
const COLUMNS_MAX = 200;

/** Rows of blocks; with the axis and its times two more. Even, so that there is a middle. */
const ROWS = 8;

/** Columns that one step may take when there are few. */
const STEP_COLUMNS_MAX = 8;

/** Columns between the beginnings of two times on the axis, at least. */
const TIME_GAP = 12;

/** The chart with its axes, and what its marks mean where there are any; undefined without points. */
export function trendChart(
  answer: TrendAnswer,
  columns: number,
  shell: Pick<Shell, "styled" | "offsetMinutes">,
): string | undefined {
  const rates = ratesOf(answer);
  if (rates.length === 0) return undefined;
  const highest = highestOf(rates.map(({ perS }) => perS));
  const names = [`${rateText(highest)}/s`, `${rateText(highest / 2)}/s`, "0"];
  const margin = Math.max(...names.map(({ length }) => length)) + 1;
  const { bars, columnsPerStep, stepsPerBar } = barsOf(rates, Math.min(columns, COLUMNS_MAX) - margin - 1);
  const wide = (text: string): string => text.repeat(columnsPerStep);
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const below = ROWS - 1 - row, name = row === 0 ? names[0] : row === ROWS / 2 ? names[1] : "";
    const blocks = bars.map((bar) => wide(block(bar, highest, below))).join("").trimEnd();
    return `${name.padStart(margin - 1)} ${name === "" ? "│" : "┤"}${blocks}\n`;
  });
  const open = new Set(
    bars.keys().filter((bar) => rates.slice(bar * stepsPerBar, (bar + 1) * stepsPerBar).some(isOpen)),
  );
  const axis = bars.map((bar, i) => wide(bar === null ? GAP : open.has(i) ? "┄" : "─")).join("");
  const times = timesLine(rates, stepsPerBar, columnsPerStep, answer.stepS, shell);
  return rows.join("") + `${"0".padStart(margin - 1)} └${axis}\n` + `${" ".repeat(margin + 1)}${times}`.trimEnd() +
    "\n" +
    legend(answer, bars.includes(null), open.size > 0, stepsPerBar, shell.styled);
}

function isOpen({ incomplete }: Rate): boolean {
  return incomplete;
}

interface Bars {
  /** Requests a second: the highest of the steps that a bar stands for; null where nothing is known. */
  readonly bars: readonly (number | null)[];
  readonly stepsPerBar: number;
  readonly columnsPerStep: number;
}

/** As many columns a step as there is room for, or as many steps a column as it takes. */
function barsOf(rates: readonly Rate[], room: number): Bars {
  const bars = inColumns(rates.map(({ perS }) => perS), room), stepsPerBar = Math.ceil(rates.length / bars.length);
  return { bars, stepsPerBar, columnsPerStep: Math.min(STEP_COLUMNS_MAX, Math.max(1, Math.floor(room / bars.length))) };
}

/** What of a bar is in one row; anything above zero shows in the lowest. */
function block(bar: number | null, highest: number, below: number): string {
  if (bar === null || bar <= 0) return " ";
  const eighths = Math.max(1, Math.round(bar / highest * ROWS * 8)) - below * 8;
  return eighths <= 0 ? " " : LEVELS[Math.min(8, eighths) - 1];
}

/** The times at which bars begin, as close as they can be read. */
function timesLine(
  rates: readonly Rate[],
  stepsPerBar: number,
  columnsPerStep: number,
  stepS: number,
  shell: Pick<Shell, "offsetMinutes">,
): string {
  let line = "";
  for (let bar = 0; bar * stepsPerBar < rates.length; bar++) {
    const at = bar * columnsPerStep, { startS } = rates[bar * stepsPerBar];
    if (line !== "" && at < line.length + TIME_GAP - "00:00".length) continue;
    line = line.padEnd(at) + localTime(startS, shell.offsetMinutes(startS)).slice(11, stepS % 60 === 0 ? 16 : 19);
  }
  return line;
}

function legend(answer: TrendAnswer, gaps: boolean, open: boolean, stepsPerBar: number, styled: boolean): string {
  const notes = [
    ...stepsPerBar > 1 ? [`each column is the highest of ${stepsPerBar} steps of ${answer.stepS} s`] : [],
    ...gaps ? [`${GAP} nothing is known`] : [],
    ...open ? ["┄ not complete yet"] : [],
  ];
  return notes.length === 0 ? "" : dim(`${notes.join("   ")}\n`, styled);
}
