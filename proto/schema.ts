/**
 * The wire, as TypeScript sees it: the calls of `logtail.proto`, compiled when this module loads, and the shape of every
 * message in it and in the others. Messages keep the field names of the `.proto` text, so that a field can be searched for in both.
 *
 * The text is imported, not read: no role needs permission to read anything for this.
 */
import type { MethodDefinition } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import protobuf from "protobufjs";
import logtailText from "./logtail.proto" with { type: "text" };
import { checkFields } from "./message_bounds.ts";

const SERVICE = "logtail.LogtailService";
const calls = parse(logtailText).lookupService(SERVICE);

/** Calls of `LogtailService`, by name. */
export const TOP_N = call<TopNRequest, TopNResponse>("TopN");
export const TREND = call<TrendRequest, TrendResponse>("Trend");
export const STREAM_SNAPSHOTS = call<Empty, SnapshotMessage>("StreamSnapshots");
export const DUMP_SNAPSHOTS = call<Empty, SnapshotMessage>("DumpSnapshots");
export const LIST_TARGETS = call<Empty, ListTargetsResponse>("ListTargets");
export const STREAM_BUCKETS = call<StreamBucketsRequest, StreamBucketsResponse>("StreamBuckets");

/** A call with the types of its messages. */
export type Method<Request, Response> = MethodDefinition<Request, Response>;

/** As on the wire: `[name in the enum's order]` is the number. */
export const STATUS_OPERATORS = ["=", "!=", ">", ">=", "<", "<="] as const;
export const TOR_ANY = 0, TOR_YES = 1, TOR_NO = 2;
/** Dimensions that `group_by` can name. */
export const GROUP_BY = ["website", "prefix", "uri", "status"] as const;
/** Targets' states from 1 up; 0 is what the original program says. */
export const TARGET_STATES = ["connected", "connecting", "degraded", "lagging", "gone"] as const;

export type Empty = Readonly<Record<never, never>>;

/** Absent fields are undefined. */
export interface FilterMessage {
  readonly website?: string;
  readonly client_prefix?: string;
  readonly http_request_uri?: string;
  readonly http_response?: number;
  readonly status_op?: number;
  readonly website_regex?: string;
  readonly uri_regex?: string;
  readonly tor?: number;
}

export interface TopNRequest {
  readonly filter: FilterMessage | null;
  readonly group_by: number;
  readonly n: number;
  readonly window: number;
  readonly expression: string;
  readonly group_by_name: string;
  readonly sort: string;
  readonly detail: boolean;
}

export interface TrendRequest {
  readonly filter: FilterMessage | null;
  readonly window: number;
  readonly expression: string;
  readonly detail: boolean;
}

export interface TopNEntryMessage {
  readonly label: string;
  readonly count: number;
  readonly count_max?: number;
  readonly bytes?: number;
  readonly time_sum_ms?: number;
  readonly time_max_ms?: number;
  readonly series?: readonly number[];
  readonly by_status?: readonly number[];
}

export interface ValuesMessage {
  readonly count: number;
  readonly bytes: number;
  readonly time_sum_ms: number;
  readonly time_max_ms: number;
}

export interface CoverageMessage {
  readonly expected: number;
  readonly present: number;
  readonly missing: readonly string[];
  readonly seconds_covered: number;
  readonly seconds: number;
}

/** Messages are null where the answer of the original program has none. */
export interface TopNResponse {
  readonly entries: readonly TopNEntryMessage[];
  readonly source: string;
  readonly from: number;
  readonly to: number;
  readonly total: ValuesMessage | null;
  readonly other: ValuesMessage | null;
  readonly coverage: CoverageMessage | null;
  readonly unlisted_max: number;
  readonly total_max: number;
  readonly series_from?: number;
  readonly series_step?: number;
  readonly series_seconds_known?: readonly number[];
}

export interface TrendPointMessage {
  readonly timestamp_unix: number;
  readonly count: number;
  readonly missing: boolean;
  readonly incomplete: boolean;
  readonly by_status?: readonly number[];
}

export interface TrendResponse {
  readonly points: readonly TrendPointMessage[];
  readonly source: string;
  readonly from: number;
  readonly to: number;
  readonly step_seconds: number;
  readonly coverage: CoverageMessage | null;
  readonly previous?: readonly TrendPointMessage[];
  readonly previous_step_seconds?: number;
}

export interface SnapshotMessage {
  readonly source: string;
  readonly timestamp: number;
  readonly entries: readonly TopNEntryMessage[];
  readonly is_coarse: boolean;
  readonly dropped: number;
  readonly entries_omitted: number;
}

export interface TargetInfoMessage {
  readonly name: string;
  readonly addr: string;
  readonly state: number;
  readonly newest: number;
  readonly problem: string;
  readonly ledger: readonly LedgerLinesMessage[];
  readonly since?: number;
  readonly skew_ms?: number;
  readonly lines_per_second?: number;
  readonly memory_bytes?: number;
}

export interface ListTargetsResponse {
  readonly targets: readonly TargetInfoMessage[];
}

/** At most one of them is set; none when a newer writer sends an item of another kind. */
export interface StreamBucketsResponse {
  readonly delta?: BucketDeltaMessage | null;
  readonly gap?: GapMessage | null;
  readonly hello?: HelloMessage | null;
  readonly slot?: MergedSlotMessage | null;
  readonly caught_up?: Empty | null;
  readonly sources?: SourcesMessage | null;
  readonly sender?: SenderMessage | null;
}

export interface SourcesMessage {
  readonly expected: readonly string[];
  readonly missing: readonly string[];
}

export interface SenderMessage {
  readonly sent_ms: number;
  readonly memory_bytes: number;
}

export interface StreamBucketsRequest {
  readonly back_fill: boolean;
  readonly has: readonly InstanceRangesMessage[];
  readonly reads_cut?: boolean;
}

export interface InstanceRangesMessage {
  readonly source: string;
  readonly instance: string;
  readonly bounds: readonly number[];
}

export interface MergedSlotMessage {
  readonly identities: readonly InstanceRangesMessage[];
  readonly known: number;
  readonly checksum: number;
  readonly bucket: BucketMessage | null;
}

export interface HelloMessage {
  readonly source: string;
  readonly newest: number;
}

export interface GapMessage {
  readonly dropped: number;
  readonly problem: string;
}

export interface BucketDeltaMessage {
  readonly source: string;
  readonly instance: string;
  readonly sequence: number;
  readonly checksum: number;
  readonly bucket: BucketMessage | null;
  readonly content_checksum?: number;
}

export interface BucketMessage {
  readonly start: number;
  readonly length: number;
  readonly rows: number;
  readonly dimensions: readonly DimensionColumnMessage[];
  readonly measures: readonly MeasureColumnMessage[];
  readonly ledger: readonly LedgerLinesMessage[];
}

export interface DimensionColumnMessage {
  readonly name: string;
  readonly indexes: Uint8Array;
  readonly size: number;
  readonly lengths: Uint8Array;
  readonly entries: Uint8Array;
  readonly measures: readonly DimensionMeasureMessage[];
  readonly index_width: number;
  readonly length_width: number;
}

export interface DimensionMeasureMessage {
  readonly name: string;
  readonly given_up: Uint8Array;
  readonly lost_max: number;
  readonly folded_max: number;
  readonly folded: number;
  readonly width: number;
}

export interface MeasureColumnMessage {
  readonly name: string;
  readonly values: Uint8Array;
  readonly total: number;
  readonly width: number;
}

export interface LedgerLinesMessage {
  readonly reason: string;
  readonly lines: number;
}

export interface HealthCheckRequest {
  readonly service: string;
}

export interface HealthCheckResponse {
  readonly status: number;
}

export interface ReflectionRequest {
  readonly host: string;
  /** Name of the field below that is set. */
  readonly message_request?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
}

export interface ReflectionResponse {
  readonly valid_host: string;
  readonly original_request: ReflectionRequest;
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Uint8Array[] };
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly error_response?: { readonly error_code: number; readonly error_message: string };
}

/**
 * How messages become objects: numbers instead of Long (all of ours stay below 2^53), defaults for what is absent, null for
 * absent messages.
 */
export const OBJECTS = { longs: Number, defaults: true, oneofs: true } as const;

/** The types of a `.proto` text. */
export function parse(text: string): protobuf.Root {
  const { root } = protobuf.parse(text, { keepCase: true });
  root.resolveAll();
  return root;
}

/** A reader of messages of this type that counts their fields before anything is decoded. */
export function counted<Message>(
  type: protobuf.Type | null,
  read: (bytes: Buffer) => Message,
): (bytes: Buffer) => Message {
  if (type === null) throw new Error("A call in the .proto text has no message");
  return (bytes) => {
    checkFields(type, bytes);
    return read(bytes);
  };
}

/**
 * One call. The same that gRPC's loader makes of it (`packages.ts`), without the descriptors that only a server has a use
 * for: those take longer than everything else that a client does before it asks. The one place where calls get the types
 * that the interfaces above claim; the tests of both sides stand for it. Throws for a name that is not one.
 */
function call<Request, Response>(name: string): Method<Request, Response> {
  const { requestStream = false, responseStream = false, resolvedRequestType, resolvedResponseType } =
    calls.methods[name] ?? {};
  if (!resolvedRequestType || !resolvedResponseType) throw new Error(`No call ${name} in ${SERVICE}`);
  return {
    ...{ path: `/${SERVICE}/${name}`, requestStream, responseStream, originalName: name },
    requestSerialize: writerOf(resolvedRequestType),
    requestDeserialize: readerOf(resolvedRequestType),
    responseSerialize: writerOf(resolvedResponseType),
    responseDeserialize: readerOf(resolvedResponseType),
  };
}

function writerOf<Message>(type: protobuf.Type): (message: Message) => Buffer {
  return (message) => {
    const bytes = type.encode(type.fromObject(message as Record<string, unknown>)).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength); // the same bytes, not copied
  };
}

function readerOf<Message>(type: protobuf.Type): (bytes: Buffer) => Message {
  return counted(type, (bytes) => type.toObject(type.decode(bytes), OBJECTS) as Message);
}
