/** An aggregator that is killed again and again, and asked meanwhile: the top of the tree, or a relay in it. */
import { assertEquals } from "@std/assert";
import { freePort } from "@/cli/e2e/ports.ts";
import { type Role, startAggregatorWith } from "@/cli/e2e/roles.ts";
import type { TopNAnswer } from "@/core/answer.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { WindowName } from "@/core/slices.ts";
import { type Client, connect, RemoteError } from "@/proto/client.ts";
import type { WrittenBy } from "./written_lines.ts";

export interface KilledAggregatorOptions {
  readonly source: string;
  /** Whom it follows. */
  readonly ports: readonly number[];
  /** Names of the hosts whose lines come to it, by whatever path. */
  readonly names: () => ReadonlySet<string>;
  /** Empty for none. */
  readonly stateDir: string;
}

export class KilledAggregator {
  readonly port = freePort();
  readonly client: Client;
  #role: Role | undefined;

  constructor(readonly options: KilledAggregatorOptions) {
    this.client = connect(`127.0.0.1:${this.port}`);
  }

  async start(): Promise<void> {
    const { source, ports, stateDir } = this.options;
    this.#role = await startAggregatorWith({
      source,
      collectors: ports.map((port) => `127.0.0.1:${port}`),
      port: this.port,
      ...(stateDir === "" ? {} : { flags: [`--state-dir=${stateDir}`], folders: [stateDir] }),
    });
  }

  async kill(): Promise<void> {
    await this.#role!.kill("SIGKILL");
    checkSaid(this.stderr);
    this.#role = undefined;
  }

  /** Of the process that runs. */
  get stderr(): string {
    return this.#role?.stderr() ?? "";
  }

  /** Undefined while it cannot be reached. */
  async ask(window: WindowName, by: WrittenBy): Promise<TopNAnswer | undefined> {
    try {
      return await this.client.topN({ window, groupBy: by, n: 1000, sort: REQUESTS, filter: undefined }, 5000);
    } catch (error) {
      if (error instanceof RemoteError) return undefined;
      throw error;
    }
  }

  async end(): Promise<void> {
    this.client.close();
    await this.#role?.stop();
    checkSaid(this.stderr);
  }
}

/** What is said must be what is expected of a kill. */
export function checkSaid(stderr: string): void {
  const bad = stderr.split("\n").filter((line) => / error (collector|aggregator): |Uncaught/.test(line));
  assertEquals(bad, [], stderr);
}
