import { assert, assertEquals, assertThrows } from "@std/assert";
import { VERSION } from "@/core/host/exit.ts";
import { changeOf, debianChangelog, releasedS } from "./changelog.ts";
import { controlFile } from "./control.ts";

const MARKDOWN = `# Changelog

## 0.2.0 - 2027-01-31

About \`--state-dir\`.

- **First**: a point that
  goes on.
- Second.

## 0.1.0 - 2026-12-24

- Older.
`;

Deno.test("the version of the programs, the first one of CHANGELOG.md and that of the package are the same", () => {
  const change = changeOf(Deno.readTextFileSync(new URL("../../CHANGELOG.md", import.meta.url)), VERSION);
  assert(change.points.length > 0);
  const maintainer = "A <a@b.example>";
  const control = controlFile({ version: VERSION, architecture: "amd64", maintainer, installedKib: 1 });
  assert(control.includes(`\nVersion: ${VERSION}\n`));
  assert(debianChangelog(change, { version: VERSION, maintainer, dateS: 0 }).startsWith(`nginx-logtail (${VERSION}) `));
});

Deno.test("images and packages that the pages and the compose file name are of this version", () => {
  const named = ["docs/guide.md", "docs/containers.md", "packaging/compose.yaml"].flatMap((path) => {
    const text = Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
    return [...text.matchAll(/nginx-logtail(?:-\w+:|_)(\d+\.\d+\.\d+)/g)].map(([, version]) => version);
  });
  assert(named.length > 5);
  assertEquals(new Set(named), new Set([VERSION]));
});

Deno.test("a version's section is its points, without marks and without the older ones", () => {
  const change = changeOf(MARKDOWN, "0.2.0");
  assertEquals(change, {
    date: "2027-01-31",
    points: ["About --state-dir.", "First: a point that goes on.", "Second."],
  });
  assertEquals(releasedS(change), Date.UTC(2027, 0, 31) / 1000);
  assertEquals(releasedS(changeOf("## 1.0.0 - unreleased\n\n- New.\n", "1.0.0")), undefined);
});

Deno.test("a version that CHANGELOG.md does not begin with is refused", () => {
  for (
    const [markdown, version] of [[MARKDOWN, "0.1.0"], [MARKDOWN, "0.3.0"], ["## Unreleased\n", "0.1.0"], ["", "1.0.0"]]
  ) {
    assertThrows(() => changeOf(markdown, version), Error, `Cannot tell what changed in ${version}`);
  }
});

Deno.test("Debian's form has the points in at most 80 columns, and the date as mail has it", () => {
  const long = `${"word ".repeat(40)}end`,
    text = debianChangelog(
      { date: undefined, points: [long, "Short."] },
      { version: "1.2.3", maintainer: "A <a@b.example>", dateS: 1795219200 },
    );
  const lines = text.split("\n");
  assertEquals(Math.max(...lines.map((line) => line.length)) <= 80, true);
  assertEquals(lines.filter((line) => line.startsWith("  * ")).length, 2);
  assertEquals(text.replaceAll(/\s+/g, " ").includes(`* ${long} * Short.`), true);
  assertEquals(lines.at(-2), " -- A <a@b.example>  Sat, 21 Nov 2026 00:00:00 +0000");
});
