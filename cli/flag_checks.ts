/** Checks of flags that need more of the core than a table of flags should load. */
import { formatProblem } from "@/core/formats.ts";
import type { Program } from "@/core/host/flags.ts";
import { COMMANDS } from "./flags.ts";
import { FILTER_CHECKS } from "./filters.ts";

/** The same table, its checks included. */
export function withChecks(program: Program): Program {
  return {
    ...program,
    flags: program.flags.map((flag) => {
      const check = program === COMMANDS.count && flag.name === "format" ? formatMistake : FILTER_CHECKS[flag.name];
      return check === undefined ? flag : { ...flag, check };
    }),
  };
}

function formatMistake(text: string): string | undefined {
  return text.startsWith("@") ? "there is no nginx.conf here; give the text of the log_format" : formatProblem(text);
}
