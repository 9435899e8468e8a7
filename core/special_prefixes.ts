/** Addresses that no client on the Internet has, and what it means when nearly all requests come from one of them. */
import type { TopNAnswer } from "./answer.ts";
import { FAMILY_OTHER, parsePrefixText, prefixContains } from "./client_prefix.ts";
import { REQUESTS } from "./measures.ts";

/**
 * Blocks that belong to the machine and the network around it: IANA's registries of special-purpose IPv4 and IPv6
 * addresses (RFC 6890 and its updates), and multicast.
 */
export const SPECIAL_PREFIXES: readonly (readonly [prefix: string, why: string])[] = [
  ["0.0.0.0/8", "this network"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "shared by a provider"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.168.0.0/16", "private"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
  ["::/128", "unspecified"],
  ["::1/128", "loopback"],
  ["fc00::/7", "private"],
  ["fe80::/10", "link-local"],
  ["ff00::/8", "multicast"],
];

/** Above this share of all requests one such client is not a client but what passes requests on. */
const SHARE_MIN = 0.9;

/** Of fewer requests nothing is concluded: somebody tries something out. */
const REQUESTS_MIN = 1000;

/**
 * The prefix from which nearly all requests come, when no client has such an address: nginx is behind a load balancer
 * and logs its address instead of the client's.
 *
 * @param answer to a question by prefix, sorted by requests, without a filter
 */
export function proxyAmongClients({ groupBy, entries, total }: TopNAnswer): string | undefined {
  const first = entries[0], all = total[REQUESTS];
  if (groupBy !== "prefix" || first === undefined || all < REQUESTS_MIN) return undefined;
  return first.values[REQUESTS] > SHARE_MIN * all && isSpecial(first.label) ? first.label : undefined;
}

/** `unix:` too: whoever connects there is on this machine. */
function isSpecial(label: string): boolean {
  const entry = parsePrefixText(label);
  if (entry === undefined) return false;
  return entry[0] === FAMILY_OTHER || SPECIAL.some((special) => prefixContains(special, entry));
}

const SPECIAL: readonly Uint8Array[] = SPECIAL_PREFIXES.map(([text]) => parsePrefixText(text)!);
