/**
 * Traffic for measuring memory, written as lines of the `logtail` format straight into a buffer, quickly: few values are
 * frequent and many are rare, every path but a few belongs to one site, a network has one AS number.
 *
 * Addresses, names and AS numbers are those reserved for examples and private use (RFC 1918, 3849, 6996, 2606).
 */
import { free } from "@/core/free.ts";
import { CHUNK_PADDING } from "@/core/line_batch.ts";

/** A random number in [0, 1). */
export type Random = () => number;

export interface TrafficShape {
  readonly sites: number;
  /** Client networks: /24 and /48, one in eight of the latter. */
  readonly networks: number;
  /** Paths of all sites together. */
  readonly paths: number;
}

/** A busy host: what a minute's 50 000 rows are made of. */
export const ORDINARY: TrafficShape = { sites: 200, networks: 40_000, paths: 50_000 };

/** Complete lines: `bytes[0 … end)`, with the room behind them that parsers look into. */
export interface Lines {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** Bytes that one line has at most. */
const LINE_BYTES_MAX = 200;

const ENCODER = new TextEncoder();
const TAB = 9, NEWLINE = 10;

export class Traffic {
  readonly #sites: Pieces;
  readonly #networks: Pieces;
  readonly #numbers: Pieces;
  readonly #paths: Pieces;
  #bytes = new Uint8Array(0);
  #at = 0;

  constructor(readonly shape: TrafficShape, readonly random: Random) {
    const { sites, networks, paths } = shape;
    this.#sites = new Pieces(sites, (i) => `www.site-${i}.example`);
    this.#networks = new Pieces(
      networks,
      (i) => i % 8 === 0 ? `2001:db8:${i.toString(16)}::` : `10.${i >> 8}.${i & 255}.`,
    );
    this.#numbers = new Pieces(networks, (i) => String(4_200_000_000 + (i * 7919) % 3000));
    this.#paths = new Pieces(
      paths,
      (i) => `/catalogue/section-${i % 97}/item-${i}${i % 3 === 0 ? ".html" : "/details"}`,
    );
  }

  /** `lines` lines whose times lie evenly in [fromS, toS). They are valid until the next call. */
  lines(lines: number, fromS: number, toS: number): Lines {
    this.#begin(lines);
    for (let i = 0; i < lines; i++) {
      const network = this.#skewed(this.shape.networks), path = this.#skewed(this.shape.paths);
      const site = this.random() < 0.9 ? path % this.shape.sites : this.#skewed(this.shape.sites);
      this.#head(site, network, fromS + (toS - fromS) * i / lines);
      this.#piece(this.#paths, path);
      this.#tail(network);
    }
    return { bytes: this.#bytes, end: this.#at };
  }

  /** The same number of lines, each of them for a path that nobody has asked for before. */
  flood(lines: number, fromS: number, toS: number, firstPath: number): Lines {
    this.#begin(lines);
    for (let i = 0; i < lines; i++) {
      const network = this.#skewed(this.shape.networks);
      this.#head(0, network, fromS + (toS - fromS) * i / lines);
      this.#put(SEARCH);
      this.#number(firstPath + i);
      this.#tail(network);
    }
    return { bytes: this.#bytes, end: this.#at };
  }

  #begin(lines: number): void {
    const bytes = lines * LINE_BYTES_MAX + CHUNK_PADDING;
    if (this.#bytes.length < bytes) this.#bytes = new Uint8Array(bytes);
    this.#at = 0;
  }

  /** Site, client, time and method. */
  #head(site: number, network: number, timeS: number): void {
    this.#piece(this.#sites, site);
    this.#tab();
    this.#piece(this.#networks, network);
    this.#number(1 + Math.floor(250 * this.random()));
    this.#tab();
    this.#number(Math.floor(timeS));
    this.#put(MILLISECONDS);
    this.#tab();
    this.#put(this.random() < 0.9 ? GET : POST);
    this.#tab();
  }

  /** Everything behind the path. */
  #tail(network: number): void {
    const { random } = this, luck = random();
    this.#tab();
    this.#put(luck < 0.9 ? OK : luck < 0.95 ? NOT_MODIFIED : luck < 0.99 ? NOT_FOUND : UNAVAILABLE);
    this.#tab();
    this.#number(300 + Math.floor(60_000 * random() ** 4));
    this.#tab();
    this.#put(ZERO_POINT);
    this.#number(100 + Math.floor(900 * random() ** 3));
    this.#tab();
    this.#put(network % 97 === 0 ? ONE : ZERO);
    this.#tab();
    this.#piece(this.#numbers, network);
    this.#bytes[this.#at++] = NEWLINE;
  }

  #piece({ bytes, offsets }: Pieces, i: number): void {
    for (let at = offsets[i]; at < offsets[i + 1]; at++) this.#bytes[this.#at++] = bytes[at];
  }

  #put(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.#bytes[this.#at++] = bytes[i];
  }

  #tab(): void {
    this.#bytes[this.#at++] = TAB;
  }

  #number(value: number): void {
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    for (let at = this.#at + digits - 1, rest = value; at >= this.#at; at--, rest = Math.floor(rest / 10)) {
      this.#bytes[at] = 48 + rest % 10;
    }
    this.#at += digits;
  }

  /** Below `values`; small numbers are frequent. */
  #skewed(values: number): number {
    return Math.floor(values * this.random() ** 3);
  }
}

/** Texts one behind the other: a hundred thousand arrays, or one long text, would be a good part of the memory measured. */
class Pieces {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;

  constructor(count: number, text: (i: number) => string) {
    this.offsets = new Uint32Array(count + 1);
    const bytes = new Uint8Array(count * PIECE_BYTES_MAX);
    for (let i = 0, end = 0; i < count; i++) {
      const piece = text(i); // ASCII
      for (let c = 0; c < piece.length; c++) bytes[end++] = piece.charCodeAt(c);
      this.offsets[i + 1] = end;
    }
    this.bytes = bytes.slice(0, this.offsets[count]);
    free(bytes);
  }
}

/** Bytes of the longest text. */
const PIECE_BYTES_MAX = 64;

const GET = ENCODER.encode("GET"), POST = ENCODER.encode("POST");
const OK = ENCODER.encode("200"), NOT_MODIFIED = ENCODER.encode("304"), NOT_FOUND = ENCODER.encode("404");
const UNAVAILABLE = ENCODER.encode("503");
const MILLISECONDS = ENCODER.encode(".000"), SEARCH = ENCODER.encode("/search/");
const ZERO = ENCODER.encode("0"), ONE = ENCODER.encode("1"), ZERO_POINT = ENCODER.encode("0.");
