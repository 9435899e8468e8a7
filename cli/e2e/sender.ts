/**
 * Sends planned requests to nginx over plain TCP: most of them pipelined over a few connections that stay, those that
 * nginx answers by closing on connections of their own. Checks the status of every answer.
 */
import type { Nginx } from "./nginx.ts";
import type { Request } from "./requests.ts";
import { eventually } from "./ports.ts";

/** Connections for pipelined requests, for each address family. */
const LANES = 3;
/** Requests written before their answers are read. */
const PIPELINED = 40;
/** Connections for single requests at once. */
const ALONE = 64;
/** Seconds until a sender that waits for an answer gives up. */
const PATIENCE_MS = 30_000;

/** Sends everything; resolves when every answer has come. Fails at an answer with another status than planned. */
export async function send(nginx: Nginx, requests: readonly Request[]): Promise<void> {
  const work: Promise<void>[] = [];
  for (const family of ["v4", "v6"] as const) {
    const steady = requests.filter((request) => request.manner === "pipelined" && request.family === family);
    for (let lane = 0; lane < LANES; lane++) {
      work.push(sendPipelined(nginx, family, steady.filter((_, i) => i % LANES === lane)));
    }
  }
  work.push(sendAlone(nginx, requests.filter((request) => request.manner === "alone")));
  work.push(sendAbandoned(nginx, requests.filter((request) => request.manner === "abandoned")));
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

async function sendPipelined(nginx: Nginx, family: "v4" | "v6", requests: readonly Request[]): Promise<void> {
  if (requests.length === 0) return;
  using connection = await open(nginx, family);
  const answers = new Answers(connection);
  for (let at = 0; at < requests.length; at += PIPELINED) {
    const batch = requests.slice(at, at + PIPELINED);
    // Reading goes on while writing does, or both sides could wait for the other with full buffers.
    await Promise.all([
      writeAll(connection, joined(batch.map((request) => request.bytes))),
      (async (): Promise<void> => {
        for (const request of batch) check(request, await answers.next(request.head));
      })(),
    ]);
  }
}

async function sendAlone(nginx: Nginx, requests: readonly Request[]): Promise<void> {
  const waiting = requests.values();
  const worker = async (): Promise<void> => {
    for (const request of waiting) {
      using connection = await open(nginx, request.family);
      await writeAll(connection, request.bytes).catch(() => {}); // nginx may close before it has read everything
      check(request, statusOf(await readAnswer(connection)));
    }
  };
  await Promise.all(Array.from({ length: ALONE }, worker));
}

/** Waits until the upstream has each request, then hangs up: 499. */
async function sendAbandoned(nginx: Nginx, requests: readonly Request[]): Promise<void> {
  const before = nginx.upstream.arrived(" /silent/");
  const connections = await Promise.all(requests.map(async (request) => {
    const connection = await open(nginx, request.family);
    await writeAll(connection, request.bytes);
    return connection;
  }));
  const arrived = (): number => nginx.upstream.arrived(" /silent/") - before;
  try {
    await eventually(
      () => arrived() === requests.length || undefined,
      () => `the upstream has ${arrived()} of ${requests.length} requests`,
    );
  } finally {
    for (const connection of connections) connection.close();
  }
}

function open(nginx: Nginx, family: "v4" | "v6"): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: family === "v4" ? "127.0.0.1" : "::1", port: nginx.ports[family] });
}

function check(request: Request, status: string): void {
  if (status === request.labels.status) return;
  const text = new TextDecoder().decode(request.bytes.subarray(0, 200));
  throw new Error(`nginx answered ${status}, not ${request.labels.status}, to ${JSON.stringify(text)}`);
}

/** The status in an answer; HTTP/0.9 (no request line was understood) has it in the body alone. */
function statusOf(answer: string): string {
  return /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? /<title>(\d{3}) /.exec(answer)?.[1] ?? "nothing";
}

/** Answers on one connection, one after the other. */
class Answers {
  #buffer = "";
  readonly #chunk = new Uint8Array(64 * 1024);
  // Bytes as characters one to one, so that lengths are lengths.
  readonly #decoder = new TextDecoder("latin1");

  constructor(readonly connection: Deno.TcpConn) {}

  /** The status of the next answer, after its body has been skipped. */
  async next(head: boolean): Promise<string> {
    let end = this.#buffer.indexOf("\r\n\r\n");
    while (end < 0) {
      await this.#more();
      end = this.#buffer.indexOf("\r\n\r\n");
    }
    const header = this.#buffer.slice(0, end + 2);
    const status = statusOf(header);
    const length = head || status === "304" ? 0 : Number(/\r\nContent-Length: (\d+)\r\n/i.exec(header)?.[1] ?? 0);
    while (this.#buffer.length < end + 4 + length) await this.#more();
    this.#buffer = this.#buffer.slice(end + 4 + length);
    return status;
  }

  async #more(): Promise<void> {
    const size = await impatient(this.connection.read(this.#chunk), "an answer of nginx");
    if (size === null) throw new Error("nginx has closed a connection that should stay");
    this.#buffer += this.#decoder.decode(this.#chunk.subarray(0, size));
  }
}

/** The one answer on a connection. Its length is believed: nginx lingers for seconds where it has refused a body. */
async function readAnswer(connection: Deno.TcpConn): Promise<string> {
  const chunk = new Uint8Array(16 * 1024);
  const decoder = new TextDecoder("latin1");
  let text = "";
  try {
    for (let size; (size = await impatient(connection.read(chunk), "nginx to close")) !== null;) {
      text += decoder.decode(chunk.subarray(0, size));
      const length = /\r\nContent-Length: (\d+)\r\n/i.exec(text)?.[1];
      if (length !== undefined && text.length >= text.indexOf("\r\n\r\n") + 4 + Number(length)) return text;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error; // it has not read all of a body it refused
  }
  return text;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function impatient<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${PATIENCE_MS / 1000} s for ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
