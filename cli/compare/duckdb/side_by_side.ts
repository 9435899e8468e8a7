/**
 * Both in turn, so that what else the machine does meets both: the processor time of each, since neither waits for
 * anything.
 */
import process from "node:process";
import type { Bucket } from "@/core/bucket.ts";
import { blockOf, openBlock } from "@/core/bucket_block.ts";
import { compileFilter, type RegexEngine, TruthCache } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import type { Filter } from "@/core/filter_tree.ts";
import { REQUESTS } from "@/core/measures.ts";
import { stretches } from "@/core/stretches.ts";
import { type Ranking, topN } from "@/core/top_n.ts";
import type { DuckDBConnection } from "./duckdb.ts";
import { type Question, sqlOf } from "./questions.ts";

/** Rows of each answer. */
const N = 25;
/** Of our hashes. */
const SEED = 77;

/** Milliseconds of processor time, each the median of all rounds. */
export interface Compared {
  readonly name: string;
  /** Our answer over buckets never asked before; and once a day's have been merged for questions, which a collector does
   * within seconds of the first one and from then on before anybody asks: the first of these, a new one, and it again. */
  readonly first: number;
  readonly merged: number;
  readonly ours: number;
  readonly again: number;
  /** Theirs with every measure that our answer carries, and with requests alone. */
  readonly theirs: number;
  readonly requestsOnly: number;
  /** What is not the same in both answers; undefined when all is. */
  readonly difference: string | undefined;
}

export class SideBySide {
  constructor(
    readonly connection: DuckDBConnection,
    readonly buckets: readonly Bucket[],
    readonly regex: RegexEngine,
    readonly rounds: number,
  ) {}

  /** Asks one question in all rounds. */
  async ask(question: Question): Promise<Compared> {
    const first: number[] = [],
      merged: number[] = [],
      ours: number[] = [],
      again: number[] = [],
      theirs: number[] = [],
      requestsOnly: number[] = [];
    let ranking: Ranking | undefined, rows: unknown[][] = [];
    for (let round = 0; round < this.rounds; round++) {
      const fresh = this.buckets.map((bucket) => openBlock(blockOf(bucket))), cache = new TruthCache();
      first.push(cpuMs(() => void this.#topN(fresh, question, new TruthCache())));
      while (stretches.makeOne(SEED));
      merged.push(cpuMs(() => void this.#topN(fresh, question, new TruthCache())));
      ours.push(cpuMs(() => void (ranking = this.#topN(fresh, question, cache))));
      again.push(cpuMs(() => void this.#topN(fresh, question, cache)));
      theirs.push(await cpuMsOf(async () => void (rows = await this.#rows(sqlOf(question, N, true)))));
      requestsOnly.push(await cpuMsOf(async () => void await this.#rows(sqlOf(question, N, false))));
    }
    return {
      name: `${question.filter || "everything"} by ${question.groupBy}`,
      first: median(first),
      merged: median(merged),
      ours: median(ours),
      again: median(again),
      theirs: median(theirs),
      requestsOnly: median(requestsOnly),
      difference: question.filter === "" ? undefined : differenceOf(ranking!, rows),
    };
  }

  #topN(buckets: readonly Bucket[], { filter, groupBy }: Question, cache: TruthCache): Ranking {
    const tree = treeOf(filter), compiled = tree && compileFilter(tree, this.regex, cache);
    return topN(buckets, { window: "60m", groupBy, n: N, sort: REQUESTS, filter: compiled }, SEED);
  }

  async #rows(sql: string): Promise<unknown[][]> {
    return (await this.connection.runAndReadAll(sql)).getRows();
  }
}

function treeOf(text: string): Filter {
  const parsed = parseFilter(text);
  if ("mistake" in parsed) throw new Error(`Cannot ask ${text}: ${parsed.mistake.message}`);
  return parsed.filter;
}

/**
 * Rows are what both have in common: where our answer is from rows it must say the same, where it is from marginals it
 * may say more. Without a filter it always is from marginals.
 */
function differenceOf({ entries }: Ranking, rows: readonly (readonly unknown[])[]): string | undefined {
  const theirs = new Map(rows.map(([label, ...values]) => [String(label ?? ""), values.map(Number)]));
  for (const { label, values } of entries) {
    const found = theirs.get(label);
    if (found !== undefined && found.some((value, m) => value > values[m])) {
      return `${label} has ${[...values]} here and ${found} there`;
    }
  }
  return undefined;
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function cpuMsOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
