/**
 * Entry of the demo's traffic: writes a good hour of made-up log at once, goes on in real time, rotates the log as
 * logrotate would, and says where to look once the dashboard answers.
 *
 *   LOGTAIL_DEMO_DIR   folder for the log; made by `deno task demo`, removed at the end
 */
import { join } from "@std/path";
import { MachineRefusal, runProgram } from "@/core/host/exit.ts";
import type { FlagValues, Program } from "@/core/host/flags.ts";
import { targetMistake } from "@/core/host/listen_address.ts";
import { onStop } from "@/core/host/signals.ts";
import { trafficLines } from "./traffic.ts";

/** Seconds of traffic written before the first live line, and how long before now the attack begins. */
const HISTORY_S = 3720, ATTACK_AGE_S = 540;
/** Milliseconds between two writes. */
const WRITE_MS = 250;
/** Bytes after which the log is rotated; one old one is kept. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** Milliseconds for the dashboard to answer. */
const ANSWER_MS_MAX = 60_000;

const DEMO: Program = {
  role: "logtail_demo",
  program: "nginx-logtail-demo",
  summary: "Writes made-up traffic with an attack in it to a log, and says where to look at it.",
  flags: [
    { name: "dir", kind: "text", required: true, placeholder: "DIR", help: "folder for the log; removed at the end" },
    {
      name: "frontend",
      kind: "text",
      default: "localhost:8080",
      placeholder: "HOST:PORT",
      help: "dashboard to wait for",
      check: targetMistake,
    },
    { name: "deno", kind: "text", default: "deno", placeholder: "COMMAND", help: "how the CLI line begins" },
  ],
};

async function run(flags: FlagValues): Promise<void> {
  const log = new DemoLog(flags.text("dir"));
  const startS = Date.now() / 1000;
  const attackStartS = startS - ATTACK_AGE_S;
  let writtenS = Math.floor(startS);
  log.append([...trafficLines(startS - HISTORY_S, writtenS, attackStartS, Math.random)]);
  const writing = setInterval(() => {
    const nowS = Math.floor(Date.now() / 1000);
    if (nowS > writtenS) log.append([...trafficLines(writtenS, nowS, attackStartS, Math.random)]);
    writtenS = Math.max(writtenS, nowS);
  }, WRITE_MS);
  void announce(flags.text("frontend"), flags.text("deno"));
  await new Promise<void>((resolve) => onStop(() => resolve()));
  clearInterval(writing);
  log.remove();
}

/** Waits until the dashboard has something to show, then says where it is. */
async function announce(frontend: string, deno: string): Promise<void> {
  const url = `http://${frontend}/?w=60m`;
  const untilMs = performance.now() + ANSWER_MS_MAX;
  while (!await hasData(`${url}&raw=1`)) {
    if (performance.now() > untilMs) return say([`No dashboard answers at ${url}: see the messages above.`]);
    await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
  }
  say([
    "",
    `  Dashboard   ${url}`,
    `  In a shell  ${deno} task cli topn --window 5m --group-by prefix --status 429`,
    "",
    "  Made-up traffic; an attack on shop.example began nine minutes ago. Ctrl-C ends it all.",
    "",
  ]);
}

async function hasData(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    const answer: unknown = await response.json();
    return response.ok && typeof answer === "object" && answer !== null && "total" in answer &&
      Number(answer.total) > 0;
  } catch {
    return false; // not up yet
  }
}

function say(lines: readonly string[]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(lines.join("\n") + "\n"));
}

/** The log and its rotation. */
class DemoLog {
  readonly #path: string;
  #file: Deno.FsFile;
  #bytes = 0;

  constructor(readonly folder: string) {
    this.#path = join(folder, "access.log");
    try {
      this.#file = Deno.openSync(this.#path, { append: true, create: true });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new MachineRefusal(`Cannot write ${this.#path}: ${error.message}; choose another folder with --dir`);
    }
  }

  append(lines: readonly string[]): void {
    const bytes = new TextEncoder().encode(lines.join(""));
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    this.#bytes += bytes.length;
    if (this.#bytes > LOG_BYTES_MAX) this.#rotate();
  }

  remove(): void {
    this.#file.close();
    Deno.removeSync(this.folder, { recursive: true });
  }

  #rotate(): void {
    Deno.renameSync(this.#path, `${this.#path}.1`);
    this.#file.close();
    this.#file = Deno.openSync(this.#path, { append: true, create: true });
    this.#bytes = 0;
  }
}

if (import.meta.main) await runProgram(DEMO, run);
