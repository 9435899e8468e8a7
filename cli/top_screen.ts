/**
 * What `top` puts on the screen: pure text, one line a row, none wider than the screen. Whatever came from outside is made
 * printable here.
 *
 *     edge-1 (localhost:9090)  5m by prefix                              05:52:50 +01:00
 *     status=429
 *     ▁▁▂▂▅█▇  up to 1 234/s
 *     RANK      COUNT      %      /S     BYTES  MEAN MS  PREFIX
 *        1      1 234  12.3%     4.1    1.2 MB       12  192.0.2.0/24
 *             …
 *             90 000  70.1%   300     90.0 MB       12  (other)
 *     2 of 3 sources, missing: col-2
 *     Enter drill  Esc back  x exclude  …
 */
import { type TopNAnswer, type TrendAnswer } from "@/core/answer.ts";
import { OTHER_LABEL } from "@/core/dimensions.ts";
import { filterText } from "@/core/filter_tree.ts";
import { printable } from "@/core/host/printable.ts";
import type { ScreenSize } from "@/core/host/screen.ts";
import { unicodeWidth } from "@/core/host/std_unicode_width.ts";
import { BYTES, REQUESTS, TIME_SUM, type Values } from "@/core/measures.ts";
import { highestOf, ratesOf, rateText, sparkline } from "./sparkline.ts";
import { coverageLine, grouped, localTime } from "./table.ts";
import type { TopState } from "./top_state.ts";

/** What was answered last, and how it stands with the target. */
export interface Shown {
  readonly target: string;
  readonly answer: TopNAnswer | undefined;
  readonly trend: TrendAnswer | undefined;
  /** Why there is no newer answer; empty when there is. */
  readonly trouble: string;
  /** Minutes that local time is ahead of UTC. */
  readonly offsetMinutes: number;
}

/** Lines that are not rows of the ranking: title, filter, trend, headings; then rest and total, coverage, keys. */
const HEAD_LINES = 4, FOOT_LINES = 4;

/** Below this a ranking cannot be shown; what fits of it is. */
const ROWS_MIN = 1;

const BOLD = "\x1b[1m", REVERSE = "\x1b[7m", DIM = "\x1b[2m", RED = "\x1b[31m", YELLOW = "\x1b[33m", PLAIN = "\x1b[0m";

/** Rows of the ranking on a screen of this size. */
export function rankingRows({ rows }: ScreenSize): number {
  return Math.max(ROWS_MIN, rows - HEAD_LINES - FOOT_LINES);
}

/** The lines of the whole screen; at most `size.rows`. */
export function screenLines(state: TopState, shown: Shown, size: ScreenSize, coloured: boolean): readonly string[] {
  const { columns } = size, paint = coloured ? (code: string): string => code : (): string => "";
  const body = state.mode === "help" ? HELP.map((line) => fit(line, columns)) : ranking(state, shown, size);
  const lines = [
    `${REVERSE}${spread(title(state, shown), when(state, shown), columns)}${PLAIN}`,
    filterLine(state, columns, paint(RED)),
    fit(trendLine(shown.trend, columns), columns),
    ...body,
  ];
  while (lines.length < size.rows - 2) lines.push("");
  return [...lines.slice(0, size.rows - 2), statusLine(shown, columns, paint), `${DIM}${fit(keysLine(state), columns)}`]
    .slice(0, size.rows);
}

function title(state: TopState, { target, answer }: Shown): string {
  const name = answer === undefined || answer.source === target ? "" : `${printable(answer.source)} `;
  return ` ${name}(${printable(target)})  ${state.window} by ${state.groupBy}`;
}

function when(state: TopState, { answer, offsetMinutes }: Shown): string {
  const time = answer === undefined || answer.toS === 0 ? "" : localTime(answer.toS, offsetMinutes).slice(11);
  return `${state.paused ? "PAUSED  " : ""}${time} `;
}

function filterLine(state: TopState, columns: number, red: string): string {
  if (state.mode !== "filter") {
    return fit(state.filter === undefined ? "no filter" : `filter: ${printable(filterText(state.filter))}`, columns);
  }
  // The end of what is typed is what must be seen.
  const text = `filter: ${printable(state.typed)}_`, cut = [...text].slice(-columns).join("");
  return state.mistake === "" ? cut : `${red}${fit(`${cut}  ${printable(state.mistake)}`, columns)}`;
}

/** The whole window, as wide as the screen. */
function trendLine(trend: TrendAnswer | undefined, columns: number): string {
  if (trend === undefined || trend.points.length === 0) return "no trend";
  const rates = ratesOf(trend).map(({ perS }) => perS), note = `  up to ${rateText(highestOf(rates))}/s`;
  return sparkline(rates, columns - note.length) + note;
}

function ranking(state: TopState, { answer }: Shown, size: ScreenSize): string[] {
  if (answer === undefined) return ["", "waiting for an answer"];
  const rows = rankingRows(size), first = Math.max(0, Math.min(state.cursor - rows + 1, answer.entries.length - rows));
  const seconds = Math.max(1, answer.coverage.secondsCovered), all = answer.total[state.sort];
  const line = (rank: string, values: Values, bound: number, label: string): string =>
    inColumns(cells(rank, values, bound, seconds, state.sort, all), size.columns) + printable(label);
  const lines = answer.entries.slice(first, first + rows).map(({ label, values, countMax }, i) => {
    const text = fit(line(`${first + i + 1}`, values, countMax, label), size.columns),
      chosen = first + i === state.cursor;
    return chosen ? `${REVERSE}${pad(text, size.columns)}` : text;
  });
  while (lines.length < rows) lines.push("");
  return [
    `${BOLD}${fit(headings(state, answer, size.columns), size.columns)}`,
    ...lines,
    `${DIM}${fit(line("", answer.other, answer.other[REQUESTS], OTHER_LABEL), size.columns)}`,
    fit(line("", answer.total, answer.total[REQUESTS], "total"), size.columns),
  ];
}

/** Of the columns in front of the label; and how wide a screen must be to have them: labels need room too. */
const WIDTHS = [5, 14, 7, 10, 10, 9], SCREEN_MIN = [0, 0, 44, 52, 72, 80];

function headings(state: TopState, { groupBy }: TopNAnswer, columns: number): string {
  const names = ["RANK", "COUNT", "%", "/S", "BYTES", "MEAN MS"], sorted = [1, 4, 5, 5][state.sort];
  return inColumns(names.map((name, i) => i === sorted ? `${name}*` : name), columns) + groupBy.toUpperCase();
}

function cells(rank: string, values: Values, bound: number, seconds: number, sort: number, all: number): string[] {
  const requests = values[REQUESTS], share = all > 0 ? `${(100 * values[sort] / all).toFixed(1)}%` : "";
  const mean = requests > 0 ? Math.round(values[TIME_SUM] / requests) : 0;
  return [
    rank,
    (bound > requests ? "≥" : "") + grouped(requests),
    share,
    rateText(requests / seconds),
    bytesText(values[BYTES]),
    grouped(mean),
  ];
}

/** The cells that a screen of this width has room for, each at the right of its column. */
function inColumns(cells: readonly string[], columns: number): string {
  const shown = cells.map((cell, i) =>
    columns < SCREEN_MIN[i] ? "" : " ".repeat(Math.max(1, WIDTHS[i] - unicodeWidth(cell))) + cell
  );
  return `${shown.join("")}  `;
}

function statusLine({ answer, trouble }: Shown, columns: number, paint: (code: string) => string): string {
  if (trouble !== "") return `${paint(RED)}${fit(printable(trouble), columns)}`;
  if (answer === undefined) return "";
  const gaps = coverageLine(answer.coverage, false).trim();
  if (gaps !== "") return `${paint(YELLOW)}${fit(gaps, columns)}`;
  const unlisted = answer.unlistedMax > 0
    ? `nothing unlisted has more than ${grouped(answer.unlistedMax)} requests`
    : "";
  return fit(unlisted, columns);
}

function keysLine(state: TopState): string {
  if (state.mode === "filter") return "Enter: filter  Esc: leave it as it was  for example: status>=400 AND uri~=^/api";
  if (state.mode === "help") return "any key: back to the ranking";
  return "Enter drill  Esc back  x not  d by  w window  s sort  / filter  ? help  q quit";
}

const HELP: readonly string[] = [
  "",
  "  Up Down j k PgUp PgDn  choose a row",
  "  Enter Right            only this value, ranked by the next dimension",
  "  x                      without this value",
  "  Esc Left Backspace     back",
  "  d D, Tab               by the next dimension, by the one before",
  "  w W                    next window, the one before",
  "  s                      sort by the next measure (its column has a *)",
  "  /                      type a filter",
  "  c                      no filter",
  "  p Space                pause, go on",
  "  t                      next target",
  "  r                      ask again now",
  "  q Ctrl-C               quit",
  "",
  "  A count with ≥ is certain, and may be more: a full table gave part of it up.",
];

function bytesText(bytes: number): string {
  let unit = 0, value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** The text, or as much of it as fits, with an ellipsis behind it. */
export function fit(text: string, columns: number): string {
  if (unicodeWidth(text) <= columns) return text;
  let kept = "", width = 0;
  for (const character of text) {
    width += unicodeWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - unicodeWidth(text)));
}

/** One text at each edge; the left one gives way. */
function spread(left: string, right: string, columns: number): string {
  const room = columns - unicodeWidth(right);
  return room < 10 ? pad(fit(left, columns), columns) : pad(fit(left, room), room) + right;
}
