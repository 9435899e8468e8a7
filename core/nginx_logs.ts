/**
 * The access logs of an nginx configuration, each with its format.
 *
 * Every `access_log` in `http` and below counts, wherever it stands: a log that is set for one server or location is one
 * more log. What cannot be followed is not dropped silently but named, with what would help.
 */
import { FILES_MAX } from "./bounds.ts";
import type { Escape } from "./escapes.ts";
import { formatOf, type FormatSpec, isFormatMistake } from "./formats.ts";
import type { Directive } from "./nginx_conf.ts";

/** A directive of one of the files that make up a configuration. */
export interface PlacedDirective extends Directive {
  /** The file it stands in. */
  readonly file: string;
  readonly block?: readonly PlacedDirective[];
}

/** A log that nginx writes to a file. */
export interface NginxLog {
  /** Absolute. */
  readonly path: string;
  /** One, unless several servers write it in formats of their own. */
  readonly formats: readonly FormatSpec[];
  /** How long its lines may wait before they are written, in words; undefined when they do not. */
  readonly buffered?: string;
}

/** A log that is not followed, or something else that an operator should know. */
export interface NginxNotice {
  /** `/etc/nginx/nginx.conf:12`. */
  readonly where: string;
  readonly message: string;
}

export interface NginxLogs {
  readonly logs: readonly NginxLog[];
  /** All formats that are defined, by their names with `@`. */
  readonly formats: readonly (FormatSpec & { readonly name: string })[];
  readonly notices: readonly NginxNotice[];
}

/** nginx defines this one itself. */
const COMBINED: FormatSpec = { text: "combined" };

const ESCAPES: readonly string[] = ["default", "json", "none"] satisfies readonly Escape[];

/** @param prefix what relative paths are relative to */
export function nginxLogs(directives: readonly PlacedDirective[], prefix: string): NginxLogs {
  const finder = new Finder(prefix);
  for (const { name, block = [] } of directives) if (name === "http") finder.look(block, 0);
  return finder.found();
}

class Finder {
  readonly #formats = new Map<string, FormatSpec & { readonly name: string }>();
  readonly #logs = new Map<string, NginxLog>();
  readonly #notices = new Map<string, NginxNotice>();
  /** Whether some server has no access_log of its own or from `http`. */
  #default: PlacedDirective | undefined;

  constructor(readonly prefix: string) {}

  found(): NginxLogs {
    const missing = this.#default;
    if (missing !== undefined) {
      this.#notice(
        missing,
        "this server has no access_log, so nginx writes the one it was built with; name it in --logs",
      );
    }
    return {
      logs: [...this.#logs.values()],
      formats: [...this.#formats.values()],
      notices: [...this.#notices.values()],
    };
  }

  /** Formats first: nginx wants them before their use, but need not be followed in that. */
  look(block: readonly PlacedDirective[], depth: number): void {
    for (const directive of block) if (directive.name === "log_format") this.#addFormat(directive);
    const logs = block.filter(isAccessLog);
    for (const directive of logs) this.#addLog(directive);
    for (const directive of block) {
      if (directive.block === undefined || directive.name === "types" || directive.name === "map") continue;
      const isServer = directive.name === "server" && depth === 0;
      if (isServer && ![...logs, ...directive.block].some(isAccessLog)) this.#default ??= directive;
      this.look(directive.block, depth + 1);
    }
  }

  #addFormat(directive: PlacedDirective): void {
    const [name = "", ...rest] = directive.parameters, escape = /^escape=(.*)$/.exec(rest[0] ?? "")?.[1];
    const text = rest.slice(escape === undefined ? 0 : 1).join("");
    if (escape !== undefined && !ESCAPES.includes(escape)) {
      return this.#notice(directive, `log_format ${name} has escape=${escape}, which is not known; it is not used`);
    }
    this.#formats.set(name, { text, name: `@${name}`, configured: (escape ?? "default") as Escape });
  }

  #addLog(directive: PlacedDirective): void {
    const [path = "", ...rest] = directive.parameters;
    const formatName = rest[0] !== undefined && !rest[0].includes("=") ? rest[0] : "combined";
    const option = (name: string): string | undefined =>
      rest.find((each) => each === name || each.startsWith(`${name}=`))?.slice(name.length + 1);
    if (path === "off" || path === "/dev/null") return;
    if (path.startsWith("syslog:")) {
      return this.#notice(
        directive,
        `access_log ${path} goes to a syslog server; if that is this collector, start it with ` +
          `--syslog-listen at that address`,
      );
    }
    const why = whyNot(path, option("gzip") !== undefined);
    if (why !== undefined) return this.#notice(directive, `access_log ${path} is not followed: ${why}`);
    const format = formatName === "combined"
      ? this.#formats.get("combined") ?? COMBINED
      : this.#formats.get(formatName);
    if (format === undefined) {
      return this.#notice(directive, `access_log ${path} is not followed: there is no log_format ${formatName}`);
    }
    const compiled = formatOf(format);
    if (isFormatMistake(compiled)) {
      const place = `column ${compiled.column}: ${compiled.message}`;
      return this.#notice(directive, `access_log ${path} is not followed: log_format ${formatName}, ${place}`);
    }
    const absolute = path.startsWith("/") ? path : `${this.prefix}/${path}`;
    if (absolute !== path) this.#notice(directive, `access_log ${path} is taken to be ${absolute}; if not, use --logs`);
    this.#add(directive, absolute, format, buffering(option));
  }

  #add(directive: PlacedDirective, path: string, format: FormatSpec, buffered: string | undefined): void {
    const known = this.#logs.get(path), formats = known?.formats ?? [];
    if (known === undefined && this.#logs.size === FILES_MAX) {
      return this.#notice(directive, `access_log ${path} is not followed: there are more than ${FILES_MAX} logs`);
    }
    const isNew = !formats.some(({ name, text }) => name === format.name && text === format.text);
    this.#logs.set(path, {
      path,
      formats: isNew ? [...formats, format] : formats,
      ...(buffered ?? known?.buffered) === undefined ? {} : { buffered: buffered ?? known?.buffered },
    });
  }

  #notice({ file, line }: PlacedDirective, message: string): void {
    const where = `${file}:${line}`;
    this.#notices.set(`${where} ${message}`, { where, message });
  }
}

function isAccessLog({ name }: Directive): boolean {
  return name === "access_log";
}

/** Why a log can be no file that is followed; undefined when it can. */
function whyNot(path: string, gzip: boolean): string | undefined {
  if (path === "") return "it has no path";
  if (path.includes("$")) return "a variable in its path makes it many; name them with a glob in --logs";
  if (path.startsWith("/dev/")) return "it is a device; let nginx write a file, or syslog";
  if (gzip) return "gzip= writes compressed blocks, which end anywhere; leave gzip= out, and let logrotate compress";
  return undefined;
}

/** How long lines wait in nginx, from `buffer=` and `flush=`. */
function buffering(option: (name: string) => string | undefined): string | undefined {
  const size = option("buffer"), flush = option("flush");
  if (size === undefined && flush === undefined) return undefined;
  const until = flush === undefined ? "however long that takes; add flush=5s to it" : `and ${flush} at most`;
  return `nginx writes its lines when ${size ?? "64k"} of them are there, ${until}`;
}
