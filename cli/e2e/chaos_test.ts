/** The crash test in small; `deno task chaos` runs it at length. */
import { chaos, LANDINGS } from "./chaos/chaos.ts";
import { TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { assert } from "@std/assert";

realTest(
  [],
  "a collector that is killed while its log is written, rotated and compressed counts each line once",
  async () => {
    using folder = new TestFolder();
    const said: string[] = [];
    try {
      const landed = await chaos({
        kills: LANDINGS.length,
        seed: 5,
        folder: folder.folder,
        say: (line) => void said.push(line),
      });
      for (const landing of LANDINGS) assert(landed[landing] >= 1, `no kill landed there: ${landing}`);
    } catch (error) {
      throw new Error(`${said.join("\n")}\n${error instanceof Error ? error.message : error}`, { cause: error });
    }
  },
);
