/**
 * Whether a text is an IP address, as `node:net` has it. By our own parser, which every role has loaded anyway: `node:net`
 * takes 16 ms to load, a third of a start of the CLI.
 */
import { parsePrefixText } from "@/core/client_prefix.ts";

/** `192.0.2.1`; four numbers without leading zeros. */
export function isIPv4(text: string): boolean {
  return !text.includes(":") && isAddress(text);
}

/** `2001:db8::1`, `::ffff:192.0.2.1`, `fe80::1%eth0`. */
export function isIPv6(text: string): boolean {
  const address = text.replace(/%[0-9A-Za-z.:-]+$/, "");
  return address.includes(":") && address !== UNIX && isAddress(address);
}

/** What nginx writes for the client of a Unix socket; it counts as a client, and is no address. */
const UNIX = "unix:";

function isAddress(text: string): boolean {
  return !text.includes("/") && parsePrefixText(text) !== undefined;
}
