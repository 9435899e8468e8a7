/** `nginx-logtail trend`: requests over time. */
import type { TrendQuestion } from "@/core/answer.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import type { WindowName } from "@/core/slices.ts";
import { askTargets } from "./ask.ts";
import { filterGiven } from "./filter_flags.ts";
import { trendJson } from "./json.ts";
import type { Shell } from "./shell.ts";
import { targetHeading } from "./table.ts";
import { type TrendFormat, trendText } from "./table_trend.ts";

/** Asks, prints, and resolves to the exit code. */
export async function trend(flags: FlagValues, shell: Shell): Promise<number> {
  const question: TrendQuestion = { window: flags.text("window") as WindowName, filter: await filterGiven(flags) };
  const format = flags.text("format"), json = flags.on("json") || format === "json";
  const several = flags.list("target").length > 1;
  return await askTargets(flags, shell, (client, timeoutMs) => client.trend(question, timeoutMs), (answer, target) => {
    if (json) return trendJson(answer, target);
    return (several ? targetHeading(answer.source, target) : "") + trendText(answer, format as TrendFormat, shell);
  }, json ? "" : "\n");
}
