import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MachineRefusal } from "@/core/host/exit.ts";
import type { Screen } from "@/core/host/screen.ts";
import type { TopNQuestion } from "@/core/answer.ts";
import { runCommand } from "./command.ts";
import { askedClient, type FakeShell, fakeShell, trendAnswer } from "./fake_shell.ts";

const NO_ENVIRONMENT = (): undefined => undefined;

/** A screen whose keys are typed one after the other, each when the one before has been answered. */
function typing(
  shell: FakeShell,
  ...typed: readonly string[]
): FakeShell & { readonly drawn: string[]; closed: string[] } {
  const drawn: string[] = [];
  const screen: Screen = {
    coloured: false,
    size: () => ({ columns: 80, rows: 24 }),
    draw: (lines) => void drawn.push(lines.join("\n")),
    async *keys(): AsyncGenerator<Uint8Array> {
      for (const text of typed) {
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        yield new TextEncoder().encode(text);
      }
    },
    onResize: () => {},
    close: () => void shell.closed.push("screen"),
  };
  // A pause lasts until a key hurries it, or the end.
  const pause = (_ms: number, stop: AbortSignal): Promise<void> =>
    new Promise((resolve) => stop.aborted ? resolve() : stop.addEventListener("abort", () => resolve()));
  return Object.assign(shell, { drawn, openScreen: () => screen, pause });
}

Deno.test("keys lead to the next question, and quitting gives the terminal and the connections back", async () => {
  const client = askedClient({});
  const shell = typing(fakeShell({ "localhost:9090": client }), "\r", "s", "q");
  assertEquals(await runCommand(["top", "--window", "1m", "--status", "429"], NO_ENVIRONMENT, shell), 0);
  const asked = client.questions.filter((question): question is TopNQuestion => "groupBy" in question);
  assertEquals(asked.map(({ groupBy, sort }) => `${groupBy} ${sort}`), ["website 0", "prefix 0", "prefix 1"]);
  assertEquals(asked.every(({ window }) => window === "1m"), true);
  assertStringIncludes(shell.drawn[0], "waiting for an answer");
  assertStringIncludes(shell.drawn.at(-1)!, "filter: status=429 AND website=example.com");
  assertEquals(shell.closed.sort(), ["localhost:9090", "screen"]);
});

Deno.test("a target that cannot be reached is told on the screen, and the next one can be chosen", async () => {
  const client = askedClient({ trend: trendAnswer() });
  const shell = typing(fakeShell({ "b:2": client }), "r", "t", "r", "q");
  assertEquals(await runCommand(["top", "--target", "a:1,b:2"], NO_ENVIRONMENT, shell), 0);
  assert(shell.drawn.some((screen) => screen.includes("Cannot reach a:1: connection refused")));
  assertStringIncludes(shell.drawn.at(-1)!, "col-1 (b:2)");
});

Deno.test("paused, nothing is asked but what a key asks for", async () => {
  const client = askedClient({});
  const shell = typing(fakeShell({ "localhost:9090": client }), "p", "w", "q");
  await runCommand(["top"], NO_ENVIRONMENT, shell);
  const windows = client.questions.filter((question) => "groupBy" in question).map(({ window }) => window);
  assertEquals(windows.at(-1), "15m");
  assertStringIncludes(shell.drawn.at(-1)!, "PAUSED");
});

Deno.test("the end of the terminal, or a signal, ends it", async () => {
  assertEquals(await runCommand(["top"], NO_ENVIRONMENT, typing(fakeShell({}))), 0);
  const shell = typing(fakeShell({}), "x");
  shell.stopped.abort();
  assertEquals(await runCommand(["top"], NO_ENVIRONMENT, shell), 0);
  assert(shell.closed.includes("screen"));
});

Deno.test("without a terminal it says what to use", async () => {
  await assertRejects(() => runCommand(["top"], NO_ENVIRONMENT, fakeShell({})), MachineRefusal, "no terminal");
});
