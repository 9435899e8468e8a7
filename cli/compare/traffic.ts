/**
 * Two kinds of made-up traffic as lines of the `logtail` format, the same for the same seed, and what is true of them.
 *
 *   ordinary   34 minutes of visits to 400 sites by Zipf's law; up to about 89 000 distinct (website, prefix, URI, status) a minute
 *   attack     one minute in which nine lines of ten are the only ones with their (website, prefix, URI, status):
 *                52 %  a new prefix each, on a new URI (three of four) or a known one
 *                20 %  known prefixes, on a new URI each
 *                 2 %  a new Host header each
 *                 4 %  from the middle on: one /24, on a new URI each     (2 % of all lines; noise before the middle)
 *                 4 %  from the middle on: one URI, from a new prefix each
 *                18 %  ordinary visits
 *
 * No field holds a backslash, and nothing but `-` could be absent, so that programs that know nothing of escapes count the
 * same.
 */
import { LineWriter } from "./line_writer.ts";
import {
  anyNetwork,
  anyPage,
  type MadeUpWeb,
  makeWeb,
  networkLabel,
  ORDINARY_WEB,
  pageFor,
  type WebSize,
  writeAddress,
  writeLoneAddress,
} from "./made_up_web.ts";
import { Random } from "./random.ts";

export type TrafficKind = "ordinary" | "attack";
export const TRAFFIC_KINDS: readonly TrafficKind[] = ["ordinary", "attack"];

export interface TrafficPlan {
  readonly kind: TrafficKind;
  readonly lines: number;
  readonly seed: number;
  /** Ends each line with the Tor flag and the AS number. */
  readonly tenFields?: boolean;
  /** ORDINARY_WEB by default. */
  readonly web?: WebSize;
}

export interface Share {
  readonly label: string;
  readonly count: number;
}

/** Dimensions of which the truth is kept. */
export const TRUE_DIMENSIONS = ["website", "prefix", "uri", "status", "method"] as const;
export type TrueDimension = typeof TRUE_DIMENSIONS[number];

/** What is true of the lines that were made. */
export interface Truth {
  readonly kind: TrafficKind;
  readonly seed: number;
  readonly lines: number;
  /** Sums of body_bytes_sent and of request_time. */
  readonly sentBytes: number;
  readonly requestMs: number;
  /** Times of the first and the last line, seconds since 1970. */
  readonly fromS: number;
  readonly toS: number;
  /** In an attack: the network and the URI from which and on which it comes, and the lines with a Host of their own. */
  readonly attackers?: { readonly prefix: Share; readonly uri: Share };
  readonly loneHosts: number;
  /** The largest TRUTH_ENTRIES of each dimension. */
  readonly top: Readonly<Record<TrueDimension, readonly Share[]>>;
}

/** Entries of each dimension in a Truth. */
export const TRUTH_ENTRIES = 200;

/** Bytes of one piece. */
const CHUNK_BYTES = 1024 * 1024;
/** A whole number of five minutes since 1970: every kind of slice begins here. */
const START_MS = 1_700_000_100_000;
const SPAN_MS: Readonly<Record<TrafficKind, number>> = { ordinary: 34 * 60_000, attack: 60_000 };

const METHODS = ["GET", "POST", "HEAD"], GET = 0, POST = 1, HEAD = 2;
const METHOD_BYTES = METHODS.map(bytesOf);
const QUERIES = [
  "?sort=price&page=",
  "?q=winter+coat+green&start=",
  "?utm_source=newsletter&utm_medium=email&utm_campaign=",
  "?session=5f2b9c0e8d7a4b11&item=",
].map(bytesOf);
const ATTACKING_NETWORK = bytesOf("203.0.113."), ATTACKED_URI = bytesOf("/account/login/submit.php");
const LONE_FOLDERS = [
  "/search/results/winter/",
  "/category/list/articles/",
  "/api/v1/items/by-session/",
  "/shop/season/item/",
].map(bytesOf);
const LONE_HOST_END = bytesOf(".cdn.invalid");

/** Makes the lines, a piece at a time. `truth()` is complete when `pieces()` has ended. */
export class Traffic {
  readonly #web: MadeUpWeb;
  readonly #random: Random;
  readonly #out = new LineWriter(CHUNK_BYTES);
  readonly #tally: Tally;
  #timeMs = START_MS;
  /** Grow with what has to be the only one of its kind. Prefixes come again after four million. */
  #texts = 0;
  #prefixes = 0;

  constructor(readonly plan: TrafficPlan) {
    this.#random = new Random(plan.seed);
    this.#web = makeWeb(plan.web ?? ORDINARY_WEB, this.#random);
    this.#tally = new Tally(this.#web);
  }

  /** Whole lines; each piece is valid until the next is asked for. */
  *pieces(): Generator<Uint8Array> {
    const { kind, lines } = this.plan, out = this.#out;
    for (let line = 0; line < lines; line++) {
      this.#timeMs = START_MS + timeWithin(line / lines, SPAN_MS[kind]);
      if (kind === "ordinary") this.#visit();
      else this.#attack(line >= lines / 2);
      if (out.full) yield out.take();
    }
    yield out.take();
  }

  truth(): Truth {
    const { kind, lines, seed } = this.plan, tally = this.#tally;
    const attackers = {
      prefix: { label: "203.0.113.0/24", count: tally.attackingNetwork },
      uri: { label: new TextDecoder().decode(ATTACKED_URI), count: tally.attackedUri },
    };
    const { sentBytes, requestMs, loneHosts } = tally, fromS = START_MS / 1000, toS = Math.floor(this.#timeMs / 1000);
    const sums = { kind, seed, lines, sentBytes, requestMs, fromS, toS, loneHosts };
    const top = tally.top(kind === "attack" ? attackers : undefined);
    return kind === "attack" ? { ...sums, attackers, top } : { ...sums, top };
  }

  #visit(): void {
    const web = this.#web, random = this.#random;
    const network = anyNetwork(web, random), page = pageFor(web, network, random);
    const status = visitStatus(web.pageStatus[page], random), method = visitMethod(random);
    this.#knownHost(web.pageSite[page]);
    this.#knownAddress(network);
    this.#moment(method);
    this.#knownPath(page);
    if (random.unit() < 0.3) {
      this.#out.whole(QUERIES[random.below(QUERIES.length)]);
      this.#out.decimal(1 + random.zipf(5000));
    }
    const size = web.pageBytes[page];
    const sent = status !== 200
      ? (status === 304 ? 0 : 150 + (page & 255))
      : page % 3 === 0
      ? size
      : size + random.below(1 + (size >> 3));
    this.#rest(status, method === HEAD ? 0 : sent, Math.floor(random.exponential(web.pageMs[page])), network);
  }

  #attack(begun: boolean): void {
    const fate = this.#random.unit(), random = this.#random, web = this.#web;
    if (fate < 0.18) return this.#visit();
    const network = anyNetwork(web, random), site = random.zipf(web.size.sites);
    const loneHost = fate < 0.2;
    if (loneHost) this.#loneHost();
    else this.#knownHost(site);
    const byNetwork = begun && fate >= 0.92 && fate < 0.96, onUri = begun && fate >= 0.96;
    const lonePrefix = fate >= 0.4 && !byNetwork;
    if (byNetwork) this.#attackingAddress();
    else if (lonePrefix) this.#loneAddress();
    else this.#knownAddress(network);
    this.#moment(onUri ? POST : GET);
    if (onUri) this.#attackedPath();
    else if (loneHost || (lonePrefix && fate < 0.53)) this.#knownPath(anyPage(web, site, random));
    else this.#lonePath();
    const refused = random.unit() < 0.8;
    this.#rest(
      refused ? 429 : 200,
      refused ? 178 : 500 + random.below(20_000),
      random.below(refused ? 5 : 80),
      network,
    );
  }

  #knownHost(site: number): void {
    this.#out.whole(this.#web.hosts[site]);
    this.#out.byte(TAB);
    this.#tally.sites[site]++;
  }

  #loneHost(): void {
    this.#serialText();
    this.#out.whole(LONE_HOST_END);
    this.#out.byte(TAB);
    this.#tally.loneHosts++;
  }

  #knownAddress(network: number): void {
    writeAddress(this.#out, network, this.#random);
    this.#tally.networks[network]++;
  }

  #loneAddress(): void {
    writeLoneAddress(this.#out, this.#prefixes++ & 0x3fffff, this.#random);
  }

  #attackingAddress(): void {
    this.#out.whole(ATTACKING_NETWORK);
    this.#out.decimal(1 + this.#random.below(254));
    this.#tally.attackingNetwork++;
  }

  /** $msec and $request_method, with the tabs around them. */
  #moment(method: number): void {
    this.#out.byte(TAB);
    this.#out.seconds(this.#timeMs);
    this.#out.byte(TAB);
    this.#out.whole(METHOD_BYTES[method]);
    this.#out.byte(TAB);
    this.#tally.methods[method]++;
  }

  #knownPath(page: number): void {
    const { paths, pathAt } = this.#web;
    this.#out.copy(paths, pathAt[page], pathAt[page + 1]);
    this.#tally.pages[page]++;
  }

  #attackedPath(): void {
    this.#out.whole(ATTACKED_URI);
    this.#tally.attackedUri++;
  }

  #lonePath(): void {
    this.#out.whole(LONE_FOLDERS[this.#texts & 3]);
    this.#serialText();
  }

  /** What nobody has written before, in an order that looks like none. */
  #serialText(): void {
    const spread = Math.imul(this.#texts++, 0x9e3779b1);
    this.#out.hex(spread & 0xffff);
    this.#out.byte(DASH);
    this.#out.hex(spread >>> 16);
    this.#out.byte(DASH);
    this.#out.hex(1 + this.#random.below(65_535));
  }

  /** From $status to the end of the line. */
  #rest(status: number, sentBytes: number, requestMs: number, network: number): void {
    const out = this.#out, tally = this.#tally;
    out.byte(TAB);
    out.decimal(status);
    out.byte(TAB);
    out.decimal(sentBytes);
    out.byte(TAB);
    out.seconds(requestMs);
    if (this.plan.tenFields === true) {
      out.byte(TAB);
      out.decimal(network % 97 === 0 ? 1 : 0);
      out.byte(TAB);
      out.decimal(64_496 + network % 1500);
    }
    out.byte(NEWLINE);
    tally.statuses[status]++;
    tally.sentBytes += sentBytes;
    tally.requestMs += requestMs;
  }
}

const TAB = 9, NEWLINE = 10, DASH = 45;

/** What has been written, counted while writing. */
class Tally {
  readonly sites: Uint32Array;
  readonly networks: Uint32Array;
  readonly pages: Uint32Array;
  readonly statuses = new Uint32Array(1000);
  readonly methods = new Uint32Array(METHODS.length);
  attackingNetwork = 0;
  attackedUri = 0;
  loneHosts = 0;
  sentBytes = 0;
  requestMs = 0;

  constructor(readonly web: MadeUpWeb) {
    this.sites = new Uint32Array(web.hosts.length);
    this.networks = new Uint32Array(web.size.networks);
    this.pages = new Uint32Array(web.pageSite.length);
  }

  top(attackers: Truth["attackers"]): Truth["top"] {
    const decoder = new TextDecoder(), { hosts, paths, pathAt } = this.web;
    return {
      website: largest(this.sites, (site) => decoder.decode(hosts[site])),
      prefix: largest(this.networks, networkLabel, attackers?.prefix),
      uri: largest(
        this.pages,
        (page) => decoder.decode(paths.subarray(pathAt[page], pathAt[page + 1])),
        attackers?.uri,
      ),
      status: largest(this.statuses, String),
      method: largest(this.methods, (method) => METHODS[method]),
    };
  }
}

/** The largest counts; those of the same label (sites share paths) add up. */
function largest(counts: Uint32Array, label: (index: number) => string, extra?: Share): readonly Share[] {
  const sums = new Map<string, number>(extra === undefined ? [] : [[extra.label, extra.count]]);
  for (let index = 0; index < counts.length; index++) {
    if (counts[index] > 0) sums.set(label(index), (sums.get(label(index)) ?? 0) + counts[index]);
  }
  const shares = [...sums].map(([label, count]) => ({ label, count }));
  return shares.sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1)).slice(0, TRUTH_ENTRIES);
}

/** Milliseconds from the start after a part of the lines: steady, with a slow wave of some 11 %. */
function timeWithin(part: number, spanMs: number): number {
  return Math.floor(spanMs * (part + 0.009 * Math.sin(12 * part)));
}

function visitStatus(usual: number, random: Random): number {
  const fate = random.unit();
  if (fate < 0.005) return 429;
  if (fate < 0.007) return 500;
  if (fate < 0.009) return 502;
  if (fate < 0.01) return 503;
  return usual === 200 && fate < 0.07 ? 304 : usual;
}

function visitMethod(random: Random): number {
  const fate = random.unit();
  return fate < 0.93 ? GET : fate < 0.98 ? POST : HEAD;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
