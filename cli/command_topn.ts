/** `nginx-logtail topn`: the heaviest values of one dimension. */
import type { TopNQuestion } from "@/core/answer.ts";
import type { DimensionName } from "@/core/dimensions.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { sortMeasure } from "@/core/measures.ts";
import type { WindowName } from "@/core/slices.ts";
import { askTargets } from "./ask.ts";
import { filterOf } from "./filters.ts";
import { topNJson } from "./json.ts";
import type { Shell } from "./shell.ts";
import { targetHeading, topNTable } from "./table.ts";

/** Asks, prints, and resolves to the exit code. */
export function topN(flags: FlagValues, shell: Shell): Promise<number> {
  const question: TopNQuestion = {
    window: flags.text("window") as WindowName, // the flag's choices are the names of the windows,
    groupBy: flags.text("group-by") as DimensionName, // and of the dimensions
    n: flags.number("n"),
    sort: sortMeasure(flags.text("sort")),
    filter: filterOf(flags),
  };
  const several = flags.list("target").length > 1;
  return askTargets(flags, shell, (client, timeoutMs) => client.topN(question, timeoutMs), (answer, target) => {
    if (flags.on("json")) return topNJson(answer, target);
    return (several ? targetHeading(answer.source, target) : "") + topNTable(answer, question.sort, shell.styled);
  });
}
