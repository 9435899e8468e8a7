/**
 * The gRPC surface of a collector and of an aggregator: `LogtailService` over an Answerer, health, and reflection.
 *
 * Questions are checked here and refused with INVALID_ARGUMENT and a sentence that says what would work; an Answerer
 * only ever sees good ones.
 */
import "@/core/host/quiet_environment.ts"; // before gRPC
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Answerer, QuestionTooExpensive, type Snapshot } from "@/core/answer.ts";
import {
  CALLS_PER_CONNECTION_MAX,
  MESSAGE_BYTES_MAX,
  REQUEST_BYTES_MAX,
  SUBSCRIBER_QUEUE_BYTES_MAX,
  SUBSCRIBER_QUEUE_MAX,
} from "@/core/bounds.ts";
import type { BackfillItem } from "@/core/backfill.ts";
import type { RegexEngine } from "@/core/filter_match.ts";
import type { Log } from "@/core/host/log.ts";
import type { ServerSecurity } from "@/core/host/security.ts";
import { Subscriber } from "@/core/subscriber.ts";
import { snapshotMessage, targetMessage, topNResponse, trendResponse } from "./answer_message.ts";
import { bucketResponses } from "./bucket_stream.ts";
import type { CallsSeen } from "./call_metric_table.ts";
import { CallWatch } from "./call_metrics.ts";
import { guardServerSocket } from "./goaway_guard.ts";
import { addHealthService } from "./health_service.ts";
import { listen, type Listener } from "./listener.ts";
import { InvalidQuestion, readTopNRequest, readTrendRequest } from "./question_message.ts";
import { addReflectionService } from "./reflection_service.ts";
import { healthProto, logtailProto, serviceOf } from "./packages.ts";
import {
  type Empty,
  type HelloMessage,
  type ListTargetsResponse,
  type SenderMessage,
  type SnapshotMessage,
  type StreamBucketsRequest,
  type StreamBucketsResponse,
  type TopNRequest,
  type TopNResponse,
  type TrendRequest,
  type TrendResponse,
} from "./schema.ts";
import { readRanges } from "./slot_message.ts";
import { SourcesTold } from "./sources_message.ts";
import { tokenInterceptors } from "./token.ts";
import { type Following, OpenStreams, type OutStream, streamAll, streamItems } from "./stream_out.ts";

const SERVICE = "logtail.LogtailService";

/** Characters of an error text: it travels in a header, and peers refuse large ones. */
const DETAILS_CHARS_MAX = 1000;

export interface ServeOptions {
  /** host:port, or :port for every interface, IPv4 and IPv6. Port 0 lets the system choose. */
  readonly listen: string;
  readonly answerer: Answerer;
  readonly regex: RegexEngine;
  readonly log: Log;
  /** Bytes of memory that this process takes, for followers; absent: nobody is told. */
  readonly memoryBytes?: () => number;
  /** Absent: plain text, and whoever reaches the port may ask. */
  readonly security?: ServerSecurity;
}

export interface Serving {
  readonly port: number;
  /** What is known of calls, streams and connections: for `addCalls`. */
  calls(): CallsSeen;
  /**
   * Accepts nothing more, ends streams, lets calls in flight finish, and after `graceMs` at the latest cuts what is
   * left. Never rejects; a second call waits for the first.
   */
  stop(graceMs: number): Promise<void>;
}

/** Serves until stopped. Throws MachineRefusal when it cannot listen. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const calls = new CallWatch(() => performance.now());
  const server = new Server({
    "grpc.max_receive_message_length": REQUEST_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_concurrent_streams": CALLS_PER_CONNECTION_MAX,
    // A peer that vanished without a word is noticed within 40 s, and its streams end.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // Its records of every connection and call are for a service that we do not serve.
    "grpc.enable_channelz": 0,
    interceptors: [calls.interceptor, ...tokenInterceptors(options.security?.token)],
  });
  const streams = new OpenStreams();
  server.addService(serviceOf(logtailProto, SERVICE), logtailService(options, streams));
  addHealthService(server, [SERVICE], streams);
  addReflectionService(server, { "logtail.proto": logtailProto, "health.proto": healthProto });

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = await listen(
    options.listen,
    (socket) => injector.injectConnection(guardServerSocket(socket)),
    options.log,
    options.security?.tls,
  );
  let stopped: Promise<void> | undefined;
  return {
    port: listener.address.port,
    calls: () => {
      const { open: connections, refused: connectionsRefused } = listener.connections();
      return calls.seen({ subscribers: streams.size, connections, connectionsRefused, dropped: streams.dropped });
    },
    stop: (graceMs) => stopped ??= stop(server, listener, streams, graceMs),
  };
}

async function stop(server: Server, listener: Listener, streams: OpenStreams, graceMs: number): Promise<void> {
  listener.close();
  streams.endAll();
  // Connections close once their calls are done. When that is, their sockets know best: on Deno the callback comes
  // at once.
  server.tryShutdown(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
  await Promise.race([listener.quiet(), late]);
  clearTimeout(timer);
  server.forceShutdown();
  listener.cut();
}

function logtailService(
  { answerer, regex, log, memoryBytes }: ServeOptions,
  streams: OpenStreams,
): UntypedServiceImplementation {
  const sender = (): SenderMessage => ({ sent_ms: Date.now(), memory_bytes: memoryBytes?.() ?? 0 });
  return {
    TopN: unary<TopNRequest, TopNResponse>(
      log,
      (request) => topNResponse(answerer.topN(readTopNRequest(request, regex))),
    ),
    Trend: unary<TrendRequest, TrendResponse>(
      log,
      (request) => trendResponse(answerer.trend(readTrendRequest(request, regex))),
    ),
    ListTargets: unary<Empty, ListTargetsResponse>(log, () => ({ targets: answerer.targets().map(targetMessage) })),
    StreamSnapshots(call: OutStream<SnapshotMessage>): void {
      const follow = (): Following<Snapshot> => {
        const feed = new Subscriber(SUBSCRIBER_QUEUE_MAX, SUBSCRIBER_QUEUE_BYTES_MAX, snapshotBytes);
        return { feed, unfollow: answerer.followSnapshots(feed) };
      };
      streamItems(streams, call, log, follow, (snapshot, dropped) => [snapshotMessage(snapshot, dropped)]);
    },
    DumpSnapshots(call: OutStream<SnapshotMessage>): void {
      void streamAll(streams, call, log, () => mapped(answerer.dump(), (snapshot) => snapshotMessage(snapshot)));
    },
    StreamBuckets(call: OutStream<StreamBucketsResponse, StreamBucketsRequest>): void {
      const has = call.request.back_fill ? readRanges(call.request.has) : undefined;
      if (typeof has === "string") {
        return void call.emit("error", { code: status.INVALID_ARGUMENT, details: `Cannot tell what you have: ${has}` });
      }
      const readsCut = call.request.reads_cut === true;
      const told = new SourcesTold(() => answerer.sources?.() ?? []);
      const news = (): readonly StreamBucketsResponse[] => {
        const sources = told.news(performance.now());
        return sources === undefined ? [] : [{ sources }];
      };
      const follow = (): Following<BackfillItem> => {
        call.write({ hello: hello(answerer), sender: sender() });
        for (const message of news()) call.write(message);
        const feed = answerer.followDeltas(has);
        return { feed, unfollow: () => feed.close() };
      };
      streamItems(
        streams,
        call,
        log,
        follow,
        (item, dropped) =>
          [...news(), ...bucketResponses(item, dropped, readsCut)].map((response) => ({
            ...response,
            sender: sender(),
          })),
      );
    },
  };
}

function hello(answerer: Answerer): HelloMessage {
  return {
    source: answerer.source,
    newest: answerer.targets().reduce((newest, { newestS }) => Math.max(newest, newestS), 0),
  };
}

/** Bytes of a snapshot in memory, nearly: its labels, two bytes a character, and what holds them. */
function snapshotBytes({ entries }: Snapshot): number {
  return entries.reduce((bytes, { label }) => bytes + 2 * label.length + 64, 0);
}

/** A call with one question and one answer. What the asker did wrong is told; what we did wrong is logged. */
function unary<Request, Response>(
  log: Log,
  answerTo: (request: Request) => Response,
): handleUnaryCall<Request, Response> {
  return (call, answer): void => {
    try {
      answer(null, answerTo(call.request));
    } catch (error) {
      if (error instanceof InvalidQuestion || error instanceof QuestionTooExpensive) {
        const details = error.message.slice(0, DETAILS_CHARS_MAX).toWellFormed();
        answer({ code: status.INVALID_ARGUMENT, details });
        return;
      }
      log.error("a question could not be answered: this is a bug", { call: call.getPath(), reason: String(error) });
      answer({ code: status.INTERNAL, details: "Cannot answer: a bug, which the log of this program describes" });
    }
  };
}

function* mapped<From, To>(items: Iterable<From>, map: (item: From) => To): Iterable<To> {
  for (const item of items) yield map(item);
}
