import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { GoawayFilter } from "./goaway_guard.ts";

interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.oneof(fc.constant(7), fc.nat(12)),
  payload: fc.uint8Array({ maxLength: 40 }),
});

Deno.test("the guard takes out GOAWAY frames and nothing else, however the bytes are cut into chunks", () => {
  fc.assert(fc.property(fc.array(frame), fc.nat(24), fc.array(fc.nat(30)), (frames, prefaceBytes, sizes) => {
    const preface = new Uint8Array(prefaceBytes).fill(7);
    const filter = new GoawayFilter(prefaceBytes);
    const passed = feed(filter, join([preface, ...frames.map(frameBytes)]), sizes);
    const kept = frames.filter(({ type }) => type !== 7);
    assertEquals(passed, join([preface, ...kept.map(frameBytes)]));
    assertEquals(filter.dropped, frames.length - kept.length);
  }));
});

Deno.test("the guard never invents or reorders bytes, whatever arrives", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(30)), (bytes, sizes) => {
    const passed = feed(new GoawayFilter(24), bytes, sizes);
    let at = 0;
    for (const byte of passed) {
      while (at < bytes.length && bytes[at] !== byte) at++;
      assert(at++ < bytes.length);
    }
  }));
});

Deno.test("the guard hands on whole chunks as they are: no copy where there is no GOAWAY", () => {
  const chunk = join([
    frameBytes({ type: 0, payload: new Uint8Array(20) }),
    frameBytes({ type: 4, payload: new Uint8Array(0) }),
  ]);
  const out: Uint8Array[] = [];
  new GoawayFilter(0).pass(chunk, (bytes) => out.push(bytes));
  assertEquals(out.length, 1);
  assert(out[0].buffer === chunk.buffer && out[0].length === chunk.length);
});

Deno.test("guarded servers survive clients that leave politely after hundreds of calls", async () => {
  for (let servers = 0; servers < 4; servers++) {
    await using server = await startServer("guarded");
    for (let visit = 0; visit < 3; visit++) assertEquals(await visitPolitely(server.port), 300);
    assertEquals(await server.stop(), 0);
  }
});

Deno.test("without the guard the same visits kill a server: the guard is still needed", async () => {
  // Memory freed twice kills soon or, as chance has laid out the heap of that process, never: several get a chance.
  let killed = false;
  for (let server = 0; server < SERVERS_MAX && !killed; server++) killed = await isKilledByVisits();
  assert(killed, "denoland/deno#36788 looks fixed in this runtime: delete proto/goaway_guard.ts and its callers' use");
});

/** About half of the processes die of it (Deno 2.9.6), so that all of these survive once in some thousands of runs. */
const SERVERS_MAX = 14;

async function isKilledByVisits(): Promise<boolean> {
  await using server = await startServer("bare");
  for (let visit = 0; visit < 3; visit++) if (await visitPolitely(server.port) < 300) break;
  return await server.stop() !== 0;
}

Deno.test("a guarded client survives servers that leave politely, and finds the next one", async () => {
  await using client = new Side(["client", "guarded", String(PORT)]);
  for (let round = 0; round < 3; round++) {
    await using server = await startServer("guarded", PORT);
    await client.write();
    assertEquals(await client.line(), "300");
    assertEquals(await server.stop(), 0);
  }
  assertEquals(await client.stop(), 0);
});

/** For the client that must find the next server where the last one was. Below the ephemeral range. */
const PORT = 19_577;

/** One side of a connection, in a process of its own. */
class Side implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  constructor(args: readonly string[]) {
    const fixture = new URL("./goaway_guard_fixture.ts", import.meta.url).pathname;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "--ignore-env", "--allow-net=127.0.0.1", fixture, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "null", // a killed process may print what killed it
    });
    this.#process = command.spawn();
    this.#lines = linesOf(this.#process.stdout);
    this.#stdin = this.#process.stdin.getWriter();
  }

  /** The next line it prints; empty when it has ended. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    return done ? "" : value;
  }

  async write(): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode("\n"));
  }

  /** Ends it politely; its exit code, which is not 0 when it was dead already. */
  async stop(): Promise<number> {
    await this.#stdin.close().catch(() => {});
    while (await this.line() !== "");
    return (await this.#process.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

interface RunningServer extends AsyncDisposable {
  readonly port: number;
  stop(): Promise<number>;
}

async function startServer(guarding: "guarded" | "bare", port = 0): Promise<RunningServer> {
  const side = new Side(["server", guarding, String(port)]);
  const listening = Number(await side.line());
  return { port: listening, stop: () => side.stop(), [Symbol.asyncDispose]: () => side[Symbol.asyncDispose]() };
}

/** Asks 300 questions in a process of its own and closes, which sends GOAWAY. How many were answered. */
async function visitPolitely(port: number): Promise<number> {
  await using client = new Side(["client", "guarded", String(port)]);
  await client.write();
  return Number(await client.line());
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function frameBytes({ type, payload }: Frame): Uint8Array {
  return Uint8Array.of(payload.length >> 16, payload.length >> 8, payload.length, type, 0, 0, 0, 0, 1, ...payload);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Feeds `bytes` in chunks of these sizes, then the rest at once. */
function feed(filter: GoawayFilter, bytes: Uint8Array, sizes: readonly number[]): Uint8Array {
  const out: Uint8Array[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    filter.pass(bytes.slice(at, at + size), (passed) => out.push(passed.slice()));
    at += size;
  }
  return join(out);
}
