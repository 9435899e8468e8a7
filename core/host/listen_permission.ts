/**
 * Whether the runtime lets us listen. Asked beforehand, because `node:net` throws a missing permission where nobody can
 * catch it.
 */
import { addressText, type SocketAddress } from "./listen_address.ts";

/** False when listening there would certainly be denied. */
export function mayListen(address: SocketAddress): boolean {
  return askedToListen(address).every((host) => Deno.permissions.querySync({ name: "net", host }).state === "granted");
}

/** What `--allow-net` must have: a name, and what it stands for, as far as that is known before it is looked up. */
export function askedToListen(address: SocketAddress): readonly string[] {
  const { hostname, port } = address, own = addressText(address);
  return hostname === "localhost" ? [own, `127.0.0.1:${port}`] : [own];
}
