/**
 * Which format the lines of each input are of: as the operator said, as nginx's configuration says of this log, or, by
 * default, whatever its first lines are of.
 */
import { CHUNK_BYTES, FILES_MAX } from "@/core/bounds.ts";
import { FormatChoice, formatOfLine } from "@/core/format_choice.ts";
import { autoFormats, formatOf, type FormatSpec, isFormatMistake } from "@/core/formats.ts";
import { type Log, sampleText } from "@/core/host/log.ts";
import type { LineFormat } from "@/core/line_batch.ts";
import type { Origin } from "./followed_file.ts";
import { logOf } from "./rotation_names.ts";

/** What is said about formats. Plain data: it is posted to the thread that counts. */
export interface FormatRules {
  /** Of files, syslog and standard input; `auto` to find out. */
  readonly lines: FormatSpec;
  /** Of lines in datagrams. */
  readonly datagrams: FormatSpec;
  /** Of the logs that nginx's configuration names, by path: lines may be of any of them. */
  readonly logs: readonly LogFormats[];
  /** Further formats that `auto` knows: those that nginx's configuration defines. */
  readonly known: readonly FormatSpec[];
}

export interface LogFormats {
  readonly path: string;
  readonly formats: readonly FormatSpec[];
}

/** Every input's format is found out. */
export const AUTO_RULES: FormatRules = { lines: { text: "auto" }, datagrams: { text: "auto" }, logs: [], known: [] };

/** Bytes of lines read at once, from which on they may have waited: half of what is read in one go. */
const BACKLOG_BYTES_MIN = CHUNK_BYTES / 2;

/** Inputs whose format is remembered: as many as are followed, and as many that were before. */
const CHOICES_MAX = 2 * FILES_MAX;

export class InputFormats {
  #rules: FormatRules = AUTO_RULES;
  #auto: readonly LineFormat[] = [];
  /** By file (device and inode: a rename changes nothing), or by the name of what is no file. The longest unused first. */
  readonly #choices = new Map<string, FormatChoice>();
  /** What was said of an input: once is enough. */
  readonly #told = new Map<string, string>();
  /** The choice of `lastKey`. */
  #last: FormatChoice | undefined;
  #lastKey = "";

  constructor(rules: FormatRules, readonly log: Log) {
    this.follow(rules);
  }

  /** Other rules from now on: formats that were found stay where nothing else is said. */
  follow(rules: FormatRules): void {
    const same = JSON.stringify(rules) === JSON.stringify(this.#rules);
    if (same && this.#auto.length > 0) return;
    this.#rules = rules;
    this.#auto = autoFormats(rules.known, rules.lines.client);
    this.#choices.clear();
    this.#last = undefined;
  }

  /** The format of lines from there. */
  of(origin: Origin): FormatChoice {
    const { kind, path, device, inode } = origin;
    const key = kind === undefined ? `${device}:${inode}:${path}` : path;
    if (key === this.#lastKey && this.#last !== undefined) return this.#last;
    const choice = this.#choices.get(key) ?? this.#begin(origin);
    this.#choices.delete(key);
    this.#choices.set(key, choice);
    if (this.#choices.size > CHOICES_MAX) this.#choices.delete(this.#choices.keys().next().value ?? "");
    this.#lastKey = key;
    return this.#last = choice;
  }

  /** Lines from there have been counted: fixes what they are of, and says what an operator should know about it. */
  seen(origin: Origin, choice: FormatChoice, bytes: Uint8Array, start: number, end: number): void {
    if (choice.settle()) this.#tell(origin, "format", choice.chosen?.name ?? "");
    const isMatched = choice.matched.some((lines) => lines > 0), { isUntimed = false } = choice.chosen ?? {};
    if (end - start >= BACKLOG_BYTES_MIN && isMatched && isUntimed) this.#tellBacklog(origin);
    if (choice.refused === 0 || isMatched) return;
    if (this.#told.get(`none of ${origin.path}`) === choice.name) return;
    this.#remember(`none of ${origin.path}`, choice.name);
    const newline = bytes.indexOf(NEWLINE, start), would = formatOfLine(this.#auto, bytes, start, newline)?.name;
    const remedy = would === undefined
      ? "no format that is known would match it; give its log_format with --format"
      : `${would} would match it; use --format ${would}, or auto`;
    this.log.warn(`no line so far is of the format it should be: ${remedy}`, {
      path: origin.path,
      format: choice.name,
      ...would === undefined ? {} : { would_match: would },
      line: sampleText(bytes, start, newline),
    });
  }

  /** Lines without a time that were read together count together, whenever they were written: once a log. */
  #tellBacklog({ kind, path }: Origin): void {
    if (kind === "udp" || kind === "syslog" || this.#told.has(`backlog of ${path}`)) return;
    this.#remember(`backlog of ${path}`, "");
    this.log.warn(
      "many lines that have no time were read at once: they count as requests of now, though they may be older",
      {
        path,
      },
    );
  }

  #begin(origin: Origin): FormatChoice {
    const { kind, path } = origin, { lines, datagrams, logs } = this.#rules;
    const named = kind === undefined
      ? logs.find((log) => log.path === path || log.path === logOf(path))?.formats
      : undefined;
    const specs = named ?? [kind === "udp" ? datagrams : lines];
    const formats = specs.some(({ text }) => text === "auto") ? this.#auto : compileAll(specs);
    const name = specs.map(({ name, text }) => name ?? text).join(" or ");
    if (formats.length === 1) this.#tell(origin, "format", formats[0].name);
    return new FormatChoice(name, formats, formats === this.#auto && (kind === undefined || kind === "stdin"));
  }

  /** Says it once, and again when it has changed. */
  #tell({ path }: Origin, what: string, value: string): void {
    if (this.#told.get(`${what} of ${path}`) === value) return;
    this.#remember(`${what} of ${path}`, value);
    this.log.info("the format of an input", { path, format: value });
  }

  #remember(key: string, value: string): void {
    if (this.#told.size >= CHOICES_MAX) this.#told.clear();
    this.#told.set(key, value);
  }
}

const NEWLINE = 10;

/** Each was compiled before, where mistakes are told: one that is none is our bug. */
function compileAll(specs: readonly FormatSpec[]): readonly LineFormat[] {
  return specs.map((spec) => {
    const format = formatOf(spec);
    if (isFormatMistake(format)) throw new Error(`Cannot compile the format ${spec.text}: ${format.message}`);
    return format;
  });
}
