/**
 * The dimensions: what a request can be grouped and filtered by. One entry in this table is one dimension; flags,
 * filters, columns, wire and pages follow from it.
 *
 * A value of a dimension is a byte string, an *entry* of a dictionary. Entry 0 of every dictionary is OTHER: what
 * roll-up gave up. An empty byte string is an absent value (nginx writes `-`) and is shown as `-`. How the bytes are
 * read depends on the kind:
 *
 * - `text`: the bytes as logged (any bytes, no NUL, at most ENTRY_BYTES_MAX);
 * - `number`: decimal ASCII digits without a sign;
 * - `flag`: ASCII `0` or `1`;
 * - `prefix`: see `client_prefix.ts`; one byte of family, one of length, then the address bytes that the length covers.
 */

export type DimensionKind = "text" | "number" | "flag" | "prefix";

export interface Dimension {
  /** Name in flags, filters, JSON, URLs, on the wire and as a column heading. */
  readonly name: DimensionName;
  readonly kind: DimensionKind;
  /** Singular, for people: headings and breadcrumbs. */
  readonly title: string;
  /** What help says about it. */
  readonly help: string;
  /** Where a click on a row leads next. */
  readonly drillTo: DimensionName;
  /** Roll-up gives it up before looking at how light the others are. */
  readonly givenUpFirst: boolean;
  /**
   * Its value mostly follows from that of another dimension (the ASN from the client), so that giving it up alone makes
   * hardly any two rows equal: roll-up gives it up together with that one.
   */
  readonly goesWith?: DimensionName;
}

export type DimensionName =
  | "website"
  | "prefix"
  | "uri"
  | "status"
  | "method"
  | "asn"
  | "tag"
  | "tor"
  | "source";

export const DIMENSIONS: readonly Dimension[] = [
  dimension("website", "text", "website", "host name of the request ($host)", "prefix"),
  dimension("prefix", "prefix", "client prefix", "client address, masked", "uri"),
  dimension("uri", "text", "URI", "path of the request, without query string", "status"),
  dimension("status", "number", "status", "HTTP response status", "website"),
  { ...dimension("method", "text", "method", "HTTP request method", "website"), goesWith: "uri" },
  { ...dimension("asn", "number", "ASN", "autonomous system number of the client", "prefix"), goesWith: "prefix" },
  dimension("tag", "text", "tag", "source tag of the input", "website"),
  { ...dimension("tor", "flag", "Tor", "client is a Tor exit", "prefix"), goesWith: "prefix" },
  { ...dimension("source", "text", "source", "collector that counted the request", "website"), givenUpFirst: true },
];

export const DIMENSION_COUNT = DIMENSIONS.length;

/** Indexes into `DIMENSIONS` and into every per-dimension array. */
export const WEBSITE = 0, PREFIX = 1, URI = 2, STATUS = 3, METHOD = 4, ASN = 5, TAG = 6, TOR = 7, SOURCE = 8;

/** Dictionary index of what roll-up gave up. */
export const OTHER = 0;

/** Label of OTHER in answers. */
export const OTHER_LABEL = "(other)";

/** Label of an absent value, as nginx writes it. */
export const ABSENT_LABEL = "-";

/** Index of the dimension with this name, or -1. */
export function dimensionIndex(name: string): number {
  return DIMENSIONS.findIndex((dimension) => dimension.name === name);
}

function dimension(
  name: DimensionName,
  kind: DimensionKind,
  title: string,
  help: string,
  drillTo: DimensionName,
): Dimension {
  return { name, kind, title, help, drillTo, givenUpFirst: false };
}
