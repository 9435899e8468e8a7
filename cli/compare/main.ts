/**
 * Entry of the comparison: makes a log (once; it is kept), lets whatever is installed of wc, mawk, goaccess, mtail and Go
 * read it side by side with `nginx-logtail count`, and prints rates, ratios and the machine.
 *
 *   deno task compare                       both kinds of traffic, five million lines each, three rounds
 *   deno task compare --kinds=attack --programs=go,logtail --rounds=5
 *   deno task compare --rounds=0            only makes the files
 *
 * Exits with 1 when a program has not counted what is true of the file.
 */
import { fromFileUrl, join } from "@std/path";
import { EXIT, MachineRefusal, runProgram } from "@/core/host/exit.ts";
import type { FlagValues, Program } from "@/core/host/flags.ts";
import { writeErr, writeOut } from "@/core/host/output.ts";
import { comparisonTable } from "./comparison_table.ts";
import { attackerComplaint, disagreements } from "./disagreement.ts";
import { goalLines } from "./goals.ts";
import {
  type Competitor,
  COMPETITOR_NAMES,
  competitors,
  countArgs,
  type Counted,
  rankingsOf,
  type Surroundings,
} from "./programs.ts";
import { Random } from "./random.ts";
import { parseTimes, type Run, shuffled } from "./rounds.ts";
import { Traffic, TRAFFIC_KINDS, type TrafficKind, type Truth } from "./traffic.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url)), CHECKOUT = join(HERE, "../..");

/** With fewer, most of the time goes into starting and ending. */
const MEANINGFUL_LINES_MIN = 1_000_000;
const TOO_FEW_LINES = "so few lines show whether counts are right; the rates mean nothing";

const COMPARE: Program = {
  role: "logtail_compare",
  program: "nginx-logtail-compare",
  summary: "Measures nginx-logtail side by side with other programs, on the same file, in one run.",
  flags: [
    { name: "dir", kind: "text", default: "/tmp/nginx-logtail-compare", help: "folder for the logs, which are kept" },
    { name: "lines", kind: "number", default: "5000000", min: 1000, max: 100_000_000, help: "lines of each log" },
    { name: "seed", kind: "number", default: "1", min: 0, max: 4_294_967_295, help: "another seed, another log" },
    { name: "rounds", kind: "number", default: "3", min: 0, max: 99, help: "0 only makes the logs" },
    { name: "kinds", kind: "list", default: TRAFFIC_KINDS.join(","), choices: TRAFFIC_KINDS, help: "of traffic" },
    {
      name: "programs",
      kind: "list",
      default: COMPETITOR_NAMES.join(","),
      choices: COMPETITOR_NAMES,
      help: "those that are not installed are left out",
    },
    { name: "require-all", kind: "switch", help: "fail when one of the programs is not installed" },
  ],
};

async function compare(flags: FlagValues): Promise<number> {
  makeFolder(flags.text("dir"));
  const tools = findTools();
  writeOut(machineText(tools));
  let wrong = 0;
  for (const kind of flags.list("kinds")) wrong += await compareOn(kind as TrafficKind, flags, tools); // one of its choices
  return wrong > 0 ? EXIT.failed : EXIT.ok;
}

/** Makes the log of this kind and measures on it. Resolves to the number of counts that are wrong. */
async function compareOn(kind: TrafficKind, flags: FlagValues, tools: Tools): Promise<number> {
  const folder = flags.text("dir"), lines = flags.number("lines"), seed = flags.number("seed");
  const file = join(folder, `${kind}-${lines}-${seed}.log`), rounds = flags.number("rounds");
  const truth = makeLog(file, kind, lines, seed);
  if (rounds === 0) return 0;
  const around: Surroundings = { file, checkout: CHECKOUT, here: HERE, folder, deno: Deno.execPath() };
  const chosen = competitors(around)
    .filter(({ name }) => flags.list("programs").includes(name))
    .filter((competitor) => available(competitor, flags.on("require-all")));
  const { runs, complaints } = await runRounds(chosen, rounds, truth, tools, folder);
  if (chosen.some(({ name }) => name === "logtail")) complaints.push(...attackersMissed(truth, around));

  const remarks = lines < MEANINGFUL_LINES_MIN ? [TOO_FEW_LINES] : goalLines(kind, runs);
  writeOut(`\n${kind} traffic: ${lines} lines, ${megabytes(file)} MB, seed ${seed}; median of ${rounds} rounds\n\n`);
  writeOut(`${comparisonTable(chosen, runs)}\n${remarks.map((line) => `${line}\n`).join("")}`);
  for (const complaint of complaints) writeOut(`WRONG    ${complaint}\n`);
  return complaints.length;
}

/** Programs around a measured one. */
interface Tools {
  readonly time: boolean;
  /** The processor that everything runs on; undefined where nothing can be pinned. */
  readonly processor: string | undefined;
}

async function runRounds(
  chosen: readonly Competitor[],
  rounds: number,
  truth: Truth,
  tools: Tools,
  folder: string,
): Promise<{ runs: Run[]; complaints: string[] }> {
  const runs: Run[] = [], complaints = new Set<string>(), random = new Random(truth.seed);
  let tuples: number | undefined;
  for (let round = 0; round < rounds; round++) {
    for (const competitor of shuffled(chosen, random)) {
      writeErr(`round ${round + 1} of ${rounds}: ${competitor.title}\n`);
      const { counted, ...times } = await measure(competitor, truth, tools, folder);
      runs.push({ name: competitor.name, round, lines: truth.lines * competitor.passes, ...times });
      if (counted === undefined) continue;
      tuples ??= counted.tuples;
      for (const text of disagreements(counted, truth, tuples)) complaints.add(`${competitor.title}: ${text}`);
    }
  }
  return { runs, complaints: [...complaints] };
}

/** Runs a program to its end. What it says is left out when it is too much to keep. */
async function measure(
  { title, program, args, processors, outputLinesMax, counted }: Competitor,
  truth: Truth,
  { time, processor }: Tools,
  folder: string,
): Promise<Pick<Run, "cpuS" | "wallS" | "rssMax"> & { readonly counted: Counted | undefined }> {
  const times = join(folder, "times.txt"), kept = truth.lines <= outputLinesMax;
  const command = [
    ...(time ? ["time", "-f", "%U %S %e %M", "-o", times] : []),
    ...(processor !== undefined && processors === 1 ? ["taskset", "-c", processor] : []),
    program,
    ...args,
  ];
  if (command[0] === program) command.unshift("env"); // so that only these few need the permission to be run
  const startMs = performance.now();
  const ended = await new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "null",
    stdout: kept ? "piped" : "null",
    stderr: "piped",
  }).output();
  const wallS = (performance.now() - startMs) / 1000;
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  if (!ended.success) throw new MachineRefusal(`Cannot compare with ${title}: it failed: ${text(ended.stderr).trim()}`);
  const usage = time ? parseTimes(Deno.readTextFileSync(times)) : { cpuS: wallS, wallS, rssMax: undefined };
  return { ...usage, counted: kept ? counted(text(ended.stdout)) : undefined };
}

/** Of an attack: which of its attackers `nginx-logtail count` does not find. */
function attackersMissed({ attackers }: Truth, around: Surroundings): string[] {
  if (attackers === undefined) return [];
  const { text, missing, failed } = output(around.deno, countArgs(around, ["prefix", "uri"]));
  if (text === undefined) throw new MachineRefusal(`Cannot look for attackers: ${missing ?? failed}`);
  const [prefixes, uris] = rankingsOf(text);
  const missed = [attackerComplaint(prefixes, attackers.prefix), attackerComplaint(uris, attackers.uri)];
  return missed.flatMap((complaint) => complaint === undefined ? [] : [`nginx-logtail count, attacker ${complaint}`]);
}

/** The log and what is true of it, from an earlier run or made now. Reading the log also brings it into memory. */
function makeLog(path: string, kind: TrafficKind, lines: number, seed: number): Truth {
  const truthPath = `${path}.truth.json`;
  try {
    const truth = JSON.parse(Deno.readTextFileSync(truthPath));
    readThrough(path);
    return truth;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  writeErr(`making ${path}\n`);
  const traffic = new Traffic({ kind, lines, seed });
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  for (const piece of traffic.pieces()) {
    for (let rest = piece; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
  }
  const truth = traffic.truth();
  Deno.writeTextFileSync(truthPath, `${JSON.stringify(truth, undefined, 1)}\n`); // last: only with it the log is whole
  return truth;
}

function readThrough(path: string): void {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(1024 * 1024);
  while (file.readSync(buffer) !== null);
}

function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new MachineRefusal(`Cannot make ${folder}: ${error.message}; choose another folder with --dir`);
  }
}

/** Whether the program is there; Go's is built here. */
function available({ name, program, title }: Competitor, required: boolean): boolean {
  const args = name === "go" ? ["build", "-o", program, join(HERE, "ordinary.go")] : ["--version"];
  const { missing, failed } = output(name === "go" ? "go" : program, args);
  const why = missing ?? (name === "go" ? failed : undefined); // mawk does not know --version, and is there
  if (why === undefined) return true;
  if (required) throw new MachineRefusal(`Cannot compare with ${title}: ${why}`);
  writeErr(`${title} is left out: ${why}\n`);
  return false;
}

function findTools(): Tools {
  const time = output("time", ["--version"]).text !== undefined;
  if (!time) writeErr("time is not installed: seconds are those of the wall, and memory stays unknown\n");
  // `pid 1's current affinity list: 0,2-5`: the last of them, where interrupts are rarest
  const processor = output("taskset", ["-cp", String(Deno.pid)]).text?.match(/(\d+)\s*$/)?.[1];
  if (processor === undefined) writeErr("taskset is not installed: nothing is held to one processor\n");
  return { time, processor };
}

/** What the comparison runs on, and the versions of what is compared. */
function machineText({ processor }: Tools): string {
  const cpu = output("lscpu", []).text?.match(/^Model name:\s*(.*)$/m)?.[1] ?? "unknown processor";
  const versions = [
    `deno ${Deno.version.deno}`,
    output("go", ["version"]).text?.match(/go[\d.]+/)?.[0],
    output("mawk", ["-W", "version"]).text?.match(/^mawk [\d.]+/)?.[0],
    output("goaccess", ["--version"]).text?.match(/GoAccess - ([\d.]*\d)/)?.[0],
    output("mtail", ["--version"]).text?.match(/mtail version \S+/)?.[0],
    output("wc", ["--version"]).text?.match(/^wc .*/)?.[0],
  ].filter((version) => version !== undefined);
  const pinned = processor === undefined ? "not pinned" : `pinned to processor ${processor}`;
  return `${cpu}, ${navigator.hardwareConcurrency} processors, ${pinned}; Linux ${Deno.osRelease()}\n${
    versions.join(", ")
  }\n`;
}

/** What a program prints, or why it prints nothing. */
function output(
  program: string,
  args: readonly string[],
): { readonly text?: string; readonly missing?: string; readonly failed?: string } {
  try {
    const { success, stdout, stderr } = new Deno.Command(program, { args: [...args], stdin: "null" }).outputSync();
    const decoder = new TextDecoder();
    return success ? { text: decoder.decode(stdout) } : { failed: decoder.decode(stderr).trim() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { missing: `${program} is not installed` };
    throw error;
  }
}

function megabytes(path: string): number {
  return Math.round(Deno.statSync(path).size / 1e6);
}

if (import.meta.main) await runProgram(COMPARE, compare);
