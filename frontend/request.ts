/**
 * What a URL asks for: its parameters become a validated page state, or a list of every mistake in them at once.
 *
 * The state keeps what was good, so that even the page that names the mistakes offers links and a form to go on with.
 */
import { FILTER_CHARS_MAX, FILTER_NODES_MAX, TOP_N_MAX } from "@/core/bounds.ts";
import { type Dimension, type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import { filterMistakes, type RegexEngine } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import {
  allOf,
  type CompareOperator,
  type Comparison,
  type Filter,
  type FilterNode,
  filterText,
} from "@/core/filter_tree.ts";
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
  /** What they cannot say, in the filter language as `filterText` writes it; empty when there is nothing. */
  readonly q: string;
  /** What `target=` says; empty for the target of the flags. */
  readonly target: string;
  /** Seconds between reloads; 0 when paused. */
  readonly refreshS: number;
  /** Whether the trend stands there as a table as well. */
  readonly table: boolean;
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
  /** Where in the value, from 1, when that is known. */
  readonly column?: number;
}

/** A URL as understood. With mistakes, `state` holds what was good and defaults for the rest. */
export interface PageRequest {
  readonly state: PageState;
  /** All f_ parameters and `q` together. */
  readonly filter: Filter;
  readonly mistakes: readonly Mistake[];
  /** What stands in the text field: the whole filter in the filter language or, where that is wrong, what was typed. */
  readonly typed: string;
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
  ...["sort", "target", "refresh", "table", "raw", "format"],
];

/** Reads the parameters of a URL. Never throws; an empty value counts as not given. */
export function readRequest(search: URLSearchParams, defaults: Defaults, regex: RegexEngine): PageRequest {
  const mistakes: Mistake[] = [];
  const reader: Reader = { search, regex, mistakes };
  refuseUnknown(reader);
  const format = readFormat(reader);
  const given = FIELDS.map((each) => readField(reader, each)).filter((comparison) => comparison !== undefined);
  const { filters, rest } = distributed(given, readExpression(reader));
  const target = search.get("target") ?? "";
  const state: PageState = {
    window: readWindow(reader),
    by: readDimension(reader),
    n: readNumber(reader, "n", defaults.n, 1, format === "page" ? PAGE_ROWS_MAX : TOP_N_MAX, format),
    sort: readSort(reader),
    filters,
    q: textOf(rest),
    target: target === defaults.target ? "" : target,
    refreshS: search.get("refresh") === "0"
      ? 0
      : readNumber(reader, "refresh", defaults.refreshS, REFRESH_SECONDS_MIN, REFRESH_SECONDS_MAX, format),
    table: readTable(reader),
    format,
  };
  const filter = allOf(...filters, ...rest);
  if (filter !== undefined && nodesOf(filter) > FILTER_NODES_MAX) {
    mistake(reader, "q", `together with the other filters it has more than ${FILTER_NODES_MAX} parts; shorten it`);
  }
  const whole = filter === undefined ? "" : filterText(filter);
  const isWrong = mistakes.some(({ parameter }) => parameter === "q");
  return { state, filter, mistakes, typed: isWrong || whole.length > FILTER_CHARS_MAX ? search.get("q") ?? "" : whole };
}

/** The parts of a filter that must all hold. */
export function conjuncts(filter: Filter): readonly FilterNode[] {
  if (filter === undefined) return [];
  return filter.kind === "and" ? filter.parts.flatMap(conjuncts) : [filter];
}

/** The parts of `q`, as `readRequest` has written it. */
export function partsOf({ q }: PageState): readonly FilterNode[] {
  const parsed = parseFilter(q);
  return "filter" in parsed ? conjuncts(parsed.filter) : [];
}

/** Parts that must all hold, in the filter language; empty when there are none. */
export function textOf(parts: readonly FilterNode[]): string {
  const filter = allOf(...parts);
  return filter === undefined ? "" : filterText(filter);
}

/**
 * Puts what an expression says into the f_ parameters where one can say it and is free, so that there is one address for
 * a filter, however it came about.
 */
function distributed(
  given: readonly Comparison[],
  expression: readonly FilterNode[],
): { readonly filters: readonly Comparison[]; readonly rest: readonly FilterNode[] } {
  const taken = new Map(given.map((comparison) => [fieldParameter(comparison), comparison]));
  const rest: FilterNode[] = [], texts = new Set(given.map(filterText));
  for (const part of expression) {
    const text = filterText(part);
    if (texts.has(text)) continue;
    texts.add(text);
    if (part.kind === "compare" && fitsField(part) && !taken.has(fieldParameter(part))) {
      taken.set(fieldParameter(part), part);
    } else rest.push(part);
  }
  return { filters: FIELDS.flatMap(({ parameter }) => taken.get(parameter) ?? []), rest };
}

/** Whether an f_ parameter can say this comparison, and would be read as the same. */
export function fitsField(comparison: Comparison): boolean {
  const field = FIELDS.find(({ parameter }) => parameter === fieldParameter(comparison));
  if (field === undefined || comparison.value === "") return false;
  const again = readValue(field, fieldValue(comparison));
  return again !== undefined && again.operator === comparison.operator && again.value === comparison.value;
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

function readExpression(reader: Reader): readonly FilterNode[] {
  const q = reader.search.get("q") ?? "";
  if (q.trim() === "") return [];
  const parsed = parseFilter(q);
  if ("mistake" in parsed) {
    const { column, message } = parsed.mistake;
    reader.mistakes.push({ parameter: "q", value: q, message: `column ${column}: ${message}`, column });
    return [];
  }
  const problems = parsed.filter === undefined ? [] : filterMistakes(parsed.filter, reader.regex);
  for (const problem of problems) mistake(reader, "q", problem);
  return problems.length > 0 ? [] : conjuncts(parsed.filter);
}

function readTable(reader: Reader): boolean {
  const text = reader.search.get("table") || "0";
  if (text !== "0" && text !== "1") {
    mistake(reader, "table", "table=1 shows the trend as a table; leave it out otherwise");
  }
  return text === "1";
}

function readField(reader: Reader, field: Field): Comparison | undefined {
  const { parameter, dimension } = field, text = reader.search.get(parameter) ?? "";
  if (text === "") return undefined;
  const comparison = readValue(field, text);
  const problems = comparison === undefined ? [numberFieldHelp(dimension)] : filterMistakes(comparison, reader.regex);
  for (const problem of problems) mistake(reader, parameter, problem);
  return problems.length > 0 ? undefined : comparison;
}

/** What the value of an f_ parameter says; undefined when it is no number and must be one. */
function readValue({ dimension, regex }: Field, text: string): Comparison | undefined {
  if (regex) return compare(dimension, "~=", text);
  if (dimension.kind === "number") return readNumberField(dimension, text);
  return compare(dimension, "=", dimension.kind === "flag" ? flagLabel(text) : text);
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
