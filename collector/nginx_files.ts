/**
 * The files of an nginx configuration, includes followed, and the access logs in them. It is read at the start and again on
 * SIGHUP; what has changed since is logged.
 */
import { NGINX_CONF_FILES_MAX, NGINX_INCLUDES_MAX } from "@/core/bounds.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import type { GlobPaths } from "@/core/host/files.ts";
import { directoryOf } from "@/core/host/glob.ts";
import type { Log } from "@/core/host/log.ts";
import type { TextFileTrouble } from "@/core/host/text_file.ts";
import { type Directive, parseNginxConf } from "@/core/nginx_conf.ts";
import { type NginxLog, type NginxLogs, nginxLogs, type NginxNotice, type PlacedDirective } from "@/core/nginx_logs.ts";

/** What is needed of the machine. */
export interface ConfFiles {
  readonly read: (path: string) => string | TextFileTrouble;
  readonly expand: (pattern: string) => GlobPaths;
}

/** Reads a configuration whenever it is told to, and says what it found. */
export class NginxConf {
  #before: NginxLogs | undefined;

  /** @param path of nginx.conf */
  constructor(readonly path: string, readonly files: ConfFiles, readonly log: Log) {}

  /** The logs as they are configured now. Throws MachineRefusal when the file cannot be read or is none. */
  read(): NginxLogs {
    const reading = new Reading(this.path, this.files), directives = reading.file(this.path, 0);
    const first = reading.trouble;
    if (first !== undefined) throw new MachineRefusal(`Cannot read --nginx-conf ${this.path}: ${first}`);
    const found = nginxLogs(directives, prefixOf(this.path));
    const all = { ...found, notices: [...reading.notices, ...found.notices] };
    this.#tell(all);
    this.#before = all;
    return all;
  }

  #tell({ logs, notices }: NginxLogs): void {
    const { log } = this, before = this.#before;
    const known = new Map(before?.logs.map((each) => [each.path, textOf(each)]));
    for (const each of logs) {
      const { path } = each, now = textOf(each);
      if (known.get(path) === now) continue;
      const what = known.has(path) ? "is written otherwise now" : "is followed";
      const { format, buffered } = factsOf(each);
      log.info(`a log of nginx's configuration ${what}`, { path, format });
      if (buffered !== undefined) log.warn(`lines of a log come late: ${buffered}`, { path });
    }
    const now = new Set(logs.map(({ path }) => path));
    for (const path of known.keys()) {
      if (!now.has(path)) log.info("a log is no longer in nginx's configuration, and not followed for it", { path });
    }
    const told = new Set(before?.notices.map(noticeText));
    for (const notice of notices) if (!told.has(noticeText(notice))) log.warn(notice.message, { at: notice.where });
    if (logs.length === 0) log.warn("nginx's configuration names no log that can be followed", { path: this.path });
  }
}

/** One reading of a configuration. */
class Reading {
  readonly notices: NginxNotice[] = [];
  /** Why there is nothing; of the first file alone. */
  trouble: string | undefined;
  readonly #directory: string;
  #filesRead = 0;

  constructor(first: string, readonly files: ConfFiles) {
    this.#directory = directoryOf(first);
  }

  /** The directives of a file and of what it includes. */
  file(path: string, depth: number): PlacedDirective[] {
    this.#filesRead++;
    const text = this.files.read(path);
    const parsed = typeof text === "string" ? parseNginxConf(text) : text;
    if ("reason" in parsed) return this.#refuse(depth, path, `${parsed.reason}; ${remedyOf(path, parsed)}`);
    if ("message" in parsed) {
      return this.#refuse(depth, `${path}:${parsed.line}`, `${parsed.message}; nginx -t says more`);
    }
    return this.#placed(parsed, path, depth);
  }

  #placed(directives: readonly Directive[], file: string, depth: number): PlacedDirective[] {
    return directives.flatMap((directive): PlacedDirective[] => {
      const { name, parameters, block } = directive;
      if (name === "include" && block === undefined && parameters.length === 1) {
        return this.#included(parameters[0], `${file}:${directive.line}`, depth + 1);
      }
      if (block === undefined) return [{ ...directive, block: undefined, file }];
      return [{ ...directive, file, block: this.#placed(block, file, depth) }];
    });
  }

  #included(pattern: string, where: string, depth: number): PlacedDirective[] {
    if (depth > NGINX_INCLUDES_MAX) {
      this.notices.push({
        where,
        message: `include ${pattern} is not read: more than ${NGINX_INCLUDES_MAX} files deep`,
      });
      return [];
    }
    const absolute = pattern.startsWith("/") ? pattern : `${this.#directory}/${pattern}`;
    const { paths, refused } = /[*?[]/.test(absolute)
      ? this.files.expand(absolute)
      : { paths: [absolute], refused: [] };
    for (const { directory, reason, trouble } of refused) {
      const remedy = trouble === "not_granted" ? grantFor(directory) : "let the collector's user list it";
      this.notices.push({ where, message: `include ${pattern} is not read: ${directory}: ${reason}; ${remedy}` });
    }
    return paths.flatMap((path) => {
      if (this.#filesRead < NGINX_CONF_FILES_MAX) return this.file(path, depth);
      if (this.#filesRead++ === NGINX_CONF_FILES_MAX) {
        const message = `include ${pattern} is not wholly read: more than ${NGINX_CONF_FILES_MAX} files`;
        this.notices.push({ where, message });
      }
      return [];
    });
  }

  #refuse(depth: number, where: string, why: string): PlacedDirective[] {
    if (depth === 0) this.trouble = why;
    else this.notices.push({ where, message: `it is not read: ${why}` });
    return [];
  }
}

/** What relative paths are relative to, as far as the configuration's place tells: nginx's prefix is built in. */
function prefixOf(path: string): string {
  const directory = directoryOf(path);
  return directory.endsWith("/conf") ? directoryOf(directory) : directory;
}

function remedyOf(path: string, { reason, remedy }: TextFileTrouble): string {
  return reason.startsWith("not granted") ? grantFor(directoryOf(path)) : remedy;
}

function grantFor(directory: string): string {
  return `start it with --allow-read=${directory} beside what it has`;
}

function textOf(log: NginxLog): string {
  return JSON.stringify(log);
}

function factsOf({ formats, buffered }: NginxLog): { format: string; buffered?: string } {
  return { format: formats.map(({ name, text }) => name ?? text).join(" or "), buffered };
}

function noticeText({ where, message }: NginxNotice): string {
  return `${where} ${message}`;
}
