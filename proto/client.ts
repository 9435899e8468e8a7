/**
 * The other side of `service.ts`: what a role asks another role. Everything that goes wrong is a RemoteError.
 */
import "@/core/host/quiet_environment.ts"; // before gRPC
import {
  type ChannelCredentials,
  Client as GrpcClient,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  type Metadata,
} from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import type {
  Snapshot,
  SourceBehind,
  TargetInfo,
  TopNAnswer,
  TopNQuestion,
  TrendAnswer,
  TrendQuestion,
} from "@/core/answer.ts";
import {
  BUCKET_MESSAGE_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  REQUEST_BYTES_MAX,
  RETRY_DELAY_MS_MIN,
  SOURCE_NAME_BYTES_MAX,
} from "@/core/bounds.ts";
import type { BackfillItem } from "@/core/backfill.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { targetMistake } from "@/core/host/listen_address.ts";
import type { ClientCertificates, ClientSecurity } from "@/core/host/security.ts";
import type { Turns } from "@/core/host/turns.ts";
import { readSnapshot, readTarget, readTopNResponse, readTrendResponse } from "./answer_message.ts";
import { readDelta } from "./bucket_message.ts";
import { guardCredentials } from "./goaway_guard.ts";
import { needsOurs, topNRequest, trendRequest } from "./question_message.ts";
import { isWorthAnotherTry, RemoteError, remoteError } from "./remote_error.ts";
import {
  type GapMessage,
  type HelloMessage,
  LIST_TARGETS,
  type Method,
  STREAM_BUCKETS,
  STREAM_SNAPSHOTS,
  type StreamBucketsResponse,
  TOP_N,
  TREND,
} from "./schema.ts";
import { rangesMessages, readSlot } from "./slot_message.ts";
import { readSources } from "./sources_message.ts";
import { forAddresses } from "./tls_address.ts";

import { tokenMetadata } from "./token.ts";

export { RemoteError } from "./remote_error.ts";

/** Deltas that did not get here. Nothing says how many lines they held: the slices around are incomplete. */
export interface DeltaGap {
  readonly dropped: number;
  /** Why, when it was not that we were too slow: a bucket could not be sent, or was received and cannot be used. */
  readonly problem?: string;
  /** Set when it was received and cannot be used. */
  readonly refused?: true;
}

/** What a target says first on a stream of deltas, so that it counts as connected before anything is new. */
export interface Hello {
  /** Name of who sends the stream; 1 to 255 bytes. */
  readonly source: string;
  /** End of the newest slice that it has, seconds since 1970; 0 when none. */
  readonly newestS: number;
}

/** How the sender of a stream is; comes before the item that it came with. */
export interface SenderStatus {
  /** Milliseconds since 1970 on its clock, when it sent the item. */
  readonly sentMs: number;
  /** 0 when it does not say. */
  readonly memoryBytes: number;
}

/** Whom the sender of a stream follows itself, as it is now; older targets do not say. */
export interface SourcesBehind {
  readonly behind: readonly SourceBehind[];
}

/** What a stream of buckets brings. */
export type BucketItem = Hello | BackfillItem | DeltaGap | SenderStatus | SourcesBehind;

/** One target. Connects when first asked, and again whenever that is needed. */
export interface Client {
  /** Rejects with RemoteError, as all of these do. */
  topN(question: TopNQuestion, timeoutMs: number): Promise<TopNAnswer>;
  trend(question: TrendQuestion, timeoutMs: number): Promise<TrendAnswer>;
  targets(timeoutMs: number): Promise<readonly TargetInfo[]>;
  /** Whole minutes from now on. Ends quietly when `signal` aborts; throws RemoteError when the target ends it. */
  snapshots(signal: AbortSignal): AsyncIterable<Snapshot>;
  /**
   * A hello (older targets say none), then buckets, checked: what `has` lacks, newest first, until caught up, and what is
   * new in between. Ends like `snapshots`.
   */
  deltas(signal: AbortSignal, has?: readonly IdentityRanges[]): AsyncIterable<BucketItem>;
  /** Breaks off what is under way. */
  close(): void;
}

/** Characters of a problem in the words of a target: it is logged and passed on. */
const PROBLEM_CHARS_MAX = 200;

const OPTIONS: ClientOptions = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": REQUEST_BYTES_MAX,
  // A target that comes back shall be found quickly; its followers add a backoff of their own.
  "grpc.initial_reconnect_backoff_ms": RETRY_DELAY_MS_MIN,
  "grpc.max_reconnect_backoff_ms": 2_000,
  // No surprises from the environment or from DNS TXT records: the target is the target.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  // We retry ourselves, also calls whose connection broke while they were under way: questions change nothing.
  "grpc.enable_retries": 0,
  "grpc.enable_channelz": 0,
};

/** Streams get a connection of their own: on Deno, cancelling a busy stream can cancel other calls beside it. */
const STREAM_OPTIONS: ClientOptions = { ...OPTIONS, "grpc.use_local_subchannel_pool": 1 };

/** Between our own roles, a peer that vanished without a word is noticed within 30 s. */
const BUCKET_STREAM_OPTIONS: ClientOptions = {
  ...STREAM_OPTIONS,
  "grpc.max_receive_message_length": BUCKET_MESSAGE_BYTES_MAX,
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/** The original's server tolerates one ping in five minutes and hangs up on whoever sends more. */
const SNAPSHOT_STREAM_OPTIONS: ClientOptions = {
  ...STREAM_OPTIONS,
  "grpc.keepalive_time_ms": 310_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/**
 * A client for `host:port`. Opens nothing and never throws; a bad target shows when it is asked.
 *
 * @param security absent: plain text, and no token
 * @param turns for what takes long: reading buckets, and what is done with each at once; in rows
 */
export function connect(target: string, security: ClientSecurity = {}, turns?: Turns): Client {
  let questions: GrpcClient | undefined;
  let certificates: ClientCertificates | undefined;
  const ask = <Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> => {
    const now = security.tls?.current();
    if (now !== certificates) questions = void questions?.close();
    certificates = now;
    questions ??= open(target, security, OPTIONS);
    return askTwice(questions, target, method, request, tokenMetadata(security.token), timeoutMs);
  };
  const follow = <Request, Message, Item>(
    options: ClientOptions,
    method: Method<Request, Message>,
    request: Request,
    signal: AbortSignal,
    read: (message: Message) => readonly Item[],
    turn?: (message: Message) => Promise<void>,
  ): AsyncGenerator<Item> =>
    stream(target, security, options, method, request, AbortSignal.any([signal, closing.signal]), read, turn);
  const closing = new AbortController();
  return {
    async topN(question, timeoutMs): Promise<TopNAnswer> {
      const request = topNRequest(question);
      const response = await ask(TOP_N, request, timeoutMs);
      if (response.coverage === null) mustNotNeedOurs(target, needsOurs(request));
      return readTopNResponse(response, question);
    },
    async trend(question, timeoutMs): Promise<TrendAnswer> {
      const request = trendRequest(question);
      const response = await ask(TREND, request, timeoutMs);
      if (response.coverage === null) mustNotNeedOurs(target, needsOurs(request));
      return readTrendResponse(response, question);
    },
    async targets(timeoutMs): Promise<readonly TargetInfo[]> {
      return (await ask(LIST_TARGETS, {}, timeoutMs)).targets.map(readTarget);
    },
    snapshots: (signal) =>
      follow(SNAPSHOT_STREAM_OPTIONS, STREAM_SNAPSHOTS, {}, signal, (message) => [readSnapshot(message)]),
    deltas: (signal, has = []) => {
      const request = { back_fill: true, has: rangesMessages(has), reads_cut: true };
      return follow(
        BUCKET_STREAM_OPTIONS,
        STREAM_BUCKETS,
        request,
        signal,
        readItems,
        turns && ((message) => turns.take(rowsOf(message))),
      );
    },
    close(): void {
      closing.abort();
      questions?.close();
      questions = undefined;
    },
  };
}

/** A question, once more when the connection broke before the answer, both within one deadline. */
async function askTwice<Request, Response>(
  client: GrpcClient,
  target: string,
  method: Method<Request, Response>,
  request: Request,
  metadata: Metadata,
  timeoutMs: number,
): Promise<Response> {
  const deadline = new Date(Date.now() + timeoutMs);
  try {
    return await askOnce(client, method, request, metadata, deadline);
  } catch (first) {
    if (!isWorthAnotherTry(first)) throw remoteError(target, first, timeoutMs);
    try {
      return await askOnce(client, method, request, metadata, deadline);
    } catch (second) {
      throw remoteError(target, second, timeoutMs);
    }
  }
}

function askOnce<Request, Response>(
  client: GrpcClient,
  method: Method<Request, Response>,
  request: Request,
  metadata: Metadata,
  deadline: Date,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    const done = (error: Error | null, response?: Response): void => {
      if (response === undefined) reject(error);
      else resolve(response);
    };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, done);
  });
}

/** Items of a server stream on a connection of its own, no faster than they are taken. */
async function* stream<Request, Message, Item>(
  target: string,
  security: ClientSecurity,
  options: ClientOptions,
  method: Method<Request, Message>,
  request: Request,
  signal: AbortSignal,
  read: (message: Message) => readonly Item[],
  turn?: (message: Message) => Promise<void>,
): AsyncGenerator<Item> {
  if (signal.aborted) return;
  const client = open(target, security, options);
  const call: ClientReadableStream<Message> = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    tokenMetadata(security.token),
  );
  const cancel = (): void => call.cancel();
  signal.addEventListener("abort", cancel);
  try {
    for await (const message of call) {
      if (turn !== undefined) await turn(message);
      yield* read(message);
    }
  } catch (error) {
    if (!signal.aborted) throw remoteError(target, error);
  } finally {
    signal.removeEventListener("abort", cancel);
    call.cancel();
    client.close();
  }
  if (!signal.aborted) throw new RemoteError("unreachable", `${target} ended the stream; try again`);
}

/** Rows of a bucket as it says itself; of anything else a few, since nothing is for free. */
function rowsOf({ delta, slot }: StreamBucketsResponse): number {
  return Math.max(ROWS_MIN, delta?.bucket?.rows ?? slot?.bucket?.rows ?? 0);
}

const ROWS_MIN = 50;

/** The item of a message, and how its sender is. Items that a newer target sends and we do not know are skipped. */
function readItems(message: StreamBucketsResponse): readonly BucketItem[] {
  const { sender } = message, item = readItem(message), items = item === undefined ? [] : [item];
  if (!sender || !(sender.sent_ms > 0)) return items;
  return [{ sentMs: sender.sent_ms, memoryBytes: Math.max(0, sender.memory_bytes) }, ...items];
}

function readItem(message: StreamBucketsResponse): BucketItem | undefined {
  if (message.hello) return readHello(message.hello);
  if (message.gap) return readGap(message.gap);
  if (message.caught_up) return { caughtUp: true };
  if (message.sources) return { behind: readSources(message.sources) };
  if (message.slot) {
    const reading = readSlot(message.slot);
    return "slot" in reading ? reading.slot : refused(reading.problem);
  }
  if (!message.delta) return undefined;
  const reading = readDelta(message.delta);
  return "delta" in reading ? reading.delta : refused(reading.problem);
}

function refused(problem: string): DeltaGap {
  return { dropped: 1, problem, refused: true };
}

/** One without a name that can be one is no hello. */
function readHello({ source, newest }: HelloMessage): Hello | undefined {
  const bytes = new TextEncoder().encode(source).length;
  return bytes === 0 || bytes > SOURCE_NAME_BYTES_MAX ? undefined : { source, newestS: Math.max(0, newest) };
}

function readGap({ dropped, problem }: GapMessage): DeltaGap {
  return problem === "" ? { dropped } : { dropped, problem: problem.slice(0, PROBLEM_CHARS_MAX).toWellFormed() };
}

/** The original program ignores what it does not know, and would have answered another question. */
function mustNotNeedOurs(target: string, needed: string | undefined): void {
  if (needed === undefined) return;
  throw new RemoteError("protocol", `Cannot ask ${target}: the program there does not know ${needed}; ask without it`);
}

/** Throws RemoteError when the target is not an address at all. */
function open(target: string, { tls }: ClientSecurity, options: ClientOptions): GrpcClient {
  const mistake = targetMistake(target);
  if (mistake !== undefined) throw new RemoteError("unreachable", `Cannot reach ${JSON.stringify(target)}: ${mistake}`);
  const plainOrTls = tls === undefined ? credentials.createInsecure() : tlsCredentials(tls.current());
  return new GrpcClient(target, guardCredentials(plainOrTls), options);
}

function tlsCredentials({ ca, cert, key }: ClientCertificates): ChannelCredentials {
  const bytes = (text: string | undefined): Buffer | null => text === undefined ? null : Buffer.from(text);
  return forAddresses(credentials.createSsl(bytes(ca), bytes(key), bytes(cert)));
}
