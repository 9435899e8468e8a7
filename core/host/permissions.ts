/**
 * The smallest set of the runtime's permissions with which a program runs with the flags that it was given. It follows from the
 * table of its flags (`Flag.touches`), and from what its role adds in a `permissions.ts` of its own; so the command that
 * prints it, the units, the tasks and the tests cannot say different things.
 */
import { parsePrefixText, prefixContains } from "@/core/client_prefix.ts";
import type { Environment } from "./exit.ts";
import type { Flag, Program } from "./flag_table.ts";
import { type FlagValues, readFlags } from "./flags.ts";
import { isIPv4, isIPv6 } from "./ip_address.ts";
import { addressText, parseListenAddress } from "./listen_address.ts";

export type PermissionName = "net" | "read" | "write" | "sys" | "env" | "ignored env";

/** One thing that a program may touch, and why it must. */
export interface Grant {
  readonly permission: PermissionName;
  /** As the runtime's flag takes it, without commas; empty: everything there is. */
  readonly value: string;
  /** Without a full stop; names the flag that it comes from. */
  readonly why: string;
}

export interface GrantOptions {
  /** Where peers that are known by name have their addresses: `10.0.0.0/8`. Without any, such a peer may be anywhere. */
  readonly networks?: readonly string[];
  /** Whether any setting may come from the environment, as with an environment file, and not only what is set now. */
  readonly anyVariable?: boolean;
}

/** What a role needs beside what its table says; `log` is for nobody. */
export type RoleGrants = (flags: FlagValues, options: GrantOptions) => readonly Grant[];

/**
 * Everything that a program touches with these arguments and this environment. Throws what `readFlags` throws, and what `more`
 * does for files that it has to look into.
 */
export function grantsOf(
  program: Program,
  args: readonly string[],
  env: Environment,
  more: RoleGrants,
  options: GrantOptions = {},
): readonly Grant[] {
  const variables: string[] = [];
  const flags = readFlags(program, args, (name) => {
    const value = env(name);
    if (value !== undefined) variables.push(name);
    return value;
  });
  const prefix = `${program.role.toUpperCase()}_*`;
  return smallest([
    ...program.flags.flatMap((flag) => grantsOfFlag(flag, valuesOf(flag, flags), options)),
    ...more(flags, options),
    ...options.anyVariable
      ? [grant("env", prefix, "settings may come from the environment")]
      : variables.map((name) => grant("env", name, "a setting comes from it")),
  ]);
}

/** The same grants as the runtime's flags, one for each permission. */
export function permissionFlags(grants: readonly Grant[]): readonly string[] {
  return PERMISSIONS.flatMap((permission) => flagOf(permission, grants));
}

/** In the order of the flags. */
const PERMISSIONS: readonly PermissionName[] = ["net", "read", "write", "sys", "ignored env", "env"];

/** Needed by everything that speaks gRPC. It allows nothing: what is not allowed beside it reads as not set. */
export const QUIET_ENVIRONMENT: Grant = {
  permission: "ignored env",
  value: "",
  why: "libraries look for variables of theirs, and are told that none is set",
};

export function grant(permission: PermissionName, value: string, why: string): Grant {
  return { permission, value, why };
}

/** Reading a file or whatever is in a directory. The runtime's flag cannot hold a comma: then it is a directory above. */
export function pathGrant(permission: "read" | "write", path: string, why: string): Grant {
  const at = path.indexOf(",");
  if (at < 0) return grant(permission, path, why);
  const above = path.slice(0, Math.max(1, path.lastIndexOf("/", at)));
  return grant(permission, above, `${why}; the runtime's flag takes no path with a comma`);
}

/** Listening on `host:port`. */
export function listenGrants(text: string, why: string): readonly Grant[] {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) throw new Error(`Cannot grant ${text}: ${parsed.mistake}`); // its flag's check let it through
  const { hostname, port } = parsed.address, value = addressText(parsed.address);
  const own = grant("net", value, hostname === "::" ? `${why}; on a host without IPv6 it is 0.0.0.0:${port}` : why);
  if (isIPv4(hostname) || isIPv6(hostname)) return [own];
  // gRPC looks the name up and listens on what it finds.
  const any = hostname === "localhost" ? `127.0.0.1:${port}` : `0.0.0.0/0:${port}`;
  return [own, grant("net", any, `${why}, which is what the name stands for`)];
}

/** Connecting to `host:port`, again and again, wherever it has moved to. */
export function connectGrants(text: string, why: string, networks: readonly string[] = []): readonly Grant[] {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) throw new Error(`Cannot grant ${text}: ${parsed.mistake}`);
  const { hostname, port } = parsed.address;
  if (isIPv4(hostname) || isIPv6(hostname)) return [grant("net", addressText(parsed.address), why)];
  const name = grant("net", hostname, `${why}: the name is looked up`);
  if (hostname === "localhost") {
    const found = `${why}, which is what the name stands for`;
    return [name, grant("net", `127.0.0.1:${port}`, found), grant("net", `[::1]:${port}`, found)];
  }
  if (networks.length > 0) {
    return [name, ...networks.map((network) => grant("net", `${network}:${port}`, `${why}: its address lies there`))];
  }
  return [grant("net", "", `${why}: ${hostname} is a name, and the address behind it may change; ${NARROWER}`)];
}

/** What can be done about the whole network. */
export const NARROWER = "name its network with --networks, or narrow the unit with IPAddressAllow=";

/** The host's name, unless another is given. */
export function sourceGrants(flags: FlagValues): readonly Grant[] {
  return flags.given("source")
    ? []
    : [grant("sys", "hostname", "answers are named after the host; --source NAME instead")];
}

/** What stands where a service manager is told that the program serves (`service_manager.ts`). */
export function serviceGrants(notifySocket: string, runtimeDirectory: string): readonly Grant[] {
  const why = "systemd is told that it serves", sockets = [`${runtimeDirectory}/notify.sock`, notifySocket];
  return [
    ...sockets.map((path) => grant("net", `unix:${path}`, why)),
    ...sockets.flatMap((path) => [grant("read", path, why), grant("write", path, why)]),
    ...["NOTIFY_SOCKET", "WATCHDOG_USEC", "RUNTIME_DIRECTORY"].map((name) => grant("env", name, why)),
    grant("env", "JOURNAL_STREAM", "the journal is told how grave an event is"),
  ];
}

/** Without what another one covers; the reasons of those left out go to the one that covers them. */
export function smallest(grants: readonly Grant[]): readonly Grant[] {
  const kept: Grant[] = [];
  for (const each of grants) {
    const above = kept.findIndex((other) => covers(other, each));
    if (above >= 0) kept[above] = { ...kept[above], why: joined(kept[above].why, each.why) };
    else {
      const below = kept.filter((other) => covers(each, other));
      const why = below.reduce((why, other) => joined(why, other.why), each.why);
      kept.splice(0, kept.length, ...kept.filter((other) => !below.includes(other)), { ...each, why });
    }
  }
  return kept;
}

/** Whether who has `one` needs no `other`. */
export function covers(one: Grant, other: Grant): boolean {
  if (one.permission !== other.permission) return false;
  if (one.value === "" || one.value === other.value) return true;
  if (other.value === "") return false;
  switch (one.permission) {
    case "read":
    case "write":
      return other.value.startsWith(one.value.endsWith("/") ? one.value : `${one.value}/`) ||
        one.value === `${other.value}/`;
    case "env":
      return one.value.endsWith("*") && other.value.startsWith(one.value.slice(0, -1));
    case "net":
      return other.value.startsWith(`${one.value}:`) || isWithinNetwork(other.value, one.value);
    default:
      return false;
  }
}

/** Whether `10.1.2.3:80` is in `10.0.0.0/8:80` or in `10.0.0.0/8`. */
function isWithinNetwork(address: string, network: string): boolean {
  const [, outer, outerPort] = /^([\d.]+\/\d+)(:\d+)?$/.exec(network) ?? [];
  const [, inner, innerPort] = /^([\d.]+(?:\/\d+)?)(:\d+)?$/.exec(address) ?? [];
  if (outer === undefined || inner === undefined || outerPort !== undefined && outerPort !== innerPort) return false;
  const [around, within] = [parsePrefixText(outer), parsePrefixText(inner)];
  return around !== undefined && within !== undefined && prefixContains(around, within);
}

function grantsOfFlag(flag: Flag, values: readonly string[], { networks }: GrantOptions): readonly Grant[] {
  const why = `--${flag.name}`;
  return values.filter((value) => value !== "").flatMap((value) => {
    switch (flag.touches) {
      case "listens":
        return listenGrants(value, `it listens on ${value} (${why})`);
      case "connects":
        return connectGrants(value, `it connects to ${value} (${why})`, networks);
      case "reads":
        return [pathGrant("read", value, `it is read (${why})`)];
      case "keeps":
        return (["read", "write"] as const).map((name) => pathGrant(name, value, `it keeps state there (${why})`));
      default:
        return [];
    }
  });
}

function valuesOf({ name, kind }: Flag, flags: FlagValues): readonly string[] {
  return kind === "list" ? flags.list(name) : kind === "text" ? [flags.text(name)] : [];
}

function flagOf(permission: PermissionName, grants: readonly Grant[]): readonly string[] {
  const values = grants.filter((grant) => grant.permission === permission).map(({ value }) => value);
  if (values.length === 0) return [];
  if (permission === "ignored env") return ["--ignore-env"];
  return [values.includes("") ? `--allow-${permission}` : `--allow-${permission}=${values.join(",")}`];
}

function joined(one: string, other: string): string {
  return one.split("; ").includes(other) || one === other ? one : `${one}; ${other}`;
}
