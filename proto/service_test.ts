import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Client as GrpcClient, type ClientReadableStream, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { createConnection } from "node:net";
import { once } from "node:events";
import type { Snapshot, TopNQuestion } from "@/core/answer.ts";
import { MESSAGE_BYTES_MAX, SUBSCRIBERS_MAX, TOP_N_MAX } from "@/core/bounds.ts";
import { type Bucket, type Delta, type Dictionary, emptyBucket } from "@/core/bucket.ts";
import { type DeltaCursor, DeltaLog } from "@/core/delta_log.ts";
import { MachineRefusal } from "@/core/host/exit.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { connect, type DeltaGap } from "./client.ts";
import { deltaOf, FakeAnswerer, snapshotOf } from "./fake_answerer.ts";
import { guardCredentials } from "./goaway_guard.ts";
import { healthProto, methodOf, reflectionAlphaProto, reflectionProto } from "./packages.ts";
import {
  DUMP_SNAPSHOTS,
  type Empty,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type Method,
  type ReflectionRequest,
  type ReflectionResponse,
  type SnapshotMessage,
  STREAM_BUCKETS,
  STREAM_SNAPSHOTS,
  TOP_N,
  TREND,
} from "./schema.ts";
import { serve, type ServeOptions, type Serving } from "./service.ts";

const HEALTH = "grpc.health.v1.Health";
const CHECK = methodOf<HealthCheckRequest, HealthCheckResponse>(healthProto, HEALTH, "Check");
const WATCH = methodOf<HealthCheckRequest, HealthCheckResponse>(healthProto, HEALTH, "Watch");

Deno.test("a question without words is the original's: ten websites of the last minute, by requests", async () => {
  await using running = await start();
  await running.ask(TOP_N, {});
  assertEquals(running.answerer.questions, [{ window: "1m", groupBy: "website", n: 10, sort: 0, filter: undefined }]);
});

Deno.test("fields and expression of a filter must both hold", async () => {
  await using running = await start();
  await running.ask(TREND, { filter: { website: "a", tor: 2, uri_regex: "" }, expression: "status>=400 AND asn=1" });
  assertEquals(running.answerer.questions[0].filter, {
    kind: "and",
    parts: [
      { kind: "compare", dimension: "website", operator: "=", value: "a" },
      { kind: "compare", dimension: "tor", operator: "=", value: "no" },
      { kind: "compare", dimension: "status", operator: ">=", value: "400" },
      { kind: "compare", dimension: "asn", operator: "=", value: "1" },
    ],
  });
});

Deno.test("more entries than an answer may have are answered with as many as it may", async () => {
  await using running = await start();
  await running.ask(TOP_N, { n: 2_000_000_000, group_by: 1, group_by_name: "tor" });
  const question = running.answerer.questions[0] as TopNQuestion;
  assertEquals([question.n, question.groupBy], [TOP_N_MAX, "tor"]);
});

const invalid: Record<string, { request: object; says: string }> = {
  "an unknown window": { request: { window: 9 }, says: "5 (24h)" },
  "an unknown dimension": { request: { group_by_name: "colour" }, says: "website, prefix, uri" },
  "an unknown dimension number": { request: { group_by: 9 }, says: "website, prefix, uri" },
  "an unknown order": { request: { sort: "beauty" }, says: "count, bytes, time" },
  "a negative n": { request: { n: -1 }, says: "n is -1" },
  "a filter that ends early": { request: { expression: "status>=" }, says: "column 9" },
  "an unknown comparison": { request: { filter: { http_response: 200, status_op: 17 } }, says: "status_op 17" },
  "an unknown tor": { request: { filter: { tor: 3 } }, says: "tor 3" },
  "a bad regular expression": { request: { filter: { uri_regex: "(" } }, says: "(" },
  "a bad prefix": { request: { filter: { client_prefix: "999.1.1.1/24" } }, says: "999.1.1.1/24" },
  "an endless value": { request: { filter: { website: "x".repeat(100_000) } }, says: "100000 characters" },
};

for (const [what, { request, says }] of Object.entries(invalid)) {
  Deno.test(`${what} is refused in a sentence that says what would do`, async () => {
    await using running = await start();
    const error = await assertRejects(() => running.ask(TOP_N, request), Error) as ServiceError;
    assertEquals(error.code, status.INVALID_ARGUMENT);
    assertStringIncludes(error.details, says);
  });
}

Deno.test("a request larger than any question is refused", async () => {
  await using running = await start();
  const error = await assertRejects(() => running.ask(TOP_N, { expression: "x".repeat(2 << 20) }), Error);
  assertEquals((error as ServiceError).code, status.RESOURCE_EXHAUSTED);
});

Deno.test("bytes that are no HTTP/2 end their own connection and nothing else", async () => {
  await using running = await start();
  for (
    const bytes of [
      "GET / HTTP/1.1\r\n\r\n",
      "\0".repeat(5000),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\xff".repeat(500),
    ]
  ) {
    const socket = createConnection({ host: "127.0.0.1", port: running.serving.port });
    socket.on("error", () => {});
    socket.resume();
    socket.end(bytes, "latin1");
    await once(socket, "close");
  }
  assertEquals((await running.ask(CHECK, {})).status, 1);
});

Deno.test("a subscriber gets what is retained, then what is new", async () => {
  await using running = await start();
  running.answerer.push(deltaOf(1), deltaOf(2));
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const item of deltasOf(running, stop.signal)) {
    seen.push(sequenceOf(item));
    if (seen.length === 2) running.answerer.push(deltaOf(3));
    if (seen.length === 3) stop.abort();
  }
  assertEquals(seen, [1, 2, 3]);
});

Deno.test("a subscriber gets all of 2000 retained deltas, and none of them twice or as a gap", async () => {
  await using running = await start();
  for (let sequence = 1; sequence <= 2000; sequence++) running.answerer.push(deltaOf(sequence));
  const seen: number[] = [];
  for await (const item of deltasOf(running)) {
    seen.push(sequenceOf(item));
    // Comes while the retained ones are still on their way.
    if (seen.length === 1) running.answerer.push(deltaOf(2001));
    if (seen.at(-1) === 2001) break;
  }
  assertEquals(seen, Array.from({ length: 2001 }, (_, i) => i + 1));
});

Deno.test("a bucket larger than a message may be is told as a gap, and the stream goes on", async () => {
  // The log holds it: what it is too large for is a message.
  await using running = await start({ answerer: new FakeAnswerer(new DeltaLog(2 * MESSAGE_BYTES_MAX)) });
  // Four dimensions of 9 MiB.
  const large = bucketOf(4608, 2048);
  const dictionaries = large.dictionaries.map((dictionary, d) => d < 4 ? large.dictionaries[0] : dictionary);
  running.answerer.push(deltaOf(1), deltaOf(2, { ...large, dictionaries }), deltaOf(3));
  const seen: unknown[] = [];
  for await (const item of deltasOf(running)) {
    seen.push("identity" in item ? item.identity.sequence : item);
    if (seen.at(-1) === 3) break;
  }
  const problem = "a bucket of 36.0 MiB does not fit into a message, which has at most 4.0 MiB";
  assertEquals(seen, [1, { dropped: 1, problem }, 3]);
});

Deno.test("of a snapshot larger than a message may be, the lightest entries are left out, and the stream goes on", async () => {
  await using running = await start();
  const entries = Array.from({ length: 50_000 }, (_, i) => ({ label: "é".repeat(1000) + i, count: 50_000 - i }));
  running.answerer.dumped = [{ ...snapshotOf(60), entries }, snapshotOf(120)];
  const seen: SnapshotMessage[] = [];
  for await (const snapshot of running.open(DUMP_SNAPSHOTS, {})) seen.push(snapshot);
  assertEquals(seen.map(({ timestamp }) => timestamp), [60, 120]);
  const [cut] = seen;
  assert(cut.entries.length > 16_000 && cut.entries_omitted === 50_000 - cut.entries.length);
  assertEquals([cut.entries[0].count, cut.entries.at(-1)?.count], [50_000, cut.entries_omitted + 1]);
});

Deno.test("a bug in a dump or in a follower's stream ends that stream, is logged, and ends nothing else", async () => {
  const lines: string[] = [];
  await using running = await start({ log: openLog("test", (line) => void lines.push(line)) });
  running.answerer.dump = (): never => {
    throw new Error("planted");
  };
  assertEquals(await endOf(running.open(DUMP_SNAPSHOTS, {})), status.INTERNAL);
  running.answerer.dump = function* (): Iterable<Snapshot> {
    yield snapshotOf(60);
    throw new Error("planted later");
  };
  assertEquals(await endOf(running.open(DUMP_SNAPSHOTS, {})), status.INTERNAL);
  const stream = endOf(running.open(STREAM_SNAPSHOTS, {}));
  await until(() => running.answerer.snapshotReaders.size === 1);
  // Whoever pushes must not notice.
  for (const reader of running.answerer.snapshotReaders) {
    reader.push({ ...snapshotOf(60), entries: [{ label: 1 as never, count: 1 }] });
  }
  assertEquals(await stream, status.INTERNAL);
  assertEquals(running.answerer.snapshotReaders.size, 0);
  assertEquals(lines.filter((line) => line.includes("a stream could not go on")).length, 3);
  assertEquals((await running.ask(CHECK, {})).status, 1);
});

Deno.test("a subscriber that leaves is forgotten", async () => {
  await using running = await start();
  running.answerer.push(deltaOf(1));
  for (let visit = 0; visit < 3; visit++) {
    for await (const _ of running.client.deltas(new AbortController().signal)) break;
  }
  await until(() => running.answerer.deltaLog.followers === 0);
});

Deno.test("a subscriber that does not read loses buckets of its own and is told how many, in the right place", async () => {
  const answerer = new FakeAnswerer(new DeltaLog(500 * 65_536));
  await using running = await start({ answerer });
  const stop = new AbortController();
  const items = deltasOf(running, stop.signal);
  const first = items.next();
  await until(() => running.answerer.deltaLog.followers === 1);
  // Far more than sockets and buffers hold; the server must not wait for anybody.
  const sent = 10_000;
  const bucket = bucketOf(32, 2048);
  const { identity } = deltaOf(1, bucket);
  for (let sequence = 1; sequence <= sent; sequence++) {
    running.answerer.push({ bucket, identity: { ...identity, sequence } });
  }
  let item = (await first).value;
  let expected = 1, dropped = 0;
  while (true) {
    if ("dropped" in item) {
      assertEquals(item.problem, undefined);
      dropped += item.dropped;
      expected += item.dropped;
    } else {
      assertEquals(item.identity.sequence, expected++);
      if (item.identity.sequence === sent) break;
    }
    item = (await items.next()).value;
  }
  assert(dropped > 0 && dropped < sent);
  stop.abort();
  await items.next();
});

Deno.test("of what a reader does not take, only a few messages are held for it", async () => {
  await using running = await start();
  const bucket = bucketOf(512, 2048);
  for (let sequence = 1; sequence <= 40; sequence++) running.answerer.push(deltaOf(sequence, bucket));
  let taken = 0;
  const { deltaLog } = running.answerer;
  running.answerer.followDeltas = (): DeltaCursor => {
    const cursor = deltaLog.follow();
    const take = cursor.take.bind(cursor);
    return Object.assign(cursor, { take: () => (taken++, take()) });
  };
  const call = running.open(STREAM_BUCKETS, { back_fill: false, has: [] }).on("error", () => {});
  call.pause();
  await until(() => taken > 0);
  let before = -1;
  await until(() => before === (before = taken));
  // A megabyte each: some fill the connection's buffers, a few wait behind them.
  assert(taken < 10, `${taken} were taken`);
  call.cancel();
});

Deno.test("snapshots arrive as the original sends them", async () => {
  await using running = await start();
  const stop = new AbortController();
  const snapshots = running.client.snapshots(stop.signal)[Symbol.asyncIterator]();
  const next = snapshots.next();
  await until(() => running.answerer.snapshotReaders.size === 1);
  for (const reader of running.answerer.snapshotReaders) reader.push(snapshotOf(1_700_000_100));
  assertEquals((await next).value, snapshotOf(1_700_000_100));
  stop.abort();
  assertEquals((await snapshots.next()).done, true);
  await until(() => running.answerer.snapshotReaders.size === 0);
});

Deno.test("a dump is everything held, then it ends", async () => {
  await using running = await start();
  running.answerer.dumped = Array.from({ length: 500 }, (_, minute) => snapshotOf(minute * 60));
  const times: number[] = [];
  for await (const { timestamp } of running.open(DUMP_SNAPSHOTS, {})) times.push(timestamp);
  assertEquals(times, running.answerer.dumped.map(({ startS }) => startS));
});

Deno.test("one stream more than the limit is refused, and has its place when another ends", async () => {
  await using running = await start();
  const streams: ClientReadableStream<unknown>[] = [];
  // Two connections: one alone may not have as many calls at once.
  for (const connection of [running, running.another(), running.another()]) {
    for (let i = 0; i < 100 && streams.length < SUBSCRIBERS_MAX; i++) {
      streams.push(connection.open(STREAM_SNAPSHOTS, {}).on("error", () => {}));
    }
  }
  await until(() => running.answerer.snapshotReaders.size === SUBSCRIBERS_MAX);
  assertEquals(await endOf(running.open(STREAM_BUCKETS, {})), status.RESOURCE_EXHAUSTED);
  assertEquals(await endOf(running.open(WATCH, {})), status.RESOURCE_EXHAUSTED);
  streams[0].cancel();
  await until(() => running.answerer.snapshotReaders.size === SUBSCRIBERS_MAX - 1);
  running.open(STREAM_SNAPSHOTS, {}).on("error", () => {});
  await until(() => running.answerer.snapshotReaders.size === SUBSCRIBERS_MAX);
});

Deno.test("health is told of the service, of all together, and of nothing else", async () => {
  await using running = await start();
  assertEquals(await running.ask(CHECK, { service: "logtail.LogtailService" }), { status: 1 });
  assertEquals(await running.ask(CHECK, {}), { status: 1 });
  const error = await assertRejects(() => running.ask(CHECK, { service: "nginx" }), Error) as ServiceError;
  assertEquals(error.code, status.NOT_FOUND);
  const watch = running.open(WATCH, { service: "nginx" });
  watch.on("error", () => {});
  assertEquals(await once(watch, "data"), [{ status: 3 }]);
});

for (const [version, proto] of Object.entries({ v1: reflectionProto, v1alpha: reflectionAlphaProto })) {
  Deno.test(`reflection ${version} lists the services and describes them`, async () => {
    await using running = await start();
    const { path, requestSerialize, responseDeserialize } = methodOf<ReflectionRequest, ReflectionResponse>(
      proto,
      `grpc.reflection.${version}.ServerReflection`,
      "ServerReflectionInfo",
    );
    const call = running.grpc.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const answers = call[Symbol.asyncIterator]();
    const ask = async (question: Partial<ReflectionRequest>): Promise<ReflectionResponse> => {
      call.write({ host: "", ...question });
      return (await answers.next()).value;
    };
    const listed = await ask({ list_services: "" } as Partial<ReflectionRequest>);
    assertEquals(listed.list_services_response?.service.map(({ name }) => name), ["logtail.LogtailService", HEALTH]);
    for (const file_containing_symbol of ["logtail.LogtailService", "logtail.LogtailService.TopN", "logtail.Bucket"]) {
      const { file_descriptor_response: response } = await ask({ file_containing_symbol });
      assertStringIncludes(new TextDecoder().decode(response?.file_descriptor_proto[0]), "BucketDelta");
    }
    assertEquals(
      (await ask({ file_containing_symbol: "logtail.Nothing" })).error_response?.error_code,
      status.NOT_FOUND,
    );
    call.end();
  });
}

Deno.test("a port that is taken is refused with its address and a way out", async () => {
  await using running = await start();
  const listen = `127.0.0.1:${running.serving.port}`;
  const error = await assertRejects(() => start({ listen }), MachineRefusal);
  const remedy = "another process listens there; stop it or choose another port with --listen";
  assertEquals(error.message, `Cannot listen on ${listen}: ${remedy}`);
});

Deno.test({
  name: "an address that the runtime was not given is refused, with the flag that gives it",
  permissions: { net: ["127.0.0.1:1"], env: "inherit" },
  fn: async () => {
    const error = await assertRejects(() => start({ listen: ":19091" }), MachineRefusal);
    assertStringIncludes(error.message, "Cannot listen on [::]:19091: ");
    assertStringIncludes(error.message, "--allow-net=[::]:19091");
  },
});

Deno.test("an address that is none is refused", async () => {
  for (const listen of ["9090", "127.0.0.1", "a b:1", "127.0.0.1:99999", ""]) {
    assertStringIncludes((await assertRejects(() => start({ listen }), MachineRefusal)).message, "Cannot listen on");
  }
});

Deno.test("a stop ends streams as something to try again, and takes no new calls", async () => {
  await using running = await start();
  const stream = endOf(running.open(STREAM_BUCKETS, {}));
  await until(() => running.answerer.deltaLog.followers === 1);
  await running.serving.stop(2_000);
  assertEquals(await stream, status.UNAVAILABLE);
  assertEquals(running.answerer.deltaLog.followers, 0);
  const error = await assertRejects(() => running.ask(CHECK, {}), Error) as ServiceError;
  assertEquals(error.code, status.UNAVAILABLE);
});

Deno.test("a stop lets an answer that is under way arrive whole", async () => {
  await using running = await start();
  const answer = running.answerer.topN({ window: "5m", groupBy: "uri", n: 1, sort: 0, filter: undefined });
  const entries = Array.from({ length: 5_000 }, () => ({ ...answer.entries[0], label: "x".repeat(2_000) }));
  let asked = (): void => {};
  const wasAsked = new Promise<void>((resolve) => asked = resolve);
  running.answerer.topN = (): typeof answer => {
    asked();
    return { ...answer, entries };
  };
  const response = running.client.topN({ window: "5m", groupBy: "uri", n: 5_000, sort: 0, filter: undefined }, 5_000);
  await wasAsked;
  await running.serving.stop(4_000);
  assertEquals((await response).entries.length, 5_000);
});

Deno.test("a stop does not wait longer than it may for a reader that does not read", async () => {
  await using running = await start();
  running.answerer.dumped = Array.from({ length: 1000 }, () => ({
    ...snapshotOf(60),
    entries: [{ label: "x".repeat(100_000), count: 1 }],
  }));
  running.open(DUMP_SNAPSHOTS, {}).on("error", () => {}).pause();
  await running.ask(CHECK, {});
  const beginMs = performance.now();
  await running.serving.stop(100);
  assert(performance.now() - beginMs < 1_000);
});

interface Running extends AsyncDisposable {
  readonly answerer: FakeAnswerer;
  readonly serving: Serving;
  readonly client: ReturnType<typeof connect>;
  readonly grpc: GrpcClient;
  /** As any program may ask: fields that are not given are absent. */
  ask<Request, Response>(method: Method<Request, Response>, request: object): Promise<Response>;
  open<Request, Response>(method: Method<Request, Response>, request: object): ClientReadableStream<Response>;
  /** Another connection. */
  another(): { open: Running["open"] };
}

interface StartOptions extends Partial<ServeOptions> {
  readonly answerer?: FakeAnswerer;
}

async function start(options: StartOptions = {}): Promise<Running> {
  const answerer = options.answerer ?? new FakeAnswerer();
  const log = openLog("test", () => {});
  const serving = await serve({ listen: "127.0.0.1:0", regex: linearRegex, log, ...options, answerer });
  const target = `127.0.0.1:${serving.port}`;
  const connections: GrpcClient[] = [];
  const connectAnew = (): GrpcClient => {
    const own = {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_send_message_length": -1,
      "grpc.max_receive_message_length": -1,
    };
    connections.push(new GrpcClient(target, guardCredentials(credentials.createInsecure()), own));
    return connections[connections.length - 1];
  };
  const openOn = (grpc: GrpcClient): Running["open"] => (method, request) =>
    grpc.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request as Empty as never,
    );
  const grpc = connectAnew();
  const client = connect(target);
  return {
    answerer,
    serving,
    client,
    grpc,
    ask: ({ path, requestSerialize, responseDeserialize }, request) =>
      new Promise((resolve, reject) => {
        grpc.makeUnaryRequest(path, requestSerialize, responseDeserialize, request as never, (error, response) => {
          if (response === undefined) reject(error);
          else resolve(response);
        });
      }),
    open: openOn(grpc),
    another: () => ({ open: openOn(connectAnew()) }),
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      for (const connection of connections) connection.close();
      await serving.stop(1_000);
    },
  };
}

/** A bucket without rows whose first dictionary has so many entries of so many bytes. */
function bucketOf(entries: number, entryBytes: number): Bucket {
  const empty = emptyBucket(1_700_000_000, 10);
  const first: Dictionary = {
    ...empty.dictionaries[0],
    size: entries + 1,
    bytes: new Uint8Array(entries * entryBytes),
    offsets: Uint32Array.from({ length: entries + 2 }, (_, entry) => Math.max(0, entry - 1) * entryBytes),
    marginals: empty.dictionaries[0].marginals.map(() => new Uint8Array(entries + 1)),
  };
  return { ...empty, dictionaries: [first, ...empty.dictionaries.slice(1)] };
}

/** The status a stream ends with. */
function endOf(call: ClientReadableStream<unknown>): Promise<status> {
  return new Promise((resolve) => {
    call.on("error", () => {});
    call.on("status", ({ code }: { code: status }) => resolve(code));
    call.resume();
  });
}

/** What a follower is sent after the hello. */
async function* deltasOf(
  { client }: Running,
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<Delta | DeltaGap> {
  for await (const item of client.deltas(signal)) if ("identity" in item || "dropped" in item) yield item;
}

function sequenceOf(item: Delta | DeltaGap): number {
  assert("identity" in item);
  return item.identity.sequence;
}

/** Waits, turn by turn of the event loop, for what the network will bring about. */
async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!condition()) {
    assert(performance.now() < endMs, "it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
