/** `nginx-logtail top` in a real terminal: keys go in through tmux, and what stands on the screen is read back. */
import { assert, assertEquals } from "@std/assert";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { cliCommand, startCollector } from "./roles.ts";
import { startTerminal } from "./terminal.ts";

/** Requests for each website: what is heaviest is known. */
const WEBSITES = { "a.example": 30, "b.example": 20, "c.example": 10 };

realTest(
  ["tmux"],
  "top shows the ranking, follows keys, survives another size, and gives the terminal back",
  async (t) => {
    using folder = new TestFolder();
    folder.append("");
    await using collector = await startCollector({ source: "edge-1", logs: [folder.path()] });
    folder.append(lines());
    await using terminal = startTerminal(80, 24);
    terminal.run(cliCommand(["top", `--target=${collector.address}`, "--every=200ms"]));

    await t.step("the heaviest website stands first, with source, total and keys", async () => {
      const screen = await terminal.shows((screen) => row(screen, "total").startsWith("60 "));
      assert(screen[0].includes("edge-1") && screen[0].includes("5m by website"), screen[0]);
      assertEquals(row(screen, "a.example").split(" ")[0], "1");
      assert(screen[23].endsWith("q quit"), screen[23]);
    });
    await t.step("down and enter drill into the second, escape leads back", async () => {
      terminal.type("Down", "Enter");
      const drilled = await terminal.shows((screen) => screen[1] === "filter: website=b.example");
      assert(drilled[0].includes("by prefix"));
      await terminal.shows((screen) => row(screen, "total").startsWith("20 "));
      terminal.type("Escape");
      await terminal.shows((screen) => screen[1] === "no filter");
    });
    await t.step("a filter is typed; a mistake is told with its column", async () => {
      terminal.type("/", "status=5x", "Enter");
      await terminal.shows((screen) => screen[1].includes("column 8"));
      terminal.type("BSpace", "BSpace", "200", "Enter");
      await terminal.shows((screen) => screen[1] === "filter: status=200" && screen[3].includes("WEBSITE"));
    });
    await t.step("a smaller terminal is filled and not overrun", async () => {
      terminal.resize(60, 12);
      // Until it is drawn anew, the terminal shows the end of what was there.
      await terminal.shows((screen) =>
        screen.length === 12 && screen[0].includes("5m by website") && screen[11].includes("Enter") &&
        screen.some((line) => line.includes("total"))
      );
    });
    await t.step("help, and back", async () => {
      terminal.type("?");
      await terminal.shows((screen) => screen.some((line) => line.includes("choose a row")));
      terminal.type("x");
      await terminal.shows((screen) => screen.some((line) => line.includes("a.example")));
    });
    await t.step("a target that is gone is told, with what was known left on the screen", async () => {
      await collector.stop();
      const screen = await terminal.shows((screen) => screen.some((line) => line.includes("Cannot reach")));
      assert(screen.some((line) => line.includes("a.example")));
    });
    await t.step("q ends it with 0, and the terminal is as it was", async () => {
      terminal.type("q");
      const screen = await terminal.shows((screen) => screen.some((line) => line.includes("ended with 0")));
      assert(!screen.some((line) => line.includes("a.example")), "the former contents are back");
      terminal.type("echo typed", "Enter");
      await terminal.shows((screen) => screen.some((line) => line.trim() === "typed"));
    });
  },
);

/** Requests of this moment. */
function lines(): string {
  return Object.entries(WEBSITES).flatMap(([host, count]) => Array.from({ length: count }, () => line({ host }))).join(
    "",
  );
}

/** The line with a word in it, without what stands around. */
function row(screen: readonly string[], word: string): string {
  return (screen.find((line) => line.includes(word)) ?? "").trim().replaceAll("\u202f", " ");
}
