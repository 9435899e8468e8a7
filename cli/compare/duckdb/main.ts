/**
 * Entry of the comparison with DuckDB: the same questions over the same rows, in one process, in turn, on one thread each.
 *
 *   deno task compare:duckdb                        an hour, a day, and regular expressions over 50 000 URIs
 *   deno task compare:duckdb --parts=day --rounds=11
 *
 * Times are milliseconds of processor time, medians of all rounds. Ours: over buckets never asked before; the first after
 * a day's buckets have been merged for questions, as a collector does of itself; a new question; the same question again.
 * Theirs: with every measure that our answer carries, and with requests alone. Our answer has bounds besides.
 */
import { dayOfTraffic, hourOfTraffic } from "@/core/test_traffic.ts";
import type { Bucket } from "@/core/bucket.ts";
import { EXIT, runProgram } from "@/core/host/exit.ts";
import type { FlagValues, Program } from "@/core/host/flags.ts";
import { writeOut } from "@/core/host/output.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { URI } from "@/core/dimensions.ts";
import { openDuckDB } from "./duckdb.ts";
import { type Question, QUESTIONS, REGEX_QUESTIONS } from "./questions.ts";
import { type Compared, SideBySide } from "./side_by_side.ts";
import { fillTable } from "./table.ts";

/** Minutes of the hour that have about 50 000 URIs together. */
const REGEX_MINUTES = 5;

interface Part {
  readonly name: string;
  readonly buckets: (seed: number) => Bucket[];
  readonly questions: readonly Question[];
}

const PARTS: readonly Part[] = [
  { name: "hour", buckets: (seed) => hourOfTraffic(seed), questions: QUESTIONS },
  { name: "day", buckets: (seed) => dayOfTraffic(seed), questions: QUESTIONS },
  { name: "regex", buckets: (seed) => hourOfTraffic(seed, REGEX_MINUTES), questions: REGEX_QUESTIONS },
];

const COMPARE: Program = {
  role: "logtail_compare",
  program: "nginx-logtail-compare-duckdb",
  summary: "Measures questions side by side with DuckDB, over the same rows, in one run.",
  flags: [
    { name: "parts", kind: "list", default: "hour,day,regex", choices: PARTS.map(({ name }) => name), help: "of it" },
    { name: "rounds", kind: "number", default: "7", min: 1, max: 99, help: "of each question" },
    { name: "seed", kind: "number", default: "7", min: 1, max: 1_000_000, help: "another seed, other traffic" },
    { name: "duckdb", kind: "text", required: true, help: "package to load, as npm:@duckdb/node-api@VERSION" },
  ],
};

async function compare(flags: FlagValues): Promise<number> {
  let wrong = 0;
  for (const { name, buckets: make, questions } of PARTS.filter(({ name }) => flags.list("parts").includes(name))) {
    const duckdb = await openDuckDB(flags.text("duckdb")), buckets = make(flags.number("seed"));
    await fillTable(duckdb, buckets);
    writeOut(`\n${name}: ${sizeOf(buckets)}; DuckDB ${duckdb.version}; median of ${flags.number("rounds")} rounds\n\n`);
    writeOut(`${HEAD}\n`);
    const both = new SideBySide(duckdb.connection, buckets, linearRegex, flags.number("rounds"));
    for (const question of questions) {
      const compared = await both.ask(question);
      writeOut(`${lineOf(compared)}\n`);
      if (compared.difference === undefined) continue;
      writeOut(`WRONG    ${compared.difference}\n`);
      wrong++;
    }
  }
  return wrong > 0 ? EXIT.failed : EXIT.ok;
}

function sizeOf(buckets: readonly Bucket[]): string {
  const rows = buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
  const entries = buckets.reduce((sum, { dictionaries }) => sum + dictionaries[URI].size - 1, 0);
  return `${buckets.length} buckets, ${rows} rows, ${entries} entries of URIs`;
}

const NAME_CHARS = 52, NUMBER_CHARS = 9;
const HEAD = "question".padEnd(NAME_CHARS) +
  ["first", "merged", "new", "again", "theirs", "requests", "× new", "× req"].map((name) => name.padStart(NUMBER_CHARS))
    .join("");

function lineOf({ name, first, merged, ours, again, theirs, requestsOnly }: Compared): string {
  const numbers = [first, merged, ours, again, theirs, requestsOnly, theirs / ours, requestsOnly / ours];
  return name.padEnd(NAME_CHARS) + numbers.map((number) => number.toFixed(1).padStart(NUMBER_CHARS)).join("");
}

if (import.meta.main) await runProgram(COMPARE, compare);
