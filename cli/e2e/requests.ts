/**
 * The traffic of the tests: requests as bytes, each with what nginx must answer and what its log, and so every answer
 * of the product, must say about it. Chosen by a seed; every status comes often enough to be missed.
 */
import { BODY_BYTES_MAX, FALLBACK_HOST, REQUEST_LINE_BYTES_MAX } from "./nginx.ts";
import { prefixOf } from "./naive_count.ts";
import type { Labels } from "./tally.ts";

/** How a request must be sent. */
export type Manner =
  /** With others, one after the other on a connection that stays. */
  | "pipelined"
  /** On a connection of its own, which nginx closes after its answer. */
  | "alone"
  /** On a connection of its own, which the client closes before there is an answer. */
  | "abandoned";

export interface Request {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly family: "v4" | "v6";
  readonly manner: Manner;
  /** HEAD: the answer has no body whatever its length says. */
  readonly head: boolean;
  readonly labels: Labels;
}

/** Websites that requests go to. */
export const HOSTS: readonly string[] = Array.from({ length: 50 }, (_, i) => `site-${`${i}`.padStart(2, "0")}.example`);

/** Requests of each kind for each thousand: nginx's answers by themselves, seldom and often. */
const KINDS: readonly (readonly [(draw: Draw) => Request, number])[] = [
  [page, 560],
  [form, 120],
  [notModified, 80],
  [redirect, 50],
  [forbidden, 40],
  [missing, 60],
  [notAllowed, 40],
  [badGateway, 20],
  [loop, 5],
  [malformed, 5],
  [withoutHost, 5],
  [bodyTooLarge, 5],
  [lineTooLong, 4],
  [gatewayTimeout, 3],
  [abandoned, 3],
];

/** Every status that the traffic makes nginx give. */
export const STATUSES = ["200", "301", "304", "400", "403", "404", "405", "413", "414", "499", "500", "502", "504"];

/** Requests of every kind, in a random order that the seed decides; a round thousand at least. */
export function planRequests(count: number, seed: number): readonly Request[] {
  const draw = new Draw(seed);
  const makers = KINDS.flatMap(([make, weight]) => Array(Math.round(count * weight / 1000)).fill(make));
  while (makers.length < count) makers.push(page);
  const order = makers.map((make) => ({ make, key: draw.next() })).sort((a, b) => a.key - b.key);
  return order.map(({ make }) => make(draw));
}

/** Random choices that the seed decides (xorshift32). */
class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761) >>> 0 || 1;
  }

  /** A 32-bit number. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return this.#state = x >>> 0;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  /** Small numbers much more often than large ones: a few heavy values and a long tail. */
  skewed(limit: number): number {
    const part = this.next() / 2 ** 32;
    return Math.floor(part * part * part * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

/** 200 by GET and HEAD: short and long paths, bytes that nginx escapes, query strings short and long. */
function page(draw: Draw): Request {
  const path = draw.below(40) === 0 ? longPath(draw) : draw.below(40) === 0 ? oddPath(draw) : plainPath(draw);
  return reach(draw, { method: draw.below(5) === 0 ? "HEAD" : "GET", path: `/any${path}`, status: 200 });
}

function form(draw: Draw): Request {
  const body = "x".repeat(draw.below(BODY_BYTES_MAX));
  return reach(draw, { method: "POST", path: `/form${plainPath(draw)}`, status: 200, body });
}

function notModified(draw: Draw): Request {
  const extra = "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n";
  const method = draw.below(4) === 0 ? "HEAD" : "GET";
  return reach(draw, { method, path: `/any${plainPath(draw)}`, status: 304, extra });
}

/** A folder without its slash. */
function redirect(draw: Draw): Request {
  return reach(draw, { method: draw.pick(["GET", "HEAD"]), path: "/folder", status: 301 });
}

function forbidden(draw: Draw): Request {
  const path = draw.below(3) === 0 ? "/folder/" : `/private${plainPath(draw)}`;
  return reach(draw, { method: draw.pick(["GET", "HEAD"]), path, status: 403 });
}

function missing(draw: Draw): Request {
  return reach(draw, { method: draw.pick(["GET", "HEAD"]), path: `/missing${plainPath(draw)}`, status: 404 });
}

/** A file does not take a POST. */
function notAllowed(draw: Draw): Request {
  return reach(draw, { method: "POST", path: `/any${plainPath(draw)}`, status: 405, body: "field=value" });
}

function badGateway(draw: Draw): Request {
  return reach(draw, { method: draw.pick(["GET", "HEAD"]), path: `/closed${plainPath(draw)}`, status: 502 });
}

/** A rewrite that leads to itself: nginx gives up after ten rounds, and closes. */
function loop(draw: Draw): Request {
  return reach(draw, { method: "GET", path: `/loop${plainPath(draw)}`, status: 500, manner: "alone" });
}

function bodyTooLarge(draw: Draw): Request {
  const body = "x".repeat(BODY_BYTES_MAX + 1 + draw.below(3000));
  return reach(draw, { method: "POST", path: `/form${plainPath(draw)}`, status: 413, body, manner: "alone" });
}

function gatewayTimeout(draw: Draw): Request {
  return reach(draw, { method: "GET", path: `/slow${plainPath(draw)}`, status: 504, manner: "alone" });
}

function abandoned(draw: Draw): Request {
  return reach(draw, { method: "GET", path: `/silent${plainPath(draw)}`, status: 499, manner: "abandoned" });
}

/** No request line at all: nginx knows neither method nor URI nor host, and has not seen X-Real-IP. */
function malformed(draw: Draw): Request {
  const line = draw.pick(["GARBAGE", "get /lower HTTP/1.1", "\x16\x03\x01\x02", "GET /x HTTP/x.y", "\tGET / HTTP/1.1"]);
  return unheard(draw, `${line}\r\n\r\n`, { status: "400" });
}

/** A request line that is read, and then no Host. */
function withoutHost(draw: Draw): Request {
  const path = `/any${plainPath(draw)}`;
  return unheard(draw, `GET ${path} HTTP/1.1\r\n\r\n`, { method: "GET", uri: path, status: "400" });
}

/** The line does not end within the buffer, so nginx has understood none of it. */
function lineTooLong(draw: Draw): Request {
  const path = "/any/" + "long/".repeat(REQUEST_LINE_BYTES_MAX / 5 + draw.below(300));
  return unheard(draw, `GET ${path} HTTP/1.1\r\nHost: ${draw.pick(HOSTS)}\r\n\r\n`, { status: "414" });
}

function plainPath(draw: Draw): string {
  return `/page-${draw.skewed(300)}`;
}

/** Up to 6 000 bytes; what is beyond 2 048 does not count, so two of them may be one. */
function longPath(draw: Draw): string {
  const length = draw.pick([500, 1500, 2040, 2048, 2049, 4000, 6000]);
  return `/long-${draw.below(4)}-${length}-`.padEnd(length, "abcdefghij");
}

/** UTF-8 bytes, quotes and backslashes (nginx escapes them), percent escapes (it does not). */
function oddPath(draw: Draw): string {
  return draw.pick(["/café", "/caf%C3%A9", '/with"quote', "/back\\slash", "/<b>&amp;", "/%0a%7f", "/日本", "/'; --"]);
}

interface Wanted {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body?: string;
  readonly extra?: string;
  readonly manner?: Manner;
}

/** A request that nginx reads to the end: everything in the log is what was sent. */
function reach(draw: Draw, wanted: Wanted): Request {
  const { method, status, body } = wanted;
  const path = wanted.path.replaceAll(" ", "+");
  const host = draw.pick(HOSTS);
  const client = pickClient(draw);
  const headers = [
    `${method} ${path}${query(draw)} HTTP/1.1`,
    `Host: ${spelled(draw, host)}`,
    `X-Real-IP: ${client}`,
    ...(wanted.manner === "alone" ? ["Connection: close"] : []),
    ...(body === undefined ? [] : [`Content-Length: ${body.length}`]),
  ];
  const prefix = prefixOf(client);
  return {
    bytes: new TextEncoder().encode(`${headers.join("\r\n")}\r\n${wanted.extra ?? ""}\r\n${body ?? ""}`),
    family: draw.pick(["v4", "v6"]),
    manner: wanted.manner ?? "pipelined",
    head: method === "HEAD",
    labels: {
      website: host,
      prefix,
      uri: new TextDecoder().decode(new TextEncoder().encode(path).subarray(0, 2048)),
      status: `${status}`,
      method,
      asn: prefix.startsWith("198.18.") ? "64500" : prefix.startsWith("2001:db8:") ? "64501" : "-",
      tor: prefix === "198.18.7.0/24" || prefix === "2001:db8:7::/48" ? "yes" : "no",
    },
  };
}

/** A request that nginx refuses before it has read the headers: it logs the connection's address and its own name. */
function unheard(draw: Draw, text: string, known: Partial<Labels>): Request {
  const family = draw.pick(["v4", "v6"] as const);
  const prefix = family === "v4" ? "127.0.0.0/24" : "::/48";
  return {
    bytes: new TextEncoder().encode(text),
    family,
    manner: "alone",
    head: false,
    labels: { website: FALLBACK_HOST, prefix, uri: "-", status: "400", method: "-", asn: "-", tor: "no", ...known },
  };
}

/** 100 IPv4 prefixes, 60 IPv6 prefixes, and IPv4 addresses written as IPv6, which count as what they are. */
function pickClient(draw: Draw): string {
  const kind = draw.below(20);
  if (kind === 0) return `::ffff:203.0.113.${1 + draw.below(250)}`;
  if (kind < 13) return `198.18.${draw.skewed(100)}.${1 + draw.below(250)}`;
  return `2001:db8:${draw.skewed(60).toString(16)}::${(1 + draw.below(0xfff)).toString(16)}`;
}

/** A query string does not count. Some are several kB long. */
function query(draw: Draw): string {
  const kind = draw.below(10);
  if (kind < 5) return "";
  if (kind === 5) return "?";
  if (kind === 6 && draw.below(8) === 0) return `?q=${"v".repeat(1000)}`;
  return `?a=${draw.below(1000)}&b=/not?a=path`;
}

/** nginx writes a host in lower case and without its port. */
function spelled(draw: Draw, host: string): string {
  const kind = draw.below(20);
  return kind === 0 ? host.toUpperCase() : kind === 1 ? `${host}:8080` : host;
}
