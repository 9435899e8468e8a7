/** Inputs that are no files: what the flags name, and how it is written. */
import { UsageError } from "@/core/host/endings.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { addressText, parseListenAddress } from "@/core/host/listen_address.ts";

export type SocketKind = "udp" | "syslog" | "stdin";

/** One such input. Plain data: it is posted to the thread that receives. */
export interface SocketInput {
  readonly kind: SocketKind;
  readonly transport: "udp" | "tcp" | "unix" | "stdin";
  /** As it is written: `udp://:9514`, `unix:/run/logtail/syslog.sock`, `stdin`. */
  readonly name: string;
  /** Of UDP and TCP; `::` for every interface. */
  readonly hostname: string;
  readonly port: number;
  /** Of a unix socket. */
  readonly path: string;
}

/** Bytes of the path of a unix socket, by the system (`sun_path`, with the zero that ends it). */
const PATH_BYTES_MAX = 107;

const EXAMPLES = "use udp://:514, tcp://:601 or unix:/run/logtail/syslog.sock";

export const STANDARD_INPUT: SocketInput = {
  ...{ kind: "stdin", transport: "stdin", name: "stdin", hostname: "", port: 0, path: "" },
};

/** Lines in datagrams: `host:port`, as its flag's check has accepted it. */
export function udpInput(text: string): SocketInput {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) throw new Error(`Cannot listen on ${text}: ${parsed.mistake}`);
  return { kind: "udp", transport: "udp", name: `udp://${text}`, ...parsed.address, path: "" };
}

/** Reads one value of `--syslog-listen`; or says what is wrong with it and what would work. */
export function parseSyslogInput(text: string): { readonly input: SocketInput } | { readonly mistake: string } {
  const [, scheme, rest] = /^(udp:\/\/|tcp:\/\/|unix:)(.*)$/.exec(text) ?? [];
  if (scheme === undefined) return { mistake: `it does not say over what; ${EXAMPLES}` };
  if (scheme === "unix:") {
    const path = rest.replace(/^\/\/(?=\/)/, "");
    if (!path.startsWith("/")) {
      return { mistake: "the path of a unix socket begins with /; use unix:/run/logtail/syslog.sock" };
    }
    if (new TextEncoder().encode(path).length > PATH_BYTES_MAX || path.includes("\0")) {
      return { mistake: `the system allows a unix socket a path of ${PATH_BYTES_MAX} bytes; choose a shorter one` };
    }
    return { input: { kind: "syslog", transport: "unix", name: `unix:${path}`, hostname: "", port: 0, path } };
  }
  const parsed = parseListenAddress(rest);
  if ("mistake" in parsed) return { mistake: parsed.mistake };
  const transport = scheme === "udp://" ? "udp" : "tcp";
  return { input: { kind: "syslog", transport, name: text, ...parsed.address, path: "" } };
}

/** What is wrong with one value of `--syslog-listen`, or undefined: a `check` for flags. */
export function syslogInputMistake(text: string): string | undefined {
  const parsed = parseSyslogInput(text);
  return "mistake" in parsed ? parsed.mistake : undefined;
}

/**
 * All of them, as the flags name them. Throws UsageError for one that is named twice, and when standard input is to be both lines
 * and the kernel's table.
 */
export function socketInputs(flags: FlagValues): readonly SocketInput[] {
  const udp = flags.text("udp-listen");
  const inputs = [
    ...udp === "" ? [] : [udpInput(udp)],
    ...flags.list("syslog-listen").map(syslogInput),
    ...flags.on("stdin") ? [STANDARD_INPUT] : [],
  ];
  const places = inputs.map((input) => `${input.transport} ${grantOf(input)}`);
  const mistakes = inputs.filter((_, i) => places.indexOf(places[i]) < i).map(({ name }) =>
    `${name} is listened on twice; leave one out`
  );
  if (flags.on("stdin") && flags.list("udp-drops").includes("-")) {
    mistakes.push("--udp-drops -: standard input is taken for lines (--stdin); hand the table in as a file");
  }
  if (mistakes.length > 0) throw new UsageError(mistakes);
  return inputs;
}

function syslogInput(text: string): SocketInput {
  const parsed = parseSyslogInput(text);
  if ("mistake" in parsed) throw new Error(`Cannot listen on ${text}: ${parsed.mistake}`);
  return parsed.input;
}

/** What the runtime calls the address in its permissions. */
export function grantOf({ transport, hostname, port, path }: SocketInput): string {
  return transport === "unix" ? `unix:${path}` : addressText({ hostname, port });
}
