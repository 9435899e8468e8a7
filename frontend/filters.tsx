/** What narrows the page: the filter expression as a plain form, and a breadcrumb with × for each part of it. */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import { FILTER_CHARS_MAX } from "@/core/bounds.ts";
import { dimensionIndex, DIMENSIONS } from "@/core/dimensions.ts";
import { type Comparison, type FilterNode, filterText } from "@/core/filter_tree.ts";
import { Label } from "./label.tsx";
import { parametersOf, PATHS, WITHOUT_FILTERS, withoutFilter, withoutPart } from "./links.ts";
import { fieldParameter, type Mistake, type PageState, partsOf } from "./request.ts";
import { type View, viewLink } from "./view.ts";
import { visibleText } from "./visible.ts";

/**
 * The text field holds the whole filter; the rest of the state is in hidden fields. The answer is a redirection to the
 * address that a link would have. A filter with a mistake keeps what was typed, and the filters that were right.
 */
export function FilterForm({ view }: { readonly view: View }): VNode {
  const { state, defaults, typed, outcome, page } = view;
  const mistake = outcome.kind === "mistakes" ? outcome.mistakes.find(({ parameter }) => parameter === "q") : undefined;
  const holdsAll = mistake === undefined && (typed !== "" || state.filters.length === 0);
  const hidden = parametersOf({ ...state, ...(holdsAll ? WITHOUT_FILTERS : { q: "" }) }, defaults);
  return (
    <form class="filter" method="get" action={PATHS[page]} role="search">
      <label for="q">Filter</label>
      <input
        id="q"
        name="q"
        value={typed}
        maxLength={FILTER_CHARS_MAX}
        placeholder="status>=400 AND website~=^api\. AND NOT uri=/health"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-invalid={mistake === undefined ? undefined : "true"}
        aria-describedby={mistake === undefined ? undefined : "q-mistake"}
      />
      {hidden.map(([name, value]) => <input type="hidden" name={name} value={value} />)}
      <button type="submit">Apply</button>
      {mistake !== undefined && <FilterMistake mistake={mistake} />}
    </form>
  );
}

/** Characters shown before the place of a mistake, and from it on. */
const BEFORE_CHARS = 60, AFTER_CHARS = 30;

/** What is wrong, under the character where it is. */
function FilterMistake({ mistake: { value, message, column } }: { readonly mistake: Mistake }): VNode {
  const text = sentence(visibleText(message, 600));
  if (column === undefined) return <p class="mistake" id="q-mistake">{text}</p>;
  const at = Math.min(value.length, column - 1), from = Math.max(0, at - BEFORE_CHARS);
  const before = (from > 0 ? "…" : "") + visibleText(value.slice(from, at), 8 * BEFORE_CHARS);
  return (
    <div class="mistake" id="q-mistake">
      <p>{text}</p>
      <pre>
        <bdi>
          {before}<mark>{visibleText(value.slice(at, at + 1)) || " "}</mark>
          {visibleText(value.slice(at + 1, at + 1 + AFTER_CHARS), 8 * AFTER_CHARS)}
        </bdi>
        {`\n${" ".repeat([...before].length)}^`}
      </pre>
    </div>
  );
}

/** A message as a sentence of its own. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : ".");
}

/** One crumb a part of the filter; none when the page is unfiltered. */
export function Breadcrumbs({ view }: { readonly view: View }): VNode | null {
  const { state } = view, parts = partsOf(state);
  const count = state.filters.length + parts.length + (state.target === "" ? 0 : 1);
  if (count === 0) return null;
  return (
    <nav class="crumbs" aria-label="Filters">
      <ol>
        {state.target !== "" && <Crumb view={view} name="target" value={state.target} change={{ target: "" }} />}
        {state.filters.map((filter) => (
          <Crumb view={view} name={crumbName(filter)} value={filter.value} change={withoutFilter(state, filter)} />
        ))}
        {parts.map((part, place) => <PartCrumb view={view} part={part} place={place} />)}
      </ol>
      {count > 1 && <a class="clear" href={viewLink(view, { ...WITHOUT_FILTERS, target: "" })}>clear all</a>}
    </nav>
  );
}

/** A part that is one comparison, or its negation, reads like the filters beside it; any other as it was written. */
function PartCrumb(
  { view, part, place }: { readonly view: View; readonly part: FilterNode; readonly place: number },
): VNode {
  const change = withoutPart(view.state, place);
  if (part.kind === "not" && part.part.kind === "compare") {
    return <Crumb view={view} name={`not ${crumbName(part.part)}`} value={part.part.value} change={change} />;
  }
  if (part.kind === "compare") return <Crumb view={view} name={crumbName(part)} value={part.value} change={change} />;
  return <Crumb view={view} name="filter" value={filterText(part)} change={change} />;
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
  readonly change: Partial<PageState>;
}

function Crumb({ view, name, value, change }: CrumbProps): VNode {
  return (
    <li>
      <span>{name}</span>
      <b>
        <Label text={value === "" ? "-" : value} charsMax={80} />
      </b>
      <a href={viewLink(view, change)} aria-label={`remove the filter on ${name}`} title="remove this filter">×</a>
    </li>
  );
}
