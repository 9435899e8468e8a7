/**
 * What the kernel says of its UDP sockets: the table that Linux shows as `/proc/net/udp` and `/proc/net/udp6`.
 *
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 *   12: 0100007F:252A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 17 2 0000000000000000 5
 *
 * Ports are hexadecimal, addresses too, in words of four bytes as they lie in memory (here: little-endian).
 */

/** Datagrams that the kernel has dropped for a socket since it was bound; undefined when the table does not say. */
export function socketDrops(table: string, { hostname, port }: { hostname: string; port: number }): number | undefined {
  const wildcard = hostname === "::" || hostname === "0.0.0.0";
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/)).filter(([, local]) => portOf(local) === port);
  // Another socket may have the same port on another address; which is ours can be told of the wildcards only.
  const ours = rows.length > 1 && wildcard ? rows.filter(([, local]) => isWildcard(local, hostname)) : rows;
  if (ours.length !== 1) return undefined;
  const drops = ours[0][DROPS_COLUMN];
  return drops !== undefined && /^\d+$/.test(drops) ? Number(drops) : undefined;
}

/** Of a row split at blanks; in the heading some columns stand together. */
const DROPS_COLUMN = 12;

function portOf(local: string | undefined): number | undefined {
  const [, port] = /^(?:[0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? "") ?? [];
  return port === undefined ? undefined : parseInt(port, 16);
}

function isWildcard(local: string, hostname: string): boolean {
  return local.slice(0, -5) === "0".repeat(hostname === "::" ? 32 : 8);
}
