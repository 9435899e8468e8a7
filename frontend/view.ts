/** What a page is drawn from. Everything in it is plain data; the components below `page.tsx` do nothing but draw it. */
import type { Answers, FleetAnswers, Problem } from "./answers.ts";
import { linkTo, type PageName } from "./links.ts";
import type { Defaults, Mistake, PageState } from "./request.ts";

export interface View {
  readonly page: PageName;
  readonly state: PageState;
  readonly defaults: Defaults;
  /** What stands in the filter's text field: the whole filter, also when it is wrong. */
  readonly typed: string;
  /** Seconds since 1970, UTC: now. */
  readonly nowS: number;
  /** Milliseconds that the answers took. */
  readonly tookMs: number;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: "answers"; readonly answers: Answers }
  | { readonly kind: "fleet"; readonly fleet: FleetAnswers }
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: "mistakes"; readonly mistakes: readonly Mistake[] };

/** The URL of this view with something changed. */
export function viewLink({ page, state, defaults }: View, change: Partial<PageState>): string {
  return linkTo(state, defaults, change, page);
}

/** The URL of the other or the same page, with the state of this one. */
export function pageLink({ state, defaults }: View, page: PageName, change: Partial<PageState> = {}): string {
  return linkTo(state, defaults, change, page);
}

/** Answers to show: those of now or, when the target is silent, the last ones. */
export function shownAnswers({ outcome }: View): Answers | undefined {
  if (outcome.kind === "answers") return outcome.answers;
  return outcome.kind === "problem" ? outcome.problem.silence?.last : undefined;
}

/** Seconds after which the page reloads by itself; 0 when it does not: paused, or wrong in a way that time does not mend. */
export function reloadS({ state, outcome }: View): number {
  const stays = outcome.kind === "mistakes" || (outcome.kind === "problem" && !outcome.problem.passing);
  return stays ? 0 : state.refreshS;
}
