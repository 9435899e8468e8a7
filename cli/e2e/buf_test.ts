/** What `buf`, the tool of those who work with gRPC, makes of our schema and of a running program. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programPath, realTest } from "./need.ts";
import { line, TestFolder } from "./lines.ts";
import { eventually } from "./ports.ts";
import { ROOT, startCollector } from "./roles.ts";

const BUF = "@bufbuild/buf@1.75.0", PROTO = join(ROOT, "proto");

realTest(["npm"], "the schema has no lint, and breaks nobody who speaks what was first sent", async (t) => {
  await t.step("buf lint", async () => assertEquals(await buf(["lint", PROTO]), ""));
  await t.step("buf breaking", async () => {
    // Within the module's own folder it would not be another module.
    using frozen = new TestFolder();
    frozen.append(Deno.readTextFileSync(join(PROTO, "frozen", "logtail.proto")), "logtail.proto");
    assertEquals(await buf(["breaking", PROTO, "--against", frozen.folder]), "");
  });
});

realTest(["npm"], "buf curl asks by reflection, without the schema", async () => {
  using folder = new TestFolder();
  folder.append("");
  await using collector = await startCollector({ source: "col-1", logs: [folder.path()] });
  folder.append(line({ host: "seen" }).repeat(3));
  const url = `http://${collector.address}`, grpc = ["--protocol", "grpc", "--http2-prior-knowledge"];
  assertStringIncludes(await buf(["curl", ...grpc, url, "--list-methods"]), "logtail.LogtailService/StreamBuckets");
  await eventually(async () => {
    const text = await buf(["curl", ...grpc, `${url}/logtail.LogtailService/TopN`, "-d", '{"n": 3, "window": "W5M"}']);
    const { entries } = JSON.parse(text) as { entries?: { label: string; count: string }[] };
    return entries?.[0]?.label === "seen" && entries[0].count === "3" || undefined;
  }, () => "three requests for one website");
});

/** What it prints; it must end with 0. */
async function buf(args: readonly string[]): Promise<string> {
  const command = new Deno.Command(programPath("npm")!, { args: ["exec", "--yes", "--", BUF, ...args], stdin: "null" });
  const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
  return decoder.decode(stdout);
}
