/** The dashboard in a real browser: clicking drills down, and at every step row, total and address agree. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cliJson } from "./answers.ts";
import type { Task } from "./browser_steps.ts";
import { type Line, line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { eventually } from "./ports.ts";
import { ROOT, startCollector, startFrontend } from "./roles.ts";

/** Milliseconds for a browser's start and a dozen pages. */
const BROWSER_MS_MAX = 90_000;

realTest(["chromium"], "clicking drills down four levels, × goes back, and numbers and address agree", async () => {
  using log = new TestFolder();
  log.append("");
  await using collector = await startCollector({ source: "col-1", logs: [log.path()] });
  await using frontend = await startFrontend(collector.address);
  const lines = traffic();
  log.append(lines.map(line).join(""));
  await eventually(
    async () => (await cliJson(collector.address, "website")).total === lines.length || undefined,
    () => "the traffic is not counted",
  );
  await inBrowser({ origin: `http://${frontend.address}`, lines });
});

/** Runs `browser_steps.ts`, which says why it may do what the rest of these tests may not. */
async function inBrowser(task: Task): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `--config=${join(ROOT, "deno.json")}`, join(ROOT, "cli/e2e/browser_steps.ts")],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const late = setTimeout(() => child.kill("SIGKILL"), BROWSER_MS_MAX);
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(task)));
  await input.close();
  const { code, stderr } = await child.output();
  clearTimeout(late);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

/** Values of every dimension mixed, no two counts equal where a row is clicked. */
function traffic(): readonly Line[] {
  const lines: Line[] = [];
  for (let i = 0; i < 1500; i++) {
    lines.push({
      host: `www-${Math.floor(Math.sqrt(i * 7 % 16))}.example`,
      client: `198.51.${Math.floor(Math.sqrt(i * 5 % 9))}.${i % 200}`,
      uri: `/path/${Math.floor(Math.sqrt(i * 11 % 25))}`,
      status: ["200", "200", "200", "404", "404", "503"][i * 13 % 37 % 6],
    });
  }
  return lines;
}
