/** What `nginx-logtail count` says beside its tables: JSON, lines that were not counted, and how long it took. */
import { rankingJson } from "@/core/answer_json.ts";
import type { TopNAnswer } from "@/core/answer.ts";
import { jsonLine } from "@/core/host/json_text.ts";
import { printable } from "@/core/host/printable.ts";
import { COUNTED, type Ledger, LEDGER_REASONS, READ } from "@/core/ledger.ts";
import { ledgerJson, utc } from "./json.ts";
import { rateText, sizeText } from "./count_numbers.ts";
import type { Tally } from "./count_tally.ts";
import { grouped } from "./table.ts";

/** What was read, and what was not. */
export interface FilesRead {
  /** As the operator wrote them. */
  readonly names: readonly string[];
  /** Those that were not, or not wholly, read. */
  readonly missing: readonly string[];
}

/**
 * One object a dimension: the fields of `topn --json`, with the files as the target and all of them as the window. `from`
 * and `to` are null when nothing was counted.
 */
export function countJson(answer: TopNAnswer, ledger: Ledger, { names, missing }: FilesRead): string {
  return jsonLine({
    source: answer.source,
    target: names.join(","),
    window: "all",
    group_by: answer.groupBy,
    from: Number.isFinite(answer.fromS) ? utc(answer.fromS) : null,
    to: Number.isFinite(answer.toS) ? utc(answer.toS) : null,
    coverage: { expected: names.length, present: names.filter((name) => !missing.includes(name)).length, missing },
    ledger: ledgerJson(ledger),
    ...rankingJson(answer),
  });
}

/** What became of lines, of a tally. */
export type NotCounted = Pick<Tally, "ledger" | "samples" | "expects" | "wouldMatch">;

/** `3 of 5 000 lines were not counted`, and one line a reason with the first such line; nothing when all were. */
export function notCountedLines(tally: NotCounted): readonly string[] {
  const { ledger, expects, wouldMatch } = tally, samples = tally.samples();
  const lost = ledger[READ] - ledger[COUNTED];
  if (lost === 0) return [];
  const reasons = LEDGER_REASONS.flatMap((reason, r) => {
    if (r === READ || r === COUNTED || ledger[r] === 0) return [];
    const sample = samples.find((sample) => sample.reason === r);
    const first = sample === undefined ? "" : `; the first: ${lineText(sample.line)}`;
    return [`${reason} ${grouped(ledger[r])}${first}`];
  });
  const remedy = wouldMatch === undefined ? "" : `; they look like ${wouldMatch}: use --format ${wouldMatch}, or auto`;
  const all = ledger[COUNTED] === 0 ? `; expected were ${expects}${remedy}` : "";
  return [`${grouped(lost)} of ${grouped(ledger[READ])} lines were not counted${all}`, ...reasons];
}

/** `5 000 000 lines, 620 MB in 1.1 s: 4.52 M lines/s`. */
export function speedText(lines: number, bytes: number, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  return `${grouped(lines)} lines, ${sizeText(bytes)} in ${seconds.toFixed(seconds < 10 ? 2 : 1)} s: ${
    rateText(lines / seconds)
  } lines/s`;
}

/** Safe for a terminal, and cut to what fits on two lines of one. */
function lineText(line: Uint8Array): string {
  const text = printable(new TextDecoder().decode(line));
  return text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)}…` : text;
}

const LINE_CHARS_MAX = 160;
