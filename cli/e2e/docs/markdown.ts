/** The project's pages as far as tests look at them: fenced blocks, links, and the anchors of headings. */
import { join } from "@std/path";
import { ROOT } from "@/cli/e2e/roles.ts";

export interface Block {
  /** Behind the fence: `sh`, `nginx`; empty for none. */
  readonly language: string;
  /** Without the indentation of the fence. */
  readonly text: string;
  /** Of the fence, from 1. */
  readonly line: number;
}

export interface Page {
  /** Below the checkout: `docs/guide.md`. */
  readonly path: string;
  readonly blocks: readonly Block[];
  /** What links and pictures point to. */
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
  /** Texts between single backticks, outside of blocks. */
  readonly spans: readonly string[];
}

/** README.md and every page of docs/. */
export function pages(): readonly Page[] {
  const names = [...Deno.readDirSync(join(ROOT, "docs"))].map(({ name }) => name).filter((name) =>
    name.endsWith(".md")
  );
  return ["README.md", ...names.sort().map((name) => `docs/${name}`)].map((path) =>
    pageOf(path, Deno.readTextFileSync(join(ROOT, path)))
  );
}

/** Reads a page. Indented fences count; fences of four and tildes are not used here. */
export function pageOf(path: string, text: string): Page {
  const blocks: Block[] = [], prose: string[] = [];
  let open: { language: string; indent: number; line: number; lines: string[] } | undefined;
  text.split("\n").forEach((line, index) => {
    const fence = /^( *)```(\w*)\s*$/.exec(line);
    if (fence !== null && open === undefined) {
      open = { language: fence[2], indent: fence[1].length, line: index + 1, lines: [] };
    } else if (fence !== null && open !== undefined) {
      blocks.push({ language: open.language, text: open.lines.map((each) => `${each}\n`).join(""), line: open.line });
      open = undefined;
    } else if (open !== undefined) open.lines.push(line.slice(open.indent));
    else prose.push(line);
  });
  if (open !== undefined) throw new Error(`${path}: the block of line ${open.line} does not end`);
  const plain = prose.join("\n");
  return {
    path,
    blocks,
    links: [...plain.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target),
    anchors: new Set(prose.flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? []).map(anchorOf)),
    spans: [...plain.matchAll(/`([^`]+)`/g)].map(([, span]) => span.replace(/\s+/g, " ")),
  };
}

/** The anchor that a heading has on GitHub: lower case, no punctuation, hyphens for blanks. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-");
}

/** The commands of a shell block: one a line, lines that end in a backslash with the next; comments alone are none. */
export function commandsOf({ text }: Block): readonly string[] {
  return text.replaceAll("\\\n", " ").split("\n").map((line) => line.trim()).filter((line) =>
    line !== "" && !line.startsWith("#")
  );
}

/** What a command says it needs in order to be tried, or undefined. */
export function untriedBecause(command: string): string | undefined {
  return /# untested here: needs (.+)$/.exec(command)?.[1];
}
