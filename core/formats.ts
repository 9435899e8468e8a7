/**
 * All log formats: by name, or by the text of a `log_format`.
 *
 *   logtail            tab separated; see format_logtail.ts
 *   v1, v2             tab separated, `v1` or `v2` in front; both stand for lines of either
 *   combined, common   of nginx and Apache, with or without the virtual host in front
 *   json               an object a line; see format_json.ts
 *   any other text     a log_format; several, separated by line feeds (`\n`), for lines of any of them
 */
import { AnyFormat } from "./format_any.ts";
import { FORMAT_NAMES } from "./format_names.ts";
import { JsonFormat } from "./format_json.ts";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import { PlanFormat } from "./format_plan.ts";
import { planFields } from "./field_plan.ts";
import { type FormatMistake, type FormatToken, literalText, parseLogFormat } from "./log_format.ts";
import type { Escape } from "./escapes.ts";
import type { LineFormat } from "./line_batch.ts";

/** What an operator says of a format. Plain data: it can be posted. */
export interface FormatSpec {
  /** A name, or the text of a log_format. */
  readonly text: string;
  /** What to call it in messages; its text when absent. */
  readonly name?: string;
  /** Whether the text was read from nginx's configuration, and how nginx escapes then. */
  readonly configured?: Escape;
  /** The variable that holds the client's address; the best there is when absent. */
  readonly client?: string;
}

const V1 = "$host\\t$remote_addr\\t$request_method\\t$request_uri\\t$status\\t$body_bytes_sent\\t$request_time\\t" +
  "$is_tor\\t$asn\\t$source_tag\\t$server_addr\\t$scheme";
const V2 = V1.replace("$body_bytes_sent", "$bytes_sent") +
  "\\t$request_length\\t$upstream_response_time\\t$upstream_status";
const COMMON = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent';
const COMBINED = `${COMMON} "$http_referer" "$http_user_agent"`;

/** Texts that have a name, and how their writers escape. */
const TEXTS: Readonly<Record<string, { readonly text: string; readonly escape: Escape }>> = {
  v1: { text: `v1\\t${V1}\\nv2\\t${V2}`, escape: "default" },
  combined: { text: `${COMBINED}\\n$http_host ${COMBINED}`, escape: "apache" },
  common: { text: `${COMMON}\\n$http_host ${COMMON}`, escape: "apache" },
};

/** Formats that `auto` tries, in this order: no usual line is of two of them. */
const AUTO_NAMES: readonly string[] = ["logtail", "v1", "json", "combined", "common"];

/** What `auto` chooses from: the named formats, and those that are known besides. One that has no such client is left out. */
export function autoFormats(known: readonly FormatSpec[], client?: string): readonly LineFormat[] {
  const specs = [...AUTO_NAMES.map((text) => ({ text, client })), ...known];
  return specs.map(formatOf).filter((format): format is LineFormat => !isFormatMistake(format));
}

/** The format of a spec that is not `auto`; where and why it is none. */
export function formatOf({ text, name, configured, client }: FormatSpec): LineFormat | FormatMistake {
  const shown = name ?? text;
  if (configured === undefined) {
    if (text === "logtail") return client === undefined ? LOGTAIL_FORMAT : notThere(client, "logtail");
    if (text === "json") return new JsonFormat(shown, client);
    const named = Object.hasOwn(TEXTS, text) ? text : text === "v2" ? "v1" : undefined;
    if (named !== undefined) return compile(TEXTS[named].text, { name: shown, escape: TEXTS[named].escape, client });
    if (!text.includes("$")) {
      const names = FORMAT_NAMES.join(", ");
      return { column: 1, message: `no format has this name, and it has no $variable; the names are ${names}` };
    }
    const escape = /^(?:escape=(default|json|none)\s+)/.exec(text);
    const format = escape === null ? text : text.slice(escape[0].length);
    const compiled = compile(format, { name: shown, escape: (escape?.[1] ?? "default") as Escape, client });
    return "message" in compiled ? { ...compiled, column: compiled.column + text.length - format.length } : compiled;
  }
  return compile(text, { name: shown, escape: configured, client, written: false });
}

/** Whether it is a mistake: `isFormatMistake(formatOf(spec))`. */
export function isFormatMistake(format: LineFormat | FormatMistake): format is FormatMistake {
  return "message" in format;
}

/** What is wrong with a `--format` value, or undefined. `auto` and `@name` are none of this file's business. */
export function formatProblem(text: string): string | undefined {
  if (text === "auto" || /^@[^\s$]+$/.test(text)) return undefined;
  const format = formatOf({ text });
  return isFormatMistake(format) ? `column ${format.column}: ${format.message}` : undefined;
}

function notThere(client: string, name: string): FormatMistake {
  return { column: 1, message: `the ${name} format does not have $${client}; name a format that has it` };
}

interface CompileOptions {
  readonly name: string;
  readonly escape: Escape;
  readonly client?: string;
  readonly written?: boolean;
}

function compile(text: string, { name, escape, client, written = true }: CompileOptions): LineFormat | FormatMistake {
  const parsed = parseLogFormat(text, written);
  if ("message" in parsed) return parsed;
  const formats: LineFormat[] = [];
  for (const tokens of parsed) {
    if (escape === "default" && client === undefined && isLogtail(tokens)) {
      formats.push(LOGTAIL_FORMAT);
      continue;
    }
    const plan = planFields(tokens, { escape, client });
    if ("message" in plan) return plan;
    formats.push(new PlanFormat(name, `lines of ${textOf(tokens)}`, plan));
  }
  if (formats.length === 1) return formats[0] === LOGTAIL_FORMAT ? { ...LOGTAIL_FORMAT, name } : formats[0];
  return new AnyFormat(name, formats);
}

/** The fixed format's fields, in its order: it has a parser of its own. */
const LOGTAIL_FIELDS =
  "$host\t$remote_addr\t$msec\t$request_method\t$request_uri\t$status\t$body_bytes_sent\t$request_time";

function isLogtail(tokens: readonly FormatToken[]): boolean {
  const text = tokens.map((token) =>
    token.kind === "variable" ? `$${token.name}` : literalText(token.bytes).replaceAll("\\t", "\t")
  ).join("");
  return [LOGTAIL_FIELDS, `${LOGTAIL_FIELDS}\t$is_tor`, `${LOGTAIL_FIELDS}\t$is_tor\t$asn`].includes(text);
}

function textOf(tokens: readonly FormatToken[]): string {
  return tokens.map((token) => token.kind === "variable" ? `$${token.name}` : literalText(token.bytes)).join("");
}
