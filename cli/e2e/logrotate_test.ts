/**
 * logrotate itself over a log that is written to: by renaming (`create`) and by `copytruncate`, compressed at once or
 * later, while the collector runs. What logrotate itself loses by copying is in the ledger as what may be lost.
 */
import { assertEquals } from "@std/assert";
import { line, TestFolder } from "./lines.ts";
import { programPath, realTest } from "./need.ts";
import { eventually } from "./ports.ts";
import { type Role, runCli, startCollector } from "./roles.ts";

interface Target {
  readonly ledger: Readonly<Record<string, number>>;
}

realTest(
  ["logrotate"],
  "logrotate with `create`: every line counts once, also those written before the reopening",
  async () => {
    using folder = new TestFolder();
    folder.append("");
    await using collector = await startCollector({ source: "col-1", logs: [folder.path()] });
    let written = 0;
    for (let rotation = 1; rotation <= 4; rotation++) {
      using writer = Deno.openSync(folder.path(), { append: true });
      const write = (lines: number): void => {
        for (let i = 0; i < lines; i++) writer.writeSync(new TextEncoder().encode(line({ uri: `/${written++}` })));
      };
      write(50);
      await rotate(folder, "create\ncompress");
      // It has not been told to reopen; gzip has read the file before, so these lines are in no copy.
      write(50);
      const followed = (): number => collector.stderr().split(" following path=").length - 1;
      await eventually(() => followed() > rotation ? true : undefined, () => `${followed()} logs were followed`);
    }
    folder.append(line().repeat(10));
    await untilRead(collector, written + 10);
    assertEquals(await cut(collector), 0);
  },
);

realTest(
  ["logrotate"],
  "logrotate with `copytruncate`: what was copied counts once, and the ledger says what may be lost",
  async () => {
    using folder = new TestFolder();
    folder.append("");
    await using collector = await startCollector({ source: "col-1", logs: [folder.path()] });
    for (let rotation = 1; rotation <= 3; rotation++) {
      folder.append(line({ uri: `/${rotation}` }).repeat(100));
      await rotate(folder, "copytruncate");
      folder.append(line({ uri: `/after/${rotation}` }).repeat(20 * rotation));
      await untilRead(collector, 100 * rotation + 20 * (rotation * (rotation + 1) / 2));
    }
    let cuts = 0;
    const seen = async (): Promise<true | undefined> => (cuts = await cut(collector)) >= 3 ? true : undefined;
    await eventually(seen, () => `${cuts} of 3 truncations are in the ledger`, 30_000);
    assertEquals(cuts, 3);
  },
);

/** Runs logrotate once over the folder's log. */
async function rotate(folder: TestFolder, directives: string): Promise<void> {
  const conf = folder.path("logrotate.conf");
  Deno.writeTextFileSync(conf, `${folder.path()} {\nrotate 9\nnomail\nmissingok\n${directives}\n}\n`);
  Deno.chmodSync(conf, 0o644);
  Deno.chmodSync(folder.folder, 0o755);
  const args = ["--force", `--state=${folder.path("logrotate.state")}`, conf];
  const { code, stderr } = await new Deno.Command(programPath("logrotate")!, { args, stderr: "piped" }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
}

async function target(collector: Role): Promise<Target> {
  const { code, stdout, stderr } = await runCli(["targets", `--target=${collector.address}`, "--json"]);
  assertEquals(code, 0, stderr);
  return (JSON.parse(stdout) as { readonly targets: readonly Target[] }).targets[0];
}

async function cut(collector: Role): Promise<number> {
  return (await target(collector)).ledger.logs_cut;
}

async function untilRead(collector: Role, lines: number): Promise<void> {
  let read = -1;
  await eventually(
    async () => {
      read = (await target(collector)).ledger.read;
      return read >= lines ? true : undefined;
    },
    () => `${read} of ${lines} lines were read\n${collector.stderr()}`,
    40_000,
  );
  assertEquals((await target(collector)).ledger.read, lines);
}
