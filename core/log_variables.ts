/**
 * nginx's variables: which bytes each can hold, and so what tells where it ends; and what it is for.
 *
 * What a client sends may hold anything that nginx lets through: a user name has blanks, a referrer has brackets. A byte
 * that a value cannot hold (because nginx escapes it, or refuses such a request) ends it for certain; any other could be
 * forged, and a format in which that matters is refused (`field_plan.ts`).
 */
import {
  ASN_ROLE,
  CLIENT,
  DURATION,
  HOST,
  HOST_PORT,
  METHOD_ROLE,
  NONE,
  PATH,
  REQUEST,
  SENT,
  STATUS_ROLE,
  TAG_ROLE,
  TIME,
  TOR_ROLE,
} from "./log_fields.ts";
import type { Escape } from "./escapes.ts";

/** What a value looks like. */
export interface Shape {
  /** The bytes it can hold, as nginx knows it: printable ASCII; what is escaped comes on top, or goes. */
  readonly holds: string;
  /** Bytes, where it is always as many. */
  readonly length?: number;
  /** What it begins with, unless it is absent. */
  readonly begins?: string;
  /** Values of several servers: `0.1, 0.2 : 0.3`. The blanks beside these marks are inside of it. */
  readonly isList?: boolean;
  /** Anything: what clients and other servers send. */
  readonly isFree?: boolean;
}

const DIGITS = "0123456789", UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", LOWER = "abcdefghijklmnopqrstuvwxyz";
const VISIBLE = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).join("");
const LETTERS = UPPER + LOWER;

const NUMBER: Shape = { holds: DIGITS + ".-" };
const WORD: Shape = { holds: LETTERS + DIGITS + "._-" };
const NAME: Shape = { holds: LETTERS + DIGITS + "._-~*^:" };
const ADDRESS: Shape = { holds: "0123456789abcdefABCDEF.:unix-" };
const METHOD: Shape = { holds: LETTERS + "_-" };
/** nginx refuses a host with a slash, a blank or a control character in it. */
const HOST_NAME: Shape = { holds: VISIBLE.replace("/", "") };
const URL: Shape = { holds: VISIBLE, begins: "/" };
const ISO_TIME: Shape = { holds: DIGITS + "-+:T", length: 25 };
const LOCAL_TIME: Shape = { holds: LETTERS + DIGITS + "/:+- ", length: 26 };
const LIST: Shape = { holds: VISIBLE + " ", isList: true };
const FREE: Shape = { holds: VISIBLE + " ", isFree: true };

const SHAPES: Readonly<Record<string, Shape>> = {
  ...shapes(
    NUMBER,
    "status msec request_time body_bytes_sent bytes_sent request_length connection connection_requests",
  ),
  ...shapes(
    NUMBER,
    "connection_time remote_port server_port realip_remote_port proxy_protocol_port pid gzip_ratio",
  ),
  ...shapes(NUMBER, "connections_active connections_reading connections_waiting connections_writing content_length"),
  ...shapes(
    NUMBER,
    "tcpinfo_rtt tcpinfo_rttvar tcpinfo_snd_cwnd tcpinfo_rcv_space is_tor tor proxy_protocol_server_port",
  ),
  ...shapes(WORD, "scheme https http2 http3 request_id geoip_country_code geoip_country_code3 hostname"),
  ...shapes(WORD, "geoip2_country_code geoip2_data_country_code asn geoip2_asn geoip_asn request_completion"),
  ...shapes(
    WORD,
    "ssl_protocol ssl_session_reused ssl_session_id ssl_early_data ssl_client_fingerprint upstream_cache_status",
  ),
  ...shapes({ holds: LETTERS + DIGITS + "./-" }, "server_protocol"),
  ...shapes(NAME, "server_name proxy_host source_tag ipng_source_tag nginx_version"),
  ...shapes(ADDRESS, "remote_addr server_addr realip_remote_addr proxy_protocol_addr proxy_protocol_server_addr"),
  ...shapes({ holds: "p." }, "pipe"),
  ...shapes(METHOD, "request_method"),
  ...shapes(HOST_NAME, "host http_host ssl_server_name"),
  ...shapes(URL, "request_uri"),
  ...shapes({ holds: VISIBLE }, "args query_string is_args"),
  ...shapes(ISO_TIME, "time_iso8601"),
  ...shapes(LOCAL_TIME, "time_local"),
  ...shapes(LIST, "upstream_addr upstream_status upstream_response_time upstream_connect_time upstream_header_time"),
  ...shapes(LIST, "upstream_response_length upstream_bytes_received upstream_bytes_sent upstream_queue_time"),
};

/** The shape of any variable; one that is not known may hold anything. */
export function shapeOf(name: string): Shape {
  return Object.hasOwn(SHAPES, name) ? SHAPES[name] : FREE;
}

/** Per byte, 1 when a value of this shape can hold it as it stands in the log. */
export function bytesHeld({ holds, isFree = false }: Shape, escape: Escape): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of holds) table[character.charCodeAt(0)] = 1;
  const takesAny = holds.length >= VISIBLE.length - 1;
  if (escape === "none") {
    if (isFree) table.fill(1);
    else if (takesAny) table.fill(1, 0x7f);
  } else {
    table[QUOTE] = 0;
    // What JSON does not escape; nginx and Apache write these as \xHH.
    if (escape === "json" && takesAny) table.fill(1, 0x7f);
    if (takesAny) table[BACKSLASH] = 1;
  }
  table[NEWLINE] = 0;
  return table;
}

const NEWLINE = 10, QUOTE = 34, BACKSLASH = 92;

/**
 * For each role the variables that play it, best first. Names that are no variables of nginx are what its maps and modules
 * are usually told to set.
 */
const PLAYERS: readonly (readonly [role: number, names: readonly string[]])[] = [
  [HOST, ["host"]],
  [HOST_PORT, ["http_host", "server_name", "ssl_server_name"]],
  [
    CLIENT,
    [
      "remote_addr",
      "http_x_real_ip",
      "http_x_forwarded_for",
      "proxy_add_x_forwarded_for",
      "http_cf_connecting_ip",
      "proxy_protocol_addr",
      "realip_remote_addr",
    ],
  ],
  [TIME, ["msec", "time_iso8601", "time_local"]],
  [METHOD_ROLE, ["request_method"]],
  [PATH, ["request_uri", "uri", "document_uri"]],
  [REQUEST, ["request"]],
  [STATUS_ROLE, ["status"]],
  [SENT, ["body_bytes_sent", "bytes_sent"]],
  [DURATION, ["request_time"]],
  [TOR_ROLE, ["is_tor", "tor"]],
  [ASN_ROLE, ["asn", "geoip2_asn", "geoip_asn"]],
  [TAG_ROLE, ["source_tag", "ipng_source_tag"]],
];

/** Roles of which a line needs none, but a format one: without any there is nothing to count by. */
const SUBJECTS = [HOST, HOST_PORT, CLIENT, PATH, REQUEST, STATUS_ROLE];

/** What `rolesOf` needs. */
export interface Casting {
  /** The variables of a format, in its order. */
  readonly names: readonly string[];
  /** The variable that holds the client's address; undefined for the best there is. */
  readonly client?: string;
}

/**
 * The role of each variable; why there is none to count by. Each role is played once, and a request line only when method
 * or path have no variable of their own.
 */
export function rolesOf({ names, client }: Casting): readonly number[] | string {
  if (client !== undefined && !names.includes(client)) {
    return `the format does not have $${client}, which is to tell the client; it has ${known(names)}`;
  }
  const roles: number[] = names.map(() => NONE);
  const played = new Set<number>();
  for (const [role, players] of PLAYERS) {
    const candidates = role === CLIENT && client !== undefined ? [client] : players;
    const best = candidates.find((name) => names.includes(name));
    if (best === undefined) continue;
    if (role === HOST_PORT && played.has(HOST)) continue;
    if (role === REQUEST && played.has(METHOD_ROLE) && played.has(PATH)) continue;
    roles[names.indexOf(best)] = role;
    played.add(role);
  }
  if (!SUBJECTS.some((role) => played.has(role))) {
    return "there is nothing to count by in it; it needs one at least of $host, $remote_addr, $request_uri, $request, " +
      "$status";
  }
  return roles;
}

function known(names: readonly string[]): string {
  return names.length === 0 ? "no variable" : names.map((name) => `$${name}`).join(" ");
}

function shapes(shape: Shape, names: string): Record<string, Shape> {
  return Object.fromEntries(names.split(" ").map((name) => [name, shape]));
}
