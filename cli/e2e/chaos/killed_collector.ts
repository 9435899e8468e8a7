/** A collector with a state directory, started to be killed. */
import { dirname, fromFileUrl, join } from "@std/path";
import { collectorGrants, ROOT } from "@/cli/e2e/roles.ts";
import { eventually } from "@/cli/e2e/ports.ts";

/** What can be done to its disk. */
export type Disk = "slow_disk" | "failing_disk";

export interface KilledOptions {
  readonly port: number;
  readonly log: string;
  readonly stateDir: string;
  readonly source?: string;
  /** Loaded before it. */
  readonly disk?: Disk;
}

export class KilledCollector {
  stderr = "";
  #onText = (): void => {};
  #ended = false;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor({ port, log, stateDir, source = "col", disk }: KilledOptions) {
    const grants = collectorGrants(port, [dirname(log), stateDir]);
    const flags = [
      `--listen=127.0.0.1:${port}`,
      `--logs=${log}`,
      `--source=${source}`,
      "--from=start",
      `--state-dir=${stateDir}`,
    ];
    const args = [
      "run",
      "--quiet",
      "--no-prompt",
      "--frozen",
      `--config=${join(ROOT, "deno.json")}`,
      ...(disk === undefined ? [] : [`--preload=${fromFileUrl(new URL(`./${disk}.ts`, import.meta.url))}`]),
      ...grants,
      `--allow-write=${stateDir}`,
      join(ROOT, "collector/main.ts"),
      ...flags,
      "--prom-listen=",
    ];
    this.#child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
    this.#reading = this.#read(this.#child.stderr);
  }

  /** Resolves at once when it has said this so many times: no look every now and then, a moment is to be met. */
  async meets(text: string, times: number): Promise<void> {
    while (this.stderr.split(text).length <= times) {
      if (this.#ended) throw new Error(`It ended by itself:\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#onText = resolve);
    }
  }

  /** Resolves when it has said this so many times. */
  async said(text: string, times: number): Promise<void> {
    await eventually(
      () => this.stderr.split(text).length > times || undefined,
      () => `not ${times} times a word of ${text}; it said:\n${this.stderr}`,
    );
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
  }

  /** As a service manager does it; resolves with the code it ended with. */
  stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    return this.ended();
  }

  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
      this.#onText();
    }
    this.#ended = true;
    this.#onText();
  }
}
