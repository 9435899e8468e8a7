/** What CHANGELOG.md says of a version, in the form that Debian's tools read. */

/** One version's section. */
export interface Change {
  /** `2026-11-21`, or undefined as long as it is not released. */
  readonly date: string | undefined;
  /** Paragraphs and points, each on one line, without marks. */
  readonly points: readonly string[];
}

const HEADING = /^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d|unreleased)$/;
/** Columns of Debian's changelog. */
const COLUMNS = 80;

/** The section of the version, which must be the first: an older one means that one of both was forgotten. Throws Error. */
export function changeOf(markdown: string, version: string): Change {
  const lines = markdown.split("\n"), headings = lines.filter((line) => line.startsWith("## "));
  const [, named, date] = HEADING.exec(headings[0] ?? "") ?? [];
  if (named !== version) {
    throw new Error(
      `Cannot tell what changed in ${version}: CHANGELOG.md begins with "${headings[0] ?? ""}"; ` +
        `it must be "## ${version} - unreleased" or its date`,
    );
  }
  const from = lines.indexOf(headings[0]) + 1, to = headings.length > 1 ? lines.indexOf(headings[1]) : lines.length;
  return { date: date === "unreleased" ? undefined : date, points: pointsOf(lines.slice(from, to)) };
}

/** Seconds since 1970 of a version's date in UTC; undefined as long as it is not released. */
export function releasedS({ date }: Change): number | undefined {
  return date === undefined ? undefined : Date.parse(`${date}T00:00:00Z`) / 1000;
}

function pointsOf(lines: readonly string[]): string[] {
  const points: string[] = [];
  let open = false;
  for (const line of lines) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) open = false;
    else if (open && !text.startsWith("- ")) points.push(`${points.pop()} ${text}`);
    else {
      points.push(text.replace(/^- /, ""));
      open = true;
    }
  }
  return points.map((point) => point.replaceAll("`", "").replaceAll("**", ""));
}

/** The Debian changelog of one version. */
export function debianChangelog(
  { points }: Change,
  { version, maintainer, dateS }: { readonly version: string; readonly maintainer: string; readonly dateS: number },
): string {
  const entries = points.map((point) => wrapped(`  * ${point}`, "    "));
  return `nginx-logtail (${version}) unstable; urgency=medium\n\n${entries.join("\n")}\n\n` +
    ` -- ${maintainer}  ${rfc2822(dateS)}\n`;
}

function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.trimStart().split(" ")) {
    const first = lines.length === 0 ? "  " : indent;
    if (line !== "" && first.length + line.length + 1 + word.length > COLUMNS) {
      lines.push(first + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, (lines.length === 0 ? "  " : indent) + line].join("\n");
}

/** `Sat, 21 Nov 2026 04:52:56 +0000` */
function rfc2822(timeS: number): string {
  return new Date(timeS * 1000).toUTCString().replace("GMT", "+0000");
}
