/** The programs that are compared: how each is started on a file, and what it says it has counted. */
import type { Share } from "./traffic.ts";

/** What a program says about the file that it has read; undefined what it does not say. */
export interface Counted {
  readonly lines: number;
  readonly sentBytes?: number;
  /** Distinct (website, prefix, path, status) in the whole file. */
  readonly tuples?: number;
  /** Lines that were read and not counted. */
  readonly dropped?: number;
  /** Largest first. */
  readonly prefixes?: readonly Share[];
}

export interface Competitor {
  readonly name: CompetitorName;
  /** In the table. */
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Times that it reads the file: a program that is done in no time is measured over several passes. */
  readonly passes: number;
  /** Processors it may use; the others are compared on one. */
  readonly processors: number;
  /** What it prints is too much to keep when there are more lines than this. */
  readonly outputLinesMax: number;
  /** @throws Error when this is not what the program prints */
  readonly counted: (output: string) => Counted;
}

export const COMPETITOR_NAMES = ["wc", "mawk", "goaccess", "mtail", "go", "logtail", "logtail-2"] as const;
export type CompetitorName = typeof COMPETITOR_NAMES[number];

/** What there is to know before anything can be started. */
export interface Surroundings {
  /** The log. */
  readonly file: string;
  /** Folder of the checkout, and this folder in it. */
  readonly checkout: string;
  readonly here: string;
  /** Writable. */
  readonly folder: string;
  readonly deno: string;
}

/** Where `go build` puts the plain Go program. */
export function goProgram(folder: string): string {
  return `${folder}/ordinary_go`;
}

export function competitors({ file, checkout, here, folder, deno }: Surroundings): readonly Competitor[] {
  const usual = { passes: 1, processors: 1, outputLinesMax: Infinity };
  return [
    {
      ...usual,
      name: "wc",
      title: "wc -l",
      program: "wc",
      args: ["-l", ...Array(WC_PASSES).fill(file)],
      passes: WC_PASSES,
      counted: (output) => ({ lines: number(output.trim().split(/\s+/)[0]) }),
    },
    {
      ...usual,
      name: "mawk",
      title: "mawk, the same count",
      program: "mawk",
      args: ["-F", "\\t", "-v", "quick=1", "-f", `${here}/same_count.awk`, file],
      counted: mawkCounted,
    },
    {
      ...usual,
      name: "goaccess",
      title: "goaccess (more panels)",
      program: "goaccess",
      args: [file, ...GOACCESS_FLAGS],
      counted: goaccessCounted,
    },
    {
      ...usual,
      name: "mtail",
      title: "mtail, the same count",
      program: "mtail",
      args: ["--one_shot", "--progs", `${here}/tuples.mtail`, "--logs", file, "--log_dir", folder],
      outputLinesMax: 200_000, // every tuple with its labels: 200 bytes each
      counted: mtailCounted,
    },
    {
      ...usual,
      name: "go",
      title: "plain Go program",
      program: goProgram(folder),
      args: [file],
      counted: goCounted,
    },
    {
      ...usual,
      name: "logtail",
      title: "nginx-logtail count",
      program: deno,
      args: countArgs({ checkout, file }, ["prefix"]),
      counted: logtailCounted,
    },
    {
      ...usual,
      name: "logtail-2",
      title: "the same, 2 threads",
      program: deno,
      args: countArgs({ checkout, file }, ["prefix"], 2),
      processors: 2,
      counted: logtailCounted,
    },
  ];
}

const WC_PASSES = 10;

/** `%x.%^`: $msec, of which the milliseconds are skipped. */
const GOACCESS_FLAGS = [
  "--log-format=%v\\t%h\\t%x.%^\\t%m\\t%U\\t%s\\t%b\\t%T",
  "--date-format=%s",
  "--time-format=%s",
  "--no-query-string",
  "--no-progress",
  "--no-global-config",
  "--output=json",
];

/** Arguments of the runtime that count a file by these dimensions and print JSON, one object a dimension. */
export function countArgs(
  { checkout, file }: Pick<Surroundings, "checkout" | "file">,
  dimensions: readonly string[],
  threads = 1,
  entries = 10,
): string[] {
  const permissions = ["--quiet", "--no-prompt", "--frozen", "--ignore-env", `--allow-read=${checkout},${file}`];
  const flags = ["--json", `--threads=${threads}`, `--group-by=${dimensions.join(",")}`, `--n=${entries}`];
  return ["run", ...permissions, `--config=${checkout}/deno.json`, `${checkout}/cli/main.ts`, "count", ...flags, file];
}

function mawkCounted(output: string): Counted {
  const [tuples, total] = output.split("\n").map((line) => line.split("\t"));
  return { tuples: number(tuples[1]), lines: number(total[1]), sentBytes: number(total[2]) };
}

function goaccessCounted(output: string): Counted {
  const { general } = JSON.parse(output);
  const failed = number(general.failed_requests);
  return { lines: number(general.total_requests), dropped: failed, sentBytes: number(general.bandwidth) };
}

function mtailCounted(output: string): Counted {
  const metrics = JSON.parse(output);
  const value = (name: string): number => number(metrics[name][0].LabelValues[0].Value.Value);
  return {
    lines: value("lines"),
    sentBytes: value("sent_bytes"),
    tuples: number(metrics.requests[0].LabelValues.length),
  };
}

function goCounted(output: string): Counted {
  const { lines, dropped, bytes, prefixes } = JSON.parse(output);
  return { lines: number(lines), dropped: number(dropped), sentBytes: number(bytes), prefixes };
}

/** The entries of each object that `count --json` prints. */
export function rankingsOf(output: string): readonly (readonly Share[])[] {
  return output.trim().split("\n").map((line) => JSON.parse(line).entries);
}

function logtailCounted(output: string): Counted {
  const { ledger, total_values, entries } = JSON.parse(output.split("\n")[0]);
  const lines = number(ledger.read), counted = number(total_values.count);
  return { lines, dropped: lines - counted, sentBytes: number(total_values.bytes), prefixes: entries };
}

function number(value: unknown): number {
  const result = typeof value === "string" && value !== "" ? Number(value) : value;
  if (typeof result !== "number" || !Number.isFinite(result)) throw new Error(`${JSON.stringify(value)} is no number`);
  return result;
}
