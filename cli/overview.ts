/** What the program says of itself: all that `--help` needs, so that it is there at once. */
import { tableLines } from "@/core/host/flag_help.ts";

/** As installed. */
export const PROGRAM_NAME = "nginx-logtail";

/** The commands, in the order of help. */
export const SUMMARIES = {
  topn: "the heaviest websites, prefixes, URIs, …",
  top: "the same on the whole terminal, live; ? shows the keys",
  trend: "requests over time",
  stream: "a line whenever a minute is over, until Ctrl-C",
  targets: "the sources that a target follows, and how they are",
  count: "log files, read once and ranked like topn; no daemon needed",
  permissions: "the smallest set of the runtime's permissions for a role with these flags",
  completion: "what makes a shell complete these commands",
  version: "the version of this program",
} as const;

export type CommandName = keyof typeof SUMMARIES;

export const PROGRAM_SUMMARY = "asks collectors and aggregators what nginx is doing, or counts log files itself";

/** What `nginx-logtail --help` prints. */
export function overviewText(): string {
  const rows = Object.entries(SUMMARIES).map(([left, right]) => ({ left, right }));
  return [
    `${PROGRAM_NAME}: ${PROGRAM_SUMMARY}`,
    "",
    `Usage: ${PROGRAM_NAME} COMMAND [flags]`,
    "",
    ...tableLines(rows),
    "",
    `${PROGRAM_NAME} COMMAND --help lists the flags of a command. For example:`,
    "",
    `  ${PROGRAM_NAME} topn --group-by prefix --status 429 --window 1m`,
    `  ${PROGRAM_NAME} count --group-by uri,status /var/log/nginx/access.log*`,
    `  ${PROGRAM_NAME} trend --website example.com --window 24h`,
  ].join("\n");
}
