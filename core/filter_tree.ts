/**
 * A filter as a syntax tree. Text becomes a tree (`filter_parse.ts`), a tree is matched against the dictionaries of a
 * bucket (`filter_match.ts`); other backends can read the same tree.
 */
import { type DimensionName, DIMENSIONS } from "./dimensions.ts";

export type CompareOperator = "=" | "!=" | ">" | ">=" | "<" | "<=" | "~=" | "!~=";

export type FilterNode =
  | { readonly kind: "and" | "or"; readonly parts: readonly FilterNode[] }
  | { readonly kind: "not"; readonly part: FilterNode }
  | Comparison;

export interface Comparison {
  readonly kind: "compare";
  readonly dimension: DimensionName;
  readonly operator: CompareOperator;
  /** As written, without quotes. `-` or empty is the absent value; `4xx` is allowed for status. */
  readonly value: string;
}

/** A filter that lets everything through is undefined, so that nobody pays for it. */
export type Filter = FilterNode | undefined;

/** All of these at once; those undefined do not count. An `and` among them gives its parts. */
export function allOf(...filters: readonly Filter[]): Filter {
  const given = filters.filter((filter) => filter !== undefined);
  const parts = given.flatMap((filter) => filter.kind === "and" ? filter.parts : [filter]);
  return parts.length < 2 ? parts[0] : { kind: "and", parts };
}

/** The comparisons of a filter that is one comparison or an `and` of comparisons; undefined for any other. */
export function comparisonsOf(filter: Filter): readonly Comparison[] | undefined {
  if (filter === undefined) return [];
  if (filter.kind === "compare") return [filter];
  if (filter.kind !== "and") return undefined;
  const parts = filter.parts.filter((part) => part.kind === "compare");
  return parts.length === filter.parts.length ? parts : undefined;
}

/** The filter in the filter language; reading it again gives the same tree. */
export function filterText(filter: FilterNode): string {
  switch (filter.kind) {
    case "compare":
      return `${filter.dimension}${filter.operator}${quoted(filter.value)}`;
    case "not":
      return `NOT ${nested(filter.part)}`;
    default:
      return filter.parts.map(nested).join(filter.kind === "and" ? " AND " : " OR ");
  }
}

/** Whether a name can stand left of an operator. */
export function isFilterDimension(name: string): name is DimensionName {
  return DIMENSIONS.some((dimension) => dimension.name === name);
}

function nested(part: FilterNode): string {
  const text = filterText(part);
  return part.kind === "and" || part.kind === "or" ? `(${text})` : text;
}

/** Quotes a value that a bare word could not express: empty, or with blanks, quotes, parentheses or operators. */
function quoted(value: string): string {
  if (value !== "" && !/[\s"'()\\=<>!~]/.test(value) && !/^(and|or|not)$/i.test(value)) return value;
  return `"${value.replace(/[\\"]/g, (character) => `\\${character}`)}"`;
}
