/** `nginx-logtail targets`: the sources that a target follows, and how they are. */
import type { FlagValues } from "@/core/host/flags.ts";
import { askTargets } from "./ask.ts";
import { targetsJson } from "./json.ts";
import type { Shell } from "./shell.ts";
import { targetHeading, targetsTable } from "./table.ts";

/** Asks, prints, and resolves to the exit code. */
export function targets(flags: FlagValues, shell: Shell): Promise<number> {
  const several = flags.list("target").length > 1;
  return askTargets(flags, shell, (client, timeoutMs) => client.targets(timeoutMs), (infos, target) => {
    if (flags.on("json")) return targetsJson(infos, target);
    return (several ? targetHeading("", target) : "") + targetsTable(infos, shell);
  }, flags.on("json") ? "" : "\n");
}
