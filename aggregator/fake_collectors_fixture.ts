/** Collectors that a test speaks for, and deltas to say. */
import { CounterTable } from "@/core/counter_table.ts";
import type { Delta } from "@/core/bucket.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { emptyLedger } from "@/core/ledger.ts";
import { seal } from "@/core/seal.ts";
import { countRequest } from "@/core/test_lines.ts";
import { type BucketItem, type Client, RemoteError } from "@/proto/client.ts";

/** Collectors that a test speaks for: what they push arrives, and connections can be broken. */
export class FakeCollectors {
  /** What followers said they have, at each connection. */
  readonly asked: { readonly address: string; readonly has: readonly IdentityRanges[] }[] = [];
  readonly #connections = new Map<string, { queue: (BucketItem | RemoteError)[]; wake: () => void }>();

  connect(address: string): Client {
    const never = (): Promise<never> => Promise.reject(new Error("not asked"));
    const deltas = (signal: AbortSignal, has: readonly IdentityRanges[] = []): AsyncIterable<BucketItem> => {
      this.asked.push({ address, has });
      return this.#deltas(address, signal);
    };
    const snapshots = (): AsyncIterable<never> => ({ [Symbol.asyncIterator]: () => ({ next: never }) });
    return { topN: never, trend: never, targets: never, snapshots, deltas, close: () => {} };
  }

  /** Resolves when the follower has taken it. */
  async give(address: string, item: BucketItem | RemoteError): Promise<void> {
    const connection = this.#of(address);
    connection.queue.push(item);
    connection.wake();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  #of(address: string): { queue: (BucketItem | RemoteError)[]; wake: () => void } {
    const connection = this.#connections.get(address) ?? { queue: [], wake: () => {} };
    this.#connections.set(address, connection);
    return connection;
  }

  async *#deltas(address: string, signal: AbortSignal): AsyncIterable<BucketItem> {
    const connection = this.#of(address);
    signal.addEventListener("abort", () => connection.wake());
    while (!signal.aborted) {
      const item = connection.queue.shift();
      if (item instanceof RemoteError) throw item;
      if (item !== undefined) yield item;
      else await new Promise<void>((resolve) => connection.wake = resolve);
    }
  }
}

/** A delta of one website with so many requests. */
export function delta(source: string, sequence: number, startS: number, requests: number): Delta {
  const table = new CounterTable(3);
  const values = ["w", "", "/", "200", "GET", "", "", "", source];
  for (let i = 0; i < requests; i++) countRequest(table, { values, measures: [1, 10, 1, 1] });
  const bucket = seal(table, startS, 10, emptyLedger(), { rowsMax: 1000, entriesMax: 1000, entryBytesMax: Infinity });
  return { identity: { source, instance: `of-${source}`, sequence, checksum: 0 }, bucket };
}
