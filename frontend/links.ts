/**
 * Page states as URLs. All state is in the URL, in one order and without what is default anyway, so that two people who
 * look at the same thing have the same address. Reading a link again (`request.ts`) gives the same state.
 */
import { type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import { type Comparison, type FilterNode, filterText } from "@/core/filter_tree.ts";
import { MEASURES, REQUESTS } from "@/core/measures.ts";
import {
  type Defaults,
  fieldParameter,
  FIELDS,
  fieldValue,
  fitsField,
  type PageState,
  partsOf,
  textOf,
} from "./request.ts";

/** Characters of a URL. A longer one is answered with 414, and no link to one is drawn. */
export const URL_CHARS_MAX = 8192;

/** Characters kept free for what stands before the `?`: scheme, host, and the path that a proxy may put there. */
const URL_BASE_CHARS = 512;

/** The two pages: traffic, and the sources behind it. Both keep all of the state, so that one finds back. */
export type PageName = "traffic" | "fleet";

/** Paths below wherever a proxy puts the dashboard. */
export const PATHS: Readonly<Record<PageName, string>> = { traffic: "./", fleet: "./targets" };

/** The relative URL of a state. */
export function linkTo(
  state: PageState,
  defaults: Defaults,
  change: Partial<PageState> = {},
  page: PageName = "traffic",
): string {
  const search = new URLSearchParams(
    parametersOf({ ...state, ...change }, defaults).map(([name, value]) => [name, value]),
  );
  return search.size === 0 ? PATHS[page] : `${PATHS[page]}?${search}`;
}

/** The same, or undefined when the URL would be too long to be answered. */
export function shortLinkTo(state: PageState, defaults: Defaults, change: Partial<PageState>): string | undefined {
  return shortEnough(linkTo(state, defaults, change));
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
  if (state.table) pairs.push(["table", "1"]);
  if (state.format === "json") pairs.push(["raw", "1"]);
  if (state.format === "csv") pairs.push(["format", "csv"]);
  return pairs;
}

/** Whether these parameters of a page are already those that its links would have. */
export function isCanonical(search: URLSearchParams, state: PageState, defaults: Defaults): boolean {
  const given = [...search], ours = parametersOf(state, defaults);
  return given.length === ours.length &&
    given.every(([name, value], i) => name === ours[i][0] && value === ours[i][1].toWellFormed());
}

/** What a click on a row changes: its value becomes a filter and the next dimension is ranked. */
export function drillDown(state: PageState, label: string): Partial<PageState> {
  const change = only(state, label), { filters = [] } = change;
  return { ...change, by: nextDimension(state.by, filters) };
}

/** Its value becomes a filter, and nothing else changes: from there to any other dimension. */
export function only(state: PageState, label: string): Partial<PageState> {
  const clicked: Comparison = { kind: "compare", dimension: state.by, operator: "=", value: label };
  if (!fitsField(clicked)) return { q: textOf([...partsOf(state), clicked]) };
  const others = state.filters.filter((filter) => fieldParameter(filter) !== fieldParameter(clicked));
  return { filters: inOrder([...others, clicked]) };
}

/** Its value is left out from now on. */
export function without(state: PageState, label: string): Partial<PageState> {
  return { q: textOf([...partsOf(state), excluding(state.by, label)]) };
}

function excluding(dimension: DimensionName, value: string): FilterNode {
  return { kind: "not", part: { kind: "compare", dimension, operator: "=", value } };
}

/** Where the links of a row lead; undefined when the address would be too long. */
export interface RowLinks {
  readonly drill: string | undefined;
  readonly only: string | undefined;
  readonly without: string | undefined;
}

/** Stand for a label while a link is made once for all rows: a bare word, and a number that no ASN can be. */
const PLACE = "qJx0label0xJq", NUMBER_PLACE = "9876543201";

/** The links of each row. One link of each kind is made; what differs between rows is put into it. */
export function rowLinks(state: PageState, defaults: Defaults): (label: string) => RowLinks {
  const fits = (label: string): boolean =>
    fitsField({ kind: "compare", dimension: state.by, operator: "=", value: label });
  const place = [PLACE, NUMBER_PLACE].find(fits) ?? PLACE;
  const links = [drillDown, only, without].map((change) => linkTo(state, defaults, change(state, place)).split(place));
  const [drill, same, less] = links.map(([before, after]) => (text: string) => shortEnough(before + text + after));
  const isSame = fits(place) && links.every(({ length }) => length === 2);
  return (label) => {
    if (isSame && fits(label)) {
      const value = encoded(label);
      return { drill: drill(value), only: same(value), without: less(encoded(valueText(state.by, label))) };
    }
    return {
      drill: shortLinkTo(state, defaults, drillDown(state, label)),
      only: shortLinkTo(state, defaults, only(state, label)),
      without: shortLinkTo(state, defaults, without(state, label)),
    };
  };
}

/** A value as the filter language writes it, quoted where it must be. */
function valueText(dimension: DimensionName, value: string): string {
  return filterText({ kind: "compare", dimension, operator: "=", value }).slice(dimension.length + 1);
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll("%20", "+");
}

function shortEnough(link: string): string | undefined {
  return link.length + URL_BASE_CHARS > URL_CHARS_MAX ? undefined : link;
}

/** What the × of a breadcrumb changes. */
export function withoutFilter(state: PageState, filter: Comparison): Partial<PageState> {
  return { filters: state.filters.filter((other) => other !== filter) };
}

/** The same for a part of `q`, by its place. */
export function withoutPart(state: PageState, place: number): Partial<PageState> {
  return { q: textOf(partsOf(state).filter((_, i) => i !== place)) };
}

/** What is left when every filter goes. */
export const WITHOUT_FILTERS: Partial<PageState> = { filters: [], q: "" };

/** The dimensions that a filter pins to one value: ranking those shows one row. */
export function isPinned(filters: readonly Comparison[], name: DimensionName): boolean {
  return filters.some(({ dimension, operator, value }) =>
    dimension === name && operator === "=" && !(name === "status" && value.endsWith("xx"))
  );
}

/**
 * Follows `drillTo` past the dimensions that a filter already pins to one value. When the whole path is pinned, the first
 * dimension that is not.
 */
function nextDimension(from: DimensionName, filters: readonly Comparison[]): DimensionName {
  let next = from;
  for (let step = 0; step < DIMENSIONS.length; step++) {
    const { drillTo } = DIMENSIONS.find(({ name }) => name === next) ?? DIMENSIONS[0];
    if (!isPinned(filters, drillTo)) return drillTo;
    next = drillTo;
  }
  return DIMENSIONS.find(({ name }) => !isPinned(filters, name))?.name ?? from;
}

function inOrder(filters: readonly Comparison[]): readonly Comparison[] {
  const place = (filter: Comparison): number =>
    FIELDS.findIndex(({ parameter }) => parameter === fieldParameter(filter));
  return filters.toSorted((a, b) => place(a) - place(b));
}
