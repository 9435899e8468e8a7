/**
 * From arguments to flags and operands. The runtime's own tokenizer splits; here each flag is given its value, since
 * only the table knows which flags take one.
 */
import { parseArgs } from "node:util";
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
  // Without `options` every flag is a token of its own and its value another: joining them is ours.
  const { tokens } = parseArgs({ args: [...args], tokens: true, strict: false, allowPositionals: true });
  let maybeValue = false;
  for (let t = 0; t < tokens.length; t++) {
    const token = tokens[t];
    if (t > 0 && token.index === tokens[t - 1].index) continue; // the rest of `-abc`, which is one argument
    if (token.kind === "positional") {
      operands.push({ text: token.value, index: token.index, maybeValue });
    }
    maybeValue = false;
    if (token.kind !== "option") continue;

    const argument = args[token.index];
    const long = argument.startsWith("--");
    const name = long ? token.name : argument.replace(/^-+/, "").replace(/=.*$/s, "");
    const written = long ? token.rawName : argument.replace(/=.*$/s, "");
    const flag = long ? flags.find((flag) => flag.name === name) : undefined;
    const next = t + 1 < tokens.length ? tokens[t + 1] : undefined;
    if (flag === undefined || flag.kind === "switch" || token.value !== undefined) {
      given.push({ name, written, value: token.value, followedBy: undefined });
      maybeValue = flag === undefined && token.value === undefined;
    } else if (next?.kind === "positional" || isNegativeNumber(flag, next && args[next.index])) {
      given.push({ name, written, value: args[next?.index ?? 0], followedBy: undefined });
      t++;
    } else {
      given.push({ name, written, value: undefined, followedBy: next && args[next.index] });
    }
  }
  return { given, operands };
}

function isNegativeNumber(flag: Flag, argument: string | undefined): boolean {
  return flag.kind === "number" && argument !== undefined && /^-\d/.test(argument);
}
