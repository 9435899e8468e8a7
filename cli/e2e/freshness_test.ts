/** A line is in the answer at most 15 s after it was written, whenever in a slice that was. */
import { assert } from "@std/assert";
import { cliJson } from "./answers.ts";
import { line, TestFolder } from "./lines.ts";
import { realTest, say } from "./need.ts";
import { eventually, pause } from "./ports.ts";
import { startAggregator, startCollector } from "./roles.ts";

/** Seconds. */
const FRESH_S_MAX = 15;
const SLICE_S = 10;

/** Seconds into a slice at which lines are written; the last ones just before it ends and just after. */
const PHASES_S = [0.3, 2, 4, 6, 8, 9.2, 9.9];

realTest([], "a line written is in the 1m answer of collector and aggregator within 15 s", async () => {
  using log = new TestFolder();
  log.append("");
  await using collector = await startCollector({ source: "col-1", logs: [log.path()] });
  await using aggregator = await startAggregator("agg", [collector.address]);

  const writing = PHASES_S.map(async (phase) => {
    const now = Date.now() / 1000;
    const untilPhase = ((phase - now) % SLICE_S + SLICE_S) % SLICE_S;
    await pause(untilPhase * 1000);
    const host = `phase-${phase}.example`;
    log.append(line({ host }));
    return { host, at: performance.now() };
  });

  await Promise.all([collector, aggregator].map((role) => measure(role.address, writing)));
});

async function measure(target: string, writing: readonly Promise<{ host: string; at: number }>[]): Promise<void> {
  const seen = new Map<string, number>();
  await eventually(
    async () => {
      const answer = await cliJson(target, "website", ["--window=1m"]);
      for (const { label } of answer.entries) if (!seen.has(label)) seen.set(label, performance.now());
      return seen.size === PHASES_S.length || undefined;
    },
    () => `${target} shows only ${[...seen.keys()].join(", ")}`,
    (2 * FRESH_S_MAX + SLICE_S) * 1000,
  );
  const written = await Promise.all(writing);
  for (const { host, at } of written) {
    const seconds = ((seen.get(host) ?? Infinity) - at) / 1000;
    say(
      `freshness of ${target}: written at ${host.split(".example")[0]} s of a slice, answered ${
        seconds.toFixed(1)
      } s later`,
    );
    assert(seconds <= FRESH_S_MAX, `${host} took ${seconds} s`);
  }
}
