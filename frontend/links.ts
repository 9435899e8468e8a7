/**
 * Page states as URLs. All state is in the URL, in one order and without what is default anyway, so that two people who
 * look at the same thing have the same address. Reading a link again (`request.ts`) gives the same state.
 */
import { type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import type { Comparison } from "@/core/filter_tree.ts";
import { MEASURES, REQUESTS } from "@/core/measures.ts";
import { type Defaults, fieldParameter, FIELDS, fieldValue, type PageState } from "./request.ts";

/** Characters of a URL. A longer one is answered with 414, and no link to one is drawn. */
export const URL_CHARS_MAX = 8192;

/** Characters kept free for what stands before the `?`: scheme, host, and the path that a proxy may put there. */
const URL_BASE_CHARS = 512;

/** The relative URL of a state: works under whatever path a proxy puts the dashboard. */
export function linkTo(state: PageState, defaults: Defaults, change: Partial<PageState> = {}): string {
  const search = new URLSearchParams(
    parametersOf({ ...state, ...change }, defaults).map(([name, value]) => [name, value]),
  );
  return search.size === 0 ? "./" : `./?${search}`;
}

/** The same, or undefined when the URL would be too long to be answered. */
export function shortLinkTo(state: PageState, defaults: Defaults, change: Partial<PageState>): string | undefined {
  const link = linkTo(state, defaults, change);
  return link.length + URL_BASE_CHARS > URL_CHARS_MAX ? undefined : link;
}

/** Name and value of each parameter that is not default, in the order of a URL. */
export function parametersOf(state: PageState, defaults: Defaults): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  if (state.window !== "5m") pairs.push(["w", state.window]);
  if (state.by !== "website") pairs.push(["by", state.by]);
  if (state.n !== defaults.n) pairs.push(["n", String(state.n)]);
  if (state.q !== "") pairs.push(["q", state.q]);
  for (const filter of state.filters) pairs.push([fieldParameter(filter), fieldValue(filter)]);
  if (state.sort !== REQUESTS) pairs.push(["sort", MEASURES[state.sort].sort]);
  if (state.target !== "") pairs.push(["target", state.target]);
  if (state.refreshS !== defaults.refreshS) pairs.push(["refresh", String(state.refreshS)]);
  if (state.format === "json") pairs.push(["raw", "1"]);
  if (state.format === "csv") pairs.push(["format", "csv"]);
  return pairs;
}

/** What a click on a row changes: its value becomes a filter and the next dimension is ranked. */
export function drillDown(state: PageState, label: string): Partial<PageState> {
  const clicked: Comparison = { kind: "compare", dimension: state.by, operator: "=", value: label };
  const others = state.filters.filter((filter) => fieldParameter(filter) !== fieldParameter(clicked));
  const filters = inOrder([...others, clicked]);
  return { filters, by: nextDimension(state.by, filters) };
}

/** What the × of a breadcrumb changes. */
export function withoutFilter(state: PageState, filter: Comparison): Partial<PageState> {
  return { filters: state.filters.filter((other) => other !== filter) };
}

/** What is left when every filter goes. */
export const WITHOUT_FILTERS: Partial<PageState> = { filters: [], q: "" };

/**
 * Follows `drillTo` past the dimensions that a filter already pins to one value: ranking those would show one row. When
 * the whole path is pinned, the first dimension that is not.
 */
function nextDimension(from: DimensionName, filters: readonly Comparison[]): DimensionName {
  const isPinned = (name: DimensionName): boolean =>
    filters.some(({ dimension, operator, value }) =>
      dimension === name && operator === "=" && !(name === "status" && value.endsWith("xx"))
    );
  let next = from;
  for (let step = 0; step < DIMENSIONS.length; step++) {
    const { drillTo } = DIMENSIONS.find(({ name }) => name === next) ?? DIMENSIONS[0];
    if (!isPinned(drillTo)) return drillTo;
    next = drillTo;
  }
  return DIMENSIONS.find(({ name }) => !isPinned(name))?.name ?? from;
}

function inOrder(filters: readonly Comparison[]): readonly Comparison[] {
  const place = (filter: Comparison): number =>
    FIELDS.findIndex(({ parameter }) => parameter === fieldParameter(filter));
  return filters.toSorted((a, b) => place(a) - place(b));
}
