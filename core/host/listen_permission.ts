/**
 * Whether the runtime lets us listen. Asked beforehand, because `node:net` throws a missing permission where nobody can
 * catch it.
 */
import { isIP } from "node:net";
import { addressText, type SocketAddress } from "./listen_address.ts";

/** False when listening there would certainly be denied. A name is looked up first, so its answer is not known yet. */
export function mayListen(address: SocketAddress): boolean {
  if (isIP(address.hostname) === 0) return true;
  return Deno.permissions.querySync({ name: "net", host: addressText(address) }).state === "granted";
}
