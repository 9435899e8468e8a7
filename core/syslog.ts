/**
 * One syslog message taken apart: RFC 5424, and RFC 3164 as it is really written (nginx, logger, rsyslog, syslog-ng).
 *
 *   <190>Nov 20 15:01:42 web1 nginx: LINE                                  RFC 3164
 *   <190>Nov 20 15:01:42 nginx: LINE                                       the same with `nohostname`
 *   <190>2026-11-20T15:01:42.123456+00:00 web1 nginx: LINE                 rsyslog forwarding
 *   <13>1 2026-11-20T15:01:42.123456+00:00 web1 me 17 - [id a="b"] LINE    RFC 5424
 *
 * Nothing is refused: RFC 3164, section 4.3, has a message for any bytes, and what is no header is message. Nothing is
 * copied either: the parts are given as places in the bytes. Linear in the length.
 */

/** What a message without a (valid) priority has, by RFC 3164, section 4.3.3: user, notice. */
const NO_PRIORITY = 13;
const PRIORITY_MAX = 191;

/** Characters of a host, of a tag and of each field of an RFC 5424 header (its section 6): longer is no such thing. */
const FIELD_BYTES_MAX = 255;

/** A part of a message: `bytes[start…end)`. Empty when it is absent, and where RFC 5424 writes `-`. */
export interface Part {
  start: number;
  end: number;
}

/** The parts of one message. The same object is used for all of them. */
export interface SyslogMessage {
  /** 0…23, RFC 5424, table 1: 1 is user, 16…23 are local0…local7 (nginx: local7). */
  facility: number;
  /** 0…7, RFC 5424, table 2: 0 emergency, 7 debug. */
  severity: number;
  /** As it was written: it may be local time without a year. */
  readonly time: Part;
  readonly host: Part;
  /** The program; in RFC 3164 the tag without what follows `[` or `:`. */
  readonly app: Part;
  /** The process; in RFC 3164 what the tag has between `[` and `]`. */
  readonly processId: Part;
  readonly messageId: Part;
  /** All elements with their brackets (`dataElements` reads them). */
  readonly data: Part;
  /** Without the newline or NUL that some senders end it with. */
  readonly message: Part;
}

export function newSyslogMessage(): SyslogMessage {
  const part = (): Part => ({ start: 0, end: 0 });
  return {
    facility: 0,
    severity: 0,
    time: part(),
    host: part(),
    app: part(),
    processId: part(),
    messageId: part(),
    data: part(),
    message: part(),
  };
}

/** Takes the message in `bytes[start…end)` apart. Never throws, whatever the bytes. */
export function parseSyslog(bytes: Uint8Array, start: number, end: number, into: SyslogMessage): void {
  const { time, host, app, processId, messageId, data, message } = into;
  for (const part of [time, host, app, processId, messageId, data]) set(part, start, start);
  while (end > start && (bytes[end - 1] === LF || bytes[end - 1] === 0)) end--;
  const at = readPriority(bytes, start, end, into);
  if (at === start) return set(message, start, end);
  if (at + 2 <= end && bytes[at] === ONE && bytes[at + 1] === SPACE && readHeader5424(bytes, at + 2, end, into)) return;
  readHeader3164(bytes, at, end, into);
}

/** One element of structured data. */
export interface DataElement {
  readonly id: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/**
 * The elements in a message's `data`, values without their escapes; in order, and a name may come twice (RFC 5424, section
 * 6.3). It is valid when it comes from `parseSyslog`.
 */
export function dataElements(bytes: Uint8Array, { start, end }: Part): readonly DataElement[] {
  const text = new TextDecoder().decode(bytes.subarray(start, end));
  return [...text.matchAll(/\[([^ \]]+)((?: [^=]+="(?:[^"\\\]]|\\.)*")*)\]/gsy)].map(([, id, rest]) => ({
    id,
    parameters: [...rest.matchAll(/ ([^=]+)="((?:[^"\\\]]|\\.)*)"/gs)].map(([, name, value]) =>
      [name, value.replace(/\\(["\\\]])/g, "$1")] as const
    ),
  }));
}

const LF = 0x0a, SPACE = 0x20, QUOTE = 0x22, DASH = 0x2d, ZERO = 0x30, ONE = 0x31, NINE = 0x39, COLON = 0x3a;
const LESS = 0x3c, EQUALS = 0x3d, GREATER = 0x3e, BRACKET = 0x5b, BACKSLASH = 0x5c, END_BRACKET = 0x5d, DELETE = 0x7f;

function set(part: Part, start: number, end: number): void {
  part.start = start;
  part.end = end;
}

/** `<0>` to `<191>`. Returns where it ends, or `start` when there is none. */
function readPriority(bytes: Uint8Array, start: number, end: number, into: SyslogMessage): number {
  let at = start + 1, priority = 0;
  while (at < end && at < start + 4 && isDigit(bytes[at])) priority = 10 * priority + bytes[at++] - ZERO;
  const valid = bytes[start] === LESS && at > start + 1 && at < end && bytes[at] === GREATER &&
    priority <= PRIORITY_MAX;
  if (!valid) priority = NO_PRIORITY;
  into.facility = priority >> 3;
  into.severity = priority & 7;
  return valid ? at + 1 : start;
}

/** What follows `<PRI>1 `. False, with nothing but `message` and `data` still to be set, when it is no such header. */
function readHeader5424(bytes: Uint8Array, start: number, end: number, into: SyslogMessage): boolean {
  const { time, host, app, processId, messageId, data, message } = into;
  let at = start;
  for (const part of [time, host, app, processId, messageId]) {
    const stop = graphicEnd(bytes, at, Math.min(end, at + FIELD_BYTES_MAX + 1));
    // A header may be all there is: then it ends without a blank, and without structured data.
    if (stop === at || stop - at > FIELD_BYTES_MAX || (stop < end && bytes[stop] !== SPACE)) return false;
    if (stop === end && part !== messageId) return false;
    set(part, at, isNil(bytes, at, stop) ? at : stop);
    at = Math.min(stop + 1, end);
  }
  const stop = dataEnd(bytes, at, end);
  if (stop > at) {
    set(data, at, isNil(bytes, at, stop) ? at : stop);
    at = stop < end ? stop + 1 : stop; // the blank behind it
  }
  const marked = at + 3 <= end && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
  if (marked) at += 3; // says that UTF-8 follows
  // rsyslog counts the blank behind an RFC 3164 tag as message when it writes the new header.
  else if (at < end && bytes[at] === SPACE) at++;
  set(message, at, end);
  return true;
}

/** Where the structured data that begins at `at` ends; `at` when it is not written as it should be. */
function dataEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at < end && bytes[at] === DASH) return at + 1 === end || bytes[at + 1] === SPACE ? at + 1 : at;
  let stop = at;
  while (stop < end && bytes[stop] === BRACKET) {
    const next = elementEnd(bytes, stop, end);
    if (next < 0) return at;
    stop = next;
  }
  return stop === end || bytes[stop] === SPACE ? stop : at;
}

/** Where the element that begins at `at` ends: behind its bracket; -1 when it does not. */
function elementEnd(bytes: Uint8Array, at: number, end: number): number {
  let p = nameEnd(bytes, at + 1, end);
  if (p === at + 1) return -1;
  while (p < end && bytes[p] === SPACE) {
    const name = p + 1;
    p = nameEnd(bytes, name, end);
    if (p === name || p + 1 >= end || bytes[p] !== EQUALS || bytes[p + 1] !== QUOTE) return -1;
    for (p += 2; p < end && bytes[p] !== QUOTE; p++) {
      if (bytes[p] === BACKSLASH) p++;
      else if (bytes[p] === END_BRACKET) return -1;
    }
    p++;
  }
  return p < end && bytes[p] === END_BRACKET ? p + 1 : -1;
}

function nameEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isGraphic(bytes[at]) && bytes[at] !== EQUALS && bytes[at] !== QUOTE && bytes[at] !== END_BRACKET) {
    at++;
  }
  return at;
}

/** What follows `<PRI>`. */
function readHeader3164(bytes: Uint8Array, start: number, end: number, into: SyslogMessage): void {
  const { time, host, app, processId, messageId, data, message } = into;
  for (const part of [time, host, app, processId, messageId, data]) set(part, start, start);
  let at = start;
  const stop = timeEnd(bytes, at, end);
  if (stop > at) {
    set(time, at, stop);
    at = Math.min(stop + 1, end);
    const host = hostEnd(bytes, at, end);
    if (host > at) {
      set(into.host, at, host);
      at = host + 1;
    }
  }
  set(message, readTag(bytes, at, end, into), end);
}

/** Where the time that begins at `at` ends, a blank or nothing behind it; `at` when there is none. */
function timeEnd(bytes: Uint8Array, at: number, end: number): number {
  const numeric = at < end && isDigit(bytes[at]);
  const clock = numeric ? at + DATE_BYTES : clockStart(bytes, at, end);
  if (clock < 0) return at;
  const stop = graphicEnd(bytes, clock, Math.min(end, clock + FIELD_BYTES_MAX));
  if (!isClock(bytes, clock, stop) || (stop < end && bytes[stop] !== SPACE)) return at;
  return numeric && !isDate(bytes, at) ? at : stop;
}

/** Where the time of day begins after `Nov 20 `, `Nov  2 ` or `Nov 02 `; -1 when there is no such date. */
function clockStart(bytes: Uint8Array, at: number, end: number): number {
  if (at + 15 > end || bytes[at + 3] !== SPACE || bytes[at + 6] !== SPACE) return -1;
  const letters = isLetter(bytes[at]) && isLetter(bytes[at + 1]) && isLetter(bytes[at + 2]);
  const day = (bytes[at + 4] === SPACE || isDigit(bytes[at + 4])) && isDigit(bytes[at + 5]);
  return letters && day ? at + 7 : -1;
}

/** Bytes of `2026-11-20T`. */
const DATE_BYTES = 11;

/** Whether `2026-11-20T` stands there. */
function isDate(bytes: Uint8Array, at: number): boolean {
  const digits = areDigits(bytes, at, at + 4) && areDigits(bytes, at + 5, at + 7) && areDigits(bytes, at + 8, at + 10);
  return digits && bytes[at + 4] === DASH && bytes[at + 7] === DASH && (bytes[at + 10] | 0x20) === 0x74;
}

/** Whether `15:01:42` stands there, whatever follows (a fraction, a zone) up to `end`. */
function isClock(bytes: Uint8Array, at: number, end: number): boolean {
  return at + 8 <= end && areDigits(bytes, at, at + 2) && bytes[at + 2] === COLON && areDigits(bytes, at + 3, at + 5) &&
    bytes[at + 5] === COLON && areDigits(bytes, at + 6, at + 8) && (at + 8 === end || !isDigit(bytes[at + 8]));
}

/** Where a host that begins at `at` ends; `at` when what stands there is a tag, or neither. */
function hostEnd(bytes: Uint8Array, at: number, end: number): number {
  const stop = graphicEnd(bytes, at, Math.min(end, at + FIELD_BYTES_MAX + 1));
  const isHost = stop > at && stop < end && bytes[stop] === SPACE && bytes[stop - 1] !== COLON &&
    bytes[stop - 1] !== END_BRACKET;
  return isHost ? stop : at;
}

/** `app:`, `app[17]:` or `app[17]`, and one blank. Returns where the message begins: at `at` when there is no tag. */
function readTag(bytes: Uint8Array, at: number, end: number, { app, processId }: SyslogMessage): number {
  const reach = Math.min(end, at + FIELD_BYTES_MAX + 1);
  let p = at;
  while (p < reach && isGraphic(bytes[p]) && bytes[p] !== COLON && bytes[p] !== BRACKET) p++;
  const appEnd = p;
  if (p === at || p === reach) return at;
  if (bytes[p] === BRACKET) {
    while (p < reach && isGraphic(bytes[p]) && bytes[p] !== END_BRACKET) p++;
    if (p === reach || bytes[p] !== END_BRACKET) return at;
    set(processId, appEnd + 1, p);
    p++;
  } else if (bytes[p] !== COLON) return at;
  if (p < end && bytes[p] === COLON) p++;
  // A colon inside a word, such as an address with a port, ends no tag.
  if (p < end && bytes[p] !== SPACE) {
    set(processId, at, at);
    return at;
  }
  set(app, at, appEnd);
  return p < end ? p + 1 : p;
}

function isNil(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 1 && bytes[start] === DASH;
}

/** Where printable ASCII other than a blank ends. */
function graphicEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isGraphic(bytes[at])) at++;
  return at;
}

function isGraphic(byte: number): boolean {
  return byte > SPACE && byte < DELETE;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function areDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isDigit(bytes[at])) return false;
  return true;
}

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}
