/**
 * How often one client may ask: a bucket of tokens for each, filled at a steady rate. An IPv6 client is its /64, since
 * whoever has one address there has them all.
 */

/** Seconds of the rate that a client may use at once: a page, its style sheet, and a few tabs. */
const BURST_SECONDS = 4;

/** Clients told apart. Beyond it the one that has been away longest is forgotten: its bucket is full again anyway. */
const CLIENTS_MAX = 4096;

interface Tokens {
  left: number;
  atMs: number;
}

export class ClientRate {
  readonly #clients = new Map<string, Tokens>();

  /** @param perS requests a second, on average; 0 allows any number */
  constructor(readonly perS: number, readonly nowMs: () => number, readonly burst: number = perS * BURST_SECONDS) {}

  /** Whether one more request of this client may be answered; takes its token when it may. */
  allows(address: string): boolean {
    if (this.perS === 0) return true;
    const key = clientKey(address), nowMs = this.nowMs(), known = this.#clients.get(key);
    const tokens = known ?? { left: this.burst, atMs: nowMs };
    tokens.left = Math.min(this.burst, tokens.left + this.perS * (nowMs - tokens.atMs) / 1000);
    tokens.atMs = nowMs;
    this.#clients.delete(key);
    this.#clients.set(key, tokens);
    if (this.#clients.size > CLIENTS_MAX) this.#clients.delete(this.#clients.keys().next().value!);
    if (tokens.left < 1) return false;
    tokens.left--;
    return true;
  }

  /** The request taken last does not count after all. */
  giveBack(address: string): void {
    const tokens = this.#clients.get(clientKey(address));
    if (tokens !== undefined) tokens.left = Math.min(this.burst, tokens.left + 1);
  }
}

/** An IPv4 address, also one mapped into IPv6, as it is; the first four groups of any other IPv6 address. */
export function clientKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1];
  if (!address.includes(":")) return address;
  const [head, tail] = address.toLowerCase().split("%")[0].split("::");
  const before = head.split(":").filter((group) => group !== ""),
    after = (tail ?? "").split(":").filter((g) => g !== "");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array<string>(zeros).fill("0"), ...after].slice(0, 4).join(":");
}
