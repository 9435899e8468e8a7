/**
 * `nginx-logtail permissions ROLE …`: the smallest set of the runtime's permissions with which a role runs with these flags.
 * The one place where the CLI knows other roles: their tables of flags, and what follows from them.
 */
import { EXIT, UsageError } from "@/core/host/exit.ts";
import type { Environment } from "@/core/host/exit.ts";
import type { FlagValues, Program } from "@/core/host/flags.ts";
import { LOCALE_VARIABLES } from "@/core/host/plain_terminal.ts";
import {
  type Grant,
  grant,
  type GrantOptions,
  grantsOf,
  pathGrant,
  permissionFlags,
  QUIET_ENVIRONMENT,
  type RoleGrants,
  serviceGrants,
  smallest,
} from "@/core/host/permissions.ts";
import { didYouMean } from "@/core/host/near_miss.ts";
import { printable } from "@/core/host/printable.ts";
import { MODULES } from "./count_thread.ts";
import { ASKS, type CommandName, COMMANDS, PROGRAM_NAME, ROLES } from "./flags.ts";
import type { Shell } from "./shell.ts";

export type RoleName = typeof ROLES[number];

/** Prints, and resolves to the exit code. Throws UsageError for mistakes in the role's flags, too. */
export async function permissions(flags: FlagValues, shell: Shell, env: Environment): Promise<number> {
  const [role, ...args] = flags.operands;
  if (!isRole(role)) {
    const why = role === undefined
      ? "a role is missing"
      : `"${printable(role)}": no such role${didYouMean(role, ROLES)}`;
    throw new UsageError([`${why} (${ROLES.join(", ")})`], `${PROGRAM_NAME} permissions`);
  }
  const service = flags.on("service");
  const grants = await roleGrants(role, args, env, { networks: flags.list("networks"), anyVariable: service });
  const all = service ? smallest([...grants, ...serviceGrants(NOTIFY_SOCKET, `/run/nginx-logtail/${role}`)]) : grants;
  shell.out(shown(all, flags.text("format")));
  return EXIT.ok;
}

/** What a role touches with these arguments. Throws UsageError, HelpRequested and, for lists, MachineRefusal. */
export async function roleGrants(
  role: RoleName,
  args: readonly string[],
  env: Environment,
  options: GrantOptions = {},
): Promise<readonly Grant[]> {
  const [program, rest, more] = await programOf(role, args);
  return grantsOf(program, rest, env, more, options);
}

/** Where systemd listens, and where a role's unit lets it speak from. */
const NOTIFY_SOCKET = "/run/systemd/notify";

/** The table of a role's flags, its own arguments, and what else follows from them. Throws UsageError. */
export async function programOf(
  role: RoleName,
  args: readonly string[],
): Promise<readonly [program: Program, args: readonly string[], more: RoleGrants]> {
  switch (role) {
    case "collector": {
      const { COLLECTOR } = await import("@/collector/flags.ts");
      return [COLLECTOR, args, (await import("@/collector/permissions.ts")).collectorGrants];
    }
    case "aggregator": {
      const { AGGREGATOR } = await import("@/aggregator/flags.ts");
      return [AGGREGATOR, args, (await import("@/aggregator/permissions.ts")).aggregatorGrants];
    }
    case "frontend": {
      const { FRONTEND } = await import("@/frontend/flags.ts");
      return [FRONTEND, args, (await import("@/frontend/permissions.ts")).frontendGrants];
    }
    case "cli":
      return ofCommand(args);
  }
}

function ofCommand(
  [name, ...rest]: readonly string[],
): readonly [program: Program, args: readonly string[], more: RoleGrants] {
  if (name === undefined) return [ANY_COMMAND, [], anyCommandGrants];
  if (!isCommand(name)) {
    const names = Object.keys(COMMANDS);
    throw new UsageError(
      [`"${printable(name)}": no such command${didYouMean(name, names)} (${names.join(", ")})`],
      `${PROGRAM_NAME} permissions cli`,
    );
  }
  return [COMMANDS[name], rest, (flags) => commandGrants(name, flags)];
}

function commandGrants(name: CommandName, flags: FlagValues): readonly Grant[] {
  return [
    ...ASKS.has(name) ? [QUIET_ENVIRONMENT] : [],
    ...name === "count" ? fileGrants(flags) : [],
  ];
}

/** Everybody's command line: any target, any file. */
const ANY_COMMAND: Program = { role: "cli", program: PROGRAM_NAME, summary: "", flags: [] };

function anyCommandGrants(): readonly Grant[] {
  return [
    grant("net", "", "any target may be asked"),
    grant("read", "", "any file may be counted, or named for TLS"),
    grant("env", "CLI_*", "settings may come from the environment"),
    QUIET_ENVIRONMENT,
    ...LOCALE_GRANTS,
  ];
}

function fileGrants(flags: FlagValues): readonly Grant[] {
  const files = flags.operands.filter((name) => name !== "-").map((name) => pathGrant("read", name, "it is counted"));
  if (flags.number("threads") === 1) return files;
  return [...files, grant("read", MODULES.replace(/\/$/, ""), "its threads read their modules there (--threads)")];
}

/** Nothing fails without them: then every terminal is taken for one with UTF-8. */
const LOCALE_GRANTS = LOCALE_VARIABLES.map((name) => grant("env", name, "it says whether the terminal takes UTF-8"));

function shown(grants: readonly Grant[], format: string): string {
  switch (format) {
    case "flags":
      return `${permissionFlags(grants).map(quoted).join(" ")}\n`;
    case "json":
      return `${JSON.stringify({ flags: permissionFlags(grants), grants })}\n`;
    default:
      return table(grants);
  }
}

/** A line for each value of each flag. */
function table(grants: readonly Grant[]): string {
  const rows = permissionFlags(grants).flatMap((flag) => {
    const [name] = flag.split("=");
    return grants.filter((each) => permissionFlags([each])[0].split("=")[0] === name).map((each) => ({
      left: permissionFlags([each])[0],
      why: each.why,
    }));
  });
  const columns = Math.max(0, ...rows.map(({ left }) => left.length));
  return rows.map(({ left, why }) => `${left.padEnd(columns)}  ${printable(why)}\n`).join("");
}

/** As a shell needs it. */
function quoted(flag: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(flag) && !flag.includes("[") ? flag : `'${flag.replaceAll("'", `'\\''`)}'`;
}

function isRole(word: string | undefined): word is RoleName {
  return ROLES.some((role) => role === word);
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}
