/**
 * What a shell needs to complete command lines of this program: commands, their flags, and the values of flags that have
 * few. Made from the flag tables, so that it cannot fall behind them.
 */
import type { Flag, Program } from "@/core/host/flag_table.ts";
import { COMMANDS, PROGRAM_NAME } from "./flags.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type ShellName = typeof SHELLS[number];

/** A script to be sourced, or put where the shell looks for completions. */
export function completionScript(shell: ShellName): string {
  return { bash, zsh, fish }[shell]();
}

const HELP_FLAGS: readonly Flag[] = [
  { name: "help", kind: "switch", help: "print what the command takes" },
  { name: "version", kind: "switch", help: "print the version" },
];

/** Name of the shell function. */
const FUNCTION = `_${PROGRAM_NAME.replaceAll("-", "_")}`;

function bash(): string {
  const cases = commands().map(([name, program]) => {
    const flags = flagsOf(program),
      values = flags.filter(hasChoices).map(({ name, choices }) =>
        `        --${name}) words=${quoted(choices.join(" "))} ;;`
      );
    const paths = flags.filter(isPath).map(({ name }) => `--${name}`);
    return [
      `    ${name})`,
      `      case $before in`,
      ...values,
      ...(paths.length === 0 ? [] : [`        ${paths.join("|")}) files=1 ;;`]),
      `        *) words=${quoted([...operandsOf(program), ...flags.map(({ name }) => `--${name}`)].join(" "))}${
        takesFiles(program) ? "; files=1" : ""
      } ;;`,
      `      esac ;;`,
    ].join("\n");
  });
  return `# bash completion for ${PROGRAM_NAME}
${FUNCTION}() {
  local now=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= words= files= word
  # bash takes --flag=value apart at the equals sign
  if [[ $now == "=" ]]; then now=; elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in ${commands().map(([name]) => name).join("|")}) command=$word; break ;; esac
  done
  case $command in
    "") words=${quoted([...commands().map(([name]) => name), "--help", "--version"].join(" "))} ;;
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$now"))
  [[ -n $files && $now != -* ]] && COMPREPLY+=($(compgen -f -- "$now"))
}
complete -o filenames -o bashdefault -F ${FUNCTION} ${PROGRAM_NAME}
`;
}

function zsh(): string {
  const cases = commands().map(([name, program]) => {
    const specs = flagsOf(program).map((flag) => `      ${quoted(zshFlag(flag))} \\`);
    return `    ${name}) _arguments -s \\\n${specs.join("\n")}\n      ${
      quoted(takesFiles(program) ? "*:file:_files" : `*: :${zshOperands(program)}`)
    } ;;`;
  });
  return `#compdef ${PROGRAM_NAME}
${FUNCTION}() {
  local -a commands=(
${commands().map(([name, { summary }]) => `    ${quoted(`${name}:${zshText(summary)}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == ${FUNCTION} ]]; then ${FUNCTION} "$@"; else compdef ${FUNCTION} ${PROGRAM_NAME}; fi
`;
}

function fish(): string {
  const names = commands().map(([name]) => name).join(" ");
  const lines = commands().flatMap(([name, program]) => [
    `complete -c ${PROGRAM_NAME} -n "not __fish_seen_subcommand_from ${names}" -a ${name} -d ${
      quoted(program.summary)
    }`,
    ...flagsOf(program).map((flag) => {
      const value = flag.kind === "switch" ? "" : isPath(flag) ? " -r -F" : " -x";
      const choices = hasChoices(flag) ? ` -a ${quoted(flag.choices.join(" "))}` : "";
      return `complete -c ${PROGRAM_NAME} -n "__fish_seen_subcommand_from ${name}" -l ${flag.name}${value}${choices} -d ${
        quoted(flag.help)
      }`;
    }),
    ...operandsOf(program).map((word) =>
      `complete -c ${PROGRAM_NAME} -n "__fish_seen_subcommand_from ${name}" -a ${word}`
    ),
    ...(takesFiles(program) ? [`complete -c ${PROGRAM_NAME} -n "__fish_seen_subcommand_from ${name}" -F`] : []),
  ]);
  return [`# fish completion for ${PROGRAM_NAME}`, `complete -c ${PROGRAM_NAME} -f`, ...lines, ""].join("\n");
}

function commands(): [string, Program][] {
  return Object.entries(COMMANDS);
}

function flagsOf({ flags }: Program): readonly Flag[] {
  return [...flags, ...HELP_FLAGS];
}

function hasChoices(flag: Flag): flag is Flag & { readonly choices: readonly string[] } {
  return flag.choices !== undefined;
}

function isPath({ placeholder }: Flag): boolean {
  return placeholder === "PATH";
}

/** Of `a|b|c [more]`: a, b, c. */
function operandsOf({ operands = "" }: Program): readonly string[] {
  const [first] = operands.split(" ");
  return first.includes("|") ? first.split("|") : [];
}

function zshOperands(program: Program): string {
  const words = operandsOf(program);
  return words.length === 0 ? "" : `(${words.join(" ")})`;
}

function takesFiles({ operands }: Program): boolean {
  return operands?.startsWith("FILE") ?? false;
}

/** `--name=[help]:value:(a b)`, as _arguments takes it. */
function zshFlag(flag: Flag): string {
  const head = `--${flag.name}${flag.kind === "switch" ? "" : "="}[${zshText(flag.help)}]`;
  if (flag.kind === "switch") return head;
  return `${head}:value:${hasChoices(flag) ? `(${flag.choices.join(" ")})` : isPath(flag) ? "_files" : ""}`;
}

function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, (character) => `\\${character}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
