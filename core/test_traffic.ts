/**
 * Fixture of the query's tests and benches: an hour of full minutes and a day of full five minutes, from one seed, made
 * in seconds.
 *
 * A client prefix (Zipf, 60 000 of them, one in eight IPv6) has three home websites (of 300) and goes elsewhere once in
 * seven; it has one ASN. A website has its own URIs (Zipf again, 76 000 in all, of 15 to 70 bytes), and one line in
 * twenty has a URI of its own. Status and method follow the URI, with some trouble by website (503) and by prefix (429);
 * bytes and times follow the URI. So most columns are correlated, and a minute of 132 000 lines has about 90 000 distinct
 * rows: more than a slot may hold.
 */
import { ASN, DIMENSION_COUNT, METHOD, PREFIX, SOURCE, STATUS, TAG, TOR, URI, WEBSITE } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } from "./measures.ts";
import { type Caps, TIERS } from "./slices.ts";
import { CounterTable } from "./counter_table.ts";
import { seal } from "./seal.ts";
import type { Bucket } from "./bucket.ts";
import { randomFrom } from "./test_lines.ts";
import { countRow } from "./test_tables.ts";

const WEBSITES = 300, PREFIXES = 60_000, ASNS = 3000, UNIQUE_URIS = 400_000;
const STATUSES = [200, 404, 301, 403, 500, 304, 503, 429, 499], METHODS = ["GET", "POST", "HEAD"];
const START_S = 1_700_006_400;

/** Where the URIs of each website begin: large sites have more. */
const URIS_FROM = new Int32Array(WEBSITES + 1);
for (let w = 0; w < WEBSITES; w++) {
  URIS_FROM[w + 1] = URIS_FROM[w] + Math.ceil(4000 / Math.sqrt(w + 1) * (0.1 + chance(w, 1)));
}
const SITE_URIS = URIS_FROM[WEBSITES];

/** Values of each dimension. */
const VALUES: readonly number[] = [
  WEBSITES,
  PREFIXES,
  SITE_URIS + UNIQUE_URIS,
  STATUSES.length,
  METHODS.length,
  ASNS,
  1,
  2,
  1,
];

/** The bytes of each value that has come up, and its id in the table that is being filled; 0 while it has none. */
const entries: (Uint8Array | undefined)[][] = VALUES.map(() => []);
const idsOf: readonly Int32Array[] = VALUES.map((count) => new Int32Array(count));
const encoder = new TextEncoder();

/** `count` minutes as the one-minute tier holds them. */
export function hourOfTraffic(seed: number, count = 60): Bucket[] {
  return buckets(seed, count, TIERS[1].sliceS, 132_000, TIERS[1].caps);
}

/** `count` times five minutes as the five-minute tier holds them, of less traffic each, so that a day is made in time. */
export function dayOfTraffic(seed: number, count = 288): Bucket[] {
  return buckets(seed, count, TIERS[2].sliceS, 40_000, TIERS[2].caps);
}

function buckets(seed: number, count: number, sliceS: number, lines: number, caps: Caps): Bucket[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, i) => {
    const table = new CounterTable(seed + i, lines);
    fill(table, lines, random);
    return seal(table, START_S + i * sliceS, sliceS, emptyLedger(), caps);
  });
}

function fill(table: CounterTable, lines: number, random: () => number): void {
  const line = new Int32Array(DIMENSION_COUNT), ids = new Int32Array(DIMENSION_COUNT);
  const measures = new Float64Array(MEASURE_COUNT);
  for (const column of idsOf) column.fill(0);
  for (let i = 0; i < lines; i++) {
    nextLine(line, measures, random);
    for (let d = 0; d < DIMENSION_COUNT; d++) {
      const value = line[d];
      let id = idsOf[d][value];
      if (id === 0) {
        const bytes = entries[d][value] ??= entryBytes(d, value);
        idsOf[d][value] = id = table.dictionaries[d].intern(bytes, 0, bytes.length);
      }
      ids[d] = id;
    }
    countRow(table, ids, measures);
  }
}

/** Writes one line: the value of each dimension as a number, and its measures. */
function nextLine(line: Int32Array, measures: Float64Array, random: () => number): void {
  const prefix = zipf(PREFIXES, random()), home = random();
  const website = home < 0.86
    ? Math.floor(WEBSITES * chance(prefix, home < 0.5 ? 2 : home < 0.75 ? 3 : 4) ** 2)
    : zipf(WEBSITES, random());
  const uris = URIS_FROM[website + 1] - URIS_FROM[website];
  const uri = random() < 0.05
    ? SITE_URIS + Math.floor(UNIQUE_URIS * random())
    : URIS_FROM[website] + zipf(uris, random());
  const s = chance(uri, 5), trouble = random();
  let status = s < 0.02 ? 1 : s < 0.06 ? 2 : s < 0.07 ? 3 : s < 0.073 ? 4 : random() < 0.08 ? 5 : 0;
  if (trouble < (chance(website, 6) < 0.05 ? 0.04 : 0.0005)) status = 6;
  else if (chance(prefix, 7) < 0.03 && trouble > 0.75) status = 7;
  else if (trouble > 0.997) status = 8;
  line[WEBSITE] = website;
  line[PREFIX] = prefix;
  line[URI] = uri;
  line[STATUS] = status;
  line[METHOD] = chance(uri, 11) < 0.05 && random() < 0.9 ? 1 : random() < 0.02 ? 2 : 0;
  line[ASN] = zipf(ASNS, chance(prefix, 12));
  line[TAG] = line[SOURCE] = 0;
  line[TOR] = chance(prefix, 13) < 0.01 ? 1 : 0;
  measures[REQUESTS] = 1;
  measures[BYTES] = Math.floor(300 + 2_000_000 * chance(uri, 15) ** 12 * (0.5 + random()));
  measures[TIME_SUM] = measures[TIME_MAX] = Math.floor(5 + 400 * chance(uri, 14) ** 6 + 50 * random() ** 8);
}

/** The entry that stands for a value, as the pipeline would write it. */
function entryBytes(d: number, value: number): Uint8Array {
  switch (d) {
    case PREFIX:
      return prefixEntry(value);
    case URI:
      return encoder.encode(uriText(value));
    case STATUS:
      return encoder.encode(`${STATUSES[value]}`);
    case METHOD:
      return encoder.encode(METHODS[value]);
    case ASN:
      return encoder.encode(`${1000 + 21 * value}`);
    case WEBSITE:
      return encoder.encode(`www.customer-${value}.example`);
    case TOR:
      return encoder.encode(`${value}`);
    default:
      return d === SOURCE ? encoder.encode("collector-1") : new Uint8Array(0);
  }
}

function uriText(value: number): string {
  const kind = Math.floor(2 ** 24 * chance(value, 16));
  const section = ["catalogue", "img/products", "api/v2/items", "blog", "assets/static/js", "account/orders"][kind % 6];
  const name = "abcdefghijklmnopqrstuvwxyz-".slice(0, (kind >> 4) % 23);
  return `/${section}/${name}${value}${[".html", ".jpg", "", "/"][(kind >> 10) % 4]}`;
}

/** As `client_prefix.ts` writes it: a /24, or a /48 in one of eight. */
function prefixEntry(prefix: number): Uint8Array {
  const spot = Math.floor(2 ** 16 * chance(prefix, 17));
  return prefix % 8 === 7
    ? Uint8Array.of(6, 48, 0x20, 0x01, spot >> 8, spot, prefix >> 8, prefix)
    : Uint8Array.of(4, 24, 1 + spot % 220, prefix >> 8, prefix);
}

/** A rank below n from a number in [0, 1): Zipf's law. */
function zipf(n: number, u: number): number {
  return Math.min(n - 1, Math.floor((n + 1) ** u) - 1);
}

/** A fixed number in [0, 1) for a value: what makes one URI slow and another one missing. */
function chance(value: number, salt: number): number {
  let hash = Math.imul(value ^ Math.imul(salt, 0x9E3779B1), 0x85EBCA6B);
  hash = Math.imul(hash ^ hash >>> 15, 0xC2B2AE35);
  return ((hash ^ hash >>> 13) >>> 0) / 2 ** 32;
}
