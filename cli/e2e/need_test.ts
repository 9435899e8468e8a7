/** A missing component is never a silent pass. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestFolder } from "./lines.ts";
import { ROOT } from "./roles.ts";

Deno.test("a missing component is named with its package, and skips the test", async () => {
  const { code, text } = await testWithoutChromium({});
  assertEquals(code, 0);
  assertStringIncludes(text, "it draws — SKIPPED: chromium is missing; apt-get install chromium");
  assertStringIncludes(text, "1 ignored");
});

Deno.test("with LOGTAIL_REQUIRE_REAL=1 a missing component fails the test", async () => {
  const { code, text } = await testWithoutChromium({ LOGTAIL_REQUIRE_REAL: "1" });
  assertEquals(code, 1);
  assertStringIncludes(text, "chromium is missing; apt-get install chromium");
});

/** Runs a test file of its own that needs Chromium, where there is none. */
async function testWithoutChromium(env: Readonly<Record<string, string>>): Promise<{ code: number; text: string }> {
  using folder = new TestFolder();
  const file = folder.path("absent_test.ts");
  const source =
    `import { realTest } from "file://${ROOT}cli/e2e/need.ts"; realTest(["chromium"], "it draws", async () => {});`;
  await Deno.writeTextFile(file, source);
  const grants = ["--allow-read", "--allow-env=PATH,LOGTAIL_REQUIRE_REAL", "--allow-sys=uid"];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", "--no-prompt", "--no-check", "--frozen", `--config=${ROOT}deno.json`, ...grants, file],
    env: { PATH: "/nowhere", NO_COLOR: "1", LOGTAIL_REQUIRE_REAL: "", ...env },
    stdin: "null",
  }).output();
  return { code, text: [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n") };
}
