/** What a page is drawn from. Everything in it is plain data; the components below `page.tsx` do nothing but draw it. */
import type { Answers, Problem } from "./answers.ts";
import { linkTo } from "./links.ts";
import type { Defaults, Mistake, PageState } from "./request.ts";

export interface View {
  readonly state: PageState;
  readonly defaults: Defaults;
  /** The filter expression as typed, also when it is wrong: what stands in the text field. */
  readonly typedQ: string;
  /** Seconds since 1970, UTC: now. */
  readonly nowS: number;
  /** Milliseconds that the answers took. */
  readonly tookMs: number;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: "answers"; readonly answers: Answers }
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: "mistakes"; readonly mistakes: readonly Mistake[] };

/** The URL of this view with something changed. */
export function viewLink({ state, defaults }: View, change: Partial<PageState>): string {
  return linkTo(state, defaults, change);
}

/** Seconds after which the page reloads by itself; 0 when it does not: paused, or wrong in a way that time does not mend. */
export function reloadS({ state, outcome }: View): number {
  const stays = outcome.kind === "mistakes" || (outcome.kind === "problem" && !outcome.problem.passing);
  return stays ? 0 : state.refreshS;
}
