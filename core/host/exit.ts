/**
 * How a program starts and ends: arguments and environment in, one exit code out. Four kinds of trouble are kept apart,
 * so that a service manager and a script can tell them apart too.
 */
import { HelpRequested, MachineRefusal, OutputClosed, UsageError, VersionRequested } from "./endings.ts";
import type { FlagValues, Program } from "./flags.ts";
import { isJournal, withPriority } from "./journal.ts";
import { writeErr, writeOut } from "./output.ts";
import { printable } from "./printable.ts";

export { HelpRequested, MachineRefusal, OutputClosed, UsageError, VERSION, VersionRequested } from "./endings.ts";

/** Exit codes of every role. */
export const EXIT = {
  ok: 0,
  /** Our own bug; and, in the CLI, a target that did not answer. */
  failed: 1,
  /** The operator's input. */
  usage: 2,
  /** The machine refuses: port, permission, disk. */
  refused: 3,
} as const;

/** Value of an environment variable; undefined when it is not set or we may not read it. */
export type Environment = (name: string) => string | undefined;

/**
 * Runs a program from the process's arguments to its exit. Does not return.
 *
 * @param body may resolve to an exit code; `EXIT.ok` otherwise. What it throws becomes the exit code and the message.
 */
export function runProgram(program: Program, body: (flags: FlagValues) => Promise<number | void>): Promise<never> {
  return runMain(program.program, async (args, env) => {
    // Who prints its help itself does without the parser, whose modules take as long to load as an empty program to start.
    const { readFlags } = await import("./flags.ts");
    return await body(readFlags(program, args, env));
  });
}

/** As `runProgram`, for a program that chooses its table by its arguments (commands). Does not return. */
export async function runMain(
  program: string,
  main: (args: readonly string[], env: Environment) => Promise<number | void>,
): Promise<never> {
  let ending: Ending;
  try {
    // Inside a promise, so that what `main` throws before its first await counts as well.
    const code = await Promise.resolve().then(() => main(Deno.args, readEnvironment));
    ending = { code: code ?? EXIT.ok, out: "", err: "" };
  } catch (error) {
    ending = endingOf(program, error);
  }
  try {
    if (ending.out !== "") writeOut(ending.out);
  } catch (error) {
    ending = endingOf(program, error);
  }
  const toJournal = ending.err !== "" && isJournal(readEnvironment("JOURNAL_STREAM"), 2);
  if (ending.err !== "") writeErr(toJournal ? withPriority("error", ending.err) : ending.err);
  Deno.exit(ending.code);
}

export interface Ending {
  readonly code: number;
  /** For standard output. */
  readonly out: string;
  /** For standard error. */
  readonly err: string;
}

/** What to print and how to exit after `error`. */
export function endingOf(program: string, error: unknown): Ending {
  if (error instanceof HelpRequested || error instanceof VersionRequested) {
    return { code: EXIT.ok, out: `${error.message}\n`, err: "" };
  }
  if (error instanceof OutputClosed) return { code: EXIT.ok, out: "", err: "" };
  if (error instanceof UsageError) {
    return { code: EXIT.usage, out: "", err: usageText(error.program ?? program, error.mistakes) };
  }
  if (error instanceof MachineRefusal) {
    return { code: EXIT.refused, out: "", err: `${program}: ${printable(error.message)}\n` };
  }
  if (error instanceof Deno.errors.NotCapable) {
    const why = `${program}: Cannot go on: the runtime was not given a permission: ${printable(error.message)}\n`;
    return { code: EXIT.refused, out: "", err: why };
  }
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  const lines = text.split("\n").map(printable).join("\n");
  return { code: EXIT.failed, out: "", err: `${program}: this is a bug in ${program}, please report it\n${lines}\n` };
}

function usageText(program: string, mistakes: readonly string[]): string {
  const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
  const lines = mistakes.map((mistake) => `  ${mistake}\n`).join("");
  return `${program}: ${count}:\n${lines}${program} --help lists what there is.\n`;
}

/**
 * Value of an environment variable. One that we may not read counts as not set: the permission flags name the
 * variables of the program's flags, and whoever leaves one out has decided. Asks for the state first, since reading
 * without permission would stop at a prompt when started from a terminal.
 */
export function readEnvironment(name: string): string | undefined {
  try {
    if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
    return Deno.env.get(name);
  } catch {
    return undefined; // a name that no system has, or bytes that are no text
  }
}
