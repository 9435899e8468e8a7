/**
 * The `logtail` log format: one tab-separated line a request.
 *
 *   $host \t $remote_addr \t $msec \t $request_method \t $request_uri \t $status \t $body_bytes_sent \t $request_time
 *   [ \t is_tor [ \t asn ] ]
 *
 * nginx writes `-` for an absent value and escapes quotes, backslashes, control bytes and all bytes above 0x7E as `\xHH`
 * (log_format … escape=default), so a tab is always a separator and `\x` always an escape. Escapes are undone here, and
 * the query string is cut. A Tor flag or an ASN that is none is absent: whatever a line counts under can be filtered by.
 */
import { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } from "./measures.ts";
import { ASN, METHOD, STATUS, TOR, URI, WEBSITE } from "./dimensions.ts";
import {
  COUNTED,
  MALFORMED_ADDRESS,
  MALFORMED_BYTES,
  MALFORMED_FIELDS,
  MALFORMED_REQUEST_TIME,
  MALFORMED_STATUS,
  MALFORMED_TIME,
} from "./ledger.ts";
import {
  decimal,
  isFlag,
  isNumber,
  isStatus,
  parseInteger,
  parseMilliseconds,
  pathEnd,
  stageClient,
  stageEntry,
} from "./log_fields.ts";
import type { LineBatch, LineFormat } from "./line_batch.ts";
import { scanLogtail } from "./scan_logtail.ts";

const TAB = 9, CARRIAGE_RETURN = 13, DOT = 46;
const FIELDS_MIN = 8, FIELDS_MAX = 10;

/** Ends of the fields of the line at hand; module state so that a line allocates nothing. */
const fieldEnds = new Int32Array(FIELDS_MAX);

export const LOGTAIL_FORMAT: LineFormat = {
  name: "logtail",
  expects: "8 to 10 fields between tabs: $host $remote_addr $msec $request_method $request_uri $status " +
    "$body_bytes_sent $request_time, and optionally $is_tor and $asn",
  parse: parseLogtail,
  scan: scanLogtail,
};

/** `LineFormat.parse` of the logtail format. */
export function parseLogtail(
  bytes: Uint8Array,
  start: number,
  newline: number,
  batch: LineBatch,
): number {
  const end = newline > start && bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
  const fields = splitFields(bytes, start, end);
  if (fields < FIELDS_MIN) return MALFORMED_FIELDS;
  const line = batch.count;
  const hostEnd = fieldEnds[0], addressEnd = fieldEnds[1], timeEnd = fieldEnds[2], methodEnd = fieldEnds[3];
  const uriEnd = fieldEnds[4], statusEnd = fieldEnds[5], bytesEnd = fieldEnds[6], requestTimeEnd = fieldEnds[7];

  const timeS = parseSeconds(bytes, addressEnd + 1, timeEnd);
  if (timeS < 0) return MALFORMED_TIME;
  const statusStart = uriEnd + 1;
  if (!isStatus(bytes, statusStart, statusEnd)) return MALFORMED_STATUS;
  const sent = parseInteger(bytes, statusEnd + 1, bytesEnd);
  if (sent < 0) return MALFORMED_BYTES;
  const requestMs = parseMilliseconds(bytes, bytesEnd + 1, requestTimeEnd, 3);
  if (requestMs < 0) return MALFORMED_REQUEST_TIME;
  if (!stageClient(bytes, batch, hostEnd + 1, addressEnd)) return MALFORMED_ADDRESS;

  batch.times[line] = timeS;
  const value = line * MEASURE_COUNT;
  batch.values[value + REQUESTS] = 1;
  batch.values[value + BYTES] = sent;
  batch.values[value + TIME_SUM] = requestMs;
  batch.values[value + TIME_MAX] = requestMs;

  stageEntry(bytes, batch, WEBSITE, start, hostEnd, "default");
  stageEntry(bytes, batch, METHOD, timeEnd + 1, methodEnd, "default");
  stageEntry(bytes, batch, URI, methodEnd + 1, pathEnd(bytes, methodEnd + 1, uriEnd), "default");
  stageEntry(bytes, batch, STATUS, statusStart, statusEnd, "default");
  batch.beginOptional(end);
  const torEnd = fields > 8 ? fieldEnds[8] : end, asnEnd = fields > 9 ? fieldEnds[9] : end;
  const torStart = Math.min(requestTimeEnd + 1, torEnd), asnStart = Math.min(torEnd + 1, asnEnd);
  if (isFlag(bytes, torStart, torEnd)) stageEntry(bytes, batch, TOR, torStart, torEnd, "default");
  if (isNumber(bytes, asnStart, asnEnd)) stageEntry(bytes, batch, ASN, asnStart, asnEnd, "default");
  if (batch.hasTag) batch.stageInputTag(line);
  return COUNTED;
}

/** Fills `fieldEnds`, and returns the number of fields, or 0 for too many. */
function splitFields(bytes: Uint8Array, start: number, end: number): number {
  let fields = 0;
  for (let p = start; p < end; p++) {
    if (bytes[p] !== TAB) continue;
    if (fields === FIELDS_MAX - 1) return 0;
    fieldEnds[fields++] = p;
  }
  fieldEnds[fields++] = end;
  return fields;
}

/** $msec, `1700000000.123`: whole seconds, or -1. The fraction may be missing. */
function parseSeconds(bytes: Uint8Array, start: number, end: number): number {
  let dot = start;
  while (dot < end && bytes[dot] !== DOT) dot++;
  if (dot + 1 < end && decimal(bytes, dot + 1, end) < 0) return -1;
  return dot - start > 11 || end - dot > 10 ? -1 : decimal(bytes, start, dot);
}
