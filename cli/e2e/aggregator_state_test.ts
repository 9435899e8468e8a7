/** What an aggregator with a state directory promises an operator, with real processes: its history survives it, and its sources. */
import { assertEquals } from "@std/assert";
import { cliJson, untilEqual } from "./answers.ts";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { freePort, pause } from "./ports.ts";
import { type Role, startAggregatorWith, startCollector } from "./roles.ts";

realTest(
  [],
  "an aggregator that is killed with -9 has its history again while all collectors are gone, and their lines once when they return",
  async () => {
    using folder = new TestFolder();
    const fleet = new Fleet(folder);
    const collectors = await Promise.all(fleet.names.map((name) => fleet.collector(name, true)));
    fleet.write("one", 40);
    fleet.write("two", 4);
    const first = await fleet.aggregator();
    try {
      await fleet.untilCounted(first);
      await first.kill("SIGKILL");
      fleet.write("one", 3);

      // What came meanwhile is asked for again; it is saved within a second or two.
      const second = await fleet.aggregator();
      await fleet.untilCounted(second);
      await pause(2500);
      await second.kill("SIGKILL");
      for (const collector of collectors) await collector.kill("SIGKILL");
      fleet.write("two", 5, false);

      await using third = await fleet.aggregator();
      assertEquals(third.stderr().includes("state was read"), true, third.stderr());
      // At once, and for as long as nobody comes back.
      const { total, coverage } = await cliJson(third.address, "source");
      assertEquals([total, coverage.expected, coverage.present], [fleet.counted, 2, 0]);
      assertEquals(coverage.missing.toSorted(), [...fleet.names]);
      const refused = await fleet.refused();
      assertEquals(refused.map(({ code }) => code), [3, 3]);
      assertEquals(refused[0].stderr.includes("another process uses it"), true, refused[0].stderr);
      assertEquals(refused[1].stderr.includes("start it with --source=agg"), true, refused[1].stderr);

      await using _one = await fleet.collector("one");
      await using _two = await fleet.collector("two");
      fleet.write("one", 2);
      await fleet.untilCounted(third);
      assertEquals((await cliJson(third.address, "source")).coverage.missing, []);
      assertEquals(third.stderr().includes("missing="), false, third.stderr());
    } finally {
      await first.kill("SIGKILL");
    }
  },
);

/** Two collectors with state, their logs, and what was written to them. */
class Fleet {
  readonly names = ["one", "two"];
  readonly #written = new Map<string, number>();
  readonly #ports = new Map(["one", "two", "agg"].map((name) => [name, freePort()]));
  /** Lines that a collector was there to deliver. */
  counted = 0;

  constructor(readonly folder: TestFolder) {
    for (const name of this.names) {
      folder.append("", `${name}.log`);
      Deno.mkdirSync(folder.path(name));
    }
    Deno.mkdirSync(folder.path("agg"));
  }

  write(name: string, lines: number, isDelivered = true): void {
    this.folder.append(line({ host: name }).repeat(lines), `${name}.log`);
    this.#written.set(name, (this.#written.get(name) ?? 0) + lines);
    if (isDelivered) this.counted += lines;
  }

  /** @param isFirst whether the log is new to it: it says so */
  collector(name: string, isFirst = false): Promise<Role> {
    const stateDir = this.folder.path(name), logs = [this.folder.path(`${name}.log`)];
    const flags = [`--state-dir=${stateDir}`, "--prom-listen="];
    return startCollector({
      source: name,
      logs,
      port: this.#ports.get(name)!,
      flags,
      keeps: [stateDir],
      unreadable: isFirst ? [] : logs,
    });
  }

  aggregator(source = "agg", port = this.#ports.get("agg")!): Promise<Role> {
    const collectors = this.names.map((name) => `127.0.0.1:${this.#ports.get(name)}`), folder = this.folder.path("agg");
    const flags = [`--state-dir=${folder}`, "--prom-listen="];
    return startAggregatorWith({ source, collectors, port, flags, folders: [folder] });
  }

  /** Of one more on the same directory, and then of one that calls itself otherwise: how they end. */
  async refused(): Promise<{ readonly code: number; readonly stderr: string }[]> {
    const ends = [];
    for (const stateDir of ["agg", "copy"]) {
      if (stateDir === "copy") copyFolder(this.folder.path("agg"), this.folder.path("copy"));
      const collectors = ["127.0.0.1:1"], folder = this.folder.path(stateDir), port = freePort();
      const flags = [`--state-dir=${folder}`, "--prom-listen="];
      const started = startAggregatorWith({ source: "other", collectors, port, flags, folders: [folder] });
      const stderr = await started.then(() => "", (error: Error) => error.message);
      ends.push({ code: stderr.includes("Cannot use the state") ? 3 : 0, stderr });
    }
    return ends;
  }

  async untilCounted(aggregator: Role): Promise<void> {
    const counts = new Map(this.#written), total = [...counts.values()].reduce((sum, lines) => sum + lines, 0);
    await untilEqual({ total, counts }, () => cliJson(aggregator.address, "website"), aggregator.stderr());
  }
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name } of Deno.readDirSync(from)) Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
}
