/**
 * The sites, pages and networks that made-up traffic is about. They belong together as in life: a page is of one site,
 * has its own size, speed and usual status, and a network mostly visits one site.
 */
import type { LineWriter } from "./line_writer.ts";
import { Random } from "./random.ts";

export interface WebSize {
  /** At most 65 536. */
  readonly sites: number;
  /** At most 60 000. */
  readonly networks: number;
  /** Of the largest site. The k-th has as many divided by the PAGES_FALL-th power of k, and at least PAGES_MIN. */
  readonly pages: number;
}

/** Some 190 000 pages. */
export const ORDINARY_WEB: WebSize = { sites: 400, networks: 60_000, pages: 12_000 };

const PAGES_FALL = 0.7, PAGES_MIN = 20;
/** Addresses that are seen from one network, by Zipf's law. */
const CLIENTS = 24;
/** Of this many networks one is IPv6. */
const IPV6_EVERY = 8;
/** Part of a network's requests that go to its own site. */
const HOME_SHARE = 0.85;
/** Part of a network's requests that go to the few pages it always asks for: feeds, pollers, one's own account. */
const HABIT_SHARE = 0.7, HABITS = 4;

/** Paths that every site has; the busiest first. */
const EVERYWHERE = ["/", "/favicon.ico", "/index.html", "/robots.txt", "/login", "/search", "/api/v1/session"];
const WORDS = ["account", "archive", "article", "assets", "blog", "category", "checkout", "download", "events"]
  .concat(["gallery", "help", "images", "item", "library", "media", "news", "offers", "product", "profile", "review"])
  .concat(["season", "shop", "special", "static", "support", "theme", "topic", "travel", "video", "winter"]);
const ENDINGS = ["", "", "", ".html", ".html", ".js", ".css", ".jpg", ".webp", ".json"];

export interface MadeUpWeb {
  readonly size: WebSize;
  /** Names of the sites, busiest first. */
  readonly hosts: readonly Uint8Array[];
  /** Pages of site s: [firstPage[s], firstPage[s + 1]), busiest first. */
  readonly firstPage: Uint32Array;
  /** Path of page p: paths[pathAt[p] … pathAt[p + 1]). */
  readonly paths: Uint8Array;
  readonly pathAt: Uint32Array;
  /** Site of each page. */
  readonly pageSite: Uint16Array;
  /** Of each page: bytes of an answer, mean milliseconds, and the status it has when nothing is special. */
  readonly pageBytes: Uint32Array;
  readonly pageMs: Uint16Array;
  readonly pageStatus: Uint16Array;
  /** Site that a network mostly visits. */
  readonly homeSite: Uint16Array;
}

export function makeWeb(size: WebSize, random: Random): MadeUpWeb {
  const encoder = new TextEncoder(), { sites } = size;
  const hosts: Uint8Array[] = [], paths: Uint8Array[] = [];
  const firstPage = new Uint32Array(sites + 1);
  for (let site = 0; site < sites; site++) {
    hosts.push(encoder.encode(hostName(site, random)));
    const pages = Math.max(PAGES_MIN, Math.floor(size.pages / (site + 1) ** PAGES_FALL));
    for (let page = 0; page < pages; page++) {
      paths.push(encoder.encode(page < EVERYWHERE.length ? EVERYWHERE[page] : pathName(page, random)));
    }
    firstPage[site + 1] = paths.length;
  }
  const pageSite = new Uint16Array(paths.length);
  for (let site = 0; site < sites; site++) pageSite.fill(site, firstPage[site], firstPage[site + 1]);
  const homeSite = Uint16Array.from({ length: size.networks }, () => random.zipf(sites));
  return { size, hosts, firstPage, pageSite, ...laidOut(paths), ...habits(paths.length, random), homeSite };
}

/** A network, by Zipf's law. */
export function anyNetwork(web: MadeUpWeb, random: Random): number {
  return random.zipf(web.size.networks);
}

/** A page that a network asks for; often one of its few habits. */
export function pageFor(web: MadeUpWeb, network: number, random: Random): number {
  if (random.unit() >= HOME_SHARE) return anyPage(web, random.zipf(web.size.sites), random);
  const site = web.homeSite[network];
  if (random.unit() >= HABIT_SHARE) return anyPage(web, site, random);
  const first = web.firstPage[site], habit = Math.imul(network * HABITS + random.zipf(HABITS), 0x85ebca6b) >>> 8;
  return first + habit % (web.firstPage[site + 1] - first);
}

/** A page of a site, as anybody asks for it. */
export function anyPage(web: MadeUpWeb, site: number, random: Random): number {
  const first = web.firstPage[site];
  return first + random.zipf(web.firstPage[site + 1] - first);
}

/** `198.51.100.0/24`-like label of a network, as answers show it. */
export function networkLabel(network: number): string {
  if (isIpv6(network)) return `2001:db8:${ipv6Group(network).toString(16)}::/48`;
  const address = ipv4Network(network);
  return `${address >>> 16}.${address >>> 8 & 255}.${address & 255}.0/24`;
}

/** Some address in a network. In IPv6, the third group is never zero, so that `::` stands only behind the /48. */
export function writeAddress(out: LineWriter, network: number, random: Random): void {
  const client = Math.imul(network * CLIENTS + random.zipf(CLIENTS), 0x9e3779b1);
  if (isIpv6(network)) writeIpv6(out, 0x2001, 0x0db8, ipv6Group(network), client);
  else writeIpv4(out, ipv4Network(network), client);
}

/**
 * Some address in a network that no other call names, as long as `serial` differs and is below 2^22.
 * Those of IPv6 are in the block 3fff::/20, which like 2001:db8::/32 is for documentation.
 */
export function writeLoneAddress(out: LineWriter, serial: number, random: Random): void {
  const client = random.bits();
  if (serial % IPV6_EVERY === 0) writeIpv6(out, 0x3fff, 1 + (serial >>> 15) % 4095, 1 + (serial & 0x7fff), client);
  else writeIpv4(out, ipv4Network(serial + 0x100000), client);
}

function isIpv6(network: number): boolean {
  return network % IPV6_EVERY === 5;
}

function ipv6Group(network: number): number {
  return 1 + network;
}

/** The three octets of a /24, spread over 2^23 of them; 127.0.0.0/8 is left out. Different networks below 2^23, different result. */
function ipv4Network(network: number): number {
  const spread = Math.imul(network, 0x9e3779b1) & 0x7fffff;
  const first = 11 + (spread >>> 16);
  return (first < 127 ? first : first + 1) << 16 | spread & 0xffff;
}

/** @param client 32 bits from which the rest of the address follows */
function writeIpv4(out: LineWriter, network: number, client: number): void {
  out.decimal(network >>> 16);
  out.byte(46);
  out.decimal(network >>> 8 & 255);
  out.byte(46);
  out.decimal(network & 255);
  out.byte(46);
  out.decimal(1 + (client >>> 8) % 254);
}

/** As nginx prints it (RFC 5952): half with all eight groups, half short. */
function writeIpv6(out: LineWriter, first: number, second: number, third: number, client: number): void {
  out.hex(first);
  out.byte(58);
  out.hex(second);
  out.byte(58);
  out.hex(third);
  out.byte(58);
  if (client < 0) {
    out.byte(58);
    out.hex(1 + (client >>> 8 & 0xfff));
    return;
  }
  let bits = client;
  for (let group = 0; group < 5; group++) {
    bits = Math.imul(bits, 0x85ebca6b) + 1 | 0;
    out.hex(1 + (bits >>> 16) % 65_535);
    if (group < 4) out.byte(58);
  }
}

function hostName(site: number, random: Random): string {
  const name = `${anyWord(random)}${site}.${random.unit() < 0.5 ? "example.com" : "example.net"}`;
  return random.unit() < 0.4 ? `www.${name}` : name;
}

function pathName(page: number, random: Random): string {
  const folders = Array.from({ length: 1 + random.below(4) }, () => anyWord(random));
  return `/${folders.join("/")}/${anyWord(random)}-${anyWord(random)}-${anyWord(random)}-${page}${
    ENDINGS[random.below(ENDINGS.length)]
  }`;
}

function anyWord(random: Random): string {
  return WORDS[random.below(WORDS.length)];
}

function laidOut(paths: readonly Uint8Array[]): Pick<MadeUpWeb, "paths" | "pathAt"> {
  const pathAt = new Uint32Array(paths.length + 1);
  for (let page = 0; page < paths.length; page++) pathAt[page + 1] = pathAt[page] + paths[page].length;
  const all = new Uint8Array(pathAt[paths.length]);
  for (let page = 0; page < paths.length; page++) all.set(paths[page], pathAt[page]);
  return { paths: all, pathAt };
}

function habits(pages: number, random: Random): Pick<MadeUpWeb, "pageBytes" | "pageMs" | "pageStatus"> {
  const pageBytes = new Uint32Array(pages), pageMs = new Uint16Array(pages), pageStatus = new Uint16Array(pages);
  for (let page = 0; page < pages; page++) {
    pageBytes[page] = Math.floor(Math.exp(5 + 7 * random.unit()));
    pageMs[page] = Math.floor(Math.exp(6 * random.unit() ** 2));
    const fate = random.unit();
    pageStatus[page] = fate < 0.93 ? 200 : fate < 0.96 ? 404 : fate < 0.98 ? 301 : fate < 0.99 ? 302 : 403;
  }
  return { pageBytes, pageMs, pageStatus };
}
