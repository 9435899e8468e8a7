/**
 * Fixture of tests and benches: buckets of realistic traffic, from one seed.
 *
 * Sites are few and heavy (Zipf). Each has its own URIs, Zipf again, of 15 to 70 bytes. A client prefix comes back to
 * the sites it knows, has one ASN, and one in eight is IPv6. Status and method follow the URI, bytes follow URI and
 * status, times are skewed: so rows and dictionaries have the sizes they have on a real host, where most columns are
 * correlated.
 */
import { emptyLedger } from "./ledger.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { CounterTable } from "./counter_table.ts";
import type { Kernel } from "./kernel.ts";
import type { Bucket } from "./bucket.ts";
import type { Caps } from "./slices.ts";
import { seal } from "./seal.ts";
import { randomFrom } from "./test_lines.ts";
import { countRow } from "./test_tables.ts";

/** How much traffic, over how many values. */
export interface Traffic {
  /** Counting stops at this many rows. */
  readonly rows: number;
  readonly sites: number;
  readonly prefixes: number;
  readonly uris: number;
  /** Whether lines say the ASN. */
  readonly asn?: boolean;
  /** Name of the collector. */
  readonly source?: string;
}

/** A minute of 2 200 lines a second. Sealed, it has 50 000 rows and 16 000 prefixes and URIs: all that it may. */
export const BUSY_MINUTE: Traffic = { rows: 89_000, sites: 200, prefixes: 30_000, uris: 30_000 };

/** Ten seconds of the same traffic: 25 000 lines. */
export const BUSY_SLICE: Traffic = { ...BUSY_MINUTE, rows: 18_000 };

/** A share of the rows, for benches that run small. */
export function scaled(traffic: Traffic, share: number): Traffic {
  return { ...traffic, rows: Math.ceil(traffic.rows * share) };
}

export const NO_CAPS: Caps = { rowsMax: Infinity, entriesMax: Infinity, entryBytesMax: Infinity };

/** Values are the same for every seed; which of them come, and how often, is the seed's. */
export function trafficBucket(seed: number, traffic: Traffic, startS: number, lengthS: number, caps = NO_CAPS): Bucket {
  return seal(trafficTable(seed, traffic), startS, lengthS, emptyLedger(), caps);
}

/** The same before it is sealed. @param kernel for rows as a pipeline counts them */
export function trafficTable(
  seed: number,
  { rows, sites, prefixes, uris, asn, source }: Traffic,
  kernel?: Kernel,
): CounterTable {
  const table = new CounterTable(seed, undefined, kernel), random = randomFrom(seed * 7919 + 1);
  const texts = new Map<string, Uint8Array>();
  table.beSlim();
  table.beWide(); // here rows are counted one by one
  const text = (value: string): Uint8Array => {
    let bytes = texts.get(value);
    if (bytes === undefined) texts.set(value, bytes = ENCODER.encode(value));
    return bytes;
  };
  /** A rank below n: Zipf's law. */
  const zipf = (n: number): number => Math.min(n - 1, Math.floor(n ** random()) - 1);
  const entries = new Array<Uint8Array>(DIMENSION_COUNT), measures = new Float64Array(MEASURE_COUNT);
  const ids = new Int32Array(DIMENSION_COUNT);
  while (table.rows < rows) {
    const polling = random() < 0.3; // a client that asks one site for the same few URIs again and again
    const prefix = zipf(polling ? prefixes / 50 : prefixes);
    const site = (scatter(prefix) % 5 + (polling ? 0 : 3 * zipf(sites))) % sites;
    const page = polling ? prefix % 7 : zipf(uris / 8);
    const uri = (site * 977 + page) % uris, kind = scatter(uri), failed = random() < 0.03;
    const status = failed
      ? ["404", "500", "429", "503"][zipf(4)]
      : kind % 11 === 0
      ? "304"
      : kind % 13 === 0
      ? "301"
      : "200";
    const moved = status === "200" ? 200 + kind % 60_000 : kind % 400;
    const timeMs = Math.floor(2 * 150 ** random()) - 2;
    entries[0] = text(`www.customer-${site}.example`);
    entries[1] = prefixEntry(prefix);
    entries[2] = text(uriText(uri, kind));
    entries[3] = text(status);
    entries[4] = text(kind % 17 === 0 ? "POST" : "GET");
    entries[5] = text(asn === true ? `${64_496 + scatter(prefix) % 900}` : "");
    entries[6] = text("");
    entries[7] = text(prefix % 400 === 399 ? "1" : "0");
    entries[8] = text(source ?? "collector-1");
    measures[0] = 1;
    measures[1] = moved;
    measures[2] = measures[3] = timeMs;
    for (let d = 0; d < DIMENSION_COUNT; d++) ids[d] = table.dictionaries[d].intern(entries[d], 0, entries[d].length);
    countRow(table, ids, measures);
  }
  table.beSlimAgain();
  return table;
}

function uriText(uri: number, kind: number): string {
  const section = ["catalogue", "img/products", "api/v2/items", "blog", "assets/static/js", "account/orders"][kind % 6];
  return `/${section}/${"abcdefghijklmnopqrstuvwxyz-".slice(0, kind % 23)}${uri}${
    [".html", ".jpg", "", "/"][kind % 4]
  }`;
}

/** As `client_prefix.ts` writes it: a /24, or a /48 in one of eight. */
function prefixEntry(prefix: number): Uint8Array {
  const spot = scatter(prefix);
  return prefix % 8 === 7
    ? Uint8Array.of(6, 48, 0x20, 0x01, spot >>> 16, spot >>> 8, prefix >>> 8, prefix)
    : Uint8Array.of(4, 24, 1 + spot % 220, prefix >>> 8, prefix);
}

/** Any number from a number. */
function scatter(value: number): number {
  return Math.imul(value + 1, 0x9E3779B1) >>> 8;
}

const ENCODER = new TextEncoder();
