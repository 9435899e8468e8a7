/** What a collector with a state directory promises an operator, with real processes: restarts, and a disk that fails. */
import { assertEquals } from "@std/assert";
import { cliJson } from "./answers.ts";
import { KilledCollector, type KilledOptions } from "./chaos/killed_collector.ts";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { eventually, freePort } from "./ports.ts";
import { runCli, startAggregator } from "./roles.ts";

realTest(
  [],
  "a collector that is stopped has saved what it read, and what came since is read at its next start",
  async () => {
    using folder = new TestFolder();
    const options = optionsIn(folder);
    folder.append(line({ host: "before" }).repeat(40));
    const first = new KilledCollector(options);
    await first.said("looked at the list", 1);
    assertEquals(await first.stop(), 0, first.stderr);
    folder.append(line({ host: "between" }).repeat(2));
    const second = new KilledCollector(options);
    try {
      await untilTotal(options.port, 42);
      assertEquals(second.stderr.includes("state was read"), true, second.stderr);
      const third = new KilledCollector({ ...options, port: freePort() });
      assertEquals(await third.ended(), 3);
      assertEquals(
        third.stderr.includes("another process uses it; give each a directory of its own"),
        true,
        third.stderr,
      );
    } finally {
      assertEquals(await second.stop(), 0, second.stderr);
    }
    const other = new KilledCollector({ ...options, source: "other" });
    assertEquals(await other.ended(), 3);
    const why =
      "it is of source col, and this collector is other; start it with --source=col, or give another --state-dir";
    assertEquals(other.stderr.includes(why), true, other.stderr);
    assertEquals(await total(options.port), undefined);
  },
);

realTest(
  [],
  "while the disk fails answers go on, the problem is said and delivery waits; then all is saved and delivered",
  async () => {
    using folder = new TestFolder();
    const options = { ...optionsIn(folder), disk: "failing_disk" as const };
    folder.append("");
    const collector = new KilledCollector(options);
    await using aggregator = await startAggregator("agg", [`127.0.0.1:${options.port}`]);
    const aggregatorPort = Number(aggregator.address.split(":")[1]);
    folder.append(line().repeat(5));
    await untilTotal(aggregatorPort, 5);
    let written = 5;
    for (const [code, reason] of [["ENOSPC", "no space left on device"], ["EIO", "input/output error"]]) {
      Deno.writeTextFileSync(`${options.stateDir}.fails`, code);
      folder.append(line().repeat(3));
      written += 3;
      await untilTotal(options.port, written);
      await eventually(
        async () => (await problem(options.port)).includes(reason) || undefined,
        () => `${reason} is not said:\n${collector.stderr}`,
      );
      assertEquals(await total(aggregatorPort), written - 3, "what is not saved is not delivered");
      Deno.removeSync(`${options.stateDir}.fails`);
      await untilTotal(aggregatorPort, written);
      assertEquals(await problem(options.port), "");
      assertEquals(collector.stderr.includes("state cannot be saved: counting and answering go on"), true);
      assertEquals(collector.stderr.includes("state is saved again"), true);
    }
    await collector.kill();
    const restarted = new KilledCollector(options);
    try {
      await untilTotal(options.port, written);
      assertEquals(await total(aggregatorPort), written);
    } finally {
      assertEquals(await restarted.stop(), 0, restarted.stderr);
    }
  },
);

function optionsIn(folder: TestFolder): KilledOptions {
  return { port: freePort(), log: folder.path(), stateDir: folder.path("state") };
}

async function untilTotal(port: number, expected: number): Promise<void> {
  let last: number | undefined;
  await eventually(
    async () => {
      last = await total(port);
      if (last !== undefined && last > expected) throw new Error(`${last} counted, ${expected} written`);
      return last === expected || undefined;
    },
    () => `${last} counted, ${expected} written`,
    40_000,
  );
}

/** Undefined when nobody answers. */
async function total(port: number): Promise<number | undefined> {
  const { code } = await runCli(["targets", `--target=127.0.0.1:${port}`]);
  return code === 0 ? (await cliJson(`127.0.0.1:${port}`, "website", ["--window=60m"])).total : undefined;
}

async function problem(port: number): Promise<string> {
  const { stdout } = await runCli(["targets", `--target=127.0.0.1:${port}`, "--json"]);
  return JSON.parse(stdout).targets[0].problem;
}
