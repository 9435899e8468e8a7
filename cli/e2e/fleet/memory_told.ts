/** What memory an aggregator says that it takes, and may take at most. */
import { assert } from "@std/assert";
import type { Client } from "@/proto/client.ts";

/** Of data and runtime, as printed when it started. */
export function budgetBytes(logged: string): number {
  const facts = /memory at most data_mb=(\d+) runtime_mb=(\d+)/.exec(logged);
  assert(facts !== null, logged);
  return 1e6 * (Number(facts[1]) + Number(facts[2]));
}

/** As it tells its followers. */
export async function memoryBytes(client: Client): Promise<number> {
  const stop = new AbortController();
  for await (const item of client.deltas(stop.signal)) {
    if (!("memoryBytes" in item)) continue;
    stop.abort();
    return item.memoryBytes;
  }
  return 0;
}
