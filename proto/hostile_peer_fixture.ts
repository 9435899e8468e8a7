/**
 * Peers that an aggregator is told to follow and that are no collectors, or bad ones: a process of its own, so that what it
 * sends costs the aggregator time and not the test. Prints one line of JSON, the port of each kind, and serves until its
 * standard input ends.
 *
 * What needs no gRPC library on this side is written to HTTP/2 by hand: a library would not send it.
 */
import { createServer, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcpServer } from "node:net";
import { gzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import type { Delta } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { FINEST_S, sliceStart } from "@/core/slices.ts";
import { BUSY_MINUTE, type Traffic, trafficBucket } from "@/core/test_buckets.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { deltaMessage } from "./bucket_message.ts";
import { guardServerSocket } from "./goaway_guard.ts";
import { type BucketDeltaMessage, type BucketMessage, STREAM_BUCKETS, type StreamBucketsResponse } from "./schema.ts";

/** Length of a message that is only told. */
const TWO_GIBIBYTES = 2 ** 31;
/** Twice what a message may have. */
const TOO_LARGE_BYTES = 64 * 1024 * 1024;
/** Of messages of two bytes: more than a message may have parts. */
const MANY_FIELDS_BYTES = 1024 * 1024;

/** What a peer does with a stream of buckets that is asked of it. */
type Doing = (stream: ServerHttp2Stream) => void;

const GRPC = { ":status": 200, "content-type": "application/grpc+proto" } as const;
const LITTLE: Traffic = { rows: 12, sites: 3, prefixes: 5, uris: 5 };
const random = randomFrom(5);

const HTTP2_KINDS: Readonly<Record<string, Doing>> = {
  web: (stream) => {
    stream.respond({ ":status": 200, "content-type": "text/html" });
    stream.end("<html>It works!</html>");
  },
  unknown_call: (stream) => {
    stream.respond({ ...GRPC, "grpc-status": "12", "grpc-message": "unknown service" }, { endStream: true });
  },
  escapes: (stream) => {
    const message = "%1B]0;owned%07%1B[2J%3Cscript%3E".repeat(400);
    stream.respond({ ...GRPC, "grpc-status": "14", "grpc-message": message }, { endStream: true });
  },
  garbage: (stream) => send(stream, framed(noise(5000))),
  oversized: (stream) => sendEndlessly(stream, framed(Buffer.alloc(0), TWO_GIBIBYTES - 1), Buffer.alloc(16 * 1024)),
  too_large: (stream) => send(stream, framed(Buffer.alloc(TOO_LARGE_BYTES))),
  bomb: (stream) => {
    stream.respond({ ...GRPC, "grpc-encoding": "gzip" });
    const packed = framed(gzipSync(Buffer.alloc(TOO_LARGE_BYTES)));
    packed[0] = 1;
    stream.write(packed);
  },
  // Two bytes each: an empty delta.
  many_fields: (stream) => send(stream, framed(Buffer.alloc(MANY_FIELDS_BYTES, Buffer.from([0x0a, 0])))),
  drip: (stream) => {
    send(stream, framed(Buffer.alloc(0), 1_000_000));
    const dripping = setInterval(() => stream.write(Buffer.alloc(1)), 50);
    stream.on("close", () => clearInterval(dripping));
  },
  endless_hellos: (stream) => sendEndlessly(stream, hello("hello"), hello("hello")),
  endless_unusable: (stream) => {
    const bad = message({ delta: { ...good("unusable", 1), checksum: 1 } });
    sendEndlessly(stream, hello("unusable"), bad);
  },
  endless_again: (stream) => {
    sendEndlessly(stream, hello("again"), message({ delta: good("again", 1) }));
  },
  endless_large: (stream) => {
    const large = message({ delta: at("large", 1, lastSlice(), BUSY_MINUTE) });
    send(stream, hello("large"));
    pump(stream, () => large);
  },
  endless_instances: (stream) => {
    send(stream, hello("instances"));
    pump(
      stream,
      () => message({ delta: { ...good("instances", 1 + Math.floor(1e9 * random())), instance: instance() } }),
    );
  },
  endless_names: (stream) => {
    send(stream, hello("names"));
    pump(stream, () => message({ delta: { ...good(`name-${random()}`, 1), instance: instance() } }));
  },
  from_1970: (stream) => send(stream, hello("from-1970"), message({ delta: at("from-1970", 1, 0) })),
  from_2100: (stream) => send(stream, hello("from-2100"), message({ delta: at("from-2100", 1, 4_102_444_800) })),
  columns: (stream) => send(stream, hello("columns"), ...badColumns().map((delta) => message({ delta }))),
  names: (stream) => {
    const evil = "\x1b[2Jevil<script>";
    send(stream, hello("x".repeat(300)), hello(evil), message({ delta: good(evil, 1) }));
  },
};

const TCP_KINDS: Readonly<Record<string, (connection: Deno.TcpConn) => Promise<void>>> = {
  silence: async (connection) => {
    for await (const _ of connection.readable);
  },
  http1: async (connection) => {
    await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    connection.close();
  },
  noise: async (connection) => {
    while (await connection.write(noise(64 * 1024)) > 0);
  },
};

const ports: Record<string, number> = {};
for (const [kind, doing] of Object.entries(HTTP2_KINDS)) ports[kind] = await serveHttp2(doing);
for (const [kind, doing] of Object.entries(TCP_KINDS)) ports[kind] = serveTcp(doing);
// deno-lint-ignore no-console -- standard output is how the test talks to this process
console.log(JSON.stringify(ports));
for await (const _ of Deno.stdin.readable);
Deno.exit(0);

function serveHttp2(doing: Doing): Promise<number> {
  const server = createServer();
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {}); // the aggregator hung up, as it should
    stream.resume();
    doing(stream);
  });
  const listener = createTcpServer((socket) => {
    socket.on("error", () => {});
    // What it is told must not end this process instead.
    server.emit("connection", guardServerSocket(socket));
  });
  return new Promise((resolve) =>
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address();
      resolve(address !== null && typeof address === "object" ? address.port : 0);
    })
  );
}

function serveTcp(doing: (connection: Deno.TcpConn) => Promise<void>): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accept = async (): Promise<void> => {
    for await (const connection of listener) doing(connection).catch(() => {});
  };
  accept();
  return listener.addr.port;
}

// ---------------------------------------------------------------- sending

function send(stream: ServerHttp2Stream, ...frames: readonly Uint8Array[]): void {
  if (!stream.headersSent) stream.respond(GRPC);
  for (const frame of frames) stream.write(frame);
}

/** `first`, and then `frame` as fast as it is read. */
function sendEndlessly(stream: ServerHttp2Stream, first: Uint8Array, frame: Uint8Array): void {
  send(stream, first);
  const many = Buffer.concat(Array.from({ length: Math.ceil(64 * 1024 / frame.length) }, () => frame));
  pump(stream, () => many);
}

function pump(stream: ServerHttp2Stream, next: () => Uint8Array): void {
  const more = (): void => {
    while (!stream.destroyed && !stream.closed) if (!stream.write(next())) return;
  };
  stream.on("drain", more);
  more();
}

/** As gRPC frames a message: whether it is compressed, how long it is, and the message. */
function framed(payload: Uint8Array, told = payload.length): Buffer {
  const frame = Buffer.alloc(5 + payload.length);
  frame.writeUInt32BE(told, 1);
  frame.set(payload, 5);
  return frame;
}

function noise(bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, () => Math.floor(256 * random()));
}

function message(item: Partial<StreamBucketsResponse>): Buffer {
  return framed(STREAM_BUCKETS.responseSerialize(item as StreamBucketsResponse));
}

function hello(source: string): Buffer {
  return message({ hello: { source, newest: 0 } });
}

// ---------------------------------------------------------------- deltas

function instance(): string {
  return Array.from({ length: 16 }, () => Math.floor(16 * random()).toString(16)).join("");
}

/** A delta that nothing is wrong with. */
function good(source: string, sequence: number): BucketDeltaMessage {
  return at(source, sequence, lastSlice());
}

/** Start of the slice that is over. */
function lastSlice(): number {
  return sliceStart(Date.now() / 1000, FINEST_S) - FINEST_S;
}

function at(source: string, sequence: number, startS: number, traffic = LITTLE): BucketDeltaMessage {
  const bucket = trafficBucket(1, { ...traffic, source }, startS, FINEST_S);
  const delta: Delta = {
    identity: { source, instance: "0123456789abcdef", sequence, checksum: bucketChecksum(bucket) },
    bucket,
  };
  return deltaMessage(delta);
}

/** Columns and dictionaries that do not fit to each other, one mistake each. */
function badColumns(): readonly BucketDeltaMessage[] {
  const first = good("columns", 1), { bucket } = first;
  const { dimensions, measures, rows } = bucket!;
  const [website, ...others] = dimensions, [requests, ...more] = measures;
  const mistakes: readonly Partial<BucketMessage>[] = [
    { rows: rows + 1 },
    { rows: 2 ** 32 - 1 },
    { dimensions: [{ ...website, size: website.size - 1 }, ...others] },
    { dimensions: [{ ...website, size: 2 ** 32 - 1 }, ...others] },
    { dimensions: [{ ...website, entries: website.entries.subarray(1) }, ...others] },
    { dimensions: [{ ...website, indexes: new Uint8Array(rows).fill(250), index_width: 1 }, ...others] },
    { dimensions: [{ ...website, index_width: 3 }, ...others] },
    { dimensions: [website, website, ...others] },
    { measures: [{ ...requests, total: requests.total + 1 }, ...more] },
    { measures: [{ ...requests, total: Number.MAX_SAFE_INTEGER }, ...more] },
    { length: 7 },
    { start: -10 },
  ];
  return mistakes.map((mistake, i) => ({ ...first, sequence: i + 1, bucket: { ...bucket!, ...mistake } }));
}
