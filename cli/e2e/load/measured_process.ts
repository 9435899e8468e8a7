/** The aggregator that is measured, as a process of its own with the permissions and settings of its task. */
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../../../", import.meta.url));

/** Clock ticks a second in /proc, on every Linux. */
const TICKS_PER_S = 100;

/** What the kernel says of a process. */
export interface ProcessUse {
  /** User and system time of all threads so far, seconds. */
  readonly cpuS: number;
  readonly rssBytes: number;
}

export interface MeasuredProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** What it has written to stderr. */
  stderr(): string;
  use(): Promise<ProcessUse>;
}

/**
 * Starts an aggregator that follows these ports of the loopback.
 *
 * @param prefix of the command line, such as `chrt -r 1`
 * @param v8Flags such as `--cpu-prof`
 */
export function startAggregator(
  port: number,
  follows: readonly number[],
  prefix: readonly string[] = [],
  v8Flags: readonly string[] = [],
): MeasuredProcess {
  const command = [
    ...prefix,
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    "--frozen",
    `--config=${ROOT}deno.json`,
    `--v8-flags=${["--max-semi-space-size=2", ...v8Flags].join(",")}`,
    "--allow-net=127.0.0.1",
    `--allow-read=${ROOT}`,
    "--ignore-env",
    `${ROOT}aggregator/main.ts`,
    `--listen=127.0.0.1:${port}`,
    "--source=measured",
    `--collectors=${follows.map((port) => `127.0.0.1:${port}`).join(",")}`,
  ];
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    env: { MALLOC_MMAP_THRESHOLD_: "16384" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let stderr = "";
  const reading = (async (): Promise<void> => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) stderr += text;
  })();
  return {
    port,
    pid: child.pid,
    stderr: () => stderr,
    use: () => processUse(child.pid),
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended by itself.
      }
      await child.status;
      await reading;
    },
  };
}

/** Read by a program of its own: below /proc the runtime opens nothing without all permissions. */
async function processUse(pid: number): Promise<ProcessUse> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/stat`, `/proc/${pid}/status`] }).output();
  const text = new TextDecoder().decode(stdout), fields = text.slice(text.indexOf(")") + 2).split(" ");
  const rssKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? NaN);
  return { cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S, rssBytes: 1024 * rssKb };
}
