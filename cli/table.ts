/** Tables for people: pure text. Every label and name is made printable here, and nowhere before. */
import { type Coverage, isExact, isSaturated, type TargetInfo, type TopNAnswer } from "@/core/answer.ts";
import { dimensionIndex, DIMENSIONS, OTHER_LABEL } from "@/core/dimensions.ts";
import { printable } from "@/core/host/printable.ts";
import { unicodeWidth } from "@/core/host/std_unicode_width.ts";
import { COUNTED, kernelDrops, type Ledger, LEDGER_REASONS, LINE_REASON_COUNT, LOGS_CUT, READ } from "@/core/ledger.ts";
import { MEASURES, REQUESTS } from "@/core/measures.ts";
import { proxyAmongClients } from "@/core/special_prefixes.ts";
import type { Minute } from "./json.ts";
import type { Shell } from "./shell.ts";

/** Between groups of three digits: narrow, and never a line break. */
const THIN_SPACE = "\u202f";

/** Sources that are missing are named up to this many. */
const NAMES_MAX = 10;

/**
 *     RANK   COUNT             LABEL
 *        1  12 345 (≤ 12 400)  example.com
 *        2     678             example.net
 *               90             (other)
 *     no website that is not listed has more than 80 requests
 *
 * The most a count can be stands behind it only where it differs, and the last line only in an answer that is not exact.
 * Ranked by another measure, that has a column too.
 *
 * @param sort index into MEASURES
 */
export function topNTable(answer: TopNAnswer, sort: number, styled: boolean): string {
  const { entries, other, coverage } = answer;
  const notes = unlistedLine(answer, sort, styled) + totalLine(answer, styled) + coverageLine(coverage, styled);
  const withOther = other[REQUESTS] > 0 || other[sort] > 0;
  if (entries.length === 0 && !withOther) {
    return dim(`no requests ${answer.unlistedMax > 0 ? "certainly " : ""}match\n`, styled) + notes;
  }
  const listed = [
    ...entries.map(({ label, values, countMax }, index) => ({ rank: `${index + 1}`, values, countMax, label })),
    ...(withOther ? [{ rank: "", values: other, countMax: other[REQUESTS], label: OTHER_LABEL }] : []),
  ];
  // Counts align among themselves, whatever stands behind them.
  const digits = Math.max("COUNT".length, ...listed.map(({ values }) => grouped(values[REQUESTS]).length));
  const rows = listed.map(({ rank, values, countMax, label }) => {
    const count = grouped(values[REQUESTS]).padStart(digits);
    const bound = countMax > values[REQUESTS] ? ` (≤ ${grouped(countMax)})` : "";
    return [rank, count + bound, ...(sort === REQUESTS ? [] : [grouped(values[sort])]), printable(label)];
  });
  const measure = sort === REQUESTS ? [] : [measureHeading(sort)];
  const heading = ["RANK", "COUNT".padStart(digits), ...measure, "LABEL"];
  return aligned([heading, ...rows], [true, false, measure.length > 0]) + notes;
}

/** `no website that is not listed has more than 80 requests`; nothing below an answer that is exact. */
function unlistedLine(answer: TopNAnswer, sort: number, styled: boolean): string {
  if (isExact(answer, sort)) return "";
  const { title } = DIMENSIONS[dimensionIndex(answer.groupBy)];
  return dim(`no ${title} that is not listed has more than ${grouped(answer.unlistedMax)} requests\n`, styled);
}

/** `at most 12 345 requests match`; nothing below an answer whose total is exact. */
function totalLine({ total, totalMax }: TopNAnswer, styled: boolean): string {
  return totalMax > total[REQUESTS] ? dim(`at most ${grouped(totalMax)} requests match\n`, styled) : "";
}

/** A hint below a ranking of all clients by requests in which a load balancer stands for them. */
export function proxyLine(answer: TopNAnswer | undefined, styled: boolean): string {
  const client = answer === undefined ? undefined : proxyAmongClients(answer);
  if (client === undefined) return "";
  return dim(`${printable(client)} is private: a load balancer? then nginx needs set_real_ip_from\n`, styled);
}

/** `=== col-1 (nginx1:9090) ===`, when several targets were asked. */
export function targetHeading(source: string, target: string): string {
  const [name, address] = [printable(source), printable(target)];
  return `=== ${name === "" || name === address ? address : `${name} (${address})`} ===\n`;
}

/** One row a source that the target follows. */
export function targetsTable(infos: readonly TargetInfo[], shell: Pick<Shell, "styled" | "offsetMinutes">): string {
  if (infos.length === 0) return dim("no sources\n", shell.styled);
  const rows = infos.map(({ name, address, state, newestS, problem, ledger, linesPerS, skewMs }) => [
    printable(name) || "-",
    printable(address),
    state,
    newestS > 0 ? localTime(newestS, shell.offsetMinutes(newestS)) : "-",
    skewMs === undefined ? "-" : `${(skewMs / 1000).toFixed(1)} s`,
    linesPerS === undefined ? "-" : grouped(linesPerS),
    grouped(ledger[READ]),
    notCounted(ledger),
    dropped(ledger),
    printable(problem),
  ]);
  return aligned([[
    "NAME",
    "ADDRESS",
    "STATE",
    "NEWEST",
    "SKEW",
    "LINES/S",
    "LINES",
    "NOT COUNTED",
    "KERNEL DROPS",
    "PROBLEM",
  ], ...rows], [
    false,
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
}

/** Lines that were not counted, by reason, and logs with which others may be lost; `0` when all were. */
function notCounted(ledger: Ledger): string {
  const reasons = LEDGER_REASONS.slice(0, LINE_REASON_COUNT).flatMap((reason, r) =>
    r === READ || r === COUNTED || ledger[r] === 0 ? [] : [`${reason} ${grouped(ledger[r])}`]
  );
  if (ledger[LOGS_CUT] > 0) reasons.push(`logs_cut ${grouped(ledger[LOGS_CUT])}`);
  return reasons.length === 0 ? "0" : reasons.join(", ");
}

/** Datagrams that the kernel dropped: what it never told is not 0. */
function dropped(ledger: Ledger): string {
  const datagrams = kernelDrops(ledger);
  return datagrams === null ? "unknown" : grouped(datagrams);
}

/** One line of `stream`. */
export function minuteLine(
  minute: Minute,
  target: string,
  several: boolean,
  shell: Pick<Shell, "offsetMinutes">,
): string {
  const parts = [
    localTime(minute.startS, shell.offsetMinutes(minute.startS)),
    ...(several ? [`${printable(minute.source)} (${printable(target)})`] : []),
    minute.coarse ? "5m" : "1m",
    `${grouped(minute.entries)} ${minute.entries === 1 ? "entry" : "entries"}`,
    ...(minute.topLabel === undefined ? [] : [`top ${grouped(minute.topCount)}`, printable(minute.topLabel)]),
  ];
  return parts.join("  ") + "\n";
}

/** `2 of 3 sources, missing: col-2`; nothing when everything is there. */
export function coverageLine(coverage: Coverage, styled: boolean): string {
  const { expected, present, missing, secondsCovered, seconds } = coverage;
  const parts: string[] = [];
  if (present < expected || missing.length > 0) {
    const names = missing.slice(0, NAMES_MAX).map(printable).join(", ");
    const more = missing.length > NAMES_MAX ? ` and ${missing.length - NAMES_MAX} more` : "";
    parts.push(`${present} of ${expected} sources${names === "" ? "" : `, missing: ${names}${more}`}`);
  }
  if (secondsCovered < seconds) parts.push(`${grouped(secondsCovered)} of ${grouped(seconds)} s covered`);
  return parts.length === 0 ? "" : dim(`${parts.join("; ")}\n`, styled);
}

/** `12 345`: whole, in groups of three; `≥ 9 007 199 254 740 991` for a sum that can be more. */
export function grouped(value: number): string {
  const digits = String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
  return isSaturated(value) ? `≥${THIN_SPACE}${digits}` : digits;
}

/** `2026-11-21 05:52:50 +01:00`; `-` for a time that no calendar has. */
export function localTime(timeS: number, offsetMinutes: number): string {
  const shifted = new Date((timeS + offsetMinutes * 60) * 1000);
  if (Number.isNaN(shifted.getTime())) return "-";
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
  const offset = `${offsetMinutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${
    String(minutes).padStart(2, "0")
  }`;
  return `${shifted.toISOString().slice(0, 19).replace("T", " ")} ${offset}`;
}

/** Rows as columns, two blanks apart; nothing behind the last cell of a line. */
export function aligned(rows: readonly (readonly string[])[], right: readonly boolean[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, unicodeWidth(cell)));
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const blanks = " ".repeat(widths[column] - unicodeWidth(cell));
      return right[column] ? blanks + cell : cell + blanks;
    });
    return `${cells.join("  ").trimEnd()}\n`;
  }).join("");
}

/** Faint on a terminal that wants it. */
export function dim(text: string, styled: boolean): string {
  return styled ? `\x1b[2m${text.trimEnd()}\x1b[0m\n` : text;
}

/** `BYTES`, `TIME SUM MS`. */
function measureHeading(sort: number): string {
  const { name, unit } = MEASURES[sort];
  return (name === unit ? name : `${name} ${unit}`).replaceAll("_", " ").toUpperCase();
}
