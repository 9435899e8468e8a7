/** What the shells and the manual make of what is generated from the flag tables. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { COMMANDS } from "@/cli/flags.ts";
import { programPath, realTest } from "./need.ts";
import { ROOT, runCli } from "./roles.ts";

/** Prints what bash would offer for each of these lines, one a line. */
const BASH_PROBE = `
offer() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _nginx_logtail; echo "\${COMPREPLY[*]}"
}
offer nginx-logtail to
offer nginx-logtail topn --gr
offer nginx-logtail topn --window ''
offer nginx-logtail topn --window = 1
offer nginx-logtail completion --h
offer nginx-logtail completion f
offer nginx-logtail permissions col

`;

realTest([], "bash completes commands, flags, and the values of flags", async () => {
  const script = await completion("bash");
  assertEquals((await run("bash", ["-c", script + BASH_PROBE])).split("\n").slice(0, -1), [
    "topn top",
    "--group-by",
    "1m 5m 15m 60m 6h 24h",
    "1m 15m",
    "--help",
    "fish",
    "collector",
  ]);
});

realTest(["fish"], "fish completes the same, with what each means", async () => {
  const script = await completion("fish");
  const offers = await run("fish", [
    "--no-config",
    "-c",
    `${script}
complete -C "nginx-logtail to"
complete -C "nginx-logtail trend --win"
complete -C "nginx-logtail trend --window 1"
complete -C "nginx-logtail permissions col"`,
  ]);
  const names = offers.trim().split("\n").map((line) => line.split("\t"));
  assertEquals(names.map(([name]) => name), ["top", "topn", "--window", "15m", "1m", "collector"]);
  assertEquals(names[1][1], COMMANDS.topn.summary);
});

realTest(["zsh"], "zsh reads its completions without complaint", async () => {
  await run("zsh", ["-f", "-n", "-c", await completion("zsh")]);
});

realTest(["groff"], "the man pages of all programs are formatted without a warning", async (t) => {
  const folder = await Deno.makeTempDir({ dir: "/tmp" });
  try {
    const generator = join(ROOT, "packaging", "man", "main.ts");
    const grants = ["--no-prompt", "--frozen", "--ignore-env", `--allow-read=${ROOT}`, `--allow-write=${folder}`];
    await run(Deno.execPath(), ["run", "--quiet", ...grants, generator, `--out=${folder}`]);
    const pages = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(pages, [
      "nginx-logtail-aggregator.8",
      "nginx-logtail-collector.8",
      "nginx-logtail-frontend.8",
      "nginx-logtail.1",
    ]);
    for (const page of pages) {
      await t.step(page, async () => {
        assertEquals(await run("groff", ["-man", "-ww", "-z", "-Tutf8", join(folder, page)]), "");
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function completion(shell: string): Promise<string> {
  const { code, stdout } = await runCli(["completion", shell]);
  assertEquals(code, 0);
  return stdout;
}

/** What a program prints; it must end with 0 and complain of nothing. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const path = program.startsWith("/") ? program : programPath(program)!;
  const env = { HOME: "/nonexistent", LANG: "C.UTF-8", PATH: "/usr/bin:/bin" };
  const own = program === Deno.execPath() ? {} : { env, clearEnv: true };
  const { code, stdout, stderr } = await new Deno.Command(path, { args: [...args], cwd: ROOT, stdin: "null", ...own })
    .output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""], `${program}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
