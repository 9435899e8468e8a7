/** Ports and waiting: what tests with real processes need and unit tests must not. */

/**
 * A port where nobody listens. Not just any free one: a connection to a port of the range that clients get theirs from
 * is, once in ten thousand times, answered by itself.
 */
export const CLOSED_PORT = 1;

/** A TCP port of the loopback that was free a moment ago. */
export function freePort(hostname: "127.0.0.1" | "::1" = "127.0.0.1"): number {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Whether something accepts connections there. */
export async function answers(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Asks again every 100 ms until `probe` gives something, and fails with what `explain` says after `timeoutMs`.
 * The only way tests here wait: for a state, never for a time.
 */
export async function eventually<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  explain: () => string,
  timeoutMs = 20_000,
): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs;
  while (true) {
    const result = await probe();
    if (result !== undefined) return result;
    if (performance.now() > giveUpAt) throw new Error(`After ${timeoutMs / 1000} s: ${explain()}`);
    await pause(100);
  }
}

/** Resolves after `ms`. Only for pacing load and polling. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
