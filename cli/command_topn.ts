/** `nginx-logtail topn`: the heaviest values of one dimension. */
import type { TopNQuestion } from "@/core/answer.ts";
import type { DimensionName } from "@/core/dimensions.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { REQUESTS, sortMeasure } from "@/core/measures.ts";
import type { WindowName } from "@/core/slices.ts";
import { csvOf } from "@/core/host/answer_csv.ts";
import { UsageError } from "@/core/host/exit.ts";
import type { TopNAnswer } from "@/core/answer.ts";
import { askTargets } from "./ask.ts";
import { filterGiven } from "./filter_flags.ts";
import { PROGRAM_NAME } from "./flags.ts";
import { topNJson } from "./json.ts";
import { nginxDeny } from "./nginx_deny.ts";
import type { Shell } from "./shell.ts";
import { proxyLine, targetHeading, topNTable } from "./table.ts";

/** Asks, prints, and resolves to the exit code. Throws UsageError for flags that do not go together. */
export async function topN(flags: FlagValues, shell: Shell): Promise<number> {
  const question: TopNQuestion = {
    window: flags.text("window") as WindowName, // the flag's choices are the names of the windows,
    groupBy: flags.text("group-by") as DimensionName, // and of the dimensions
    n: flags.number("n"),
    sort: sortMeasure(flags.text("sort")),
    filter: await filterGiven(flags),
  };
  const { show, gap } = shownAs(flags, question, shell);
  return await askTargets(flags, shell, (client, timeoutMs) => client.topN(question, timeoutMs), show, gap);
}

interface Shown {
  readonly show: (answer: TopNAnswer, target: string) => string;
  /** Between two answers: what programs read has none. */
  readonly gap: "" | "\n";
}

function shownAs(flags: FlagValues, { groupBy, sort, filter }: TopNQuestion, shell: Shell): Shown {
  const format = flags.on("json") ? "json" : flags.text("format"), several = flags.list("target").length > 1;
  const mistakes = mistakesOf(flags, format, groupBy);
  if (mistakes.length > 0) throw new UsageError(mistakes, `${PROGRAM_NAME} topn`);
  switch (format) {
    case "json":
      return { show: topNJson, gap: "" };
    case "csv":
      return { show: several ? csvWithTargets() : csvOf, gap: "" };
    case "nginx-deny":
      return {
        show: (answer, target) => nginxDeny(answer, target, flags.list("allow"), flags.number("at-least")),
        gap: "\n",
      };
    default:
      return {
        show: (answer, target) =>
          (several ? targetHeading(answer.source, target) : "") + topNTable(answer, sort, shell.styled) +
          proxyLine(filter === undefined && sort === REQUESTS ? answer : undefined, shell.styled),
        gap: "\n",
      };
  }
}

/** One table of several targets: the target in a column in front, the header once. */
function csvWithTargets(): Shown["show"] {
  let isFirst = true;
  return (answer, target) => {
    const [header, ...rows] = csvOf(answer).trimEnd().split("\r\n"), lines = rows.map((row) => `${target},${row}`);
    if (isFirst) lines.unshift(`target,${header}`);
    isFirst = false;
    return lines.map((line) => `${line}\r\n`).join("");
  };
}

function mistakesOf(flags: FlagValues, format: string, groupBy: DimensionName): string[] {
  if (format !== "nginx-deny") {
    const given = ["allow", "at-least"].filter((name) => flags.given(name));
    return given.map((name) => `--${name}: only for --format nginx-deny`);
  }
  return groupBy === "prefix" ? [] : ["--format nginx-deny: it denies client prefixes; add --group-by prefix"];
}
