/** From arguments to a command: the only operand is the command's name, wherever it stands among the flags. */
import { type Environment, EXIT, HelpRequested, UsageError } from "@/core/host/exit.ts";
import { splitArguments } from "@/core/host/flag_tokens.ts";
import { type Flag, type FlagValues, type Program, readFlags, variableOf } from "@/core/host/flags.ts";
import { didYouMean } from "@/core/host/near_miss.ts";
import { printable } from "@/core/host/printable.ts";
import { FILTER_FLAGS } from "./filter_flags.ts";
import { ALL_COMMANDS, ASKS, type CommandName, COMMANDS } from "./flags.ts";
import { overviewText } from "./overview.ts";
import { securityGiven } from "@/core/host/security_flags.ts";
import type { Shell } from "./shell.ts";

/** Prints, and resolves to the exit code. */
type Command = (flags: FlagValues, shell: Shell, env: Environment) => Promise<number>;

/** A command is loaded when it is run: a program that is started for one answer should not read the others' modules. */
const LOAD: Readonly<Record<CommandName, () => Promise<Command>>> = {
  topn: async () => (await import("./command_topn.ts")).topN,
  top: async () => (await import("./command_top.ts")).top,
  trend: async () => (await import("./command_trend.ts")).trend,
  stream: async () => (await import("./command_stream.ts")).stream,
  targets: async () => (await import("./command_targets.ts")).targets,
  count: async () => (await import("./command_count.ts")).count,
  permissions: async () => (await import("./command_permissions.ts")).permissions,
  completion: async () => (await import("./command_completion.ts")).completion,
  version: async () => (await import("./command_version.ts")).version,
};

/**
 * Runs the command that the arguments name and resolves to the exit code.
 *
 * @throws UsageError, HelpRequested, VersionRequested, OutputClosed
 */
export async function runCommand(args: readonly string[], env: Environment, shell: Shell): Promise<number> {
  const { operands } = splitArguments(ALL_COMMANDS.flags, args);
  // What follows an unknown flag is taken for its value, unless it is a command.
  const operand = operands.find(({ text, maybeValue }) => !maybeValue || isCommand(text));
  if (operand === undefined || !isCommand(operand.text)) return withoutCommand(args, env, operand?.text, shell);
  const rest = args.filter((_, index) => index !== operand.index);
  const program = await checked(COMMANDS[operand.text], rest, env);
  const flags = readFlags(program, operand.text === "permissions" ? withRoleApart(program, rest) : rest, env);
  if (ASKS.has(operand.text) && securityGiven(flags)) await shell.secure(flags);
  shell.giveUp(ASKS.has(operand.text) ? "read" : "net");
  const run = await LOAD[operand.text]();
  return await run(flags, shell, env);
}

/** With those checks that take long to load, when a flag is set that they are for. */
async function checked(program: Program, args: readonly string[], env: Environment): Promise<Program> {
  const given = new Set(splitArguments(program.flags, args).given.map(({ name }) => name));
  const isSet = (flag: Flag): boolean => given.has(flag.name) || env(variableOf(program, flag)) !== undefined;
  const checks = [...FILTER_FLAGS, ...COMMANDS.count.flags.filter(({ name }) => name === "format")];
  if (!program.flags.some((flag) => checks.includes(flag) && isSet(flag))) return program;
  return (await import("./flag_checks.ts")).withChecks(program);
}

/** What follows the role is the role's own: for us, all of it is operands. */
function withRoleApart(program: Program, args: readonly string[]): readonly string[] {
  const role = splitArguments(program.flags, args).operands.at(0)?.index ?? args.length;
  return [...args.slice(0, role), "--", ...args.slice(role)];
}

function withoutCommand(args: readonly string[], env: Environment, word: string | undefined, shell: Shell): number {
  const mistakes: string[] = [];
  try {
    readFlags(ALL_COMMANDS, args, env);
  } catch (error) {
    if (error instanceof HelpRequested) throw new HelpRequested(overviewText());
    if (!(error instanceof UsageError)) throw error;
    mistakes.push(...error.mistakes);
  }
  const names = Object.keys(COMMANDS);
  if (word !== undefined) {
    mistakes.unshift(`"${printable(word)}": no such command${didYouMean(word, names)} (${names.join(", ")})`);
  } else if (args.length > 0) mistakes.unshift(`a command is missing (${names.join(", ")})`);
  if (mistakes.length > 0) throw new UsageError(mistakes);
  shell.help(overviewText());
  return EXIT.usage;
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}
