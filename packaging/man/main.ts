/**
 * Writes the man pages of all programs from their flag tables: `deno task man`.
 *
 *     --out=FOLDER   where to; packaging/dist/man unless given
 */
import { join } from "@std/path";
import { VERSION } from "@/core/host/exit.ts";
import type { Program } from "@/core/host/flag_table.ts";
import { type ManPage, manPage, type ManSection } from "@/core/host/man_page.ts";
import { AGGREGATOR } from "@/aggregator/flags.ts";
import { COMMANDS, PROGRAM_NAME } from "@/cli/flags.ts";
import { COLLECTOR } from "@/collector/flags.ts";
import { FRONTEND } from "@/frontend/flags.ts";

const EXIT_STATUS: ManSection = {
  title: "exit status",
  paragraphs: [
    "0: it did what was asked. 1: a target did not answer, or a bug. 2: mistakes in the flags, all of them named. " +
    "3: the machine refused (port, permission, disk), with the next step named.",
  ],
};

const ENVIRONMENT: ManSection = {
  title: "environment",
  paragraphs: ["Every flag can be given as a variable, which is named with it above; the flag wins."],
};

const CLI: ManPage = {
  name: PROGRAM_NAME,
  section: 1,
  version: VERSION,
  summary: "ask what nginx is doing, or count its logs",
  programs: Object.values(COMMANDS),
  sections: [
    {
      title: "examples",
      paragraphs: [
        "Which clients cause the most 429s now:",
        "  nginx-logtail topn --group-by prefix --status 429 --window 1m",
        "The same, live:",
        "  nginx-logtail top --group-by prefix --status 429 --window 1m",
        "A block list of those with more than a thousand:",
        "  nginx-logtail topn --group-by prefix --status 429 --at-least 1000 --format nginx-deny",
        "Log files, without any daemon:",
        "  nginx-logtail count --group-by uri,status /var/log/nginx/access.log*",
      ],
    },
    EXIT_STATUS,
    ENVIRONMENT,
    seeAlso(["nginx-logtail-collector(8)", "nginx-logtail-aggregator(8)", "nginx-logtail-frontend(8)"]),
  ],
};

function daemonPage(program: Program, signals: readonly string[]): ManPage {
  return {
    name: program.program,
    section: 8,
    version: VERSION,
    summary: program.summary.replace(/\.$/, ""),
    programs: [program],
    sections: [
      { title: "signals", paragraphs: signals },
      EXIT_STATUS,
      ENVIRONMENT,
      { title: "files", paragraphs: ["/etc/default/nginx-logtail: variables for the units of all roles."] },
      seeAlso(["nginx-logtail(1)"]),
    ],
  };
}

function seeAlso(pages: readonly string[]): ManSection {
  return { title: "see also", paragraphs: [pages.join(", ")] };
}

const STOP = "SIGTERM, SIGINT: take no more input, answer what is asked, and end with 0 within five seconds.";

export const MAN_PAGES: readonly ManPage[] = [
  CLI,
  daemonPage(COLLECTOR, [STOP, "SIGHUP: read the lists of logs and the nginx configuration again."]),
  daemonPage(AGGREGATOR, [STOP, "SIGHUP: read the files of --collectors again."]),
  daemonPage(FRONTEND, [STOP]),
];

if (import.meta.main) {
  const out = Deno.args.find((arg) => arg.startsWith("--out="))?.slice("--out=".length) ?? "packaging/dist/man";
  await Deno.mkdir(out, { recursive: true });
  for (const page of MAN_PAGES) await Deno.writeTextFile(join(out, `${page.name}.${page.section}`), manPage(page));
}
