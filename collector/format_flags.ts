/** What the flags say about formats, with `@name` looked up in nginx's configuration. */
import { UsageError } from "@/core/host/endings.ts";
import type { Flag } from "@/core/host/flag_table.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { FORMAT_NAMES } from "@/core/format_names.ts";
import { formatOf, formatProblem, type FormatSpec, isFormatMistake } from "@/core/formats.ts";
import type { FormatRules } from "./input_formats.ts";
import type { NginxLogs } from "@/core/nginx_logs.ts";

const NAMES = FORMAT_NAMES.join(", ");

export const FORMAT_FLAGS: readonly Flag[] = [
  {
    name: "format",
    kind: "text",
    default: "auto",
    placeholder: "FORMAT",
    help:
      `of the lines: ${NAMES}, the text of a log_format, or @NAME of one in --nginx-conf; auto looks at the first lines`,
    check: formatProblem,
  },
  {
    name: "udp-format",
    kind: "text",
    default: "auto",
    placeholder: "FORMAT",
    help: "the same, of lines in datagrams",
    check: formatProblem,
  },
  {
    name: "client",
    kind: "text",
    placeholder: "VARIABLE",
    help: "the variable that holds the client's address, such as http_x_forwarded_for; remote_addr when not given",
    check: (name) =>
      /^\$?\w+$/.test(name) ? undefined : "the name of a variable has letters, digits and _; use remote_addr",
  },
];

/**
 * The rules that the flags make, over what nginx's configuration says. Throws UsageError when a format is named that is not
 * there, or has no such client.
 */
export function formatRules(flags: FlagValues, conf: NginxLogs | undefined): FormatRules {
  const client = flags.text("client").replace(/^\$/, "");
  const withClient = (spec: FormatSpec): FormatSpec => client === "" ? spec : { ...spec, client };
  const mistakes: string[] = [];
  const spec = (flag: string): FormatSpec => {
    const text = flags.text(flag), found = text.startsWith("@") ? formatNamed(text, conf) : { text };
    if (typeof found === "string") mistakes.push(`--${flag} ${text}: ${found}`);
    else {
      const given = withClient(found), format = given.text === "auto" ? undefined : formatOf(given);
      if (format === undefined || !isFormatMistake(format)) return given;
      mistakes.push(`--${flag} ${text}: column ${format.column}: ${format.message}`);
    }
    return { text: "auto" };
  };
  const rules = { lines: spec("format"), datagrams: spec("udp-format") };
  if (mistakes.length > 0) throw new UsageError(mistakes);
  return {
    ...rules,
    logs: conf?.logs.map(({ path, formats }) => ({ path, formats: formats.map(withClient) })) ?? [],
    known: conf?.formats.map(withClient).filter(isGood) ?? [],
  };
}

function isGood(spec: FormatSpec): boolean {
  return !isFormatMistake(formatOf(spec));
}

/** The log_format of that name, or why there is none. */
function formatNamed(text: string, conf: NginxLogs | undefined): FormatSpec | string {
  if (conf === undefined) return "a name of nginx's is looked up in its configuration; give --nginx-conf as well";
  const found = conf.formats.find(({ name }) => name === text);
  if (found !== undefined) return found;
  const names = conf.formats.map(({ name }) => name).join(", ");
  return `nginx's configuration defines no such log_format; it has ${names === "" ? "none" : names}`;
}
