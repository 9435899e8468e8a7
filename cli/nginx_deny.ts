/**
 * A ranking of client prefixes as a block list for nginx (`deny`, ngx_http_access_module). Addresses that are nobody
 * else's are never denied: private and special ones, and whatever the operator allows.
 */
import type { TopNAnswer } from "@/core/answer.ts";
import { FAMILY_OTHER, parsePrefixText, prefixContains, prefixLabel } from "@/core/client_prefix.ts";
import { printable } from "@/core/host/printable.ts";
import { REQUESTS } from "@/core/measures.ts";
import { SPECIAL_PREFIXES } from "@/core/special_prefixes.ts";
import { utc } from "./json.ts";

/** What is left out, and why. */
interface Kept {
  readonly entry: Uint8Array;
  readonly why: string;
}

/**
 *     # col-1 (localhost:9090): 5m until 2026-11-21T04:50:00Z
 *     deny 203.0.113.0/24; # 12345 requests
 *     # 10.0.0.0/24 is not denied: private; 678 requests
 *
 * @param allowed prefixes and addresses, checked before
 * @param atLeast requests that a prefix must certainly have
 */
export function nginxDeny(answer: TopNAnswer, target: string, allowed: readonly string[], atLeast: number): string {
  const kept: Kept[] = [
    ...allowed.map((text) => ({ entry: parsePrefixText(text)!, why: `${text} is allowed` })),
    ...SPECIAL_PREFIXES.map(([text, why]) => ({ entry: parsePrefixText(text)!, why })),
  ];
  const lines = answer.entries.filter(({ values }) => values[REQUESTS] >= atLeast).map(({ label, values }) => {
    const requests = `${values[REQUESTS]} requests`, entry = parsePrefixText(label);
    // What a file names is read as configuration: nothing but a prefix gets into it outside a comment.
    if (entry === undefined || entry[0] === FAMILY_OTHER) {
      return `# ${printable(label)} is not denied: no prefix; ${requests}`;
    }
    const why = kept.find((one) => overlap(one.entry, entry))?.why;
    return why === undefined
      ? `deny ${prefixLabel(entry)}; # ${requests}`
      : `# ${label} is not denied: ${why}; ${requests}`;
  });
  const head = `# ${printable(answer.source)} (${printable(target)}): ${answer.window} until ${utc(answer.toS)}`;
  return [head, ...lines].map((line) => `${line}\n`).join("");
}

/** Whether one contains the other: a prefix around an address that is allowed must not be denied either. */
function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return prefixContains(a, b) || prefixContains(b, a);
}
