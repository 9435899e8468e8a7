import { emptyLedger } from "@/core/ledger.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type handleUnaryCall, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { createServer, type Socket } from "node:net";
import type { Answerer, TopNQuestion, TrendQuestion } from "@/core/answer.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { connect, RemoteError } from "./client.ts";
import { deltaOf, FakeAnswerer } from "./fake_answerer.ts";
import { guardServerSocket } from "./goaway_guard.ts";
import { logtailProto, serviceOf } from "./packages.ts";
import { serve, type Serving } from "./service.ts";

const TOP: TopNQuestion = { window: "5m", groupBy: "uri", n: 3, sort: 0, filter: undefined };
const TREND: TrendQuestion = { window: "1m", filter: undefined };

Deno.test("answers arrive as they were given", async () => {
  const { answerer, serving, target } = await start();
  const client = connect(target);
  assertEquals(await client.topN(TOP, 2_000), answerer.topN(TOP));
  assertEquals(await client.trend(TREND, 2_000), answerer.trend(TREND));
  assertEquals(await client.targets(2_000), answerer.targets());
  client.close();
  await serving.stop(1_000);
});

Deno.test("where nobody listens, the error says so and asks the right question", async () => {
  const client = connect("127.0.0.1:9");
  const error = await assertRejects(() => client.targets(2_000), RemoteError);
  assertEquals([error.code, error.message], [
    "unreachable",
    "Cannot reach 127.0.0.1:9: connection refused; is a collector or an aggregator running there?",
  ]);
  client.close();
});

Deno.test("a name without an address, and a target that is none, are unreachable", async () => {
  for (const target of ["nobody.invalid:9090", "", ":9090", "a b", "127.0.0.1:70000", "http://127.0.0.1:9"]) {
    const client = connect(target);
    assertEquals((await assertRejects(() => client.targets(2_000), RemoteError)).code, "unreachable", target);
    client.close();
  }
});

Deno.test("a target that accepts and says nothing is a timeout", async () => {
  await using silent = await listen((socket) => void socket.resume());
  const client = connect(silent.target);
  const error = await assertRejects(() => client.targets(200), RemoteError);
  assertEquals(error.code, "timeout");
  assert(error.message.startsWith(`Cannot reach ${silent.target}: no answer within 0.2 s`));
  client.close();
});

Deno.test("a target that speaks another protocol does not hang or crash us", async () => {
  await using web = await listen((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const client = connect(web.target);
  assertEquals((await assertRejects(() => client.targets(1_000), RemoteError)).code, "unreachable");
  client.close();
});

Deno.test("a wrong question is the asker's mistake, in the words of the target", async () => {
  const { serving, target } = await start();
  const client = connect(target);
  const filter = { kind: "compare", dimension: "uri", operator: "~=", value: "(" } as const;
  const error = await assertRejects(() => client.topN({ ...TOP, filter }, 2_000), RemoteError);
  assertEquals(error.code, "invalid");
  assert(error.message.startsWith("Cannot answer: "));
  client.close();
  await serving.stop(1_000);
});

Deno.test("a target that has been restarted is found again by the next question", async () => {
  const first = await start();
  const client = connect(first.target);
  await client.targets(2_000);
  await first.serving.stop(1_000);
  assertEquals((await assertRejects(() => client.targets(2_000), RemoteError)).code, "unreachable");
  const second = await start(first.serving.port);
  let answered = false;
  for (let tries = 0; tries < 100 && !answered; tries++) {
    answered = await client.targets(2_000).then(
      () => true,
      () => new Promise((resolve) => setTimeout(resolve, 50, false)),
    );
  }
  assert(answered);
  client.close();
  await second.serving.stop(1_000);
});

Deno.test("a question whose connection breaks is asked once more, unseen", async () => {
  let connections = 0;
  const { port, stop } = await originalServer((socket) => {
    // The first connection is cut as soon as it has asked.
    if (++connections === 1) socket.once("data", () => setTimeout(() => socket.destroy(), 20));
    return connections === 1 ? 200 : 0;
  });
  const client = connect(`127.0.0.1:${port}`);
  assertEquals((await client.topN(TOP, 4_000)).source, "old");
  assertEquals(connections, 2);
  client.close();
  stop();
});

Deno.test("a stream that the target ends is an error, one that we end is not", async () => {
  const { answerer, serving, target } = await start();
  const client = connect(target);
  answerer.push(deltaOf(1));
  for await (const _ of client.deltas(new AbortController().signal)) break;
  const aborted = new AbortController();
  for await (const _ of client.deltas(aborted.signal)) aborted.abort();
  for await (const _ of client.deltas(AbortSignal.abort())) assert(false);
  const error = await assertRejects(async () => {
    for await (const _ of client.deltas(new AbortController().signal)) void serving.stop(1_000);
  }, RemoteError);
  assertEquals(error.code, "unreachable");
  client.close();
  await serving.stop(1_000);
});

Deno.test("closing a client ends its streams quietly", async () => {
  const { answerer, serving, target } = await start();
  const client = connect(target);
  answerer.push(deltaOf(1));
  for await (const _ of client.deltas(new AbortController().signal)) client.close();
  await serving.stop(1_000);
});

Deno.test("a stream of deltas begins with a hello, also where there are no deltas", async () => {
  const { serving, target } = await start();
  const client = connect(target);
  for await (const item of client.deltas(new AbortController().signal)) {
    // Before each item stands how its sender is.
    if ("sentMs" in item) {
      assert(Math.abs(item.sentMs - Date.now()) < 60_000);
      continue;
    }
    assertEquals(item, { source: "fake-1", newestS: 12 });
    break;
  }
  client.close();
  await serving.stop(1_000);
});

Deno.test("a bucket that cannot be used is told as a gap with its reason, and the next one still comes", async () => {
  const { answerer, serving, target } = await start();
  const client = connect(target);
  const good = deltaOf(2);
  answerer.push({ ...good, identity: { ...good.identity, instance: "first" } }, good);
  const seen: unknown[] = [];
  for await (const item of client.deltas(new AbortController().signal)) {
    if ("sentMs" in item) continue;
    if (seen.push("identity" in item ? item.identity : item) === 3) break;
  }
  const refused = { dropped: 1, problem: "its instance is not 16 hexadecimal digits", refused: true };
  assertEquals(seen.slice(1), [refused, good.identity]);
  client.close();
  await serving.stop(1_000);
});

Deno.test("the original program's answers are certain, and of coverage nothing is known", async () => {
  const { port, stop } = await originalServer();
  const client = connect(`127.0.0.1:${port}`);
  const answer = await client.topN(TOP, 2_000);
  assertEquals(answer.entries.map(({ label, values, countMax }) => [label, values[0], countMax]), [["/a", 5, 5], [
    "/b",
    2,
    2,
  ]]);
  assertEquals([answer.total[0], answer.other[0], answer.coverage.expected], [7, 0, 1]);
  assertEquals(answer.unlistedMax, 0, "all of them are listed");
  assertEquals((await client.topN({ ...TOP, n: 2 }, 2_000)).unlistedMax, 2, "as much as the last that is listed");
  const trend = await client.trend(TREND, 2_000);
  assertEquals([trend.fromS, trend.toS, trend.stepS], [60, 80, 10]);
  assertEquals(trend.points, [{ startS: 60, count: 0, incomplete: false }, {
    startS: 70,
    count: 4,
    incomplete: false,
  }]);
  assertEquals(await client.targets(2_000), [
    { name: "old", address: "a:1", state: "connected", newestS: 0, problem: "", ledger: emptyLedger() },
  ]);
  client.close();
  stop();
});

Deno.test("the original program is not asked what it would misunderstand without anybody noticing", async () => {
  const { port, stop } = await originalServer();
  const client = connect(`127.0.0.1:${port}`);
  const error = await assertRejects(() => client.topN({ ...TOP, groupBy: "asn" }, 2_000), RemoteError);
  assertEquals(error.code, "protocol");
  assert(error.message.includes("grouping by asn"));
  client.close();
  stop();
});

async function start(port = 0): Promise<{ answerer: Answerer & FakeAnswerer; serving: Serving; target: string }> {
  const answerer = new FakeAnswerer();
  const log = openLog("test", () => {});
  const serving = await serve({ listen: `127.0.0.1:${port}`, answerer, regex: linearRegex, log });
  return { answerer, serving, target: `127.0.0.1:${serving.port}` };
}

/**
 * A server that only knows the original's fields.
 *
 * @param accept what to do with a connection; milliseconds that its answers wait.
 */
async function originalServer(accept: (socket: Socket) => number = () => 0): Promise<{ port: number; stop(): void }> {
  const server = new Server();
  let delayMs = 0;
  const answers = (response: object): handleUnaryCall<object, object> => (_call, done) =>
    void setTimeout(() => done(null, response), delayMs);
  server.addService(serviceOf(logtailProto, "logtail.LogtailService"), {
    TopN: answers({ source: "old", entries: [{ label: "/a", count: 5 }, { label: "/b", count: 2 }] }),
    Trend: answers({ source: "old", points: [{ timestamp_unix: 60 }, { timestamp_unix: 70, count: 4 }] }),
    ListTargets: answers({ targets: [{ name: "old", addr: "a:1" }] }),
    StreamSnapshots: (call: { emit(event: "error", error: object): void }) =>
      call.emit("error", { code: status.UNIMPLEMENTED }),
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listening = await listen((socket) => {
    delayMs = accept(socket);
    injector.injectConnection(guardServerSocket(socket));
  });
  return {
    port: Number(listening.target.split(":")[1]),
    stop: () => {
      server.forceShutdown();
      listening[Symbol.asyncDispose]();
    },
  };
}

async function listen(accept: (socket: Socket) => void): Promise<AsyncDisposable & { readonly target: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(address !== null && typeof address === "object");
  return {
    target: `127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
