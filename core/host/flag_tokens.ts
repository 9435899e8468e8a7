/**
 * From arguments to flags and operands. They are split as `parseArgs` of `node:util` does, which takes a quarter as long to
 * load as an empty program to start (a test compares); then each flag is given its value, since only the table knows which
 * flags take one.
 */
import type { Flag } from "./flag_table.ts";

/** One flag as it was written. */
export interface GivenFlag {
  /** Name without dashes and value; for `-x` too, so that a near miss can be found. */
  readonly name: string;
  /** As written, without value: `--target`, `-t`. */
  readonly written: string;
  /** Undefined when there is none. */
  readonly value: string | undefined;
  /** What stood where the value should have been, when that looks like a flag. */
  readonly followedBy: string | undefined;
}

/** One argument that is no flag and no flag's value. */
export interface Operand {
  readonly text: string;
  /** Index into the arguments. */
  readonly index: number;
  /** It follows a flag that is not in the table, and may be that flag's value. */
  readonly maybeValue: boolean;
}

export interface SplitArguments {
  readonly given: readonly GivenFlag[];
  readonly operands: readonly Operand[];
}

/**
 * Splits arguments by a table of flags. Never throws. `--flag value`, `--flag=value`; `--` ends the flags; `-` is a value
 * or an operand; a negative number is a value of a number flag.
 */
export function splitArguments(flags: readonly Flag[], args: readonly string[]): SplitArguments {
  const given: GivenFlag[] = [];
  const operands: Operand[] = [];
  const tokens = tokensOf(args);
  let maybeValue = false;
  for (let t = 0; t < tokens.length; t++) {
    const { kind, name, written, value } = tokens[t], next = t + 1 < tokens.length ? tokens[t + 1] : undefined;
    if (kind === "operand") operands.push({ text: args[t], index: t, maybeValue });
    maybeValue = false;
    if (kind !== "flag") continue;

    const flag = written.startsWith("--") ? flags.find((flag) => flag.name === name) : undefined;
    if (flag === undefined || flag.kind === "switch" || value !== undefined) {
      given.push({ name, written, value, followedBy: undefined });
      maybeValue = flag === undefined && value === undefined;
    } else if (next?.kind === "operand" || isNegativeNumber(flag, args.at(t + 1))) {
      given.push({ name, written, value: args[++t], followedBy: undefined });
    } else {
      given.push({ name, written, value: undefined, followedBy: args.at(t + 1) });
    }
  }
  return { given, operands };
}

/** What one argument is by itself. */
export interface Token {
  /** `end`: the `--` behind which everything is an operand. */
  readonly kind: "flag" | "operand" | "end";
  /** Of a flag, see `GivenFlag`; else empty. */
  readonly name: string;
  readonly written: string;
  readonly value: string | undefined;
}

/** One token an argument. `-abc` is one flag of that name, which no table has. */
export function tokensOf(args: readonly string[]): Token[] {
  const end = args.indexOf("--");
  return args.map((argument, index): Token => {
    if (index === end) return { kind: "end", name: "", written: "", value: undefined };
    const isOperand = !argument.startsWith("-") || argument === "-" || end >= 0 && index > end;
    if (isOperand) return { kind: "operand", name: "", written: "", value: undefined };
    const isLong = argument.startsWith("--"), hasValue = argument.indexOf("=", isLong ? 3 : 1) >= 0;
    const equals = hasValue ? argument.indexOf("=") : argument.length, written = argument.slice(0, equals);
    const value = hasValue && isLong ? argument.slice(equals + 1) : undefined;
    return { kind: "flag", name: isLong ? written.slice(2) : written.replace(/^-+/, ""), written, value };
  });
}

function isNegativeNumber(flag: Flag, argument: string | undefined): boolean {
  return flag.kind === "number" && argument !== undefined && /^-\d/.test(argument);
}
