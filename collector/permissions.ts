/** What the collector needs beside what its flags say by themselves. */
import type { FlagValues } from "@/core/host/flags.ts";
import { systemFiles } from "@/core/host/files.ts";
import { globBase } from "@/core/host/glob.ts";
import type { Log } from "@/core/host/log.ts";
import {
  type Grant,
  grant,
  listenGrants,
  pathGrant,
  QUIET_ENVIRONMENT,
  sourceGrants,
} from "@/core/host/permissions.ts";
import { readTextFile } from "@/core/host/text_file.ts";
import { LogList } from "./log_list.ts";
import { MODULES } from "./modules.ts";
import type { ConfFiles } from "./nginx_files.ts";
import { socketInputs } from "./socket_input.ts";

/**
 * Logs, nginx's configuration, sockets, the modules of its threads. Lists and configurations are read now, to know what they
 * lead to.
 *
 * @throws MachineRefusal for a list or configuration that cannot be read; UsageError for what is wrong in it
 */
export function collectorGrants(flags: FlagValues): readonly Grant[] {
  return [
    pathGrant("read", withoutSlash(MODULES), "its threads read their modules there"),
    ...logGrants(flags),
    ...socketInputs(flags).filter(({ kind }) => kind === "syslog").flatMap(({ transport, path, name }) => {
      const why = `it listens on ${name} (--syslog-listen)`;
      if (transport !== "unix") return listenGrants(name.replace(/^\w+:\/\//, ""), why);
      return [
        grant("net", `unix:${path}`, why),
        pathGrant("read", path, why),
        pathGrant("write", path, "it makes and removes its socket (--syslog-listen)"),
      ];
    }),
    ...flags.list("udp-drops").filter((path) => path !== "-").map((path) =>
      pathGrant("read", path, "it is read (--udp-drops)")
    ),
    ...sourceGrants(flags),
    QUIET_ENVIRONMENT,
  ];
}

/** The directories of all logs: rotated ones and new ones stand beside those followed now. */
function logGrants(flags: FlagValues): readonly Grant[] {
  const grants: Grant[] = [], conf = "nginx's configuration (--nginx-conf)";
  const files: ConfFiles = {
    read: (path) => {
      grants.push(pathGrant("read", path, `it reads ${conf}`));
      return readTextFile(path);
    },
    expand: (pattern) => {
      grants.push(pathGrant("read", globBase(pattern), `it looks for files of ${conf}`));
      return systemFiles().expandGlob(pattern);
    },
  };
  const listed = flags.text("logs-file");
  if (listed !== "") grants.push(pathGrant("read", listed, "it reads the list of logs (--logs-file)"));
  const { patterns } = new LogList({ flags, log: SILENT, hasOthers: true, files }).read();
  const named = new Set(flags.list("logs")), reload = "a log elsewhere needs another grant before SIGHUP";
  for (const pattern of patterns) {
    const why = `it follows ${pattern}`;
    grants.push(pathGrant("read", globBase(pattern), named.has(pattern) ? `${why} (--logs)` : `${why}; ${reload}`));
  }
  return grants;
}

/** What is found is granted, not followed. */
const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };

function withoutSlash(directory: string): string {
  return directory.length > 1 ? directory.replace(/\/$/, "") : directory;
}
