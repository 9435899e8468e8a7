/**
 * Everything behind `--help`, in one module: so a bundle can have it in a file of its own beside that of `main.ts`, and
 * help is there before it is read.
 */
import { runMain } from "@/core/host/exit.ts";
import { runCommand } from "./command.ts";
import { PROGRAM_NAME } from "./overview.ts";
import { systemShell } from "./system_shell.ts";

/** Runs the command of the process's arguments. Does not return. */
export function run(): Promise<never> {
  return runMain(PROGRAM_NAME, (args, env) => runCommand(args, env, systemShell));
}
