/** The fleet's crash test in small; `deno task fleet-chaos` runs it at length. */
import { assert } from "@std/assert";
import { fleetChaos, type FleetChaosFigures, type FleetChaosOptions } from "./fleet/fleet_chaos.ts";
import { TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";

async function inSmall(more: Partial<FleetChaosOptions>): Promise<FleetChaosFigures> {
  using folder = new TestFolder();
  const said: string[] = [];
  try {
    return await fleetChaos({
      collectors: 3,
      seconds: 4,
      outageSeconds: 1.5,
      longSeconds: 0,
      lifeSeconds: 1.5,
      seed: 3,
      relays: 0,
      shared: 0,
      aggregatorState: true,
      relayState: false,
      renames: false,
      folder: folder.folder,
      say: (line) => void said.push(line),
      ...more,
    });
  } catch (error) {
    throw new Error(`${said.join("\n")}\n${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

realTest(
  [],
  "while collectors and their aggregator are killed, no window has more than was written, and then each has all of it",
  async () => {
    const figures = await inSmall({});
    assert(figures.collectorKills >= 2 && figures.aggregatorKills >= 1, JSON.stringify(figures));
  },
);

realTest(
  [],
  "nor does one above two relays that share a collector and are killed as well, though nobody but collectors has state",
  async () => {
    const figures = await inSmall({ relays: 2, shared: 1, aggregatorState: false });
    const { collectorKills, relayKills, aggregatorKills } = figures;
    assert(collectorKills >= 1 && relayKills >= 1 && aggregatorKills >= 1, JSON.stringify(figures));
  },
);
