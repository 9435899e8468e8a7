/**
 * `nginx-logtail count FILE…`: log files read once, without any daemon, by the collector's own engine, and answered like
 * `topn` over everything read.
 */
import { checkKernel } from "@/core/host/kernel_check.ts";
import type { TopNAnswer } from "@/core/answer.ts";
import type { DimensionName } from "@/core/dimensions.ts";
import { EXIT, MachineRefusal, UsageError } from "@/core/host/exit.ts";
import { type FileTrouble, isTrouble } from "@/core/host/file_trouble.ts";
import type { Filter } from "@/core/filter_tree.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { formatOf, type FormatSpec, isFormatMistake } from "@/core/formats.ts";
import { type Inputs, isGzip, STANDARD_INPUT } from "@/core/host/input_file.ts";
import { printable } from "@/core/host/printable.ts";
import { randomSeed } from "@/core/host/random.ts";
import { REQUESTS, sortMeasure } from "@/core/measures.ts";
import { type Job, type Named, partsOf } from "./count_job.ts";
import { ProgressBar } from "./count_progress.ts";
import type { Unread } from "./count_read.ts";
import { runJob } from "./count_run.ts";
import { countJson, type FilesRead, notCountedLines, speedText } from "./count_text.ts";
import type { Tally } from "./count_tally.ts";
import { filterGiven } from "./filter_flags.ts";
import { COMMANDS } from "./flags.ts";
import type { Shell } from "./shell.ts";
import { proxyLine, topNTable } from "./table.ts";

/** Source of the answer: no collector has counted this. */
const SOURCE = "count";

/**
 * Counts, prints, and resolves to the exit code: failed when a file was not, or not wholly, read.
 *
 * @throws UsageError for files that cannot be meant; MachineRefusal when none can be read, or no line counted
 */
export async function count(flags: FlagValues, shell: Shell): Promise<number> {
  const names = flags.operands.map((name) => name === "/dev/stdin" ? STANDARD_INPUT : name);
  const { files, unread } = lookAt(names, shell.inputs);
  checkKernel();
  const threads = flags.number("threads");
  const job: Job = {
    ...questionsOf(flags, await filterGiven(flags)),
    parts: partsOf(files, threads),
    seed: randomSeed(),
  };
  const total = totalSize(files);
  const bar = new ProgressBar(shell.terminal, total, shell.nowMs, 0);
  const { inputs, startThread, pause } = shell;
  const counted = await runJob(job, { inputs, bar, threads, startThread, pause: (ms) => pause(ms, NEVER) });
  bar.clear();

  const missing = [
    ...unread.map((file) => ({ ...file, why: `${file.why} (left out)` })),
    ...counted.unread.map((file) => ({ ...file, why: `${file.why} (what came before that is counted)` })),
  ];
  for (const { name, why } of missing) shell.problem(`${printable(name)}: ${why}`);
  const read: FilesRead = { names, missing: missing.map(({ name }) => name) };
  shell.out(answersText(flags, job, counted.tally, read, shell));
  for (const line of notCountedLines(counted.tally)) shell.problem(line);
  if (flags.on("stats") || shell.terminal !== undefined) {
    shell.problem(speedText(counted.tally.lineCount, counted.bytes, shell.nowMs()));
  }
  return missing.length > 0 ? EXIT.failed : EXIT.ok;
}

/** Bytes of all files; undefined when one of them is a stream. */
function totalSize(files: readonly Named[]): number | undefined {
  if (files.some(({ size }) => size === undefined)) return undefined;
  return files.reduce((sum, { size = 0 }) => sum + size, 0);
}

const NEVER = new AbortController().signal;

function questionsOf(flags: FlagValues, filter: Filter): Pick<Job, "questions" | "filter" | "format" | "masks"> {
  const n = flags.number("n"), sort = sortMeasure(flags.text("sort"));
  const dimensions = [...new Set(flags.list("group-by"))] as DimensionName[]; // the flag's choices are their names
  if (dimensions.length === 0) {
    throw new UsageError(["--group-by: names nothing; name a dimension"], COMMANDS.count.program);
  }
  return {
    questions: dimensions.map((groupBy) => ({ groupBy, n, sort })),
    filter,
    format: formatSpecOf(flags),
    masks: { v4Bits: flags.number("v4prefix"), v6Bits: flags.number("v6prefix") },
  };
}

/** Throws UsageError for a format that does not have the client. */
function formatSpecOf(flags: FlagValues): FormatSpec {
  const text = flags.text("format"), client = flags.text("client").replace(/^\$/, "");
  const spec = client === "" ? { text } : { text, client }, format = text === "auto" ? undefined : formatOf(spec);
  if (format === undefined || !isFormatMistake(format)) return spec;
  throw new UsageError([`--format: column ${format.column}: ${format.message}`], COMMANDS.count.program);
}

/** One table, or one line of JSON, a dimension. */
function answersText(
  flags: FlagValues,
  { questions, filter }: Job,
  tally: Tally,
  read: FilesRead,
  shell: Shell,
): string {
  const texts = questions.map(({ groupBy, sort }, index) => {
    const answer: TopNAnswer = {
      ...tally.builders[index].ranking(),
      source: SOURCE,
      groupBy,
      window: "24h", // none; not shown
      fromS: tally.fromS,
      toS: tally.toS,
      coverage: { expected: 1, present: 1, missing: [], secondsCovered: 0, seconds: 0 },
    };
    if (flags.on("json")) return countJson(answer, tally.ledger, read);
    return (questions.length > 1 ? `=== ${groupBy} ===\n` : "") + topNTable(answer, sort, shell.styled) +
      proxyLine(filter === undefined && sort === REQUESTS ? answer : undefined, shell.styled);
  });
  return texts.join(flags.on("json") ? "" : "\n");
}

/** Looks at every file before any is read: whoever mistyped a name should not have to wait for it. */
function lookAt(names: readonly string[], inputs: Inputs): { files: Named[]; unread: Unread[] } {
  const program = COMMANDS.count.program;
  if (names.length === 0) throw new UsageError([`no file; name log files, or - for standard input`], program);
  const mistakes: string[] = [], files: Named[] = [], unread: Unread[] = [];
  if (names.filter((name) => name === STANDARD_INPUT).length > 1) {
    mistakes.push("-: given twice; standard input comes once");
  }
  for (const name of names) {
    const looked = named(name, inputs);
    if ("mistake" in looked) mistakes.push(`"${printable(name)}": ${looked.mistake}`);
    else if (isTrouble(looked)) unread.push(unreadFile(name, looked));
    else files.push(looked);
  }
  if (mistakes.length > 0) throw new UsageError(mistakes, program);
  if (files.length === 0) {
    throw new MachineRefusal(unread.map(({ name, why }) => `Cannot read ${name}: ${why}`).join("; "));
  }
  return { files, unread };
}

function named(name: string, inputs: Inputs): Named | FileTrouble | { readonly mistake: string } {
  const status = inputs.stat(name);
  if (isTrouble(status)) {
    if (status.trouble !== "missing") return status;
    return { mistake: "no such file" };
  }
  if (status.kind === "directory") return { mistake: `a directory; name the files in it, such as ${name}/*.log` };
  if (status.kind === "stream") return { name, size: undefined, plain: false };
  const file = inputs.open(name);
  if (isTrouble(file)) return file;
  const start = new Uint8Array(2), length = file.read(start);
  file.close();
  if (isTrouble(length)) return length;
  return { name, size: status.size, plain: !isGzip(start) };
}

function unreadFile(name: string, { trouble, reason }: FileTrouble): Unread {
  const next: Partial<Record<FileTrouble["trouble"], string>> = {
    denied: "; run it as a user who may read it, or pipe it in",
    not_granted: `; run it with --allow-read=${printable(name)} beside what it has`,
  };
  return { name, why: reason + (next[trouble] ?? ""), order: 0, trouble };
}
