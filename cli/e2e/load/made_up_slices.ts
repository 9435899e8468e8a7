/**
 * What a fleet counts in ten seconds, made up: many buckets of a given number of rows, each like no other, without counting
 * any lines while a measurement runs.
 *
 * A few hundred *patterns* are counted once, over one web that all hosts serve: sites, networks and pages by Zipf's law, as
 * they belong together (`compare/made_up_web.ts`). A collector plays another pattern in every slice. Each time some of its
 * values are new, as in life some always are: they get digits, or an address, that nobody has had before. So dictionaries
 * agree between hosts and over time in what is frequent, and no two buckets are equal.
 */
import type { Bucket } from "@/core/bucket.ts";
import { bucketAt } from "@/core/bucket_block.ts";
import { CounterTable } from "@/core/counter_table.ts";
import { DIMENSION_COUNT, METHOD, PREFIX, SOURCE, STATUS, TOR, URI, WEBSITE } from "@/core/dimensions.ts";
import { COUNTED, emptyLedger, READ } from "@/core/ledger.ts";
import { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM } from "@/core/measures.ts";
import { seal } from "@/core/seal.ts";
import { FINEST_S, TIERS } from "@/core/slices.ts";
import { countRow } from "@/core/test_tables.ts";
import { anyNetwork, type MadeUpWeb, pageFor } from "@/cli/compare/made_up_web.ts";
import type { Random } from "@/cli/compare/random.ts";

export interface PatternShape {
  readonly rows: number;
  /** Part of the rows that have a path and a network of their own, seen in no other bucket. */
  readonly freshShare: number;
}

/** Ten seconds of a busy host. */
export const ORDINARY_FRESH = 0.05;
/** The same in a flood: nine of ten rows are of the flood. */
export const FLOOD_FRESH = 0.9;

/** A bucket whose time, source and new values are still to be filled in. */
export interface Pattern {
  readonly bucket: Bucket;
  /** Where in the entries of paths and of networks stands what is to be new. */
  readonly freshPaths: Uint32Array;
  readonly freshNetworks: Uint32Array;
}

/** Bytes of every source's name, so that one can take the place of another. */
const NAME_BYTES = 9;

/** Paths and networks that one bucket has for itself, at most: a dictionary has 16 000 entries when it is sealed. */
const FRESH_MAX = 12_000;

/** The name of a collector: `played-0`, filled up to the same length. */
export function nameOf(collector: number): string {
  return `host-${String(collector).padStart(NAME_BYTES - 5, "0")}`;
}

/** Counts one pattern. */
export function makePattern(web: MadeUpWeb, { rows, freshShare }: PatternShape, random: Random): Pattern {
  const table = new CounterTable(random.bits(), rows), ids = new Int32Array(DIMENSION_COUNT);
  const measures = new Float64Array(MEASURE_COUNT), intern = internIn(table, ids);
  const freshRows = Math.round(rows * freshShare), freshValues = Math.min(FRESH_MAX, freshRows);
  let lines = 0;
  for (let row = 0; row < freshRows; row++) {
    const network = anyNetwork(web, random), page = pageFor(web, network, random);
    // As many rows as asked for, though values are fewer: each pair is another.
    const path = row % freshValues, client = (row + Math.floor(row / freshValues) * 7) % freshValues;
    countLine(web, network, page, random, measures, intern);
    intern(PREFIX, Uint8Array.of(6, 48, 0x3f, 0xff, 0, 0, client >> 8, client));
    intern(URI, ENCODER.encode(`${FRESH_PATH}${String(path).padStart(FRESH_DIGITS, "0")}`));
    countRow(table, ids, measures);
    lines++;
  }
  for (; table.rows < rows; lines++) {
    const network = anyNetwork(web, random);
    countLine(web, network, pageFor(web, network, random), random, measures, intern);
    countRow(table, ids, measures);
  }
  const ledger = emptyLedger();
  ledger[READ] = ledger[COUNTED] = lines;
  const bucket = seal(table, 0, FINEST_S, ledger, TIERS[0].freshCaps);
  table.free();
  return { bucket, freshPaths: freshEntries(bucket, URI), freshNetworks: freshEntries(bucket, PREFIX) };
}

/** One bucket of a collector: the pattern at that time, under that name, with values that no other has. */
export function played(pattern: Pattern, collector: number, startS: number): Bucket {
  const bucket = bucketAt(pattern.bucket, startS), { dictionaries } = bucket;
  dictionaries[SOURCE].bytes.set(ENCODER.encode(nameOf(collector)));
  let fresh = Math.imul(collector + 1, 0x9E3779B1) ^ Math.imul(startS / FINEST_S, 0x85EBCA6B);
  const next = (): number => fresh = Math.imul(fresh, 0x915F77F5) + 1 | 0;
  const paths = dictionaries[URI].bytes, networks = dictionaries[PREFIX].bytes;
  for (const at of pattern.freshPaths) {
    for (let i = 0, digits = next(); i < FRESH_DIGITS; i++, digits >>>= 4) paths[at + i] = 97 + (digits & 15);
  }
  for (const at of pattern.freshNetworks) {
    for (let i = 0, bits = next(); i < FRESH_NETWORK_BYTES; i++, bits >>>= 8) networks[at + i] = bits;
  }
  return bucket;
}

/** Of a path that is new each time the last digits are, of a network the last bytes: they are a /48 in 3fff::/16. */
const FRESH_DIGITS = 8, FRESH_NETWORK_BYTES = 4;
const FRESH_PATH = "/find/";
const ENCODER = new TextEncoder();
const STATUSES = [200, 404, 301, 302, 403, 304, 429, 503].map((status) => ({ status, bytes: text(`${status}`) }));
const GET = text("GET"), POST = text("POST"), NONE = text(""), NO = text("0");

function text(value: string): Uint8Array {
  return ENCODER.encode(value);
}

type Intern = (d: number, entry: Uint8Array) => void;

function internIn({ dictionaries }: CounterTable, ids: Int32Array): Intern {
  return (d, entry) => void (ids[d] = dictionaries[d].intern(entry, 0, entry.length));
}

function countLine(
  web: MadeUpWeb,
  network: number,
  page: number,
  random: Random,
  measures: Float64Array,
  intern: Intern,
): void {
  for (let d = 0; d < DIMENSION_COUNT; d++) intern(d, NONE);
  const luck = random.unit(), usual = web.pageStatus[page];
  const status = luck < 0.97 ? usual : luck < 0.985 ? 304 : luck < 0.995 ? 429 : 503;
  intern(WEBSITE, web.hosts[web.pageSite[page]]);
  intern(PREFIX, Uint8Array.of(4, 24, 11 + (network >> 16), network >> 8, network));
  intern(URI, web.paths.subarray(web.pathAt[page], web.pathAt[page + 1]));
  intern(STATUS, STATUSES.find((one) => one.status === status)!.bytes);
  intern(METHOD, page % 17 === 0 ? POST : GET);
  intern(TOR, NO);
  intern(SOURCE, ENCODER.encode(nameOf(0)));
  measures[REQUESTS] = 1;
  measures[BYTES] = web.pageBytes[page];
  measures[TIME_SUM] = measures[TIME_MAX] = Math.floor(random.exponential(web.pageMs[page]));
}

/** Where in a dictionary the new part of its new entries begins; each ends with it. */
function freshEntries({ dictionaries }: Bucket, d: number): Uint32Array {
  const { size, offsets, bytes } = dictionaries[d], found: number[] = [];
  for (let entry = 1; entry < size; entry++) {
    const begin = offsets[entry], end = offsets[entry + 1];
    if (d === PREFIX && bytes[begin + 2] === 0x3f) found.push(end - FRESH_NETWORK_BYTES);
    if (d === URI && DECODER.decode(bytes.subarray(begin, end)).startsWith(FRESH_PATH)) found.push(end - FRESH_DIGITS);
  }
  return Uint32Array.from(found);
}

const DECODER = new TextDecoder();
