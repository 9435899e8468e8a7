/**
 * The product's own programs as processes of their own, each with the permissions it needs and no more. Every one is
 * stopped as a service manager does it, and must then end with 0 within five seconds.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import { assertEquals } from "@std/assert";
import { answers, eventually, freePort } from "./ports.ts";

/** The checkout that these tests belong to. */
export const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Milliseconds that a role has between SIGTERM and its end. */
const STOP_MS_MAX = 5000;
/** Milliseconds until a role must answer: the first start on a machine compiles. */
const START_MS_MAX = 30_000;

const LOOPBACK = "127.0.0.1";

export type RoleName = "collector" | "aggregator" | "frontend" | "cli";

/** A running role. Disposing stops it, and asserts how it ended; one that a test has ended is left alone. */
export interface Role extends AsyncDisposable {
  /** host:port that it listens on. */
  readonly address: string;
  readonly pid: number;
  /** What it has written to stderr. */
  stderr(): string;
  alive(): boolean;
  /** SIGTERM; asserts exit code 0 within five seconds. */
  stop(): Promise<void>;
  /** A signal that it does not end at. */
  signal(name: Deno.Signal): void;
  /** Any other signal; resolves with the code it ended with. */
  kill(signal: Deno.Signal): Promise<number>;
}

/** How a program that has run to its end went. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CollectorOptions {
  readonly source: string;
  readonly logs: readonly string[];
  readonly flags?: readonly string[];
  /** Put before the command, such as `setpriv …`. */
  readonly prefix?: readonly string[];
  /** Those of the logs that are not waited for, since they cannot be followed at once. */
  readonly unreadable?: readonly string[];
  /** A free one otherwise. */
  readonly port?: number;
  /** Where it listens when it is not this machine's loopback: the test itself cannot look whether it answers there. */
  readonly host?: string;
  /** Read beside the folders of the logs. */
  readonly folders?: readonly string[];
  /** Read and written: where state is kept. */
  readonly keeps?: readonly string[];
  /** Where it listens beside gRPC, as the runtime's permissions have it: `127.0.0.1:514`, `unix:/tmp/a/syslog.sock`. */
  readonly listens?: readonly string[];
}

/** A collector on a free port; resolves when it answers and follows every log. */
export async function startCollector(options: CollectorOptions): Promise<Role> {
  const { port = freePort(), host } = options;
  const flags = [`--listen=${host ?? LOOPBACK}:${port}`, `--source=${options.source}`, ...(options.flags ?? [])];
  if (options.logs.length > 0) flags.push(`--logs=${options.logs.join(",")}`);
  const { listens = [], keeps = [] } = options;
  const sockets = listens.flatMap((where) => where.startsWith("unix:") ? where.slice(5) : []);
  const grants = [
    ...collectorGrants(port, [...options.logs.map(dirname), ...(options.folders ?? []), ...keeps, ...sockets]),
    ...(host === undefined ? [] : [`--allow-net=${host}:${port}`]),
    ...listens.map((where) => `--allow-net=${where}`),
    ...[...keeps, ...sockets].map((path) => `--allow-write=${path}`),
  ];
  const role = start("collector", grants, flags, port, options.prefix, host);
  const awaited = options.logs.filter((path) => !options.unreadable?.includes(path));
  const follows = (path: string): boolean =>
    role.stderr().split("\n").some((line) => line.includes(" following ") && line.includes(path));
  await ready(role, () => awaited.every(follows) && (host === undefined || role.stderr().includes(" serving ")));
  return role;
}

/** Grants of a collector that listens on a port and reads these folders. */
export function collectorGrants(port: number, folders: readonly string[]): readonly string[] {
  return [
    `--allow-net=127.0.0.1:${port}`,
    `--allow-read=${[ROOT, ...folders].join(",")}`,
    "--allow-sys=hostname",
    ...environmentGrants("collector"),
  ];
}

/** Its own variables; whatever a library asks for beside them reads as not set. */
export function environmentGrants(role: RoleName): readonly string[] {
  const locale = role === "cli" ? ",LC_ALL,LC_CTYPE,LANG" : "";
  return ["--ignore-env", `--allow-env=${role.toUpperCase()}_*${locale}`];
}

export interface AggregatorOptions {
  readonly source: string;
  readonly collectors: readonly string[];
  /** A free one otherwise. */
  readonly port?: number;
  readonly flags?: readonly string[];
  /** Read and written. */
  readonly folders?: readonly string[];
}

/** An aggregator on a free port; resolves when it answers. */
export function startAggregator(source: string, collectors: readonly string[]): Promise<Role> {
  return startAggregatorWith({ source, collectors });
}

/** The same with more to say about it. */
export async function startAggregatorWith(options: AggregatorOptions): Promise<Role> {
  const { source, collectors, port = freePort(), folders = [] } = options;
  const flags = [`--listen=127.0.0.1:${port}`, `--source=${source}`, `--collectors=${collectors.join(",")}`];
  const grants = [
    `--allow-net=${[`127.0.0.1:${port}`, "127.0.0.1", ...collectors].join(",")}`,
    `--allow-read=${[ROOT, ...folders].join(",")}`,
    ...folders.map((folder) => `--allow-write=${folder}`),
    "--allow-sys=hostname",
    ...environmentGrants("aggregator"),
  ];
  return await ready(start("aggregator", grants, [...flags, ...(options.flags ?? [])], port));
}

/** A frontend on a free port; resolves when it answers. Folders are those of files that flags name. */
export async function startFrontend(
  target: string,
  more: readonly string[] = [],
  folders: readonly string[] = [],
): Promise<Role> {
  const port = freePort();
  const flags = [`--listen=127.0.0.1:${port}`, `--target=${target}`, ...more];
  const grants = [
    `--allow-net=${[`127.0.0.1:${port}`, "127.0.0.1", target].join(",")}`,
    ...(folders.length === 0 ? [] : [`--allow-read=${folders.join(",")}`]),
    ...environmentGrants("frontend"),
  ];
  return await ready(start("frontend", grants, flags, port));
}

/** The command line tool, run to its end against the loopback. */
export function runCli(args: readonly string[]): Promise<Ended> {
  return runRole("cli", ["--allow-net=127.0.0.1", ...environmentGrants("cli")], args);
}

/** The same as a command line, for a test that gives it a terminal. */
export function cliCommand(args: readonly string[]): readonly string[] {
  return [Deno.execPath(), ...commandLine("cli", ["--allow-net=127.0.0.1", ...environmentGrants("cli")], args)];
}

/** Any role, run to its end: for what it refuses. */
export async function runRole(
  role: RoleName,
  grants: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), { args: commandLine(role, grants, args), env, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function commandLine(role: RoleName, grants: readonly string[], flags: readonly string[]): string[] {
  const config = `--config=${join(ROOT, "deno.json")}`;
  return ["run", "--quiet", "--no-prompt", "--frozen", config, ...grants, join(ROOT, role, "main.ts"), ...flags];
}

function start(
  name: RoleName,
  grants: readonly string[],
  flags: readonly string[],
  port: number,
  prefix: readonly string[] = [],
  host = LOOPBACK,
): Role {
  const [program, ...args] = [...prefix, Deno.execPath(), ...commandLine(name, grants, flags)];
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  let stderr = "";
  let code: number | undefined;
  let expected = false;
  const reading = readText(child.stderr, (text) => stderr += text);
  const status = child.status.then((ended) => code = ended.code);

  const role: Role = {
    address: `${host}:${port}`,
    pid: child.pid,
    stderr: () => stderr,
    alive: () => code === undefined,
    signal: (name) => child.kill(name),
    kill: async (signal): Promise<number> => {
      expected = true;
      if (code === undefined) child.kill(signal);
      return await status;
    },
    stop: async (): Promise<void> => {
      if (expected) return;
      expected = true;
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      if (code === undefined) child.kill("SIGTERM");
      await status;
      clearTimeout(late);
      await reading;
      assertEquals(code, 0, `${name} ends with 0 within ${STOP_MS_MAX / 1000} s of SIGTERM; it said:\n${stderr}`);
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      try {
        await role.stop();
      } finally {
        await reading;
      }
    },
  };
  return role;
}

/** Resolves when the role answers and `more` holds; stops it when it does not come to that. */
async function ready(role: Role, more: () => boolean = () => true): Promise<Role> {
  const [hostname, port] = role.address.split(":");
  try {
    await eventually(
      async () => {
        if (!role.alive()) throw new Error(`It ended at once:\n${role.stderr()}`);
        const isUp = hostname !== LOOPBACK || await answers(hostname, Number(port));
        return isUp && more() ? true : undefined;
      },
      () => `not ready; it said:\n${role.stderr()}`,
      START_MS_MAX,
    );
    return role;
  } catch (error) {
    await role.kill("SIGKILL");
    throw error;
  }
}

async function readText(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
