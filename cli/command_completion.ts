/** `nginx-logtail completion SHELL`: prints what makes a shell complete command lines of this program. */
import { EXIT, UsageError } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { printable } from "@/core/host/printable.ts";
import { completionScript, type ShellName, SHELLS } from "./completion.ts";
import { PROGRAM_NAME } from "./flags.ts";
import type { Shell } from "./shell.ts";

/** Prints, and resolves to the exit code. */
export function completion(flags: FlagValues, shell: Shell): Promise<number> {
  const [name, ...more] = flags.operands;
  if (!isShell(name) || more.length > 0) {
    const why = name === undefined ? "a shell is missing" : `${printable([name, ...more].join(" "))}: no such shell`;
    throw new UsageError([`${why} (${SHELLS.join(", ")})`], `${PROGRAM_NAME} completion`);
  }
  shell.out(completionScript(name));
  return Promise.resolve(EXIT.ok);
}

function isShell(name: string | undefined): name is ShellName {
  return SHELLS.some((shell) => shell === name);
}
