/** The commands and the flags of each: parser, help and environment variables (`CLI_TARGET`) follow from here. */
import { TOP_N_MAX } from "@/core/bounds.ts";
import { parsePrefixText } from "@/core/client_prefix.ts";
import { FORMAT_NAMES } from "@/core/format_names.ts";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { MEASURES } from "@/core/measures.ts";
import { WINDOWS } from "@/core/slices.ts";
import type { Flag, Program } from "@/core/host/flags.ts";
import { targetMistake } from "@/core/host/listen_address.ts";
import { CLIENT_SECURITY_FLAGS, tokenFlag } from "@/core/host/security_flags.ts";
import { durationMistake } from "./duration.ts";
import { FILTER_FLAGS } from "./filter_flags.ts";
import { type CommandName, PROGRAM_NAME, PROGRAM_SUMMARY, SUMMARIES } from "./overview.ts";

export { type CommandName, PROGRAM_NAME } from "./overview.ts";

const TARGET: Flag = {
  name: "target",
  kind: "list",
  default: "localhost:9090",
  placeholder: "HOST:PORT,…",
  help: "collectors or aggregators to ask, side by side",
  check: targetMistake,
  touches: "connects",
};

const JSON_SWITCH: Flag = { name: "json", kind: "switch", help: "one JSON object a line instead of a table" };

const TIMEOUT: Flag = {
  name: "timeout",
  kind: "text",
  default: "5s",
  placeholder: "TIME",
  help: "how long to wait for an answer: 500ms, 5s, 1m",
  check: durationMistake,
};

const OUTPUT: readonly Flag[] = [
  {
    name: "format",
    kind: "text",
    default: "table",
    placeholder: "NAME",
    help: "how to print it; nginx-deny is a block list for nginx, and needs --group-by prefix",
    choices: ["table", "json", "csv", "nginx-deny"],
  },
  {
    name: "allow",
    kind: "list",
    placeholder: "CIDR,…",
    help: "for nginx-deny: prefixes and addresses that are never denied, beside private ones",
    check: (value) =>
      parsePrefixText(value) === undefined ? "neither address nor prefix; write 192.0.2.0/24" : undefined,
  },
  { name: "at-least", kind: "number", default: "0", min: 0, help: "for nginx-deny: requests that a prefix must have" },
];

const TREND_FORMAT: Flag = {
  name: "format",
  kind: "text",
  default: "auto",
  placeholder: "NAME",
  help: "how to print it; auto is a chart on a terminal that is wide enough, and a table elsewhere",
  choices: ["auto", "table", "chart", "json"],
};

const EVERY: Flag = {
  name: "every",
  kind: "text",
  default: "2s",
  placeholder: "TIME",
  help: "how often to ask",
  check: durationMistake,
};

const WINDOW: Flag = {
  name: "window",
  kind: "text",
  default: "5m",
  placeholder: "TIME",
  help: "how far back from now",
  choices: WINDOWS.map(({ name }) => name),
};

const N: Flag = { name: "n", kind: "number", default: "10", min: 1, max: TOP_N_MAX, help: "entries to list" };

const GROUP_BY: Flag = {
  name: "group-by",
  kind: "text",
  default: "website",
  placeholder: "NAME",
  help: "what to rank",
  choices: DIMENSIONS.map(({ name }) => name),
};

const SORT: Flag = {
  name: "sort",
  kind: "text",
  default: "count",
  placeholder: "NAME",
  help: "what to rank by",
  choices: MEASURES.map(({ sort }) => sort),
};

const RANKING: readonly Flag[] = [N, WINDOW, GROUP_BY, SORT];

/** Threads of `count`: more than any machine is likely to have; each takes about 60 MB. */
const THREADS_MAX = 64;

const COUNTING: readonly Flag[] = [
  JSON_SWITCH,
  N,
  { ...GROUP_BY, kind: "list", placeholder: "NAME,…", help: "what to rank; several at once, in one go" },
  SORT,
  {
    name: "format",
    kind: "text",
    default: "auto",
    placeholder: "FORMAT",
    help: `of the lines: ${FORMAT_NAMES.join(", ")}, or the text of a log_format; auto finds it out line by line`,
  },
  { name: "client", kind: "text", placeholder: "VARIABLE", help: "the variable that holds the client's address" },
  { name: "v4prefix", kind: "number", default: "24", min: 0, max: 32, help: "bits of an IPv4 client that count" },
  { name: "v6prefix", kind: "number", default: "48", min: 0, max: 128, help: "bits of an IPv6 client that count" },
  {
    name: "threads",
    kind: "number",
    default: "1",
    min: 1,
    max: THREADS_MAX,
    help: "threads that count; plain files are shared out among them",
  },
  { name: "stats", kind: "switch", help: "say on standard error how fast it was, as on a terminal" },
];

/** Roles whose permissions can be asked for; `cli COMMAND` for those of a command of this program. */
export const ROLES = ["collector", "aggregator", "frontend", "cli"] as const;

/** They stand before the role: what follows it is the role's own. */
const PERMISSIONS: readonly Flag[] = [
  {
    name: "format",
    kind: "text",
    default: "table",
    placeholder: "NAME",
    help: "a table with reasons, the flags alone for scripts, or JSON; before the role, as all flags of this command",
    choices: ["table", "flags", "json"],
  },
  {
    name: "networks",
    kind: "list",
    placeholder: "CIDR,…",
    help: "where peers that are known by name have their addresses, such as 10.0.0.0/8",
    check: networkMistake,
  },
  {
    name: "service",
    kind: "switch",
    help: "as the systemd unit starts it: settings may come from the environment, and systemd is told that it serves",
  },
];

/** The runtime takes IPv4 networks only. */
function networkMistake(text: string): string | undefined {
  if (/^[\d.]+\/\d+$/.test(text) && parsePrefixText(text) !== undefined) return undefined;
  return "no IPv4 network, and the runtime grants no others; write 10.0.0.0/8";
}

const ASKING: readonly Flag[] = [TARGET, JSON_SWITCH, TIMEOUT, ...CLIENT_SECURITY_FLAGS, tokenFlag("token-file")];

/** In the order of help. */
export const COMMANDS: Readonly<Record<CommandName, Program>> = {
  topn: command("topn", [
    ...ASKING,
    ...OUTPUT,
    ...RANKING,
    ...FILTER_FLAGS,
  ]),
  top: command("top", [
    TARGET,
    ...ASKING.slice(2),
    EVERY,
    ...RANKING.slice(1),
    ...FILTER_FLAGS,
  ]),
  trend: command("trend", [...ASKING, TREND_FORMAT, WINDOW, ...FILTER_FLAGS]),
  stream: command("stream", [...ASKING, ...FILTER_FLAGS]),
  targets: command("targets", ASKING),
  count: {
    ...command("count", [...COUNTING, ...FILTER_FLAGS]),
    operands: "FILE…",
  },
  permissions: {
    ...command("permissions", PERMISSIONS),
    operands: `${ROLES.join("|")} [flags of the role]`,
  },
  completion: { ...command("completion", []), operands: "bash|zsh|fish" },
  version: command("version", [JSON_SWITCH]),
};

/** Commands that ask targets. */
export const ASKS: ReadonlySet<CommandName> = new Set(["topn", "top", "trend", "stream", "targets"]);

/** All flags of all commands: what may stand before the command's name. */
export const ALL_COMMANDS: Program = {
  role: "cli",
  program: PROGRAM_NAME,
  summary: PROGRAM_SUMMARY,
  flags: [...new Map(Object.values(COMMANDS).flatMap(({ flags }) => flags).map((flag) => [flag.name, flag])).values()],
  operands: "COMMAND",
};

function command(name: CommandName, flags: readonly Flag[]): Program {
  return { role: "cli", program: `${PROGRAM_NAME} ${name}`, summary: SUMMARIES[name], flags };
}
