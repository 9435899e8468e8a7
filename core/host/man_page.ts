/** Man pages from flag tables: roff of the man macros (man(7)), which every formatter knows. */
import { type Flag, placeholderOf, type Program, variableOf } from "./flag_table.ts";

/** A section of prose: paragraphs; one that begins with two blanks is shown as it is. */
export interface ManSection {
  readonly title: string;
  readonly paragraphs: readonly string[];
}

export interface ManPage {
  readonly name: string;
  /** Section of the manual: 1 for commands of users, 8 for those of administrators. */
  readonly section: number;
  readonly version: string;
  readonly summary: string;
  /** One program, or several commands of one. */
  readonly programs: readonly Program[];
  readonly sections: readonly ManSection[];
}

/** The page as roff, ending in a newline. */
export function manPage({ name, section, version, summary, programs, sections }: ManPage): string {
  const several = programs.length > 1;
  return [
    `.TH ${name.toUpperCase()} ${section} "" "nginx-logtail ${version}"`,
    ".SH NAME",
    text(`${name} - ${summary}`),
    ".SH SYNOPSIS",
    ...programs.flatMap((program) => [".nf", `\\fB${text(program.program)}\\fR ${text(usage(program))}`, ".fi"]),
    ...several ? programs.flatMap(commandLines) : [".SH OPTIONS", ...programs.flatMap(flagLines)],
    ...sections.flatMap((
      { title, paragraphs },
    ) => [`.SH ${title.toUpperCase()}`, ...paragraphs.flatMap(paragraphLines)]),
    "",
  ].join("\n");
}

function usage({ operands }: Program): string {
  return `[flags]${operands === undefined ? "" : ` ${operands}`}`;
}

function commandLines(program: Program): string[] {
  return [`.SH ${text(program.program.toUpperCase())}`, text(sentence(program.summary)), ...flagLines(program)];
}

function flagLines(program: Program): string[] {
  return program.flags.flatMap((flag) => [
    ".TP",
    `\\fB${text(`--${flag.name}`)}\\fR ${italic(placeholderOf(flag))}`.trimEnd(),
    text(about(program, flag)),
  ]);
}

function about(program: Program, flag: Flag): string {
  const facts = [
    flag.choices === undefined ? "" : `One of ${flag.choices.join(", ")}.`,
    flag.required ? "Required." : "",
    flag.default ? `Default: ${flag.default}.` : "",
    `Environment: ${variableOf(program, flag)}.`,
  ];
  return [sentence(flag.help), ...facts].filter((fact) => fact !== "").join(" ");
}

function paragraphLines(paragraph: string): string[] {
  if (paragraph.startsWith("  ")) return [".PP", ".nf", ".RS", text(paragraph.trim()), ".RE", ".fi"];
  return [".PP", text(paragraph)];
}

function sentence(words: string): string {
  return `${words[0].toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? "" : "."}`;
}

function italic(placeholder: string): string {
  return placeholder === "" ? "" : `\\fI${text(placeholder)}\\fR`;
}

/** Text that roff shows as it is: no escapes, no requests at the start of a line, dashes that can be copied. */
function text(plain: string): string {
  return plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...").split("\n")
    .map((line) => /^[.']/.test(line) ? `\\&${line}` : line).join("\n");
}
