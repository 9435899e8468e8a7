/**
 * What the fields of a log line mean, whatever the format: a format says where each field is, and here it becomes a time,
 * a number, or the entry of a dimension.
 *
 * A field plays a *role*. A format notes where the field of each role begins and ends (`fieldStarts`, `fieldEnds`); one
 * that the line does not have begins at -1. All numbers are decimal digits; `-` or nothing is 0, and as text absent.
 */
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } from "./measures.ts";
import { ASN, METHOD, PREFIX, STATUS, TAG, TOR, URI, WEBSITE } from "./dimensions.ts";
import {
  COUNTED,
  MALFORMED_ADDRESS,
  MALFORMED_BYTES,
  MALFORMED_REQUEST_TIME,
  MALFORMED_STATUS,
  MALFORMED_TIME,
} from "./ledger.ts";
import { parseAddress, PREFIX_ENTRY_BYTES_MAX } from "./client_prefix.ts";
import { type Escape, hasEscapes, unescape } from "./escapes.ts";
import { parseLogTime } from "./log_time.ts";
import type { LineBatch } from "./line_batch.ts";

/** What a field is for. REQUEST is a whole request line; HOST_PORT a host that may have a port; NONE is not looked at. */
export const HOST = 0,
  HOST_PORT = 1,
  CLIENT = 2,
  TIME = 3,
  METHOD_ROLE = 4,
  PATH = 5,
  REQUEST = 6,
  STATUS_ROLE = 7,
  SENT = 8,
  DURATION = 9,
  TOR_ROLE = 10,
  ASN_ROLE = 11,
  TAG_ROLE = 12,
  NONE = 13;

/** Roles, NONE included. */
export const ROLE_COUNT = 14;

/** Where the fields of the line at hand are, by role; module state so that a line allocates nothing. */
export const fieldStarts = new Int32Array(ROLE_COUNT);
export const fieldEnds = new Int32Array(ROLE_COUNT);

const DASH = 45, DOT = 46, ZERO = 48, COMMA = 44, SPACE = 32, SLASH = 47, COLON = 58, QUESTION_MARK = 63;
const BRACKET = 91, UNDERSCORE = 95;
const prefixEntry = new Uint8Array(PREFIX_ENTRY_BYTES_MAX);
const HTTP = new TextEncoder().encode(" HTTP/");

/** No field of the next line is known yet. */
export function forgetFields(): void {
  fieldStarts.fill(-1);
}

/**
 * Stages the line whose fields are noted, as `LineFormat.parse` does: COUNTED, or why not.
 *
 * @param at any place in the chunk.
 */
export function stageFields(
  bytes: Uint8Array,
  batch: LineBatch,
  escape: Escape,
  at: number,
): number {
  const line = batch.count;
  let timeS = batch.arrivalS, sent = 0, requestMs = 0;
  if (fieldStarts[TIME] >= 0) {
    timeS = parseLogTime(bytes, fieldStarts[TIME], fieldEnds[TIME]);
    if (timeS < 0) return MALFORMED_TIME;
  }
  const status = fieldStarts[STATUS_ROLE];
  if (status >= 0 && !isStatus(bytes, status, fieldEnds[STATUS_ROLE])) return MALFORMED_STATUS;
  if (fieldStarts[SENT] >= 0) {
    sent = parseInteger(bytes, fieldStarts[SENT], fieldEnds[SENT]);
    if (sent < 0) return MALFORMED_BYTES;
  }
  if (fieldStarts[DURATION] >= 0) {
    requestMs = parseMilliseconds(bytes, fieldStarts[DURATION], fieldEnds[DURATION]);
    if (requestMs < 0) return MALFORMED_REQUEST_TIME;
  }
  if (fieldStarts[CLIENT] < 0) batch.stageText(PREFIX, at, 0);
  else if (!stageClient(bytes, batch, fieldStarts[CLIENT], fieldEnds[CLIENT])) return MALFORMED_ADDRESS;

  batch.times[line] = timeS;
  const value = line * MEASURE_COUNT;
  batch.values[value + REQUESTS] = 1;
  batch.values[value + BYTES] = sent;
  batch.values[value + TIME_SUM] = batch.values[value + TIME_MAX] = requestMs;

  if (fieldStarts[REQUEST] >= 0) splitRequest(bytes, fieldStarts[REQUEST], fieldEnds[REQUEST]);
  if (fieldStarts[HOST] < 0 && fieldStarts[HOST_PORT] >= 0) takeHost(bytes);
  if (fieldStarts[PATH] >= 0) takePath(bytes);
  stageRole(bytes, batch, WEBSITE, HOST, escape, at);
  stageRole(bytes, batch, METHOD, METHOD_ROLE, escape, at);
  stageRole(bytes, batch, URI, PATH, escape, at);
  stageRole(bytes, batch, STATUS, STATUS_ROLE, escape, at);
  stageOptional(bytes, batch, escape, at);
  return COUNTED;
}

/** Tor flag, ASN and tag: most formats have none of them. */
function stageOptional(bytes: Uint8Array, batch: LineBatch, escape: Escape, at: number): void {
  const tor = fieldStarts[TOR_ROLE], asn = fieldStarts[ASN_ROLE];
  if (tor >= 0 || asn >= 0) batch.beginOptional(at);
  else if (batch.hasOptional) batch.stageAbsent(batch.count, at);
  if (tor >= 0 && isFlag(bytes, tor, fieldEnds[TOR_ROLE])) stageRole(bytes, batch, TOR, TOR_ROLE, escape, at);
  if (asn >= 0 && isNumber(bytes, asn, fieldEnds[ASN_ROLE])) stageRole(bytes, batch, ASN, ASN_ROLE, escape, at);
  const tag = fieldStarts[TAG_ROLE];
  if (tag >= 0 && !isAbsent(bytes, tag, fieldEnds[TAG_ROLE])) {
    batch.beginTag();
    stageRole(bytes, batch, TAG, TAG_ROLE, escape, at);
  } else if (batch.hasTag) batch.stageInputTag(batch.count);
}

function stageRole(
  bytes: Uint8Array,
  batch: LineBatch,
  d: number,
  role: number,
  escape: Escape,
  at: number,
): void {
  if (fieldStarts[role] < 0) batch.stageText(d, at, 0);
  else stageEntry(bytes, batch, d, fieldStarts[role], fieldEnds[role], escape);
}

/** Stages an entry; `-`, however it is written, is absent, that is empty; escapes are undone, and a long value is cut. */
export function stageEntry(
  bytes: Uint8Array,
  batch: LineBatch,
  d: number,
  start: number,
  end: number,
  escape: Escape,
): void {
  const absent = isAbsent(bytes, start, end);
  if (absent || !hasEscapes(bytes, start, end)) {
    batch.stageText(d, start, absent ? 0 : Math.min(end - start, ENTRY_BYTES_MAX));
    return;
  }
  const at = batch.scratchLength, length = unescape(escape, bytes, start, end, batch.scratch, at, ENTRY_BYTES_MAX) - at;
  batch.stageScratch(d, length === 1 && batch.scratch[at] === DASH ? 0 : length);
}

/** Whether a field is empty or `-`. */
export function isAbsent(bytes: Uint8Array, start: number, end: number): boolean {
  return end === start || end - start === 1 && bytes[start] === DASH;
}

/**
 * Stages the masked client; false when the field is no address. Of a list, as `X-Forwarded-For` is one, it is the first:
 * what the client says it is.
 */
export function stageClient(bytes: Uint8Array, batch: LineBatch, start: number, end: number): boolean {
  const { v4Bits, v6Bits } = batch.masks;
  let length = parseAddress(bytes, start, end, v4Bits, v6Bits, prefixEntry);
  if (length < 0) {
    const comma = indexBefore(bytes, COMMA, start, end);
    if (comma < end) length = parseAddress(bytes, start, comma, v4Bits, v6Bits, prefixEntry);
  }
  if (length < 0) return false;
  for (let i = 0; i < length; i++) batch.scratch[batch.scratchLength + i] = prefixEntry[i];
  batch.stageScratch(PREFIX, length);
  return true;
}

/** `GET /path HTTP/1.1`: notes method and path where no other field has them. What is no request has neither. */
function splitRequest(bytes: Uint8Array, start: number, end: number): void {
  let space = start;
  while (space < end && isMethodByte(bytes[space])) space++;
  const isRequest = space > start && space + 1 < end && bytes[space] === SPACE && bytes[space + 1] !== SPACE;
  if (fieldStarts[METHOD_ROLE] < 0 && isRequest) note(METHOD_ROLE, start, space);
  if (fieldStarts[PATH] < 0 && isRequest) note(PATH, space + 1, beforeProtocol(bytes, space + 1, end));
}

/** Where ` HTTP/1.1` begins at the end of a request line: what stands before it may hold blanks. */
function beforeProtocol(bytes: Uint8Array, start: number, end: number): number {
  let space = end - 1;
  while (space > start && bytes[space] !== SPACE) space--;
  if (space === start || end - space < HTTP.length) return end;
  for (let i = 0; i < HTTP.length; i++) if (bytes[space + i] !== HTTP[i]) return end;
  return space;
}

function isMethodByte(byte: number): boolean {
  const lower = byte | 32;
  return lower >= 97 && lower <= 122 || byte === DASH || byte === UNDERSCORE;
}

/** Cuts the query string, and `http://host` in front, as a proxy's client sends it. */
function takePath(bytes: Uint8Array): void {
  let start = fieldStarts[PATH], end = fieldEnds[PATH];
  if (bytes[start] !== SLASH) {
    const colon = indexBefore(bytes, COLON, start, Math.min(end, start + 6));
    if (bytes[colon] === COLON && bytes[colon + 1] === SLASH && bytes[colon + 2] === SLASH && colon + 2 < end) {
      const path = indexBefore(bytes, SLASH, colon + 3, end);
      if (path < end) start = path;
    }
  }
  end = pathEnd(bytes, start, end);
  note(PATH, start, end);
}

/** Where the query string begins, or the end. */
export function pathEnd(bytes: Uint8Array, start: number, end: number): number {
  return indexBefore(bytes, QUESTION_MARK, start, end);
}

/** The host is what stands before the port, if that is one: `shop.example:8080`, `[2001:db8::1]:80`. */
function takeHost(bytes: Uint8Array): void {
  const start = fieldStarts[HOST_PORT], end = fieldEnds[HOST_PORT];
  let colon = end - 1;
  while (colon > start && bytes[colon] >= ZERO && bytes[colon] <= ZERO + 9) colon--;
  const isPort = colon > start && colon < end - 1 && bytes[colon] === COLON;
  const isName = bytes[start] === BRACKET || indexBefore(bytes, COLON, start, end) === colon;
  note(HOST, start, isPort && isName ? colon : end);
}

function note(role: number, start: number, end: number): void {
  fieldStarts[role] = start;
  fieldEnds[role] = end;
}

/** Where a byte first stands in a range, or the range's end. */
function indexBefore(bytes: Uint8Array, byte: number, start: number, end: number): number {
  for (let p = start; p < end; p++) if (bytes[p] === byte) return p;
  return end;
}

/** nginx's $status: three digits ("009" for HTTP/0.9 included). */
export function isStatus(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 3 && isDigit(bytes[start]) && isDigit(bytes[start + 1]) && isDigit(bytes[start + 2]);
}

/** Whether a field is a flag, or absent. */
export function isFlag(bytes: Uint8Array, start: number, end: number): boolean {
  return isAbsent(bytes, start, end) || end - start === 1 && (bytes[start] | 1) === ZERO + 1;
}

/** Whether a field is a decimal number, or absent. */
export function isNumber(bytes: Uint8Array, start: number, end: number): boolean {
  if (isAbsent(bytes, start, end)) return true;
  for (let p = start; p < end; p++) if (!isDigit(bytes[p])) return false;
  return true;
}

/** Decimal digits below 10^12, or 0 when absent, or -1. No answer is a terabyte; sums must stay below 2^53. */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  if (isAbsent(bytes, start, end)) return 0;
  return end - start > 12 ? -1 : decimal(bytes, start, end);
}

/** $request_time, `12.345`: milliseconds, or 0 when absent, or -1. Digits beyond the millisecond are dropped. */
export function parseMilliseconds(bytes: Uint8Array, start: number, end: number, digitsMax = 9): number {
  if (isAbsent(bytes, start, end)) return 0;
  const dot = indexBefore(bytes, DOT, start, end);
  if (dot - start > 7 || end - dot > digitsMax + 1) return -1; // 115 days
  const seconds = decimal(bytes, start, dot);
  if (seconds < 0) return -1;
  let fraction = 0;
  for (let p = dot + 1, weight = 100; p < end; p++, weight /= 10) {
    if (!isDigit(bytes[p])) return -1;
    if (weight >= 1) fraction += (bytes[p] - ZERO) * weight;
  }
  return seconds * 1000 + fraction;
}

/** At least one decimal digit and nothing else, or -1. */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  let value = 0;
  for (let p = start; p < end; p++) {
    if (!isDigit(bytes[p])) return -1;
    value = value * 10 + bytes[p] - ZERO;
  }
  return value;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
