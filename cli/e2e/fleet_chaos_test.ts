/** The fleet's crash test in small; `deno task fleet-chaos` runs it at length. */
import { assert } from "@std/assert";
import { fleetChaos } from "./fleet/fleet_chaos.ts";
import { TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";

realTest(
  [],
  "while collectors and their aggregator are killed, no window has more than was written, and then each has all of it",
  async () => {
    using folder = new TestFolder();
    const said: string[] = [];
    try {
      const figures = await fleetChaos({
        collectors: 3,
        seconds: 4,
        outageSeconds: 1.5,
        lifeSeconds: 1.5,
        seed: 3,
        aggregatorState: true,
        renames: false,
        folder: folder.folder,
        say: (line) => void said.push(line),
      });
      assert(figures.collectorKills >= 2 && figures.aggregatorKills >= 1, JSON.stringify(figures));
    } catch (error) {
      throw new Error(`${said.join("\n")}\n${error instanceof Error ? error.message : error}`, { cause: error });
    }
  },
);
