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
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } from "./measures.ts";
import { ASN, METHOD, PREFIX, STATUS, TOR, URI, WEBSITE } from "./dimensions.ts";
import {
  COUNTED,
  MALFORMED_ADDRESS,
  MALFORMED_BYTES,
  MALFORMED_FIELDS,
  MALFORMED_REQUEST_TIME,
  MALFORMED_STATUS,
  MALFORMED_TIME,
} from "./ledger.ts";
import { parseAddress, PREFIX_ENTRY_BYTES_MAX } from "./client_prefix.ts";
import { unescapeHex } from "./escapes.ts";
import type { LineBatch, LineFormat } from "./line_batch.ts";
import { isFlag, isNumber, scanLogtail } from "./scan_logtail.ts";

const NUL = 0, TAB = 9, CARRIAGE_RETURN = 13, DASH = 45, DOT = 46, QUESTION_MARK = 63, BACKSLASH = 92;
const FIELDS_MIN = 8, FIELDS_MAX = 10;

/** Ends of the fields of the line at hand; module state so that a line allocates nothing. */
const fieldEnds = new Int32Array(FIELDS_MAX);
let escaped = false;
const prefixEntry = new Uint8Array(PREFIX_ENTRY_BYTES_MAX);

export const LOGTAIL_FORMAT: LineFormat = { name: "logtail", parse: parseLogtail, scan: scanLogtail };

/** `LineFormat.parse` of the logtail format. */
export function parseLogtail(
  bytes: Uint8Array,
  view: DataView,
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
  const requestMs = parseMilliseconds(bytes, bytesEnd + 1, requestTimeEnd);
  if (requestMs < 0) return MALFORMED_REQUEST_TIME;
  if (!stagePrefix(bytes, batch, hostEnd + 1, addressEnd)) return MALFORMED_ADDRESS;

  batch.times[line] = timeS;
  const value = line * MEASURE_COUNT;
  batch.values[value + REQUESTS] = 1;
  batch.values[value + BYTES] = sent;
  batch.values[value + TIME_SUM] = requestMs;
  batch.values[value + TIME_MAX] = requestMs;

  stage(bytes, view, batch, WEBSITE, start, hostEnd);
  stage(bytes, view, batch, METHOD, timeEnd + 1, methodEnd);
  stage(bytes, view, batch, URI, methodEnd + 1, pathEnd(bytes, methodEnd + 1, uriEnd));
  stage(bytes, view, batch, STATUS, statusStart, statusEnd);
  batch.beginOptional(end);
  const torEnd = fields > 8 ? fieldEnds[8] : end, asnEnd = fields > 9 ? fieldEnds[9] : end;
  const torStart = Math.min(requestTimeEnd + 1, torEnd), asnStart = Math.min(torEnd + 1, asnEnd);
  if (isFlag(bytes, torStart, torEnd)) stage(bytes, view, batch, TOR, torStart, torEnd);
  if (isNumber(bytes, asnStart, asnEnd)) stage(bytes, view, batch, ASN, asnStart, asnEnd);
  return COUNTED;
}

/** Fills `fieldEnds`, sees whether anything is `escaped`, and returns the number of fields, or 0 for too many. */
function splitFields(bytes: Uint8Array, start: number, end: number): number {
  let fields = 0;
  escaped = false;
  for (let p = start; p < end; p++) {
    if (bytes[p] === BACKSLASH || bytes[p] === NUL) escaped = true;
    if (bytes[p] !== TAB) continue;
    if (fields === FIELDS_MAX - 1) return 0;
    fieldEnds[fields++] = p;
  }
  fieldEnds[fields++] = end;
  return fields;
}

/** Stages an entry; `-`, however it is written, is absent, that is empty; escapes are undone, and a long value is cut. */
function stage(bytes: Uint8Array, view: DataView, batch: LineBatch, d: number, start: number, end: number): void {
  const absent = end - start === 1 && bytes[start] === DASH;
  if (!escaped || absent || !hasEscapes(bytes, start, end)) {
    batch.stageText(view, d, start, absent ? 0 : Math.min(end - start, ENTRY_BYTES_MAX));
    return;
  }
  const at = batch.scratchLength, length = unescapeHex(bytes, start, end, batch.scratch, at, ENTRY_BYTES_MAX) - at;
  batch.stageScratch(d, length === 1 && batch.scratch[at] === DASH ? 0 : length);
}

function hasEscapes(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (bytes[p] === BACKSLASH || bytes[p] === NUL) return true;
  return false;
}

/** Stages the masked client; false when the field is no address. */
function stagePrefix(bytes: Uint8Array, batch: LineBatch, start: number, end: number): boolean {
  const { v4Bits, v6Bits } = batch.masks;
  const length = parseAddress(bytes, start, end, v4Bits, v6Bits, prefixEntry);
  if (length < 0) return false;
  for (let i = 0; i < length; i++) batch.scratch[batch.scratchLength + i] = prefixEntry[i];
  batch.stageScratch(PREFIX, length);
  return true;
}

function pathEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let p = start; p < end; p++) if (bytes[p] === QUESTION_MARK) return p;
  return end;
}

/** nginx's $status: three digits ("009" for HTTP/0.9 included). */
function isStatus(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 3 && digit(bytes[start]) >= 0 && digit(bytes[start + 1]) >= 0 && digit(bytes[start + 2]) >= 0;
}

/** $msec, `1700000000.123`: whole seconds, or -1. The fraction may be missing. */
function parseSeconds(bytes: Uint8Array, start: number, end: number): number {
  let dot = start;
  while (dot < end && bytes[dot] !== DOT) dot++;
  for (let p = dot + 1; p < end; p++) if (digit(bytes[p]) < 0) return -1;
  return dot - start > 11 || end - dot > 10 ? -1 : decimal(bytes, start, dot);
}

/** Decimal digits below 10^12, or 0 for `-`, or -1. No answer is a terabyte; sums must stay below 2^53. */
function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1 && bytes[start] === DASH) return 0;
  return end - start > 12 ? -1 : decimal(bytes, start, end);
}

/** $request_time, `12.345`: milliseconds, or 0 for `-`, or -1. */
function parseMilliseconds(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1 && bytes[start] === DASH) return 0;
  let dot = start;
  while (dot < end && bytes[dot] !== DOT) dot++;
  if (dot - start > 7 || end - dot > 4) return -1; // 115 days
  const seconds = decimal(bytes, start, dot);
  if (seconds < 0) return -1;
  let fraction = 0;
  for (let p = dot + 1, weight = 100; p < end; p++, weight /= 10) {
    const d = digit(bytes[p]);
    if (d < 0) return -1;
    fraction += d * weight;
  }
  return seconds * 1000 + fraction;
}

/** At least one decimal digit and nothing else, or -1. */
function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  let value = 0;
  for (let p = start; p < end; p++) {
    const d = digit(bytes[p]);
    if (d < 0) return -1;
    value = value * 10 + d;
  }
  return value;
}

function digit(byte: number): number {
  const d = byte - 48;
  return d >= 0 && d <= 9 ? d : -1;
}
