/** The fleet's crash test in small; `deno task fleet-chaos` runs it at length. */
import { fleetChaos, type FleetChaosOptions } from "./fleet/fleet_chaos.ts";
import { TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";

/** Some of each kind are killed, however slow the machine is. */
async function inSmall(more: Partial<FleetChaosOptions>): Promise<void> {
  using folder = new TestFolder();
  const said: string[] = [];
  try {
    await fleetChaos({
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
    await inSmall({});
  },
);

realTest(
  [],
  "nor does one above two relays that share a collector and are killed as well, though nobody but collectors has state",
  async () => {
    await inSmall({ relays: 2, shared: 1, aggregatorState: false });
  },
);
