/**
 * Measures UDP: `deno task udp [usual|tuned|forty …] [--seconds=30] [--rate=100000]`.
 *
 *   usual   single-line datagrams into the buffer that this machine has: sent = received + dropped by the kernel
 *   tuned   the same into a buffer of 4 MiB, as packaging/sysctl.d has it: none lost
 *   forty   datagrams of 40 lines into a buffer of 4 MiB, faster and faster: the highest rate without loss
 *
 * Meanwhile the collector is asked ten questions a second. It runs as a process of its own with the permissions of its unit; what
 * it received is what its /metrics say, what the kernel dropped is the kernel's own count. Needs go, bash, sysctl and, for the
 * buffer, root: it is set back at the end.
 */
import { delay } from "@std/async/delay";
import { fromFileUrl } from "@std/path";
import { connect } from "@/proto/client.ts";
import { counter, percentile, scrape } from "./measured.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const HERE = fromFileUrl(new URL("./", import.meta.url));
const SETTING = "net.core.rmem_default", TUNED_BYTES = 4_194_304;

/** Ports of the loopback. */
const GRPC = 39_090, METRICS = 39_100, UDP = 39_514;

const QUESTIONS_PER_SECOND = 10;
/** Seconds of each step, and datagrams a second, in the search for the highest rate. */
const STEP_SECONDS = 10, STEPS = [10_000, 15_000, 20_000, 25_000, 30_000, 35_000, 40_000, 50_000];

interface Load {
  readonly rate: number;
  readonly seconds: number;
  readonly lines: number;
}

interface Outcome {
  readonly sent: number;
  readonly received: number;
  readonly dropped: number;
  readonly counted: number;
  /** Milliseconds of each question. */
  readonly answers: readonly number[];
  /** Seconds of processor time of the collector. */
  readonly cpuS: number;
}

const options = new Map(
  Deno.args.filter((arg) => arg.startsWith("--")).map((arg) => arg.slice(2).split("=", 2) as [string, string]),
);
const asked = Deno.args.filter((arg) => !arg.startsWith("--"));
const seconds = Number(options.get("seconds") ?? 30), rate = Number(options.get("rate") ?? 100_000);
const folder = Deno.makeTempDirSync({ dir: "/tmp", prefix: "logtail-udp-" });
run("go", ["build", "-o", `${folder}/sender`, `${HERE}sender.go`]);
const before = run("sysctl", ["-n", SETTING]).trim();
try {
  say(
    "buffer",
    "datagrams/s",
    "lines each",
    "sent",
    "received",
    "dropped",
    "unaccounted",
    "counted",
    "answers ms (median, worst)",
    "CPU s",
  );
  if (wanted("usual")) await measure(before, { rate, seconds, lines: 1 });
  if (wanted("tuned") || wanted("forty")) run("sysctl", ["-w", `${SETTING}=${TUNED_BYTES}`]);
  if (wanted("tuned")) await measure(`${TUNED_BYTES}`, { rate, seconds, lines: 1 });
  if (wanted("forty")) {
    for (const step of STEPS) {
      const { sent, received } = await measure(`${TUNED_BYTES}`, {
        rate: step,
        seconds: Math.min(seconds, STEP_SECONDS),
        lines: 40,
      });
      if (received < sent) break;
    }
  }
} finally {
  run("sysctl", ["-w", `${SETTING}=${before}`]);
  Deno.removeSync(folder, { recursive: true });
}

function wanted(what: string): boolean {
  return asked.length === 0 || asked.includes(what);
}

async function measure(buffer: string, load: Load): Promise<Outcome> {
  const collector = startCollector();
  try {
    await until(async () => (await scrape(METRICS)) !== undefined);
    const outcome = await underLoad(collector.pid, load), { sent, received, dropped, counted, answers, cpuS } = outcome;
    const times = `${percentile(answers, 0.5).toFixed(1)}, ${percentile(answers, 1).toFixed(1)} (${answers.length})`;
    const unaccounted = sent - received - dropped;
    say(buffer, load.rate, load.lines, sent, received, dropped, unaccounted, counted, times, cpuS.toFixed(1));
    return outcome;
  } finally {
    await stop(collector);
  }
}

async function underLoad(pid: number, { rate, seconds, lines }: Load): Promise<Outcome> {
  const client = connect(`127.0.0.1:${GRPC}`), answers: number[] = [], cpuBefore = cpuSeconds(pid);
  const args = [UDP, rate, seconds, lines].map(String);
  const sender = new Deno.Command("bash", {
    args: ["-c", 'exec "$0" "$@"', `${folder}/sender`, ...args],
    stdin: "null",
  }).output();
  let sending = true;
  void sender.finally(() => sending = false);
  for (let question = 0; sending; question++) {
    const began = performance.now();
    const dimension = question % 2 === 0 ? "uri" : "prefix";
    await client.topN({ window: "5m", groupBy: dimension, n: 25, sort: 0, filter: undefined }, 10_000);
    answers.push(performance.now() - began);
    await delay(Math.max(0, 1000 / QUESTIONS_PER_SECOND - (performance.now() - began)));
  }
  client.close();
  const cpuS = cpuSeconds(pid) - cpuBefore, sent = Number(new TextDecoder().decode((await sender).stdout));
  await delay(2000); // what is on its way arrives, and is told
  const page = await scrape(METRICS) ?? "";
  const [received, dropped, counted] = ["packets_received", "kernel_drops", "loglines_consumed"]
    .map((name) => counter(page, `logtail_udp_${name}_total`));
  return { sent, received, dropped, counted, answers, cpuS };
}

/** With the kernel's table on its standard input, as its unit has it. */
function startCollector(): Deno.ChildProcess {
  const grants = [
    `--allow-net=${[GRPC, METRICS, UDP].map((port) => `127.0.0.1:${port}`).join(",")}`,
    `--allow-read=${ROOT}`,
    "--ignore-env",
  ];
  const flags = [
    `--listen=127.0.0.1:${GRPC}`,
    `--prom-listen=127.0.0.1:${METRICS}`,
    `--udp-listen=127.0.0.1:${UDP}`,
    "--udp-drops=-",
    "--source=measured",
  ];
  const deno = [
    "run",
    "--quiet",
    "--no-prompt",
    "--frozen",
    "--v8-flags=--max-semi-space-size=2",
    ...grants,
    "collector/main.ts",
  ];
  return new Deno.Command("bash", {
    args: ["-c", 'exec "$0" "$@" </proc/net/udp', Deno.execPath(), ...deno, ...flags],
    cwd: ROOT,
    env: { MALLOC_MMAP_THRESHOLD_: "16384" },
    stdin: "null",
    stdout: "null",
    stderr: options.has("verbose") ? "inherit" : "null",
  }).spawn();
}

/** Processor time of a process and its threads so far; whole seconds. */
function cpuSeconds(pid: number): number {
  return Number(run("ps", ["-o", "cputimes=", "-p", `${pid}`]));
}

function run(program: string, args: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program, { args: [...args], stdin: "null" }).outputSync();
  if (!success) throw new Error(`Cannot run ${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

async function stop(collector: Deno.ChildProcess): Promise<void> {
  try {
    collector.kill("SIGTERM");
  } catch {
    say("The collector has ended by itself; --verbose shows what it says");
  }
  await collector.status;
}

async function until(probe: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !await probe(); tries++) {
    if (tries === 200) throw new Error("The collector has not started within 20 s");
    await delay(100);
  }
}

function say(...columns: readonly (string | number)[]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${columns.join("\t")}\n`));
}
