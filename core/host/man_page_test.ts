import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Program } from "./flag_table.ts";
import { manPage } from "./man_page.ts";

const PROGRAM: Program = {
  role: "tester",
  program: "test-it",
  summary: "tries things.",
  operands: "FILE…",
  flags: [
    { name: "state-dir", kind: "text", placeholder: "PATH", help: "where \\n is kept" },
    { name: "way", kind: "text", default: "in", choices: ["in", "out"], help: "which way" },
  ],
};

function page(paragraphs: readonly string[] = []): string {
  const sections = [{ title: "examples", paragraphs }];
  return manPage({ name: "test-it", section: 8, version: "1.2.3", summary: "test it", programs: [PROGRAM], sections });
}

Deno.test("a page has name, synopsis, every flag with its default, choices and variable", () => {
  const text = page();
  assertStringIncludes(text, '.TH TEST-IT 8 "" "nginx-logtail 1.2.3"');
  assertStringIncludes(text, "test\\-it \\- test it");
  assertStringIncludes(text, "\\fBtest\\-it\\fR [flags] FILE...");
  assertStringIncludes(
    text,
    "\\fB\\-\\-way\\fR \\fITEXT\\fR\nWhich way. One of in, out. Default: in. Environment: TESTER_WAY.",
  );
});

Deno.test("what roff would obey is shown as it is", () => {
  const text = page([".de hostile\n'also", "  .SH shown -x"]);
  assertStringIncludes(text, "\\&.de hostile\n\\&'also");
  assertStringIncludes(text, "\\&.SH shown \\-x");
  assertStringIncludes(text, "Where \\en is kept.");
  const requests = text.split("\n").filter((line) => line.startsWith(".")).map((line) => line.split(" ")[0]);
  assertEquals([...new Set(requests)].sort(), [".PP", ".RE", ".RS", ".SH", ".TH", ".TP", ".fi", ".nf"]);
});
