/** `nginx-logtail trend` in a real terminal, and in none. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { eventually } from "./ports.ts";
import { cliCommand, runCli, startCollector } from "./roles.ts";
import { startTerminal } from "./terminal.ts";

realTest(["tmux"], "trend is a chart on a wide terminal, and blocks need a locale that has them", async (t) => {
  using folder = new TestFolder();
  folder.append("");
  await using collector = await startCollector({ source: "edge-1", logs: [folder.path()] });
  folder.append(line({ uri: "/é\u{9b}31m" }).repeat(40));
  const asked = (...flags: readonly string[]): readonly string[] => [`--target=${collector.address}`, ...flags];
  await eventually(async () => {
    const { stdout } = await runCli(["topn", ...asked("--json")]);
    return JSON.parse(stdout).total === 40 || undefined;
  }, () => "forty requests");
  const command = cliCommand(["trend", ...asked("--window=1m")]);
  await using terminal = startTerminal(80, 24);

  await t.step("a chart, a line of blocks and the whole on 80 columns", async () => {
    const screen = (await terminal.ends(command)).join("\n");
    for (const part of ["/s ┤", "│", "└", "·", "█", "40 requests, "]) assertStringIncludes(screen, part);
    assert(!screen.includes("TIME "), "no table");
  });
  await t.step("in ASCII where the locale is not UTF-8", async () => {
    for (const [name, locale] of [["LC_ALL", "C"], ["LANG", "de_DE.ISO-8859-1"]]) {
      const screen = (await terminal.ends(command, { [name]: locale })).join("\n");
      for (const part of ["/s +", "|", "+?", "#", "40 requests, "]) assertStringIncludes(screen, part);
      assert(/^\p{ASCII}*$/u.test(screen), screen);
    }
  });
  await t.step("so are labels, of which a byte could be a command to such a terminal", async () => {
    const screen = await terminal.ends(cliCommand(["topn", ...asked("--group-by=uri")]), { LC_ALL: "C" });
    assertStringIncludes(screen.join("\n"), "/\\u00e9\\x9b31m");
  });
  await t.step("a table on a narrow terminal", async () => {
    terminal.resize(50, 24);
    const screen = (await terminal.ends(command)).join("\n");
    assertStringIncludes(screen, "TIME ");
    assert(!screen.includes("└"), "no chart");
  });
  await t.step("nothing but the table, without colours, where there is no terminal", async () => {
    const { code, stdout, stderr } = await runCli(["trend", ...asked("--window=1m")]);
    assertEquals([code, stderr], [0, ""]);
    assert(stdout.startsWith("TIME ") && !stdout.includes("└") && !stdout.includes("\x1b"), stdout);
    assertStringIncludes(stdout, "\n40 requests, ");
  });
});

realTest([], "who reads no further is no failure, of no command", async () => {
  using folder = new TestFolder();
  folder.append("");
  await using collector = await startCollector({ source: "edge-1", logs: [folder.path()] });
  for (const command of ["topn", "trend", "targets", "version", "completion bash"]) {
    const [name, ...operands] = command.split(" ");
    const asks = name === "version" || name === "completion" ? [] : [`--target=${collector.address}`];
    const [program, ...args] = cliCommand([name, ...operands, ...asks]);
    const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
    await child.stdout.cancel();
    const stderr = await new Response(child.stderr).text();
    assertEquals([(await child.status).code, stderr], [0, ""], command);
  }
});
