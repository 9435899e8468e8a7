/**
 * Ordinary traffic with the correlations that real traffic has, as numbers: the fixture on which the accuracy of answers
 * is measured (`accuracy_bench.ts`).
 *
 * Every line is a client prefix (Zipf 1 over 50 000) on one of its few home websites (of 300), and there a URI of that
 * website (Zipf 1.3, with one line in twenty on a URI of its own, as order numbers and search pages are). The status depends
 * on the URI, the website (some are broken: 503) and the prefix (some are limited: 429); scanners ask every website for the
 * same long list of URIs that are not there. 147 000 lines a minute have about 98 000 distinct (website, prefix, URI, status).
 */
import { ASN, DIMENSION_COUNT, METHOD, PREFIX, SOURCE, STATUS, TAG, TOR, URI, WEBSITE } from "./dimensions.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { randomFrom } from "./test_lines.ts";

/** Lines a minute at which a minute has about 98 000 distinct (website, prefix, URI, status). */
export const ORDINARY_LINES_MINUTE = 147_000;

const WEBSITES = 300, PREFIXES = 50_000, URIS_MAX = 20_000, ASNS = 3000, SOURCES_MAX = 100;
const SCANNERS = 60, SCANNER_URIS = 3000;
/** URI values: 2^16 for each website, then those of scanners, then those asked for once. */
const SCANNER_URI = WEBSITES << 16, UNIQUE_URI = SCANNER_URI + (1 << 16);

/** A source of lines. `next` writes one: the value of each dimension as a number, and its measures. */
export class Traffic {
  readonly values = new Int32Array(DIMENSION_COUNT);
  readonly measures = new Float64Array(MEASURE_COUNT);
  readonly #random: () => number;
  readonly #website = zipf(WEBSITES, 1);
  readonly #prefix = zipf(PREFIXES, 1);
  readonly #uri = zipf(URIS_MAX, 1.3);
  readonly #scannerUri = zipf(SCANNER_URIS, 0.7);
  readonly #asn = zipf(ASNS, 1.1);
  #unique = UNIQUE_URI;

  /** @param sources collectors that the lines come from, 1 to 100. */
  constructor(seed: number, readonly sources = 1) {
    this.#random = randomFrom(seed);
    if (sources > SOURCES_MAX) throw new Error(`Cannot make traffic of ${sources} sources: at most ${SOURCES_MAX}`);
  }

  next(): void {
    const random = this.#random, v = this.values;
    if (random() < 0.015) this.#scan();
    else this.#visit();
    const u = v[URI];
    v[METHOD] = chance(u, 11) < 0.05 && random() < 0.9 ? 1 : random() < 0.02 ? 2 : 0;
    v[ASN] = pick(this.#asn, ASNS, chance(v[PREFIX], 12));
    v[TAG] = 0;
    v[TOR] = chance(v[PREFIX], 13) < 0.01 ? 1 : 0;
    v[SOURCE] = Math.floor(random() * this.sources);
    const m = this.measures, tookMs = Math.floor(5 + 400 * chance(u, 14) ** 6 + 50 * random() ** 8);
    m[0] = 1;
    m[1] = Math.floor(300 + 2_000_000 * chance(u, 15) ** 12 * (0.5 + random()));
    m[2] = m[3] = tookMs;
  }

  #visit(): void {
    const random = this.#random, v = this.values;
    const prefix = pick(this.#prefix, PREFIXES, random());
    const u = random(), home = u < 0.5 ? 1 : u < 0.75 ? 2 : u < 0.85 ? 3 : 0;
    const website = pick(this.#website, WEBSITES, home === 0 ? random() : chance(prefix, home));
    v[PREFIX] = prefix;
    v[WEBSITE] = website;
    if (random() < 0.05) {
      v[URI] = this.#unique++;
      v[STATUS] = random() < 0.1 ? 404 : 200;
    } else {
      const uris = Math.ceil(URIS_MAX / Math.sqrt(website + 1) * (0.1 + chance(website, 4)) / 1.1);
      v[URI] = website << 16 | pick(this.#uri, uris, random());
      const s = chance(v[URI], 5);
      v[STATUS] = s < 0.02 ? 404 : s < 0.06 ? 301 : s < 0.07 ? 403 : s < 0.073 ? 500 : random() < 0.08 ? 304 : 200;
    }
    const trouble = random();
    if (trouble < (chance(website, 6) < 0.05 ? 0.04 : 0.0005)) v[STATUS] = 503;
    else if (chance(prefix, 7) < 0.03 && trouble > 0.75) v[STATUS] = 429;
    else if (trouble > 0.997) v[STATUS] = 499;
  }

  #scan(): void {
    const random = this.#random, v = this.values;
    v[PREFIX] = PREFIXES + Math.floor(SCANNERS * random() ** 2);
    v[WEBSITE] = Math.floor(WEBSITES * random());
    v[URI] = SCANNER_URI + pick(this.#scannerUri, SCANNER_URIS, random());
    v[STATUS] = random() < 0.9 ? 404 : 403;
  }
}

/** A flood: what most lines are. */
export interface Flood {
  readonly name: string;
  /** Makes line `i` of the noise from an ordinary one. */
  readonly noise: (values: Int32Array, measures: Float64Array, i: number, random: () => number) => void;
}

/** The prefix that attacks with unique URIs, and the URI that is attacked from unique prefixes; each 2 % of the lines. */
export const ATTACKER_PREFIX = 60_000, ATTACKED_URI = SCANNER_URI + SCANNER_URIS;

/** Values from here on are not those of ordinary traffic. */
export const FRESH: readonly number[] = [WEBSITES, 100_000, UNIQUE_URI, 1000, 3, 100_000, 1, 2, SOURCES_MAX];

/** Floods shaped against the rule of roll-up. */
export const FLOODS: readonly Flood[] = [
  {
    name: "unique prefix and URI",
    noise: (v, _, i) => {
      v[PREFIX] = FRESH[PREFIX] + i;
      v[URI] = FRESH[URI] + 10_000_000 + i;
    },
  },
  {
    name: "unique in every dimension",
    noise: (v, _, i) => {
      for (const d of [WEBSITE, PREFIX, URI, METHOD, ASN, TAG]) v[d] = FRESH[d] + i;
      v[URI] += 10_000_000;
      v[STATUS] = FRESH[STATUS] + i;
    },
  },
  {
    name: "30 000 prefixes on 30 000 URIs, evenly",
    noise: (v, _, _i, random) => {
      v[PREFIX] = FRESH[PREFIX] + Math.floor(30_000 * random());
      v[URI] = FRESH[URI] + 10_000_000 + Math.floor(30_000 * random());
    },
  },
  {
    name: "values that rotate after eight lines each",
    noise: (v, _, i) => {
      v[WEBSITE] = FRESH[WEBSITE] + (i >> 3);
      v[PREFIX] = FRESH[PREFIX] + (i >> 3);
      v[URI] = FRESH[URI] + 10_000_000 + (i >> 3);
    },
  },
  {
    name: "unique URIs of huge size and time",
    noise: (v, m, i) => {
      v[URI] = FRESH[URI] + 10_000_000 + i;
      m[1] = 1e9;
      m[2] = m[3] = 60_000;
    },
  },
  {
    name: "unique methods, ASNs and tags on real websites",
    noise: (v, _, i) => {
      for (const d of [METHOD, ASN, TAG]) v[d] = FRESH[d] + i;
    },
  },
  {
    name: "unique Host headers",
    noise: (v, _, i) => {
      v[WEBSITE] = FRESH[WEBSITE] + i;
    },
  },
];

/**
 * Nine lines of ten are a flood, the others ordinary, and from the middle of `lines` on 2 % are an attacking prefix and 2 %
 * an attacked URI.
 */
export class FloodTraffic {
  readonly #ordinary: Traffic;
  readonly #random: () => number;
  #line = 0;

  constructor(readonly flood: Flood, seed: number, readonly lines: number) {
    this.#ordinary = new Traffic(seed);
    this.#random = randomFrom(seed + 1);
  }

  get values(): Int32Array {
    return this.#ordinary.values;
  }

  get measures(): Float64Array {
    return this.#ordinary.measures;
  }

  next(): void {
    this.#ordinary.next();
    const i = this.#line++, { values } = this, u = this.#random();
    if (i > this.lines / 2 && u < 0.02) {
      values[WEBSITE] = 3;
      values[PREFIX] = ATTACKER_PREFIX;
      values[URI] = FRESH[URI] + 20_000_000 + i;
      values[STATUS] = 429;
    } else if (i > this.lines / 2 && u < 0.04) {
      values[WEBSITE] = 5;
      values[PREFIX] = FRESH[PREFIX] + 8_000_000 + i;
      values[URI] = ATTACKED_URI;
    } else if (u < 0.9) this.flood.noise(values, this.measures, i, this.#random);
  }
}

/** The entry that stands for a value of dimension `d`: its bytes are written to `into`, its length is returned. */
export function writeEntry(d: number, value: number, into: Uint8Array): number {
  if (d === PREFIX) {
    into.set([4, 24, value >>> 16, value >>> 8, value]);
    return 5;
  }
  if (d === TAG && value === 0) return 0;
  if (d === METHOD && value < METHODS.length) return copy(METHODS[value], into, 0);
  const at = copy(HEADS[d], into, 0);
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  for (let i = digits - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 10)) into[at + i] = 0x30 + rest % 10;
  return at + digits;
}

const encoder = new TextEncoder();
const HEADS: readonly Uint8Array[] = ["site-", "", "/catalogue/item-", "", "X-", "", "edge-", "", "col-"].map((head) =>
  encoder.encode(head)
);
const METHODS = ["GET", "POST", "HEAD"].map((method) => encoder.encode(method));

function copy(bytes: Uint8Array, into: Uint8Array, at: number): number {
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i];
  return bytes.length;
}

/** A fixed number in [0, 1) for a value: what makes one URI slow and another one missing. */
function chance(value: number, salt: number): number {
  let hash = Math.imul(value ^ Math.imul(salt, 0x9E3779B1), 0x85EBCA6B);
  hash = Math.imul(hash ^ hash >>> 15, 0xC2B2AE35);
  return ((hash ^ hash >>> 13) >>> 0) / 2 ** 32;
}

/** Cumulative weights of the ranks 0 … n - 1, rank r weighing (r + 1)^-exponent. */
function zipf(n: number, exponent: number): Float64Array {
  const cumulative = new Float64Array(n);
  let sum = 0;
  for (let r = 0; r < n; r++) cumulative[r] = sum += (r + 1) ** -exponent;
  return cumulative;
}

/** The rank among the first `n` that `u` in [0, 1) falls on. */
function pick(cumulative: Float64Array, n: number, u: number): number {
  const wanted = u * cumulative[n - 1];
  let low = 0, high = n - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
