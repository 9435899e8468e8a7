/**
 * What a URL asks for: its parameters become a validated page state, or a list of every mistake in them at once.
 *
 * The state keeps what was good, so that even the page that names the mistakes offers links and a form to go on with.
 */
import { FILTER_NODES_MAX, TOP_N_MAX } from "@/core/bounds.ts";
import { type Dimension, type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import { filterMistakes, type RegexEngine } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { allOf, type CompareOperator, type Comparison, type Filter, type FilterNode } from "@/core/filter_tree.ts";
import { didYouMean } from "@/core/host/near_miss.ts";
import { MEASURES, REQUESTS, sortMeasure } from "@/core/measures.ts";
import { type WindowName, windowNamed, WINDOWS } from "@/core/slices.ts";

/** What the answer is written as. */
export type Format = "page" | "json" | "csv";

/** Everything a page shows, as its URL says it. Two equal states have the same URL (`links.ts`). */
export interface PageState {
  readonly window: WindowName;
  readonly by: DimensionName;
  /** Rows, 1 … TOP_N_MAX; a page shows at most PAGE_ROWS_MAX. */
  readonly n: number;
  /** Index into MEASURES. */
  readonly sort: number;
  /** What the f_ parameters say: at most one a parameter, in the order of FIELDS. */
  readonly filters: readonly Comparison[];
  /** The filter expression as typed, without blanks around it; empty when there is none. */
  readonly q: string;
  /** What `target=` says; empty for the target of the flags. */
  readonly target: string;
  /** Seconds between reloads; 0 when paused. */
  readonly refreshS: number;
  readonly format: Format;
}

/** What holds where the URL says nothing. */
export interface Defaults {
  readonly n: number;
  readonly refreshS: number;
  readonly target: string;
}

/** A parameter that is wrong, and what would do. */
export interface Mistake {
  readonly parameter: string;
  /** As given, however long or odd. */
  readonly value: string;
  readonly message: string;
}

/** A URL as understood. With mistakes, `state` holds what was good and defaults for the rest. */
export interface PageRequest {
  readonly state: PageState;
  /** All f_ parameters and `q` together. */
  readonly filter: Filter;
  readonly mistakes: readonly Mistake[];
}

/** A parameter that filters one dimension. */
export interface Field {
  readonly parameter: string;
  readonly dimension: Dimension;
  readonly regex: boolean;
}

/** Rows on one page. More is a matter for JSON or CSV: a browser lays out ten thousand rows for seconds. */
export const PAGE_ROWS_MAX = 1000;

/** Seconds between reloads that a URL may ask for, so that no shared link makes a crowd reload without pause. */
export const REFRESH_SECONDS_MIN = 2, REFRESH_SECONDS_MAX = 3600;

/** The f_ parameters in the order of a URL: one for each dimension, then those that take a regular expression. */
export const FIELDS: readonly Field[] = [
  ...DIMENSIONS.map((dimension) => field(dimension, false)),
  ...DIMENSIONS.filter(({ name }) => name === "website" || name === "uri").map((dimension) => field(dimension, true)),
];

/** Every parameter in the order of a URL. */
export const PARAMETERS: readonly string[] = [
  ...["w", "by", "n", "q"],
  ...FIELDS.map(({ parameter }) => parameter),
  ...["sort", "target", "refresh", "raw", "format"],
];

/** Reads the parameters of a URL. Never throws; an empty value counts as not given. */
export function readRequest(search: URLSearchParams, defaults: Defaults, regex: RegexEngine): PageRequest {
  const mistakes: Mistake[] = [];
  const reader: Reader = { search, regex, mistakes };
  refuseUnknown(reader);
  const format = readFormat(reader);
  const filters = FIELDS.map((each) => readField(reader, each)).filter((comparison) => comparison !== undefined);
  const { q, filter: expression } = readExpression(reader);
  const target = search.get("target") ?? "";
  const state: PageState = {
    window: readWindow(reader),
    by: readDimension(reader),
    n: readNumber(reader, "n", defaults.n, 1, format === "page" ? PAGE_ROWS_MAX : TOP_N_MAX, format),
    sort: readSort(reader),
    filters,
    q,
    target: target === defaults.target ? "" : target,
    refreshS: search.get("refresh") === "0"
      ? 0
      : readNumber(reader, "refresh", defaults.refreshS, REFRESH_SECONDS_MIN, REFRESH_SECONDS_MAX, format),
    format,
  };
  const filter = allOf(...filters, expression);
  if (filter !== undefined && nodesOf(filter) > FILTER_NODES_MAX) {
    mistake(reader, "q", `together with the other filters it has more than ${FILTER_NODES_MAX} parts; shorten it`);
  }
  return { state, filter, mistakes };
}

/** The format a URL asks for, however wrong the rest is: mistakes are answered in it. */
export function formatOf(search: URLSearchParams): Format {
  if (search.get("format") === "csv") return "csv";
  return search.get("format") === "json" || search.get("raw") === "1" ? "json" : "page";
}

/** What stands behind the `=` of this filter's parameter. */
export function fieldValue({ operator, value }: Comparison): string {
  return operator === "=" || operator === "~=" ? value : `${operator}${value}`;
}

/** The parameter that says this comparison. */
export function fieldParameter({ dimension, operator }: Comparison): string {
  return operator === "~=" ? `f_${dimension}_re` : `f_${dimension}`;
}

interface Reader {
  readonly search: URLSearchParams;
  readonly regex: RegexEngine;
  readonly mistakes: Mistake[];
}

function field(dimension: Dimension, regex: boolean): Field {
  return { parameter: `f_${dimension.name}${regex ? "_re" : ""}`, dimension, regex };
}

function mistake({ search, mistakes }: Reader, parameter: string, message: string): void {
  mistakes.push({ parameter, value: search.get(parameter) ?? "", message });
}

function refuseUnknown(reader: Reader): void {
  for (const name of new Set(reader.search.keys())) {
    if (!PARAMETERS.includes(name)) {
      mistake(reader, name, `no such parameter${didYouMean(name, PARAMETERS) || `; use ${listed(PARAMETERS)}`}`);
    } else if (reader.search.getAll(name).length > 1) {
      mistake(reader, name, "given more than once; keep one");
    }
  }
}

function readFormat(reader: Reader): Format {
  const raw = reader.search.get("raw") || "0", format = reader.search.get("format") || "";
  if (raw !== "0" && raw !== "1") mistake(reader, "raw", "raw=1 answers in JSON; leave it out for a page");
  if (format !== "" && format !== "csv" && format !== "json") mistake(reader, "format", "use csv or json");
  if (raw === "1" && format === "csv") mistake(reader, "format", "raw=1 asks for JSON at the same time; keep one");
  return formatOf(reader.search);
}

function readWindow(reader: Reader): WindowName {
  const name = reader.search.get("w") || "5m";
  const window = windowNamed(name);
  if (window === undefined) mistake(reader, "w", `no such window; use ${listed(WINDOWS.map(({ name }) => name))}`);
  return window?.name ?? "5m";
}

function readDimension(reader: Reader): DimensionName {
  const name = reader.search.get("by") || "website";
  const dimension = DIMENSIONS.find((dimension) => dimension.name === name);
  if (dimension === undefined) {
    mistake(reader, "by", `no such dimension; use ${listed(DIMENSIONS.map(({ name }) => name))}`);
  }
  return dimension?.name ?? "website";
}

function readSort(reader: Reader): number {
  const measure = sortMeasure(reader.search.get("sort") || MEASURES[REQUESTS].sort);
  if (measure < 0) mistake(reader, "sort", `cannot sort by it; use ${listed(MEASURES.map(({ sort }) => sort))}`);
  return Math.max(measure, REQUESTS);
}

function readNumber(
  reader: Reader,
  parameter: string,
  fallback: number,
  min: number,
  max: number,
  format: Format,
): number {
  const text = reader.search.get(parameter) || "";
  if (text === "") return fallback;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  const zero = parameter === "refresh" ? ", or 0 to pause" : "";
  const more = parameter === "n" && format === "page" ? `; raw=1 and format=csv give up to ${TOP_N_MAX}` : "";
  mistake(reader, parameter, `use a whole number from ${min} to ${max}${zero}${more}`);
  return fallback;
}

function readExpression(reader: Reader): { readonly q: string; readonly filter: Filter } {
  const q = (reader.search.get("q") ?? "").trim();
  if (q === "") return { q, filter: undefined };
  const parsed = parseFilter(q);
  if ("mistake" in parsed) {
    mistake(reader, "q", `column ${parsed.mistake.column}: ${parsed.mistake.message}`);
    return { q: "", filter: undefined };
  }
  const problems = parsed.filter === undefined ? [] : filterMistakes(parsed.filter, reader.regex);
  for (const problem of problems) mistake(reader, "q", problem);
  return problems.length > 0 ? { q: "", filter: undefined } : { q, filter: parsed.filter };
}

function readField(reader: Reader, { parameter, dimension, regex }: Field): Comparison | undefined {
  const text = reader.search.get(parameter) ?? "";
  if (text === "") return undefined;
  const comparison = regex
    ? compare(dimension, "~=", text)
    : dimension.kind === "number"
    ? readNumberField(dimension, text)
    : compare(dimension, "=", dimension.kind === "flag" ? flagLabel(text) : text);
  const problems = comparison === undefined ? [numberFieldHelp(dimension)] : filterMistakes(comparison, reader.regex);
  for (const problem of problems) mistake(reader, parameter, problem);
  return problems.length > 0 ? undefined : comparison;
}

/** `404`, `!=200`, `>=400`, `-`; for the status also `4xx` and `!=4xx`. */
function readNumberField(dimension: Dimension, text: string): Comparison | undefined {
  const match = /^(!=|>=|<=|=|>|<)?(\d{1,10}|[1-9]xx|-)$/.exec(text.trim().toLowerCase());
  if (match === null) return undefined;
  const operator = (match[1] ?? "=") as CompareOperator, value = match[2].replace(/^0+(?=\d)/, "");
  const equality = operator === "=" || operator === "!=";
  if (value.endsWith("xx") && !(equality && dimension.name === "status")) return undefined;
  return compare(dimension, operator, value);
}

function numberFieldHelp({ name }: Dimension): string {
  return name === "status" ? "use a status such as 404, 4xx, >=400 or !=200" : "use a number, such as 64496 or !=64496";
}

function flagLabel(text: string): string {
  return /^(1|true)$/i.test(text) ? "yes" : /^(0|false)$/i.test(text) ? "no" : text.toLowerCase();
}

function compare({ name }: Dimension, operator: CompareOperator, value: string): Comparison {
  return { kind: "compare", dimension: name, operator, value };
}

function nodesOf(filter: FilterNode): number {
  if (filter.kind === "compare") return 1;
  const parts = filter.kind === "not" ? [filter.part] : filter.parts;
  return parts.reduce((sum, part) => sum + nodesOf(part), 1);
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
