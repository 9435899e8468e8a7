/** Whether the runtime lets us connect: asked beforehand where nobody asks for an answer yet. */
import { isIPv4, isIPv6 } from "./ip_address.ts";
import { addressText, parseListenAddress } from "./listen_address.ts";

/** False when connecting to `host:port` would certainly be denied. What a name stands for is not known before it is looked up. */
export function mayConnect(text: string): boolean {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) return false;
  const { hostname } = parsed.address, isAddress = isIPv4(hostname) || isIPv6(hostname);
  const host = isAddress ? addressText(parsed.address) : hostname;
  return Deno.permissions.querySync({ name: "net", host }).state === "granted";
}
