/**
 * The `json` log format: one JSON object a line, its keys nginx's variables or what they are usually called.
 *
 *   {"host":"shop.example","remote_addr":"192.0.2.7","msec":1700000000.123,"request_uri":"/","status":"200", …}
 *
 * Keys may come in any order, values as strings or bare. A key that is not known is skipped, whatever its value holds. Of
 * several keys for the same thing the best known counts, and of the same key twice the last. A line in which nothing is
 * known is refused.
 */
import { MALFORMED_FIELDS } from "./ledger.ts";
import {
  ASN_ROLE,
  CLIENT,
  DURATION,
  fieldEnds,
  fieldStarts,
  forgetFields,
  HOST,
  HOST_PORT,
  METHOD_ROLE,
  PATH,
  REQUEST,
  ROLE_COUNT,
  SENT,
  stageFields,
  STATUS_ROLE,
  TAG_ROLE,
  TIME,
  TOR_ROLE,
} from "./log_fields.ts";
import type { LineBatch, LineFormat } from "./line_batch.ts";

/** Keys by role, best known first. */
const KEYS: readonly (readonly [role: number, keys: string])[] = [
  [HOST, "host"],
  [HOST_PORT, "http_host server_name vhost virtual_host domain site request_host"],
  [CLIENT, "remote_addr client_ip clientip client remote_ip ip src_ip remote_host"],
  [TIME, "msec time_iso8601 time_local timestamp @timestamp time ts datetime"],
  [METHOD_ROLE, "request_method method http_method verb"],
  [PATH, "request_uri uri document_uri path request_path uri_path url"],
  [REQUEST, "request"],
  [STATUS_ROLE, "status status_code response_code http_status response code"],
  [SENT, "body_bytes_sent bytes_sent bytes body_size response_size size"],
  [DURATION, "request_time"],
  [TOR_ROLE, "is_tor tor"],
  [ASN_ROLE, "asn geoip2_asn geoip_asn"],
  [TAG_ROLE, "source_tag ipng_source_tag tag"],
];

/** Roles of which a line needs one. */
const SUBJECTS = [HOST, HOST_PORT, CLIENT, PATH, REQUEST, STATUS_ROLE];

const CARRIAGE_RETURN = 13, SPACE = 32, QUOTE = 34, COMMA = 44, COLON = 58, BRACKET = 91, BACKSLASH = 92;
const BRACKET_END = 93, LETTER_N = 110, BRACE = 123, BRACE_END = 125;

/** Slots of the table of keys. */
const SLOTS = 256;
const NO_RANK = 127;

/** Of the line at hand: how well known the key of each role is. */
const ranks = new Int8Array(ROLE_COUNT);

export class JsonFormat implements LineFormat {
  readonly expects =
    "one JSON object a line, with nginx's variables as keys: host, remote_addr, msec, request_uri, status, …";
  /** Keys by their hash, in the slot or one behind it. */
  readonly #keys: (Uint8Array | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #roles = new Uint8Array(SLOTS);
  readonly #ranks = new Int8Array(SLOTS);

  /** @param client the key that holds the client's address; undefined for the usual ones. */
  constructor(readonly name: string, client?: string) {
    for (const [role, keys] of KEYS) {
      const names = role === CLIENT && client !== undefined ? [client] : keys.split(" ");
      names.forEach((key, rank) => this.#addKey(new TextEncoder().encode(key), role, rank));
    }
  }

  parse(bytes: Uint8Array, start: number, newline: number, batch: LineBatch): number {
    const end = newline > start && bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
    forgetFields();
    ranks.fill(NO_RANK);
    if (!this.#readObject(bytes, start, end)) return MALFORMED_FIELDS;
    for (let i = 0; i < SUBJECTS.length; i++) {
      if (fieldStarts[SUBJECTS[i]] >= 0) return stageFields(bytes, batch, "json", end);
    }
    return MALFORMED_FIELDS;
  }

  /** All lines are left to `parse`. */
  scan(_bytes: Uint8Array, _view: DataView, start: number): number {
    return start;
  }

  #readObject(bytes: Uint8Array, start: number, end: number): boolean {
    let p = afterBlanks(bytes, start, end);
    if (bytes[p] !== BRACE || p >= end) return false;
    for (p = afterBlanks(bytes, p + 1, end); p < end && bytes[p] === QUOTE;) {
      const key = p + 1, keyEnd = stringEnd(bytes, key, end);
      p = afterBlanks(bytes, keyEnd + 1, end);
      if (p >= end || bytes[p] !== COLON) return false;
      p = afterBlanks(bytes, p + 1, end);
      const next = valueEnd(bytes, p, end);
      if (next > end || next === p) return false;
      this.#note(bytes, key, keyEnd, p, next);
      p = afterBlanks(bytes, next, end);
      if (p < end && bytes[p] === BRACE_END) return afterBlanks(bytes, p + 1, end) === end;
      if (p >= end || bytes[p] !== COMMA) return false;
      p = afterBlanks(bytes, p + 1, end);
    }
    return p < end && bytes[p] === BRACE_END && afterBlanks(bytes, p + 1, end) === end;
  }

  /** Notes a value, if the key is known and no better one was there. Objects, lists and null are no values. */
  #note(bytes: Uint8Array, key: number, keyEnd: number, start: number, end: number): void {
    const slot = this.#slotOf(bytes, key, keyEnd);
    if (slot < 0 || this.#ranks[slot] > ranks[this.#roles[slot]]) return;
    const first = bytes[start];
    if (first === BRACE || first === BRACKET || first === LETTER_N) return;
    const role = this.#roles[slot], quoted = first === QUOTE ? 1 : 0;
    ranks[role] = this.#ranks[slot];
    fieldStarts[role] = start + quoted;
    fieldEnds[role] = end - quoted;
  }

  #slotOf(bytes: Uint8Array, start: number, end: number): number {
    let slot = hashOf(bytes, start, end);
    for (let key = this.#keys[slot]; key !== undefined; key = this.#keys[slot = slot + 1 & SLOTS - 1]) {
      if (key.length !== end - start) continue;
      let i = 0;
      while (i < key.length && key[i] === bytes[start + i]) i++;
      if (i === key.length) return slot;
    }
    return -1;
  }

  #addKey(key: Uint8Array, role: number, rank: number): void {
    if (this.#slotOf(key, 0, key.length) >= 0) return;
    let slot = hashOf(key, 0, key.length);
    while (this.#keys[slot] !== undefined) slot = slot + 1 & SLOTS - 1;
    this.#keys[slot] = key;
    this.#roles[slot] = role;
    this.#ranks[slot] = rank;
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let p = start; p < end; p++) hash = Math.imul(hash ^ bytes[p], 0x01000193);
  return (hash ^ hash >>> 15) & SLOTS - 1;
}

function afterBlanks(bytes: Uint8Array, p: number, end: number): number {
  while (p < end && (bytes[p] === SPACE || bytes[p] === 9)) p++;
  return p;
}

/** Where the quote is that ends a string; `end` when there is none. */
function stringEnd(bytes: Uint8Array, p: number, end: number): number {
  for (; p < end; p++) {
    if (bytes[p] === QUOTE) return p;
    if (bytes[p] === BACKSLASH) p++;
  }
  return end;
}

/** Behind a value of any kind; behind `end` when it does not end. Objects and lists are counted, not read. */
function valueEnd(bytes: Uint8Array, p: number, end: number): number {
  let depth = 0;
  for (; p < end; p++) {
    switch (bytes[p]) {
      case QUOTE:
        p = stringEnd(bytes, p + 1, end);
        if (p >= end) return end + 1;
        if (depth === 0) return p + 1;
        continue;
      case BRACE:
      case BRACKET:
        depth++;
        continue;
      case BRACE_END:
      case BRACKET_END:
        if (depth === 0) return p;
        if (--depth === 0) return p + 1;
        continue;
      case COMMA:
      case SPACE:
        if (depth === 0) return p;
    }
  }
  return depth === 0 ? end : end + 1;
}
