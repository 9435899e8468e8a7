/**
 * How long the command line takes to start, beside programs that do nothing: `deno task startup`.
 *
 *     --cli=PATH    what is measured: cli/main.ts unless given, or main.js of a bundle, as the package has it
 *     --rounds=30   of each, one after the other in turns; medians are compared
 *
 * Two pairs: `--help` beside an empty program (goal 1.5), and `topn` against a collector of this script's own beside a program
 * that only loads the gRPC client (goal 2). All run with the same flags from the same checkout. Processor time is shown as
 * well: on a busy machine it says more than the clock.
 */
import { fromFileUrl, join } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const GOALS = { help: 1.5, topn: 2 } as const;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const option = (name: string): string | undefined =>
    Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.split("=")[1];
  const rounds = Number(option("rounds") ?? "30");
  const folder = await Deno.makeTempDir({ prefix: "logtail-startup-" });
  const empty = join(folder, "empty.ts"), grpc = join(folder, "grpc.ts");
  await Deno.writeTextFile(empty, "export {};\n");
  await Deno.writeTextFile(
    grpc,
    'import * as grpc from "@grpc/grpc-js";\nDeno.exit(typeof grpc.Client === "function" ? 0 : 1);\n',
  );
  const collector = await startCollector(folder);
  try {
    const cli = option("cli") ?? join(ROOT, "cli", "main.ts"), target = `--target=${collector.address}`;
    await compare("--help beside an empty program", [empty], [cli, "--help"], GOALS.help, rounds);
    await compare("topn beside loading gRPC", [grpc], [cli, "topn", target], GOALS.topn, rounds);
  } finally {
    collector.child.kill("SIGTERM");
    await collector.child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

async function compare(
  title: string,
  nothing: readonly string[],
  ours: readonly string[],
  goal: number,
  rounds: number,
): Promise<void> {
  const times = [nothing, ours].map(() => ({ wallMs: [] as number[], cpuMs: [] as number[] }));
  for (let round = -1; round < rounds; round++) { // the first compiles
    for (const [i, args] of [nothing, ours].entries()) {
      const { wallMs, cpuMs } = await run(args);
      if (round < 0) continue;
      times[i].wallMs.push(wallMs);
      times[i].cpuMs.push(cpuMs);
    }
  }
  const wall = times.map(({ wallMs }) => median(wallMs)), cpu = times.map(({ cpuMs }) => median(cpuMs));
  const line = (name: string, [a, b]: number[]): string =>
    `${name} ${b.toFixed(0)} ms / ${a.toFixed(0)} ms = ${(b / a).toFixed(2)}`;
  print(`${title}: ${line("clock", wall)}, ${line("processor", cpu)}; goal ${goal}`);
}

/** One run to its end. The shell tells the processor's time, to the millisecond. */
async function run(args: readonly string[]): Promise<{ readonly wallMs: number; readonly cpuMs: number }> {
  const deno = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--frozen", "--ignore-env", "--allow-net=127.0.0.1"];
  const timed = [
    "-c",
    'TIMEFORMAT="%3U %3S"; time "$@"',
    "bash",
    ...deno,
    `--config=${join(ROOT, "deno.json")}`,
    ...args,
  ];
  const command = new Deno.Command("bash", { args: timed, stdin: "null", stdout: "null", stderr: "piped" });
  const beganMs = performance.now(), { code, stderr } = await command.output(), wallMs = performance.now() - beganMs;
  const said = new TextDecoder().decode(stderr).trim();
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${said}`);
  const [user, system] = said.split("\n").at(-1)!.split(" ").map(Number);
  return { wallMs, cpuMs: 1000 * (user + system) };
}

async function startCollector(
  folder: string,
): Promise<{ readonly address: string; readonly child: Deno.ChildProcess }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const address = `127.0.0.1:${port}`, log = join(folder, "access.log");
  await Deno.writeTextFile(log, "");
  const grants = [`--allow-net=${address}`, `--allow-read=${ROOT},${folder}`, "--ignore-env"];
  const flags = [`--listen=${address}`, `--logs=${log}`, "--source=startup", "--prom-listen="];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--frozen", ...grants, join(ROOT, "collector", "main.ts"), ...flags],
    ...{ cwd: ROOT, stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return { address, child };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
