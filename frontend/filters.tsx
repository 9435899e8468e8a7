/** What narrows the page: the filter expression as a plain form, and a breadcrumb with × for each filter. */
import type { VNode } from "preact";
import { FILTER_CHARS_MAX } from "@/core/bounds.ts";
import { dimensionIndex, DIMENSIONS } from "@/core/dimensions.ts";
import type { Comparison } from "@/core/filter_tree.ts";
import { Label } from "./label.tsx";
import { parametersOf, WITHOUT_FILTERS, withoutFilter } from "./links.ts";
import { fieldParameter, type PageState, PARAMETERS } from "./request.ts";
import { type View, viewLink } from "./view.ts";

/**
 * The form keeps everything else of the state in hidden fields, in the order of a URL, so that a plain GET leads to the
 * address that a link would have.
 */
export function FilterForm({ view }: { readonly view: View }): VNode {
  const { state, defaults, typedQ, outcome } = view;
  const parameters = parametersOf({ ...state, q: "" }, defaults);
  const isBeforeQ = ([name]: readonly [string, string]): boolean => PARAMETERS.indexOf(name) < PARAMETERS.indexOf("q");
  const isWrong = outcome.kind === "mistakes" && outcome.mistakes.some(({ parameter }) => parameter === "q");
  return (
    <form class="filter" method="get" action="./" role="search">
      <HiddenFields parameters={parameters.filter(isBeforeQ)} />
      <label for="q">Filter</label>
      <input
        id="q"
        name="q"
        value={typedQ}
        maxLength={FILTER_CHARS_MAX}
        placeholder="status>=400 AND website~=^api\. AND NOT uri=/health"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-invalid={isWrong ? "true" : undefined}
      />
      <HiddenFields parameters={parameters.filter((parameter) => !isBeforeQ(parameter))} />
      <button type="submit">Apply</button>
    </form>
  );
}

function HiddenFields({ parameters }: { readonly parameters: readonly (readonly [string, string])[] }): VNode {
  return <>{parameters.map(([name, value]) => <input key={name} type="hidden" name={name} value={value} />)}</>;
}

/** One crumb a filter; none when the page is unfiltered. */
export function Breadcrumbs({ view }: { readonly view: View }): VNode | null {
  const { state } = view;
  const count = state.filters.length + (state.q === "" ? 0 : 1) + (state.target === "" ? 0 : 1);
  if (count === 0) return null;
  return (
    <nav class="crumbs" aria-label="Filters">
      <ol>
        {state.target !== "" && <Crumb view={view} name="target" value={state.target} without={{ target: "" }} />}
        {state.filters.map((filter) => (
          <Crumb view={view} name={crumbName(filter)} value={filter.value} without={withoutFilter(state, filter)} />
        ))}
        {state.q !== "" && <Crumb view={view} name="filter" value={state.q} without={{ q: "" }} />}
      </ol>
      {count > 1 && <a class="clear" href={viewLink(view, { ...WITHOUT_FILTERS, target: "" })}>clear all</a>}
    </nav>
  );
}

/** How a filter reads in a breadcrumb, before its value: `website`, `status >=`, `URI matches`. */
function crumbName(filter: Comparison): string {
  const { title } = DIMENSIONS[dimensionIndex(filter.dimension)];
  if (fieldParameter(filter).endsWith("_re")) return `${title} matches`;
  return filter.operator === "=" ? title : `${title} ${filter.operator}`;
}

interface CrumbProps {
  readonly view: View;
  readonly name: string;
  readonly value: string;
  readonly without: Partial<PageState>;
}

function Crumb({ view, name, value, without }: CrumbProps): VNode {
  return (
    <li>
      <span>{name}</span>
      <b>
        <Label text={value} charsMax={80} />
      </b>
      <a href={viewLink(view, without)} aria-label={`remove the filter on ${name}`} title="remove this filter">×</a>
    </li>
  );
}
