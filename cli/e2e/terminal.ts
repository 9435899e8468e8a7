/** A terminal of a test's own: tmux, into which keys go and from which the screen is read back. */
import { join } from "@std/path";
import { programPath } from "./need.ts";
import { eventually } from "./ports.ts";

export interface Terminal extends AsyncDisposable {
  /** Runs a command in a shell; says `ended with CODE` afterwards. */
  run(command: readonly string[]): void;
  /** The same, with other variables, on a cleared screen; resolves to what is shown when it has ended with 0. */
  ends(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<readonly string[]>;
  /** Keys by their tmux names, or texts. */
  type(...keys: readonly string[]): void;
  resize(columns: number, rows: number): void;
  /** Waits for a screen of which this is true. */
  shows(isShown: (lines: readonly string[]) => boolean): Promise<readonly string[]>;
}

/** A tmux server of its own, so that nobody else's is touched. */
export function startTerminal(columns: number, rows: number): Terminal {
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
  const enter = (text: string): void => {
    tmux("send-keys", "-l", text);
    tmux("send-keys", "Enter");
  };
  let ends = 0;
  const terminal: Terminal = {
    run: (command) => enter(`${command.map(quoted).join(" ")}; echo "ended with $?"`),
    ends(command, env = {}): Promise<readonly string[]> {
      const settings = Object.entries(env).map(([name, value]) => `${name}=${value} `).join("");
      enter(`clear; ${settings}${command.map(quoted).join(" ")}; echo "end ${++ends}: $?"`);
      return terminal.shows((screen) => screen.includes(`end ${ends}: 0`));
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
  return terminal;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
