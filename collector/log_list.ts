/**
 * Which logs are followed, and of which formats: what `--nginx-conf`, `--logs` and `--logs-file` say together. It is read at
 * the start and again on SIGHUP; what has changed is logged.
 */
import { UsageError } from "@/core/host/endings.ts";
import { systemFiles } from "@/core/host/files.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { readLinesFile } from "@/core/host/lines_file.ts";
import type { Log } from "@/core/host/log.ts";
import { readTextFile } from "@/core/host/text_file.ts";
import { formatRules } from "./format_flags.ts";
import type { FormatRules } from "./input_formats.ts";
import { type ConfFiles, NginxConf } from "./nginx_files.ts";

export interface FollowedLogs {
  /** Paths and globs; those of nginx's configuration first, since their formats are known. */
  readonly patterns: readonly string[];
  readonly formats: FormatRules;
}

export interface LogListOptions {
  readonly flags: FlagValues;
  readonly log: Log;
  /** Whether there are other inputs, so that no log at all is no mistake. */
  readonly hasOthers: boolean;
  readonly files?: ConfFiles;
}

export class LogList {
  readonly #conf: NginxConf | undefined;
  #before: readonly string[] | undefined;

  constructor(readonly options: LogListOptions) {
    const path = options.flags.text("nginx-conf"), files = options.files ?? { read: readTextFile, expand };
    this.#conf = path === "" ? undefined : new NginxConf(path, files, options.log);
  }

  /** All of it, as it is now. Throws MachineRefusal for a file that cannot be read, UsageError for what is wrong in it. */
  read(): FollowedLogs {
    const { flags, hasOthers } = this.options, file = flags.text("logs-file");
    const listed = [...flags.list("logs"), ...file === "" ? [] : readLinesFile("--logs-file", file)];
    const conf = this.#conf?.read();
    const formats = formatRules(flags, conf);
    const patterns = [...new Set([...conf?.logs.map(({ path }) => path) ?? [], ...listed])];
    if (patterns.length === 0 && !hasOthers) {
      const what = [
        file === "" ? [] : `--logs-file ${file}`,
        conf === undefined ? [] : `--nginx-conf ${this.#conf?.path}`,
      ];
      throw new UsageError([
        `${what.flat().join(", ")}: it names no log that can be followed; name one, or use --logs`,
      ]);
    }
    this.#tell(listed);
    return { patterns, formats };
  }

  /** What `--nginx-conf` names says so itself. */
  #tell(listed: readonly string[]): void {
    const { log } = this.options, before = this.#before;
    this.#before = listed;
    if (before === undefined) return;
    for (const pattern of listed) if (!before.includes(pattern)) log.info("a log is on the list now", { pattern });
    for (const pattern of before) {
      if (!listed.includes(pattern)) log.info("a log is no longer on the list", { pattern });
    }
  }
}

function expand(pattern: string): ReturnType<ConfFiles["expand"]> {
  return systemFiles().expandGlob(pattern);
}
