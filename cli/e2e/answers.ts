/** Asks a running product as its users do, and reads the answers back into counts. */
import { assertEquals } from "@std/assert";
import { type Counts, differences } from "./tally.ts";
import { runCli } from "./roles.ts";
import { eventually } from "./ports.ts";

/** Entries asked for: all of them. */
export const ALL = 10_000;

/** The fields of an answer in JSON that the tests look at; the CLI and the page share them. */
export interface JsonAnswer {
  readonly source: string;
  readonly total: number;
  readonly other: number;
  readonly coverage: { readonly expected: number; readonly present: number; readonly missing: readonly string[] };
  readonly entries: readonly {
    readonly label: string;
    readonly count: number;
    readonly count_max: number;
    readonly bytes?: number;
  }[];
}

/** One answer in the form that all comparisons take. */
export interface Answer {
  readonly total: number;
  readonly counts: Counts;
}

/** The ranking of one target as `nginx-logtail topn --json` prints it. */
export async function cliJson(target: string, groupBy: string, flags: readonly string[] = []): Promise<JsonAnswer> {
  const text = await cli(target, groupBy, ["--json", ...flags]);
  const lines = text.trimEnd().split("\n");
  assertEquals(lines.length, 1, "one line of JSON for one target");
  return JSON.parse(lines[0]) as JsonAnswer;
}

/** The ranking as the table for people. */
export async function cliTable(target: string, groupBy: string, flags: readonly string[] = []): Promise<Counts> {
  return readTable(await cli(target, groupBy, flags));
}

/** Counts by label of an answer; what is in no entry must be nothing, and every entry must be exact. */
export function exactCounts(answer: JsonAnswer): Counts {
  const counts: Counts = new Map(answer.entries.map(({ label, count }) => [label, count]));
  assertEquals(counts.size, answer.entries.length, "no label comes twice");
  assertEquals(answer.other, 0, "every entry was asked for");
  assertEquals(answer.entries.filter(({ count, count_max }) => count !== count_max), [], "every count is exact");
  return counts;
}

/**
 * Asks until the answer is what was sent, at most 20 s (a line may take 15); then says what differs. An answer must
 * never hold more than was sent, not even for a moment.
 */
export async function untilEqual(expected: Answer, ask: () => Promise<JsonAnswer>, what: string): Promise<JsonAnswer> {
  let last = "no answer yet";
  return await eventually(async () => {
    const answer = await ask();
    if (answer.total > expected.total) {
      throw new Error(`${what}: counted ${answer.total}, but only ${expected.total} were sent`);
    }
    if (answer.total < expected.total) {
      last = `total: expected ${expected.total}, got ${answer.total}`;
      return undefined;
    }
    // Everything is there: what differs now stays different.
    const wrong = differences(expected.counts, exactCounts(answer));
    if (wrong.length > 0) throw new Error(`${what}:\n${wrong.join("\n")}`);
    return answer;
  }, () => `${what}: ${last}`);
}

/** `RANK  COUNT  LABEL` lines; counts with thin spaces between thousands. */
export function readTable(text: string): Counts {
  const counts: Counts = new Map();
  for (const line of text.trimEnd().split("\n")) {
    const row = /^\s*\d+ {2,}([\d\u2009\u202f,]+) {2,}(.*)$/.exec(line);
    if (row) counts.set(row[2], Number(row[1].replace(/\D/g, "")));
  }
  return counts;
}

async function cli(target: string, groupBy: string, flags: readonly string[]): Promise<string> {
  const args = ["topn", `--target=${target}`, `--group-by=${groupBy}`, `--n=${ALL}`, ...flags];
  const { code, stdout, stderr } = await runCli(args);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}
