/** A role that runs with exactly some grants, and what it asked the runtime for meanwhile. */
import { join } from "@std/path";
import { roleGrants } from "@/cli/command_permissions.ts";
import { covers, type Grant, permissionFlags, type PermissionName } from "@/core/host/permissions.ts";
import { eventually } from "./ports.ts";
import { type RoleName, ROOT } from "./roles.ts";

/** Milliseconds until a role has said what it misses. */
const MISSED_MS_MAX = 20_000;
/** Milliseconds between SIGTERM and its end. */
const STOP_MS_MAX = 5000;

export interface Trial {
  /** What it has written to stderr. */
  said(): string;
  readonly ended: Promise<number>;
  hasEnded(): boolean;
  signal(name: Deno.Signal): void;
  /** SIGTERM; the code it ended with. */
  stop(): Promise<number>;
}

export interface TrialOptions {
  readonly role: RoleName;
  readonly args: readonly string[];
  /** Those that `permissions` names, when absent. */
  readonly grants?: readonly Grant[];
  /** Where the runtime writes what it is asked for. */
  readonly audit?: string;
  /** What stands before the command: `unshare …`. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What `nginx-logtail permissions ROLE ARGS` grants. */
export function grantsFor(
  role: RoleName,
  args: readonly string[],
  networks: readonly string[] = [],
): Promise<readonly Grant[]> {
  return roleGrants(role, args, () => undefined, { networks });
}

/** Starts a role. */
export async function startTrial({ role, args, grants, audit, prefix = [], ...more }: TrialOptions): Promise<Trial> {
  const flags = permissionFlags(grants ?? await grantsFor(role, args));
  const config = `--config=${join(ROOT, "deno.json")}`;
  const [program, ...rest] = [
    ...prefix,
    ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "--frozen", config],
    ...[...flags, join(ROOT, role, "main.ts"), ...args],
  ];
  const env = { ...more.env, ...audit !== undefined && { DENO_AUDIT_PERMISSIONS: audit } };
  const child = new Deno.Command(program, { args: rest, env, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  let said = "", code: number | undefined;
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) said += text;
  })();
  const ended = Promise.all([child.status, reading]).then(([status]) => code = status.code);
  const signal = (name: Deno.Signal): void => {
    try {
      child.kill(name);
    } catch {
      // It has ended by itself.
    }
  };
  return {
    said: () => said,
    ended,
    hasEnded: () => code !== undefined,
    signal,
    stop: async () => {
      signal("SIGTERM");
      const late = setTimeout(() => signal("SIGKILL"), STOP_MS_MAX);
      return await ended.finally(() => clearTimeout(late));
    },
  };
}

/**
 * What the runtime was asked for and `granted` does not cover. Left out are variables, when those that are not granted are
 * ignored; and a permission as a whole, when some of it is granted: the runtime looks at it when a thread gets a part.
 */
export function askedBeyond(audit: string, granted: readonly Grant[]): readonly string[] {
  const ignored = granted.some(({ permission }) => permission === "ignored env");
  const beyond = Deno.readTextFileSync(audit).trim().split("\n").map((line): AuditLine => JSON.parse(line)).filter(
    ({ permission, value }) =>
      !(ignored && permission === "env") &&
      !granted.some((each) =>
        value === null ? each.permission === permission : covers(each, { permission, value, why: "" })
      ),
  );
  return [...new Set(beyond.map(({ permission, value }) => `${permission} ${value}`))].sort();
}

/** A line that the runtime writes to the file of DENO_AUDIT_PERMISSIONS for each access, granted or not. */
interface AuditLine {
  readonly permission: PermissionName;
  /** null for all of it. */
  readonly value: string | null;
}

/**
 * Runs a role without one grant after the other, some at the same time.
 *
 * @param setups the same flags with ports and folders of their own, one for each that runs at the same time
 * @returns what was said without those that were not missed, or not with a message that names them
 */
export async function notMissed(role: RoleName, setups: readonly (readonly string[])[]): Promise<readonly string[]> {
  const all = await Promise.all(setups.map((args) => grantsFor(role, args))), silent: string[] = [];
  let next = 0;
  await Promise.all(setups.map(async (args, lane) => {
    const grants = all[lane];
    for (let without = grants.at(next++); without !== undefined && next <= grants.length; without = grants.at(next++)) {
      const trial = await startTrial({ role, args, grants: grants.filter((each) => each !== without) });
      const { permission, value } = without, named = permission === "ignored env" ? "--ignore-env" : value;
      const told = (): string | undefined => complaints(trial.said()).find((line) => line.includes(named));
      await eventually(() => told() ?? (trial.hasEnded() || undefined), () => "", MISSED_MS_MAX).catch(() => {});
      await trial.stop();
      if (told() === undefined) silent.push(`without ${permission} ${value} it said:\n${trial.said()}`);
    }
  }));
  return silent;
}

/** Warnings and errors of its log, and what it ended with. */
function complaints(said: string): readonly string[] {
  return said.split("\n").filter((line) => !/^\S+ info /.test(line));
}
