/**
 * What a comparison may say: which operators a dimension has and which values make sense with them. Text, flags, URLs
 * and messages all arrive here before a filter is matched.
 */
import { FILTER_CHARS_MAX } from "./bounds.ts";
import { ABSENT_LABEL, type Dimension, type DimensionKind, DIMENSIONS } from "./dimensions.ts";
import type { CompareOperator, Comparison } from "./filter_tree.ts";
import { entryOf } from "./label.ts";

/** The part of a comparison that is wrong, and what was expected there. */
export interface ComparisonMistake {
  readonly at: "dimension" | "operator" | "value";
  readonly message: string;
}

/** Operators by kind. Text has no order worth asking for; a number has no text. */
const OPERATORS: Readonly<Record<DimensionKind, readonly CompareOperator[]>> = {
  text: ["=", "!=", "~=", "!~="],
  number: ["=", "!=", ">", ">=", "<", "<="],
  flag: ["=", "!="],
  prefix: ["=", "!="],
};

/**
 * What is wrong with a comparison; undefined when nothing is. Regular expressions are not compiled here: core has no
 * engine of its own (`filter_match.ts` is given one).
 */
export function comparisonMistake(comparison: Comparison): ComparisonMistake | undefined {
  const { operator, value } = comparison;
  const dimension = DIMENSIONS.find(({ name }) => name === comparison.dimension);
  if (dimension === undefined) return { at: "dimension", message: unknownDimension(String(comparison.dimension)) };
  const operators = OPERATORS[dimension.kind];
  if (!operators.includes(operator)) {
    const message = `expected one of ${operators.join(" ")} for ${dimension.name}, found ${quote(operator)}`;
    return { at: "operator", message };
  }
  if (valueFits(dimension, operator, value)) return undefined;
  return { at: "value", message: `expected ${expectedValue(dimension, operator)}, found ${quote(value)}` };
}

/** `4` for the status value `4xx`; undefined when it is no class. Only `=` and `!=` take one. */
export function statusClass(dimension: Dimension, value: string): number | undefined {
  return dimension.name === "status" && /^[1-9]xx$/i.test(value) ? Number(value[0]) : undefined;
}

/** What to say of a name that is no dimension, with the one that was probably meant. */
export function unknownDimension(name: string): string {
  const names = DIMENSIONS.map((dimension) => dimension.name);
  const near = names.find((known) => isNear(name.toLowerCase(), known));
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return `expected a dimension (${names.join(", ")}), found ${quote(name)}${hint}`;
}

/** Text of the user's inside a message: quoted, and no longer than a line. */
export function quote(text: string): string {
  return `"${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`;
}

function valueFits(dimension: Dimension, operator: CompareOperator, value: string): boolean {
  if (value.length > FILTER_CHARS_MAX) return false;
  switch (operator) {
    case "~=":
    case "!~=":
      return true;
    case "=":
    case "!=":
      return statusClass(dimension, value) !== undefined || entryOf(dimension, value) !== undefined;
    default:
      return value !== "" && value !== ABSENT_LABEL && entryOf(dimension, value) !== undefined;
  }
}

function expectedValue(dimension: Dimension, operator: CompareOperator): string {
  switch (dimension.kind) {
    case "prefix":
      return "an address or a prefix such as 192.0.2.0/24 or 2001:db8::/48";
    case "flag":
      return "yes, no or -";
    case "number":
      if (operator !== "=" && operator !== "!=") return "a number";
      return dimension.name === "status" ? "a status such as 404, a class such as 4xx, or -" : "a number or -";
    case "text":
      return `text of at most ${FILTER_CHARS_MAX} characters`;
  }
}

/** Whether a name is a beginning of a known one, or one letter away: added, missing, changed or swapped. */
function isNear(name: string, known: string): boolean {
  if (name.length >= 2 && known.startsWith(name)) return true;
  let same = 0;
  while (same < name.length && name[same] === known[same]) same++;
  const rest = name.slice(same), knownRest = known.slice(same);
  if (rest.slice(1) === knownRest.slice(1)) return true;
  if (rest.slice(1) === knownRest || rest === knownRest.slice(1)) return true;
  return rest[0] === knownRest[1] && rest[1] === knownRest[0] && rest.slice(2) === knownRest.slice(2);
}
