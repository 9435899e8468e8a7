/**
 * What websites were asked for, as the original tells Prometheus: requests by website, method and status, and how their bytes
 * and times are spread. Made of what is sealed, so that nothing is counted twice when a thread is started again; it only
 * grows, and what has no place of its own is in (other).
 */
import {
  METRICS_LABEL_CHARS_MAX,
  METRICS_REQUEST_SERIES_MAX,
  METRICS_SPREADS_MAX,
  METRICS_WEBSITES_MAX,
  SPREAD_TAGS_MAX,
} from "@/core/bounds.ts";
import { ABSENT_LABEL, DIMENSIONS, METHOD, OTHER, OTHER_LABEL, STATUS, TAG, WEBSITE } from "@/core/dimensions.ts";
import type { Bucket } from "@/core/bucket.ts";
import { counter, histogram, type Metric, type MetricsPage } from "@/core/host/metrics_page.ts";
import { entryLabel } from "@/core/label.ts";
import { BYTES_BOUNDS, BYTES_CELLS, CELLS, MS_BOUNDS, type Spread } from "@/core/line_spread.ts";
import { sumOfRows } from "./row_sums.ts";
import type { Sealed } from "./thread_message.ts";

export const REQUEST_METRICS = {
  requests: counter("nginx_http_requests_total", "Requests by website, method and status.", "host", "method", "status"),
  bySource: counter(
    "nginx_http_requests_by_source_total",
    "Requests by source tag and class of status.",
    "source_tag",
    "status_class",
  ),
  bytes: histogram("nginx_http_bytes_sent", "Bytes sent for a request.", "host", "source_tag"),
  seconds: histogram("nginx_http_request_duration_seconds", "Time that a request took.", "host", "source_tag"),
} as const satisfies Record<string, Metric>;

/** Requests between two seals for which a website gets one of the places that are left when half of them are taken. */
const REQUESTS_MIN = 100;

/** Methods that are told apart: those that nginx knows. Any other word is one that a client made up. */
const METHODS: readonly string[] = [
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"],
  ...["PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", ABSENT_LABEL],
];

const SECONDS_BOUNDS = MS_BOUNDS.map((ms) => ms / 1000);

interface SpreadSeries {
  readonly labels: readonly [host: string, tag: string];
  readonly counts: Float64Array<ArrayBuffer>;
  bytes: number;
  ms: number;
}

export class RequestMetrics {
  readonly #websites = new Set<string>();
  readonly #requests = new Map<string, number>();
  readonly #bySource = new Map<string, number>();
  readonly #spreads = new Map<string, SpreadSeries>();

  /** Adds what was sealed. */
  add({ buckets, spread }: Pick<Sealed, "buckets" | "spread">): void {
    for (const bucket of buckets) {
      this.#addRequests(bucket);
      this.#addSources(bucket);
    }
    if (spread !== undefined) this.#addSpread(spread);
  }

  addTo(page: MetricsPage): void {
    for (const [key, requests] of this.#requests) page.add(REQUEST_METRICS.requests, requests, ...key.split("\0"));
    for (const [key, requests] of this.#bySource) page.add(REQUEST_METRICS.bySource, requests, ...key.split("\0"));
    for (const { labels, counts, bytes } of this.#spreads.values()) {
      const cells = counts.subarray(0, BYTES_CELLS);
      page.addHistogram(REQUEST_METRICS.bytes, { bounds: BYTES_BOUNDS, counts: cells, sum: bytes }, ...labels);
    }
    for (const { labels, counts, ms } of this.#spreads.values()) {
      // Many formats have no time: then nothing is known, and nothing took no time.
      if (ms === 0) continue;
      const cells = counts.subarray(BYTES_CELLS);
      page.addHistogram(REQUEST_METRICS.seconds, { bounds: SECONDS_BOUNDS, counts: cells, sum: ms / 1000 }, ...labels);
    }
  }

  #addRequests(bucket: Bucket): void {
    const websites = labelsOf(bucket, WEBSITE), ofWebsite = new Float64Array(websites.length);
    const methods = distinct(labelsOf(bucket, METHOD).map(knownMethod)), statuses = labelsOf(bucket, STATUS);
    const sums = sumOfRows(bucket, [
      { dimension: WEBSITE, size: websites.length },
      { dimension: METHOD, size: methods.texts.length, places: methods.places },
      { dimension: STATUS, size: statuses.length },
    ]);
    for (const { ids: [website], requests } of sums) ofWebsite[website] += requests;
    for (const { ids: [website, method, status], requests } of sums) {
      const host = this.#hostOf(websites[website], ofWebsite[website]);
      this.#addRequest(host, methods.texts[method], statuses[status], requests);
    }
  }

  #addRequest(host: string, method: string, status: string, requests: number): void {
    const key = `${host}\0${method}\0${status}`, there = this.#requests.get(key);
    // The series of (other) are few: methods are, and a status has three digits.
    const isNew = there === undefined && host !== OTHER_LABEL;
    if (isNew && this.#requests.size >= METRICS_REQUEST_SERIES_MAX) {
      return this.#addRequest(OTHER_LABEL, method, status, requests);
    }
    this.#requests.set(key, (there ?? 0) + requests);
  }

  #addSources(bucket: Bucket): void {
    const tags = labelsOf(bucket, TAG), classes = distinct(labelsOf(bucket, STATUS).map(classOf));
    const sums = sumOfRows(bucket, [
      { dimension: TAG, size: tags.length },
      { dimension: STATUS, size: classes.texts.length, places: classes.places },
    ]);
    for (const { ids: [tag, place], requests } of sums) {
      const status = classes.texts[place], isNew = !this.#bySource.has(`${tags[tag]}\0${status}`);
      const isFull = isNew && this.#bySource.size >= SPREAD_TAGS_MAX * CLASSES;
      const shown = isFull || tags[tag].length > METRICS_LABEL_CHARS_MAX ? OTHER_LABEL : tags[tag];
      const key = `${shown}\0${status}`;
      this.#bySource.set(key, (this.#bySource.get(key) ?? 0) + requests);
    }
  }

  #addSpread({ labels, counts, sums }: Spread): void {
    labels.forEach(([website, tag], s) => {
      const cells = counts.subarray(s * CELLS, (s + 1) * CELLS);
      const requests = cells.subarray(0, BYTES_CELLS).reduce((sum, count) => sum + count, 0);
      const series = this.#spreadOf(this.#hostOf(website, requests), tag);
      for (let cell = 0; cell < CELLS; cell++) series.counts[cell] += cells[cell];
      series.bytes += sums[2 * s];
      series.ms += sums[2 * s + 1];
    });
  }

  #spreadOf(host: string, tag: string): SpreadSeries {
    const key = `${host}\0${tag}`, there = this.#spreads.get(key);
    if (there !== undefined) return there;
    const isFull = this.#spreads.size >= METRICS_SPREADS_MAX || tag.length > METRICS_LABEL_CHARS_MAX;
    const isOther = host === OTHER_LABEL && tag === OTHER_LABEL;
    if (isFull && !isOther) return this.#spreadOf(OTHER_LABEL, OTHER_LABEL);
    const made = { labels: [host, tag], counts: new Float64Array(CELLS), bytes: 0, ms: 0 } as const;
    const series: SpreadSeries = { ...made };
    this.#spreads.set(key, series);
    return series;
  }

  /** The website as a label, or (other). @param requests of it, in what is at hand */
  #hostOf(website: string, requests: number): string {
    if (website === OTHER_LABEL || this.#websites.has(website)) return website;
    if (website.length > METRICS_LABEL_CHARS_MAX || this.#websites.size >= METRICS_WEBSITES_MAX) return OTHER_LABEL;
    if (this.#websites.size >= METRICS_WEBSITES_MAX / 2 && requests < REQUESTS_MIN) return OTHER_LABEL;
    this.#websites.add(website);
    return website;
  }
}

/** 1xx to 5xx, and all else. */
const CLASSES = 6;

function classOf(status: string): string {
  return /^[1-5][0-9][0-9]$/.test(status) ? `${status[0]}xx` : OTHER_LABEL;
}

function knownMethod(method: string): string {
  return METHODS.includes(method) ? method : OTHER_LABEL;
}

function labelsOf({ dictionaries }: Bucket, d: number): readonly string[] {
  const { size, bytes, offsets } = dictionaries[d];
  return Array.from(
    { length: size },
    (_, id) => id === OTHER ? OTHER_LABEL : entryLabel(DIMENSIONS[d], bytes.subarray(offsets[id], offsets[id + 1])),
  );
}

/** Texts without those that are there already, and where each of the given ones is among them. */
function distinct(texts: readonly string[]): { readonly texts: readonly string[]; readonly places: Int32Array } {
  const places = new Map<string, number>();
  for (const text of texts) if (!places.has(text)) places.set(text, places.size);
  return { texts: [...places.keys()], places: Int32Array.from(texts, (text) => places.get(text)!) };
}
