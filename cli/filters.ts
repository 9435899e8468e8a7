/** From filter flags to one filter: every flag is one comparison, and all of them must hold. */
import { type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import { filterMistakes } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { allOf, type CompareOperator, type Comparison, type Filter } from "@/core/filter_tree.ts";
import { UsageError } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { REGEX_DIMENSIONS } from "./filter_flags.ts";

/** What is wrong with the value of a flag, and what would work; by the flag's name. */
export const FILTER_CHECKS: Readonly<Record<string, (value: string) => string | undefined>> = {
  ...Object.fromEntries(DIMENSIONS.map(({ name }) => [
    name,
    (value: string) => value === "" ? undefined : mistakeOf(dimensionComparison(name, value)),
  ])),
  ...Object.fromEntries(REGEX_DIMENSIONS.map((name) => [
    `${name}-re`,
    (value: string) => value === "" ? undefined : mistakeOf(regexComparison(name, value)),
  ])),
  filter: expressionMistake,
};

/**
 * The filter that the flags describe. An empty value does not filter, so that `--website "$SITE"` works without a site;
 * `-` is the absent value.
 *
 * @throws UsageError when the whole is too large
 */
export function filterOf(flags: FlagValues): Filter {
  const comparisons = DIMENSIONS.map(({ name }) => given(flags, name, (value) => dimensionComparison(name, value)));
  const regexes = REGEX_DIMENSIONS.map((name) => given(flags, `${name}-re`, (value) => regexComparison(name, value)));
  const expression = given(flags, "filter", (value) => {
    const parsed = parseFilter(value);
    return "filter" in parsed ? parsed.filter : undefined; // the flag's check has refused every mistake
  });
  const filter = allOf(...comparisons, ...regexes, expression);
  const mistakes = filter === undefined ? [] : filterMistakes(filter, linearRegex);
  if (mistakes.length > 0) throw new UsageError(mistakes.map((mistake) => `the filters together: ${mistake}`));
  return filter;
}

/** `404`, `4xx`, `>=400`, `!=200` for numbers; anything else is compared as it is. */
function dimensionComparison(dimension: DimensionName, text: string): Comparison {
  const kind = DIMENSIONS.find(({ name }) => name === dimension)?.kind;
  if (kind === "flag") return compare(dimension, "=", { "1": "yes", "0": "no" }[text] ?? text);
  if (kind !== "number") return compare(dimension, "=", text);
  const [, operator, value] = /^(>=|<=|!=|=|>|<)?\s*(.*)$/s.exec(text) ?? [];
  return compare(dimension, (operator ?? "=") as CompareOperator, value ?? text);
}

function regexComparison(dimension: DimensionName, pattern: string): Comparison {
  return compare(dimension, "~=", pattern);
}

function compare(dimension: DimensionName, operator: CompareOperator, value: string): Comparison {
  return { kind: "compare", dimension, operator, value };
}

function mistakeOf(comparison: Comparison): string | undefined {
  return filterMistakes(comparison, linearRegex)[0];
}

function expressionMistake(text: string): string | undefined {
  if (text === "") return undefined;
  const parsed = parseFilter(text);
  if ("mistake" in parsed) return `column ${parsed.mistake.column}: ${parsed.mistake.message}`;
  return parsed.filter && filterMistakes(parsed.filter, linearRegex)[0];
}

function given(flags: FlagValues, name: string, filter: (value: string) => Filter): Filter {
  const value = flags.text(name);
  return value === "" ? undefined : filter(value);
}
