/** What happens to logs and collectors in a working day: they appear, shrink, are added, die; each line counts once. */
import { assertEquals } from "@std/assert";
import { cliJson, untilEqual } from "./answers.ts";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { eventually, freePort } from "./ports.ts";
import { type Role, startAggregator, startCollector } from "./roles.ts";

realTest([], "a log that appears later, a new match of a glob, and a truncated log are counted", async () => {
  using folder = new TestFolder();
  const patterns = [folder.path("later.log"), folder.path("site-*.log")];
  await using collector = await startCollector({ source: "col-1", logs: patterns, unreadable: patterns });
  await untilSaid(collector, "waiting for");

  folder.append(line({ host: "later" }).repeat(3), "later.log");
  folder.append(line({ host: "globbed" }).repeat(5), "site-1.log");
  await untilCounted(collector, { later: 3, globbed: 5 });

  // As `copytruncate` does it, when nobody writes.
  Deno.truncateSync(folder.path("later.log"));
  folder.append(line({ host: "again" }), "later.log");
  folder.append(line({ host: "globbed" }), "site-2.log");
  await untilCounted(collector, { later: 3, globbed: 6, again: 1 });
});

realTest([], "a line that comes in pieces counts once, when its end has come", async () => {
  using folder = new TestFolder();
  folder.append("");
  await using collector = await startCollector({ source: "col-1", logs: [folder.path()] });
  const whole = line({ host: "pieces" });
  folder.append(line({ host: "first" }) + whole.slice(0, 12));
  await untilCounted(collector, { first: 1 });
  folder.append(whole.slice(12));
  await untilCounted(collector, { first: 1, pieces: 1 });
});

realTest([], "SIGHUP reads the list of logs again", async () => {
  using folder = new TestFolder();
  folder.append("");
  folder.append(`# ours\n${folder.path()}\n`, "logs.conf");
  const flags = [`--logs-file=${folder.path("logs.conf")}`];
  await using collector = await startCollector({ source: "col-1", logs: [], flags, folders: [folder.folder] });
  await untilSaid(collector, folder.path());
  folder.append("", "second.log");
  folder.append(`${folder.path("second.log")}\n`, "logs.conf");
  collector.signal("SIGHUP");
  await untilSaid(collector, folder.path("second.log"));
  folder.append(line({ host: "one" }));
  folder.append(line({ host: "two" }), "second.log");
  await untilCounted(collector, { one: 1, two: 1 });
});

realTest([], "SIGHUP adds a log in another folder, and says what is missing when it may not read it", async () => {
  using folder = new TestFolder(), other = new TestFolder();
  folder.append("");
  other.append("");
  folder.append(`${folder.path()}\n`, "logs.conf");
  const flags = [`--logs-file=${folder.path("logs.conf")}`], folders = [folder.folder, other.folder];
  await using collector = await startCollector({ source: "col-1", logs: [], flags, folders });
  await untilSaid(collector, folder.path());
  folder.append("/srv/nowhere/access.log\n", "logs.conf");
  collector.signal("SIGHUP");
  await untilSaid(collector, "start it with --allow-read=/srv/nowhere beside what it has");
  folder.append(line({ host: "before" }));
  Deno.writeTextFileSync(folder.path("logs.conf"), `${folder.path()}\n${other.path()}\n`);
  collector.signal("SIGHUP");
  await untilSaid(collector, `following path=${other.path()}`);
  folder.append(line({ host: "after" }));
  other.append(line({ host: "other" }));
  await untilCounted(collector, { before: 1, after: 1, other: 1 });
});

realTest(
  [],
  "after kill -9 and a restart of a collector, an aggregator counts nothing twice and loses no past",
  async () => {
    using folder = new TestFolder();
    folder.append("");
    const port = freePort();
    const options = { source: "col-1", logs: [folder.path()], port };
    await using first = await startCollector(options);
    await using aggregator = await startAggregator("agg", [first.address]);
    folder.append(line({ host: "before" }).repeat(4));
    await untilCounted(aggregator, { before: 4 });

    await first.kill("SIGKILL");
    await eventually(
      async () => (await cliJson(aggregator.address, "website")).coverage.present === 0 || undefined,
      () => "the killed collector is still present",
    );
    await using _second = await startCollector(options);
    folder.append(line({ host: "after" }).repeat(2));
    await untilCounted(aggregator, { before: 4, after: 2 }, 60_000);
    const { coverage } = await cliJson(aggregator.address, "website");
    assertEquals(coverage.missing, []);
  },
);

realTest([], "after kill -9 and a restart of an aggregator, it has again what its collectors still hold", async () => {
  using folder = new TestFolder();
  folder.append("");
  await using collector = await startCollector({ source: "col-1", logs: [folder.path()] });
  const first = await startAggregator("agg", [collector.address]);
  folder.append(line({ host: "held" }).repeat(7));
  await untilCounted(first, { held: 7 });
  await first.kill("SIGKILL");
  await using second = await startAggregator("agg", [collector.address]);
  await untilCounted(second, { held: 7 });
});

/** Until the role has exactly these requests by website; fails at once when it has more of one. */
async function untilCounted(role: Role, expected: Readonly<Record<string, number>>, waitMs?: number): Promise<void> {
  let last = "";
  await eventually(
    async () => {
      const { entries } = await cliJson(role.address, "website");
      const counted = Object.fromEntries(entries.map(({ label, count }) => [label, count]));
      for (const [label, count] of Object.entries(counted)) {
        if (count > (expected[label] ?? 0)) {
          throw new Error(
            `${label}: ${count} counted, ${expected[label] ?? 0} written`,
          );
        }
      }
      last = JSON.stringify(counted);
      return Object.entries(expected).every(([label, count]) => counted[label] === count) || undefined;
    },
    () => `expected ${JSON.stringify(expected)}, got ${last}; it said:\n${role.stderr()}`,
    waitMs,
  );
}

async function untilSaid(role: Role, text: string): Promise<void> {
  await eventually(() => role.stderr().includes(text) || undefined, () => `not a word of ${text}:\n${role.stderr()}`);
}

realTest([], "an aggregator that starts anew has all that its collectors have counted, for hours back", async () => {
  using folder = new TestFolder();
  const nowS = Math.floor(Date.now() / 1000);
  // One line every ten seconds of two hours, as nginx would have left them behind.
  for (let ageS = 7200; ageS > 60; ageS -= 10) folder.append(line({ host: "old", time: nowS - ageS }));
  const flags = ["--from=start"], lines = 714;
  await using collector = await startCollector({ source: "col-1", logs: [folder.path()], flags });
  await until6h(collector, { old: lines });
  for (const round of ["first", "after kill -9"]) {
    const aggregator = await startAggregator("agg", [collector.address]);
    try {
      await until6h(aggregator, { old: lines }, round);
    } finally {
      await aggregator.kill("SIGKILL");
    }
  }
});

/** As `untilCounted`, over six hours; never more than that, not even for a moment. */
async function until6h(role: Role, expected: Record<string, number>, what = ""): Promise<void> {
  const total = Object.values(expected).reduce((sum, count) => sum + count, 0);
  const counts = new Map(Object.entries(expected));
  await untilEqual({ total, counts }, () => cliJson(role.address, "website", ["--window=6h"]), what);
}
