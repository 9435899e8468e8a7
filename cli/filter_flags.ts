/**
 * The flags of a filter, and the filter that they describe. What reads and checks their values (`filters.ts`) takes longer to
 * load than a table, and is loaded when one of them is given.
 */
import { type Dimension, type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import type { Filter } from "@/core/filter_tree.ts";
import type { Flag, FlagValues } from "@/core/host/flags.ts";

/** Dimensions that have a flag for a regular expression, `--website-re`. */
export const REGEX_DIMENSIONS: readonly DimensionName[] = ["website", "uri"];

/** What a value looks like, where one word cannot say it. */
const PLACEHOLDERS: Readonly<Partial<Record<DimensionName, string>>> = {
  prefix: "CIDR",
  status: "404|4xx|'>=400'",
  asn: "N|'>=N'",
  tor: "yes|no",
};

/** One flag a dimension, then the regular expressions, then the filter language. */
export const FILTER_FLAGS: readonly Flag[] = [
  ...DIMENSIONS.map(dimensionFlag),
  ...REGEX_DIMENSIONS.map(regexFlag),
  {
    name: "filter",
    kind: "text",
    placeholder: "EXPR",
    help: "only what this expression lets through: 'status>=400 AND NOT uri~=^/health'",
  },
];

/** The filter that the flags describe; undefined for none. Rejects with UsageError when the whole is too large. */
export async function filterGiven(flags: FlagValues): Promise<Filter> {
  if (FILTER_FLAGS.every(({ name }) => flags.text(name) === "")) return undefined;
  return (await import("./filters.ts")).filterOf(flags);
}

function dimensionFlag({ name, kind, title, help }: Dimension): Flag {
  return {
    name,
    kind: "text",
    placeholder: PLACEHOLDERS[name] ?? (kind === "text" ? "TEXT" : "VALUE"),
    help: `${kind === "flag" ? "only yes, or only no" : `only this ${title}`}: ${help}`,
  };
}

function regexFlag(name: DimensionName): Flag {
  return {
    name: `${name}-re`,
    kind: "text",
    placeholder: "REGEX",
    help: `only where this regular expression matches the ${name}`,
  };
}
