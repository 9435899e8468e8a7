/** Every command of `docs/cookbook.md`, run as it stands there against an aggregator that has something to say. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { eventually } from "./ports.ts";
import { cliCommand, ROOT, startAggregator, startCollector } from "./roles.ts";

realTest([], "the commands of the cookbook do what they say", async (t) => {
  using folder = new TestFolder();
  folder.append("");
  await using collector = await startCollector({ source: "col-1", logs: [folder.path()] });
  await using aggregator = await startAggregator("agg", [collector.address]);
  folder.append(line({ host: "shop.example", status: "429", uri: "/login" }).repeat(5));
  folder.append(line({ host: "shop.example", uri: "/wp-admin", status: "503" }));
  await eventually(async () => {
    const { stdout } = await run(
      "nginx-logtail topn --group-by website --window 5m --json",
      aggregator.address,
      folder,
    );
    return JSON.parse(stdout).total === 6 || undefined;
  }, () => "six requests");
  const commands = cookbook();
  assert(commands.length > 20, `${commands.length} commands`);
  for (const command of commands) {
    await t.step(command, async () => {
      const { code, stdout, stderr } = await run(command, aggregator.address, folder);
      assertEquals([code, stderr], [0, ""]);
      assert(stdout !== "", "it says something");
    });
  }
});

function cookbook(): readonly string[] {
  const text = Deno.readTextFileSync(join(ROOT, "docs", "cookbook.md"));
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) => block.trim().split("\n"));
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one line in the folder of the log; words in quotes are one word, as in a shell. */
async function run(text: string, target: string, folder: TestFolder): Promise<Ran> {
  const [program, ...args] = [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
  assertEquals(program, "nginx-logtail");
  const [deno, ...command] = cliCommand(args),
    grants = args[0] === "count" ? [`--allow-read=${folder.folder},${ROOT}`] : [];
  const at = command.findIndex((word) => word.endsWith("main.ts"));
  const { code, stdout, stderr } = await new Deno.Command(deno, {
    args: [...command.slice(0, at), ...grants, ...command.slice(at)],
    cwd: folder.folder,
    env: { CLI_TARGET: target },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
