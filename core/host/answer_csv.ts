/**
 * The ranking as CSV (`format=csv`, RFC 4180): what a spreadsheet opens. Entries have a rank; `(other)` and `total` stand
 * at the end without one, so that no label can pass for them, and after them what any one value that is not listed can
 * have at most.
 */
import type { TopNAnswer } from "@/core/answer.ts";
import { BYTES, REQUESTS, TIME_MAX, TIME_SUM, type Values } from "@/core/measures.ts";
import { OTHER_LABEL } from "@/core/dimensions.ts";
import { printable } from "@/core/host/printable.ts";
import { meanMs } from "@/core/answer_json.ts";

/** Header and one line a row, each ended by CR LF. Control characters in labels are written as escapes. */
export function csvOf({ groupBy, entries, other, total, totalMax, unlistedMax }: TopNAnswer): string {
  const rows = [
    ["rank", groupBy, "count", "count_max", "bytes", "time_avg_ms", "time_max_ms", "time_sum_ms"],
    ...entries.map(({ label, values, countMax }, i) => row(String(i + 1), label, values, String(countMax))),
    row("", OTHER_LABEL, other, ""),
    row("", "total", total, String(totalMax)),
    ["", "unlisted_max", "", String(unlistedMax), "", "", "", ""],
  ];
  return rows.map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

function row(rank: string, label: string, values: Values, countMax: string): readonly string[] {
  const numbers = [values[REQUESTS], countMax, values[BYTES], meanMs(values) ?? "", values[TIME_MAX], values[TIME_SUM]];
  return [rank, label === "-" ? label : inert(printable(label)), ...numbers.map(String)];
}

/** A label that a spreadsheet would run as a formula gets an apostrophe in front, which makes it text. */
function inert(label: string): string {
  return /^[=+\-@]/.test(label) ? `'${label}` : label;
}

function cell(text: string): string {
  return /[",;\s]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
