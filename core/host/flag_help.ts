/** `--help` of a program: one aligned table that fits a terminal. */
import { type Flag, placeholderOf, type Program, variableOf } from "./flag_table.ts";

/** Columns. Wider than the usual 80, because environment variables are long; no wider than half a screen. */
const HELP_COLUMNS = 100;

/** Columns of the left side. A longer flag stands on a line of its own. */
const LEFT_COLUMNS_MAX = 30;

/** The whole help text, without a newline at the end. */
export function helpText(program: Program): string {
  const rows = [
    ...program.flags.map((flag) => ({ left: leftOf(flag), right: rightOf(program, flag) })),
    { left: "--help", right: "print this" },
    { left: "--version", right: "print the version" },
  ];
  const usage = `Usage: ${program.program} [flags]${program.operands === undefined ? "" : ` ${program.operands}`}`;
  return [
    ...wrapped(`${program.program}: ${program.summary}`, HELP_COLUMNS),
    "",
    ...wrapped(usage, HELP_COLUMNS),
    "",
    ...tableLines(rows),
  ].join("\n");
}

/** Rows of two columns, the right one wrapped; each line at most as wide as help may be. */
export function tableLines(rows: readonly { readonly left: string; readonly right: string }[]): readonly string[] {
  const fitting = rows.map(({ left }) => left.length).filter((length) => length <= LEFT_COLUMNS_MAX);
  const indent = 2 + Math.max(0, ...fitting) + 2;
  return rows.flatMap(({ left, right }) => {
    const [first, ...rest] = wrapped(right, HELP_COLUMNS - indent);
    const head = `  ${left}`;
    const more = rest.map((line) => " ".repeat(indent) + line);
    if (head.length > indent - 2) return [head, " ".repeat(indent) + first, ...more];
    return [head.padEnd(indent) + first, ...more];
  });
}

function leftOf(flag: Flag): string {
  return `--${flag.name} ${placeholderOf(flag)}`.trimEnd();
}

function rightOf(program: Program, flag: Flag): string {
  const facts = [
    flag.choices === undefined ? "" : `one of ${flag.choices.join(", ")}`,
    flag.required ? "required" : "",
    flag.default ? `default ${flag.default}` : "",
    variableOf(program, flag),
  ].filter((fact) => fact !== "");
  return `${flag.help} (${facts.join("; ")})`;
}

/** Lines of at most `columns` characters; a word that is longer is cut. At least one line. */
function wrapped(text: string, columns: number): readonly string[] {
  const pieces = text.split(/\s+/).flatMap((word) => word.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [""]);
  const lines: string[] = [];
  let line = "";
  for (const piece of pieces) {
    if (line !== "" && line.length + 1 + piece.length > columns) {
      lines.push(line);
      line = piece;
    } else line = line === "" ? piece : `${line} ${piece}`;
  }
  return [...lines, line];
}
