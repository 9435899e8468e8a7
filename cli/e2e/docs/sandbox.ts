/**
 * Where the commands of the pages are run: a folder that is the machine's root to them, programs under the names that
 * they are installed under, and one collector, aggregator and dashboard that answer.
 */
import { join } from "@std/path";
import { line, TestFolder } from "@/cli/e2e/lines.ts";
import { eventually, freePort, pause } from "@/cli/e2e/ports.ts";
import { type Role, ROOT, startAggregator, startCollector, startFrontend } from "@/cli/e2e/roles.ts";
import { inFolder, type Places } from "./places.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Milliseconds for a command to end, and for a program to serve. */
const MS_MAX = 60_000;
/** Seconds that what was started has between a signal and its end. */
const GROUP_S_MAX = 10;
/** Milliseconds that a stream is watched for. */
const STREAM_MS = 1500;

/** Programs of the pages, each started with the permissions of its role for this folder. */
const NAMES = {
  collector: "nginx-logtail-collector",
  aggregator: "nginx-logtail-aggregator",
  frontend: "nginx-logtail-frontend",
};

const STARTS =
  /\bnginx-logtail-(collector|aggregator|frontend)\b(?!.*--(help|version)\b)|\bdeno(@\S+)? task (collector|aggregator|frontend|up|demo)\b/;
const STREAMS = /^(nginx-logtail|deno task cli) stream\b/;

export class Sandbox implements AsyncDisposable {
  readonly #roles: Role[] = [];
  readonly #folder = new TestFolder();
  places: Places;
  readonly #deno = Deno.execPath();

  private constructor(metricsPort: number) {
    const address = (index: number): string => this.#roles[index].address;
    this.places = {
      folder: this.#folder.folder,
      metrics: `127.0.0.1:${metricsPort}`,
      freeAddress: () => `127.0.0.1:${freePort()}`,
      get collector() {
        return address(0);
      },
      get aggregator() {
        return address(1);
      },
      get frontend() {
        return address(2);
      },
      secured: "",
    };
  }

  /** Everything serves, and has something to say. */
  static async start(): Promise<Sandbox> {
    const metricsPort = freePort(), sandbox = new Sandbox(metricsPort);
    try {
      sandbox.#fill();
      const logs = sandbox.path("/var/log/nginx"), udp = sandbox.places.freeAddress();
      const flags = [`--prom-listen=127.0.0.1:${metricsPort}`, `--udp-listen=${udp}`, "--from=start"];
      sandbox.#roles.push(
        await startCollector({
          source: "web1",
          logs: [`${logs}/access.log`],
          flags,
          listens: [`127.0.0.1:${metricsPort}`, udp],
        }),
      );
      sandbox.#roles.push(await startAggregator("agg-1", [sandbox.places.collector]));
      sandbox.#roles.push(await startFrontend(sandbox.places.aggregator));
      await eventually(async () => {
        const { stdout } = await sandbox.run("nginx-logtail topn --json");
        return JSON.parse(stdout).total === LINES || undefined;
      }, () => `not ${LINES} requests`);
      return sandbox;
    } catch (error) {
      await sandbox[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child, output } of this.#left) {
      await this.#end(child, "TERM");
      await child.status;
      await output;
    }
    for (const role of this.#roles.toReversed()) await role[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }

  /** Where a path of the pages is here. */
  path(path: string): string {
    return join(this.#folder.folder, path);
  }

  /** Whether a command is a program that serves until it is stopped. */
  serves(command: string): boolean {
    return STARTS.test(command) || STREAMS.test(command);
  }

  /** Runs a command, as exchanged, to its end. */
  async run(command: string): Promise<Ran> {
    const { child, output } = this.#spawn(command);
    const late = setTimeout(() => void this.#end(child, "KILL"), MS_MAX);
    const { code } = await child.status;
    clearTimeout(late);
    return { code, ...await output };
  }

  /** Starts what serves, waits until it does, and stops it; the code is that of a program that ended by itself, or 0. */
  async runUntilItServes(command: string): Promise<Ran> {
    // The tasks of the checkout have ports that are fixed.
    if (!/ task (demo|up)\b/.test(command)) return await this.#untilItServes(command);
    const ran = this.#fixedPorts.then(() => this.#untilItServes(command));
    this.#fixedPorts = ran.catch(() => {});
    return await ran;
  }
  #fixedPorts: Promise<unknown> = Promise.resolve();

  async #untilItServes(command: string): Promise<Ran> {
    const { child, output, text } = this.#spawn(command);
    let ended = false;
    const status = child.status.finally(() => ended = true), serving = / task up\b/.test(command) ? 2 : 1;
    const ready = (): boolean =>
      / task demo\b/.test(command) ? text().includes("Dashboard ") : text().split(": serving listen=").length > serving;
    try {
      if (STREAMS.test(command)) await pause(STREAM_MS);
      else await eventually(() => ended || ready() || undefined, () => `it does not serve; it said\n${text()}`, MS_MAX);
      if (ended) return { code: (await status).code, ...await output };
      const secured = /collector: serving listen=(\S+)/.exec(text());
      if (secured !== null && command.includes("--tls-cert")) return this.#leave(child, secured[1], output);
      await this.#end(child, "TERM");
    } catch (error) {
      await this.#end(child, "KILL");
      throw error;
    }
    await status;
    return { code: 0, ...await output };
  }

  /** What later commands ask is left until the end. */
  #leave(child: Deno.ChildProcess, address: string, output: Promise<unknown>): Ran {
    this.places = { ...this.places, secured: address };
    this.#left.push({ child, output });
    return { code: 0, stdout: "", stderr: "" };
  }
  readonly #left: { child: Deno.ChildProcess; output: Promise<unknown> }[] = [];

  /** What a terminal sets before a command. */
  environment(): Record<string, string> {
    const { aggregator, freeAddress } = this.places;
    return {
      PATH: `${this.path("/bin")}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: this.path("/home"),
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME") ?? "/root", ".cache", "deno"),
      DENO_INSTALL_ROOT: this.path("/home/.deno"),
      LOGTAIL_BENCH_LINES: "2000",
      // Where the pages mean the default, this test means its own.
      CLI_TARGET: aggregator,
      COLLECTOR_LISTEN: freeAddress(),
      COLLECTOR_PROM_LISTEN: freeAddress(),
      AGGREGATOR_LISTEN: freeAddress(),
      AGGREGATOR_PROM_LISTEN: freeAddress(),
      FRONTEND_LISTEN: freeAddress(),
    };
  }

  #spawn(command: string): { child: Deno.ChildProcess; output: Promise<Omit<Ran, "code">>; text: () => string } {
    // A session of its own: a signal reaches all that it has started, and nothing else.
    const child = new Deno.Command("/usr/bin/bash", {
      args: ["-c", `exec setsid bash -c "$0"`, command],
      cwd: this.path("/var/log/nginx"),
      env: this.environment(),
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let stdout = "", stderr = "";
    const reading = Promise.all([
      readText(child.stdout, (text) => stdout += text),
      readText(child.stderr, (text) => stderr += text),
    ]);
    return { child, output: reading.then(() => ({ stdout, stderr })), text: () => stdout + stderr };
  }

  /** Ends the session of a child with this signal, and resolves when nothing of it is left. */
  async #end({ pid }: Deno.ChildProcess, signal: "TERM" | "KILL"): Promise<void> {
    const gone = `for i in {1..${GROUP_S_MAX * 10}}; do kill -0 -- -${pid} || exit 0; sleep 0.1; done`;
    const args = ["-c", `kill -${signal} -- -${pid}; ${gone}; kill -KILL -- -${pid}`];
    await new Deno.Command("/usr/bin/bash", { args, stderr: "null" }).output();
  }

  /** Folders, a log with its rotated ones, and the programs. */
  #fill(): void {
    for (
      const folder of [
        "bin",
        "home",
        "etc/nginx",
        "etc/nginx-logtail",
        "run/logtail",
        "var/log/nginx",
        "var/lib/nginx-logtail/collector",
      ]
    ) {
      Deno.mkdirSync(this.path(folder), { recursive: true });
    }
    const log = line({ host: "shop.example", status: "429", uri: "/login" }).repeat(LINES - 1) +
      line({ host: "shop.example", uri: "/wp-admin", status: "503" });
    for (const name of ["access.log", "access.log.1"]) Deno.writeTextFileSync(this.path(`/var/log/nginx/${name}`), log);
    Deno.writeFileSync(this.path("/var/log/nginx/access.log.2.gz"), gzipped(this.path("/var/log/nginx/access.log.1")));
    const own = this.#folder.folder, root = ROOT.replace(/\/$/, "");
    Deno.writeTextFileSync(
      this.path("/etc/nginx/nginx.conf"),
      `events {}\nhttp { access_log ${own}/var/log/nginx/access.log; }\n`,
    );
    const run = `exec ${this.#deno} run --quiet --no-prompt --frozen --config=${root}/deno.json --ignore-env`;
    const net = "--allow-net=127.0.0.1,localhost,[::1],[::],0.0.0.0", read = `--allow-read=${own},${root}`;
    this.#program(
      "nginx-logtail",
      `${run} --allow-env=CLI_*,LC_ALL,LC_CTYPE,LANG,COLLECTOR_*,AGGREGATOR_*,FRONTEND_* ${net} ${read} ${root}/cli/main.ts "$@"`,
    );
    for (const [role, name] of Object.entries(NAMES)) {
      const grants = `--allow-env=${role.toUpperCase()}_* ${net} ${read} --allow-write=${own} --allow-sys=hostname`;
      this.#program(name, `${run} ${grants} ${root}/${role}/main.ts "$@"`);
    }
    // The tasks of the checkout, with other ports and folders.
    const config = this.path("/home/deno.json"), task = `deno task --quiet --config ${config} --cwd ${root}`;
    const [grpc, http] = [this.places.freeAddress(), this.places.freeAddress()];
    const tasks = Deno.readTextFileSync(join(ROOT, "deno.json")).replaceAll("deno task --quiet", task)
      .replaceAll(/--allow-net=\S*/g, "--allow-net").replaceAll("127.0.0.1:9090", grpc).replaceAll(
        "127.0.0.1:8080",
        http,
      )
      .replaceAll("packaging/dist", `${own}/dist`);
    Deno.writeTextFileSync(config, inFolder(tasks, own));
    const deno =
      `cd ${root}\ncase $1 in task) shift; exec ${this.#deno} task --config ${config} --cwd ${root} "$@";; esac`;
    this.#program("deno", `${deno}\nexec ${this.#deno} "$@"`);
    this.#program("npx", `[ "$1 $2" = "-y deno@${Deno.version.deno}" ] || exit 9\nshift 2\nexec deno "$@"`);
  }

  #program(name: string, body: string): void {
    Deno.writeTextFileSync(this.path(`/bin/${name}`), `#!/bin/sh\n${body}\n`);
    Deno.chmodSync(this.path(`/bin/${name}`), 0o755);
  }
}

/** Requests in the log. */
const LINES = 6;

function gzipped(path: string): Uint8Array {
  const { stdout } = new Deno.Command("/usr/bin/bash", { args: ["-c", `gzip -c "$0"`, path] }).outputSync();
  return stdout;
}

async function readText(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
