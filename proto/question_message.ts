/**
 * A question as a message, and back. The wire has two ways to say a filter: the fields of the original program, and a
 * filter expression. Both must hold. We write what the original's fields can say into them, so that a server of the
 * original program filters too, and the rest as an expression.
 */
import { FILTER_CHARS_MAX, TOP_N_MAX } from "@/core/bounds.ts";
import type { TopNQuestion, TrendQuestion } from "@/core/answer.ts";
import { type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import { filterMistakes, type RegexEngine } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { allOf, type Comparison, comparisonsOf, type Filter, filterText } from "@/core/filter_tree.ts";
import { MEASURES, REQUESTS, sortMeasure } from "@/core/measures.ts";
import { type WindowName, WINDOWS } from "@/core/slices.ts";
import {
  type FilterMessage,
  GROUP_BY,
  STATUS_OPERATORS,
  type TopNRequest,
  TOR_ANY,
  TOR_NO,
  TOR_YES,
  type TrendRequest,
} from "./schema.ts";

/** Entries of an answer whose question does not say how many. */
const TOP_N_DEFAULT = 10;

/** A question that cannot be answered: "Cannot answer: why; what would work". */
export class InvalidQuestion extends Error {
  constructor(reason: string) {
    super(`Cannot answer: ${reason}`);
  }
}

/** Reads a question of any origin. Throws InvalidQuestion. */
export function readTopNRequest(request: TopNRequest, regex: RegexEngine): TopNQuestion {
  if (request.n < 0) throw new InvalidQuestion(`n is ${request.n}; use 1 to ${TOP_N_MAX}`);
  return {
    window: readWindow(request.window),
    groupBy: readGroupBy(request),
    n: Math.min(request.n || TOP_N_DEFAULT, TOP_N_MAX),
    sort: readSort(request.sort),
    filter: readFilter(request.filter, request.expression, regex),
    ...(request.detail ? { detail: true } : {}),
  };
}

/** Reads a question of any origin. Throws InvalidQuestion. */
export function readTrendRequest(request: TrendRequest, regex: RegexEngine): TrendQuestion {
  return {
    window: readWindow(request.window),
    filter: readFilter(request.filter, request.expression, regex),
    ...(request.detail ? { detail: true } : {}),
  };
}

/** The message of a question. */
export function topNRequest(question: TopNQuestion): TopNRequest {
  return {
    ...filterMessages(question.filter),
    // A dimension that the original does not have goes by its name; see `needsOurs`.
    group_by: Math.max(0, GROUP_BY.findIndex((name) => name === question.groupBy)),
    group_by_name: question.groupBy,
    n: question.n,
    window: windowNumber(question.window),
    sort: question.sort === REQUESTS ? "" : MEASURES[question.sort].sort,
    detail: question.detail ?? false,
  };
}

/** The message of a question. */
export function trendRequest(question: TrendQuestion): TrendRequest {
  return {
    ...filterMessages(question.filter),
    window: windowNumber(question.window),
    detail: question.detail ?? false,
  };
}

/**
 * What in a request the original program would not understand, and so would answer another question than was asked;
 * undefined when it would understand all of it.
 */
export function needsOurs(request: TopNRequest | TrendRequest): string | undefined {
  if (request.expression !== "") return `the filter ${request.expression}`;
  if (!("sort" in request)) return undefined;
  if (request.sort !== "") return `ranking by ${request.sort}`;
  if (GROUP_BY[request.group_by] !== request.group_by_name) return `grouping by ${request.group_by_name}`;
  return undefined;
}

// ---------------------------------------------------------------- reading

function readWindow(number: number): WindowName {
  const window = WINDOWS[number];
  if (window === undefined) {
    const known = WINDOWS.map(({ name }, value) => `${value} (${name})`).join(", ");
    throw new InvalidQuestion(`there is no window ${number}; use ${known}`);
  }
  return window.name;
}

function readGroupBy({ group_by, group_by_name }: TopNRequest): DimensionName {
  const name = group_by_name !== "" ? group_by_name : GROUP_BY[group_by];
  const dimension = DIMENSIONS.find((dimension) => dimension.name === name);
  if (dimension === undefined) {
    const known = DIMENSIONS.map((dimension) => dimension.name).join(", ");
    throw new InvalidQuestion(`cannot group by ${shown(name ?? String(group_by))}; use group_by_name with ${known}`);
  }
  return dimension.name;
}

function readSort(name: string): number {
  const measure = name === "" ? REQUESTS : sortMeasure(name);
  if (measure < 0) {
    const known = MEASURES.map(({ sort }) => sort).join(", ");
    throw new InvalidQuestion(`cannot rank by ${shown(name)}; use ${known}`);
  }
  return measure;
}

function readFilter(message: FilterMessage | null, expression: string, regex: RegexEngine): Filter {
  const filter = allOf(...readFields(message ?? {}), readExpression(expression));
  const mistakes = filter === undefined ? [] : filterMistakes(filter, regex);
  if (mistakes.length > 0) throw new InvalidQuestion(`the filter does not hold together: ${mistakes.join("; ")}`);
  return filter;
}

function readExpression(expression: string): Filter {
  if (expression.trim() === "") return undefined;
  const parsed = parseFilter(expression);
  if ("filter" in parsed) return parsed.filter;
  const { column, message } = parsed.mistake;
  throw new InvalidQuestion(`the filter expression has a mistake at column ${column}: ${message}`);
}

function readFields(message: FilterMessage): readonly Comparison[] {
  const comparisons: Comparison[] = [];
  const add = (dimension: DimensionName, operator: Comparison["operator"], value: string | undefined): void => {
    if (value === undefined) return;
    if (value.length > FILTER_CHARS_MAX) {
      throw new InvalidQuestion(`a filter value has ${value.length} characters; ${FILTER_CHARS_MAX} are allowed`);
    }
    comparisons.push({ kind: "compare", dimension, operator, value });
  };
  const status = message.http_response === undefined ? undefined : String(message.http_response);
  const statusOperator = STATUS_OPERATORS[message.status_op ?? 0];
  if (statusOperator === undefined) {
    const known = STATUS_OPERATORS.map((operator, value) => `${value} (${operator})`).join(", ");
    throw new InvalidQuestion(`there is no status_op ${message.status_op}; use ${known}`);
  }
  add("website", "=", message.website);
  add("prefix", "=", message.client_prefix);
  add("uri", "=", message.http_request_uri);
  add("status", statusOperator, status);
  // An empty regular expression matches everything: no condition.
  add("website", "~=", message.website_regex || undefined);
  add("uri", "~=", message.uri_regex || undefined);
  add("tor", "=", readTor(message.tor ?? TOR_ANY));
  return comparisons;
}

function readTor(tor: number): string | undefined {
  if (tor === TOR_ANY) return undefined;
  if (tor === TOR_YES) return "yes";
  if (tor === TOR_NO) return "no";
  throw new InvalidQuestion(`there is no tor ${tor}; use ${TOR_ANY} (any), ${TOR_YES} (yes), ${TOR_NO} (no)`);
}

/** Part of a hostile text, for a message. */
function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text).toWellFormed();
}

// ---------------------------------------------------------------- writing

function filterMessages(filter: Filter): { filter: FilterMessage | null; expression: string } {
  const fields: Record<string, string | number> = {};
  const rest: Comparison[] = [];
  const comparisons = comparisonsOf(filter);
  for (const comparison of comparisons ?? []) {
    const said = originalField(comparison);
    // Each field holds one value: a second condition on the same goes into the expression.
    if (said === undefined || Object.keys(said).some((field) => field in fields)) rest.push(comparison);
    else Object.assign(fields, said);
  }
  const restFilter = comparisons === undefined ? filter : allOf(...rest);
  return {
    filter: Object.keys(fields).length === 0 ? null : fields,
    expression: restFilter === undefined ? "" : filterText(restFilter),
  };
}

/** A comparison in the original's fields, or undefined when it has none for it. */
function originalField({ dimension, operator, value }: Comparison): FilterMessage | undefined {
  if (dimension === "status") {
    const status_op = STATUS_OPERATORS.findIndex((known) => known === operator);
    return status_op >= 0 && /^[1-9]\d{0,8}$/.test(value) ? { http_response: Number(value), status_op } : undefined;
  }
  // The original knows nothing of absent values.
  if (value === "" || value === "-") return undefined;
  switch (`${dimension} ${operator}`) {
    case "website =":
      return { website: value };
    case "prefix =":
      return { client_prefix: value };
    case "uri =":
      return { http_request_uri: value };
    case "website ~=":
      return { website_regex: value };
    case "uri ~=":
      return { uri_regex: value };
    case "tor =":
      return value === "yes" ? { tor: TOR_YES } : value === "no" ? { tor: TOR_NO } : undefined;
  }
  return undefined;
}

function windowNumber(name: WindowName): number {
  return WINDOWS.findIndex((window) => window.name === name);
}
