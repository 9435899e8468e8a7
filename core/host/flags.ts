/**
 * Flags: one table per program, from which the parser, `--help` and the environment variables follow.
 *
 *   flag on the command line   wins over
 *   environment variable       ROLE_FLAG_NAME; wins over
 *   default of the table
 *
 * Every mistake of a command line is found in one go, because an operator who fixes one only to be shown the next has
 * been served badly.
 */
import { HelpRequested, UsageError, VERSION, VersionRequested } from "./endings.ts";
import { helpText } from "./flag_help.ts";
import { type Flag, type FlagKind, placeholderOf, type Program, variableOf } from "./flag_table.ts";
import { type GivenFlag, type SplitArguments, splitArguments } from "./flag_tokens.ts";
import { didYouMean } from "./near_miss.ts";
import { printable } from "./printable.ts";

export { type Flag, type FlagKind, type Program, type Touch, variableOf } from "./flag_table.ts";

/**
 * What was given, else the default. Asking for a flag that the table does not have, or as another kind, is a bug and
 * throws.
 */
export interface FlagValues {
  /** Empty when there is neither value nor default. */
  text(name: string): string;
  /** NaN when there is neither value nor default. */
  number(name: string): number;
  list(name: string): readonly string[];
  on(name: string): boolean;
  /** Whether it was set on the command line or in the environment. */
  given(name: string): boolean;
  readonly operands: readonly string[];
}

/**
 * Reads a command line and the environment by the program's table.
 *
 * An empty environment variable counts as not set. The exception is a text flag with a default whose `check` accepts the
 * empty value: there, empty means that it is switched off (`COLLECTOR_PROM_LISTEN=`).
 *
 * @param env value of a variable; asked for the variables of this table only, and only for flags that are not given
 * @throws UsageError with every mistake; HelpRequested; VersionRequested
 */
export function readFlags(
  program: Program,
  args: readonly string[],
  env: (name: string) => string | undefined,
): FlagValues {
  const split = splitArguments(program.flags, args);
  if (split.given.some(({ name, written }) => written === "-h" || written === "--help" && name === "help")) {
    throw new HelpRequested(helpText(program));
  }
  if (split.given.some(({ written }) => written === "--version")) {
    throw new VersionRequested(`${program.program} ${VERSION}`);
  }
  const mistakes = [...unknownFlags(program, split), ...unexpectedOperands(program, split)];
  const settings = new Map<string, Setting>();
  for (const flag of program.flags) {
    const setting = fromArguments(flag, split.given, mistakes) ?? fromEnvironment(program, flag, env);
    if (setting !== undefined) {
      settings.set(flag.name, setting);
      mistakes.push(...settingMistakes(flag, setting));
    }
    const empty = setting === undefined || setting.values.every((value) => value === "");
    if (flag.required && empty && !split.given.some((given) => given.name === flag.name && given.value === undefined)) {
      mistakes.push(`--${flag.name}: required; give it or set ${variableOf(program, flag)}`);
    }
  }
  if (program.oneOf !== undefined && !program.oneOf.some((name) => settings.get(name)?.values.some(Boolean))) {
    mistakes.push(`give at least one of ${program.oneOf.map((name) => `--${name}`).join(", ")}`);
  }
  if (mistakes.length > 0) throw new UsageError(mistakes, program.program);
  return flagValues(program, settings, split.operands.map(({ text }) => text));
}

/** A flag's value as somebody set it. */
interface Setting {
  /** `--n` or `COLLECTOR_N`: where a mistake is to be corrected. */
  readonly where: string;
  /** One; of a list, each of its values. */
  readonly values: readonly string[];
}

function unknownFlags(program: Program, split: SplitArguments): readonly string[] {
  const names = program.flags.map((flag) => flag.name);
  return split.given.filter(({ name, written }) => written !== `--${name}` || !names.includes(name)).map((given) => {
    return `${printable(given.written)}: no such flag${unknownFlagHint(program, given.name, names)}`;
  });
}

function unknownFlagHint(program: Program, name: string, names: readonly string[]): string {
  if (names.includes(name)) return `; write --${name}`; // `-target` is right but for a dash
  const positive = program.flags.find((flag) => flag.kind === "switch" && name === `no-${flag.name}`);
  return positive === undefined ? didYouMean(name, names, "--") : `; write --${positive.name}=no`;
}

function unexpectedOperands(program: Program, split: SplitArguments): readonly string[] {
  if (program.operands !== undefined) return [];
  // What follows an unknown flag is most likely its value: one mistake, not two.
  return split.operands.filter((operand) => !operand.maybeValue).map(({ text }) => {
    const flag = program.flags.find((flag) => flag.name === text);
    const hint = flag === undefined ? `; ${program.program} takes flags only` : `; write --${flag.name}`;
    return `${quoted(text)}: not expected here${hint}`;
  });
}

function fromArguments(flag: Flag, given: readonly GivenFlag[], mistakes: string[]): Setting | undefined {
  const where = `--${flag.name}`;
  const mine = given.filter((each) => each.written === where);
  if (mine.length === 0) return undefined;
  if (mine.length > 1 && flag.kind !== "list") mistakes.push(`${where}: given ${mine.length} times; give it once`);
  const values: string[] = [];
  for (const { value, followedBy } of mine) {
    if (value !== undefined) values.push(...(flag.kind === "list" ? listOf(value) : [value]));
    else if (flag.kind === "switch") values.push("yes");
    else mistakes.push(missingValue(flag, followedBy));
  }
  return { where, values };
}

function missingValue(flag: Flag, followedBy: string | undefined): string {
  const where = `--${flag.name}`;
  if (followedBy === undefined || followedBy === "--") {
    return `${where}: needs a value; write ${where} ${placeholderOf(flag)}`;
  }
  const text = printable(followedBy);
  return `${where}: needs a value, but ${text} looks like a flag; write ${where}=${text} if it is the value`;
}

function fromEnvironment(
  program: Program,
  flag: Flag,
  env: (name: string) => string | undefined,
): Setting | undefined {
  const where = variableOf(program, flag);
  const value = env(where);
  if (value === undefined || value === "" && !emptySwitchesOff(flag)) return undefined;
  return { where, values: flag.kind === "list" ? listOf(value) : [value] };
}

function emptySwitchesOff(flag: Flag): boolean {
  return flag.kind === "text" && !!flag.default && flag.choices === undefined &&
    flag.check !== undefined && flag.check("") === undefined;
}

function settingMistakes(flag: Flag, { where, values }: Setting): readonly string[] {
  return values.flatMap((value) => {
    const mistake = valueMistake(flag, value);
    return mistake === undefined ? [] : [`${where} ${quoted(value)}: ${mistake}`];
  });
}

function valueMistake(flag: Flag, value: string): string | undefined {
  if (flag.kind === "switch") {
    return switchValue(value) === undefined ? "neither yes nor no; leave the value out to switch it on" : undefined;
  }
  if (flag.kind === "number") {
    const range = rangeOf(flag);
    const number = Number(value);
    if (!/^-?\d+$/.test(value)) return `not a whole number; use ${range}`;
    if (!Number.isSafeInteger(number) || number < (flag.min ?? -Infinity) || number > (flag.max ?? Infinity)) {
      return `out of range; use ${range}`;
    }
  }
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    return `not one of ${flag.choices.join(", ")}${didYouMean(value, flag.choices)}`;
  }
  const mistake = flag.check?.(value);
  return mistake === undefined ? undefined : printable(mistake);
}

function rangeOf({ min, max }: Flag): string {
  if (min !== undefined && max !== undefined) return `a number from ${min} to ${max}`;
  if (min !== undefined) return `a number from ${min} up`;
  if (max !== undefined) return `a number up to ${max}`;
  return "digits only";
}

function flagValues(
  program: Program,
  settings: ReadonlyMap<string, Setting>,
  operands: readonly string[],
): FlagValues {
  function valuesOf(name: string, kind: FlagKind): readonly string[] {
    const flag = program.flags.find((flag) => flag.name === name);
    if (flag?.kind !== kind) {
      throw new Error(`Cannot read --${name} as ${kind}: the table says ${flag?.kind ?? "there is none"}`);
    }
    const fallback = flag.default ?? "";
    return settings.get(name)?.values ?? (kind === "list" ? listOf(fallback) : [fallback]);
  }
  return {
    text: (name) => valuesOf(name, "text")[0],
    number: (name) => {
      const text = valuesOf(name, "number")[0];
      return text === "" ? NaN : Number(text);
    },
    list: (name) => valuesOf(name, "list"),
    on: (name) => switchValue(valuesOf(name, "switch")[0]) ?? false,
    given: (name) => settings.has(name),
    operands,
  };
}

function listOf(value: string): readonly string[] {
  return value.split(",").map((each) => each.trim()).filter((each) => each !== "");
}

function switchValue(value: string): boolean | undefined {
  const word = value.toLowerCase();
  if (["yes", "true", "on", "1"].includes(word)) return true;
  if (["no", "false", "off", "0"].includes(word)) return false;
  return undefined;
}

function quoted(value: string): string {
  const CHARS_SHOWN_MAX = 200;
  const shown = value.length > CHARS_SHOWN_MAX ? `${value.slice(0, CHARS_SHOWN_MAX)}…` : value;
  return `"${printable(shown)}"`;
}
