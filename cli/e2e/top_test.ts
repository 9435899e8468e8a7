/** `nginx-logtail top` in a real terminal: keys go in through tmux, and what stands on the screen is read back. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { line, TestFolder } from "./lines.ts";
import { programPath, realTest } from "./need.ts";
import { eventually } from "./ports.ts";
import { cliCommand, startCollector } from "./roles.ts";

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

interface Terminal extends AsyncDisposable {
  /** Runs a command in a shell; says `ended with CODE` afterwards. */
  run(command: readonly string[]): void;
  /** Keys by their tmux names, or texts. */
  type(...keys: readonly string[]): void;
  resize(columns: number, rows: number): void;
  /** Waits for a screen of which this is true. */
  shows(isShown: (lines: readonly string[]) => boolean): Promise<readonly string[]>;
}

/** A tmux server of its own, so that nobody else's is touched. */
function startTerminal(columns: number, rows: number): Terminal {
  const socket = Deno.makeTempDirSync({ dir: "/tmp" }), name = join(socket, "tmux");
  const tmux = (...args: readonly string[]): string => {
    const env = { TERM: "xterm-256color", LANG: "C.UTF-8", PATH: "/usr/bin:/bin" };
    const done = new Deno.Command(programPath("tmux")!, { args: ["-S", name, ...args], env, clearEnv: true })
      .outputSync();
    if (!done.success) throw new Error(`tmux ${args.join(" ")}: ${new TextDecoder().decode(done.stderr)}`);
    return new TextDecoder().decode(done.stdout);
  };
  tmux("-f", "/dev/null", "new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "sh");
  tmux("set-option", "-g", "escape-time", "0");
  const screen = (): string[] => tmux("capture-pane", "-p").replace(/\n$/, "").split("\n");
  return {
    run(command): void {
      tmux("send-keys", "-l", `${command.map(quoted).join(" ")}; echo "ended with $?"`);
      tmux("send-keys", "Enter");
    },
    type: (...keys) => keys.forEach((key) => tmux("send-keys", key)),
    resize: (columns, rows) => void tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`),
    async shows(isShown): Promise<readonly string[]> {
      let last: readonly string[] = [];
      return await eventually(
        () => isShown(last = screen()) ? last : undefined,
        () => `the screen is\n${last.join("\n")}`,
      );
    },
    async [Symbol.asyncDispose](): Promise<void> {
      tmux("kill-server");
      await Deno.remove(socket, { recursive: true });
    },
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
