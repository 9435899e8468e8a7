/**
 * Addresses as operators write them: `:9090`, `host:9090`, `127.0.0.1:0`, `[::1]:9090`.
 */
import { isIPv4, isIPv6 } from "./ip_address.ts";

export interface SocketAddress {
  /** A name or an address without brackets; `::` when none was given: IPv4 and IPv6 on every interface. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const EXAMPLES = "use :9090, host:9090, 127.0.0.1:9090 or [::1]:9090";

/** Reads an address to listen on; or says what is wrong with it and what would work. */
export function parseListenAddress(
  text: string,
): { readonly address: SocketAddress } | { readonly mistake: string } {
  const colon = text.lastIndexOf(":");
  if (colon < 0) {
    if (/^\d{1,5}$/.test(text)) return { mistake: `a port needs a colon; use :${text}` };
    return { mistake: text === "" ? `an address is missing; ${EXAMPLES}` : `the port is missing; use ${text}:9090` };
  }
  const host = text.slice(0, colon);
  const port = text.slice(colon + 1);
  // `fe80::1` ends in what could be a port, but what stands before it is no host.
  const noPort = isIPv6(text) && !isIPv6(host);
  const mistake = noPort ? bracketHint(text, "9090") : hostMistake(host, port) ?? portMistake(port);
  if (mistake !== undefined) return { mistake };
  const hostname = host === "" ? "::" : host.replace(/^\[(.*)\]$/, "$1");
  return { address: { hostname, port: Number(port) } };
}

/** What is wrong with an address to listen on, or undefined: a `check` for flags. */
export function listenMistake(text: string): string | undefined {
  const parsed = parseListenAddress(text);
  return "mistake" in parsed ? parsed.mistake : undefined;
}

/** What is wrong with an address to connect to, or undefined: it needs a host, and a port that is not 0. */
export function targetMistake(text: string): string | undefined {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) return parsed.mistake.replace("use :9090, host:9090", "use host:9090");
  if (text.startsWith(":")) return `the host is missing; use localhost${text}`;
  if (parsed.address.port === 0) return "port 0 cannot be connected to; use the port that the target listens on";
  return undefined;
}

/** As it is written: IPv6 addresses in brackets. */
export function addressText({ hostname, port }: SocketAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function hostMistake(host: string, port: string): string | undefined {
  if (host === "") return undefined;
  if (host === "*") return `* is not a host; use :${port} for every interface`;
  const bracketed = /^\[(.*)\]$/.exec(host);
  if (bracketed !== null) return isIPv6(bracketed[1]) ? undefined : `${host} is no IPv6 address; use [::1]:${port}`;
  if (host.includes("://")) return "a URL is not an address; leave out what stands before the host";
  if (host.includes(":")) return isIPv6(host) ? bracketHint(host, port) : `too many colons; ${EXAMPLES}`;
  // A host of digits and dots only is meant to be IPv4; as a name it would be looked up and not found.
  if (/^[\d.]+$/.test(host)) return isIPv4(host) ? undefined : `${host} is no IPv4 address; ${EXAMPLES}`;
  const label = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
  if (host.length > 253 || !new RegExp(`^${label}(\\.${label})*\\.?$`).test(host)) {
    return `the host is neither a name nor an address; ${EXAMPLES}`;
  }
  return undefined;
}

function portMistake(port: string): string | undefined {
  if (port === "") return `the port is missing after the colon; ${EXAMPLES}`;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return "the port is no number from 0 to 65535";
  return undefined;
}

function bracketHint(address: string, port: string): string {
  return `an IPv6 address needs brackets; use [${address}]:${port || "9090"}`;
}
